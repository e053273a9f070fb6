//! ValueAddTransformer: one value put into fields, whole or as a part of a file path.

use crate::domain::TreePath;
use crate::manifest::{Failure, MAX_DEPTH, Node, Place, Result, Text, Value};
use crate::yaml::ScalarKind;

use super::super::layer::Layer;
use super::super::load::Loader;
use super::super::section::Section;
use super::super::selector::{self, Selector};
use super::config::Config;

const TARGET: &[&str] = &["selector", "fieldPath", "filePathPosition"];

/// Runs the transformer.
pub(super) fn run(layer: &mut Layer<'_, '_>, config: &Config) -> Result<()> {
    let Layer { loader, root, resources, .. } = layer;
    let section = config.section(&["value", "targets", "targetFilePath"])?;
    let given = section.text("value")?.filter(|text| !text.text.trim().is_empty());
    let place = given.as_ref().map_or_else(|| config.place.clone(), |text| text.place.clone());
    let directory = root.components().next_back().unwrap_or_default().to_owned();
    let value = given.map_or(directory, |text| text.text.trim().to_owned());
    if value.is_empty() {
        let message = "the name of the repository's directory would be added, which is not known here";
        return Err(Failure::at(&place, message, "give the transformer a `value`"));
    }
    let mut targets = section.sections("targets", TARGET)?.iter().map(Target::read).collect::<Result<Vec<_>>>()?;
    if let Some(path) = section.text("targetFilePath")? {
        targets.extend(read_file(loader, root, &path)?);
    }
    loader.spend(section.expressions(), &place)?;
    if targets.is_empty() {
        return Err(Failure::at(&config.place, "ValueAddTransformer needs at least one target", "add `targets`"));
    }
    for target in &targets {
        loader.spend(resources.resources.len(), &config.place)?;
        for resource in &mut resources.resources {
            if target.selector.as_ref().is_none_or(|selector| selector.selects(resource)) {
                target.add(&mut resource.node, &value, &place)?;
            }
        }
    }
    Ok(())
}

struct Target {
    selector: Option<Selector>,
    path: Text,
    position: usize,
}

fn read_file(loader: &mut Loader<'_>, root: &TreePath, path: &Text) -> Result<Vec<Target>> {
    let (file, _) = loader.read(root, &path.text, &path.place)?;
    let parsed = loader.parse(&file, &path.place)?;
    let documents = parsed.documents()?;
    let Some(document) = documents.first() else {
        return Ok(Vec::new());
    };
    let section = Section::lenient(document, "targets", &["targets"], &parsed.source)?;
    let targets = section.sections("targets", TARGET)?.iter().map(Target::read).collect();
    loader.spend(section.expressions(), &path.place)?;
    targets
}

impl Target {
    fn read(section: &Section<'_>) -> Result<Self> {
        let unset = || Failure::at(&section.place(), "a target needs `fieldPath`", "add `fieldPath`");
        let path = section.text("fieldPath")?.ok_or_else(unset)?;
        let position = usize::try_from(section.integer("filePathPosition")?.unwrap_or(0)).map_err(|_| {
            Failure::at(&section.place(), "`filePathPosition` may not be negative", "write 1 for the beginning")
        })?;
        let selector = section.section("selector", selector::FIELDS)?.as_ref().map(Selector::of).transpose()?;
        Ok(Self { selector, path, position })
    }

    fn add(&self, root: &mut Node, value: &str, place: &Place) -> Result<()> {
        let keys = self.keys()?;
        let Some((last, parents)) = keys.split_last() else { return Ok(()) };
        let mut map = root;
        for key in parents {
            map = map.map_at(key).ok_or_else(|| self.misfit(place))?;
        }
        if !matches!(map.value, Value::Map(_)) {
            return Err(self.misfit(place));
        }
        let old = match map.get(last) {
            Some(old) if old.as_scalar().is_none() => return Err(self.misfit(place)),
            Some(old) => old.as_scalar().filter(|old| old.kind != ScalarKind::Null).map(|old| old.text.to_string()),
            None => None,
        };
        let text = match (self.position, old) {
            (0, _) | (_, None) => value.to_owned(),
            (position, Some(old)) => inserted(&old, position - 1, value),
        };
        map.set(last, Node::string(text, place));
        Ok(())
    }

    fn keys(&self) -> Result<Vec<String>> {
        let mut keys: Vec<String> = Vec::new();
        for piece in self.path.text.split('/') {
            match keys.last_mut() {
                Some(last) if last.ends_with('\\') => {
                    last.pop();
                    last.push('/');
                    last.push_str(piece);
                }
                _ => keys.push(piece.to_owned()),
            }
        }
        keys.iter_mut().for_each(|key| *key = key.trim().to_owned());
        keys.retain(|key| !key.is_empty());
        let is_key = |key: &String| key.parse::<i64>().is_err() && !key.starts_with('[') && key != "-" && key != "*";
        match keys.len() < MAX_DEPTH && keys.iter().all(is_key) {
            true => Ok(keys),
            false => {
                let message = format!("the field path `{}` is not supported", self.path.text);
                Err(Failure::at(&self.path.place, message, "name fields of mappings, or use a replacement"))
            }
        }
    }

    fn misfit(&self, place: &Place) -> Box<Failure> {
        let message = format!("`{}` does not lead to a scalar in every resource that is selected", self.path.text);
        Failure::at(place, message, "correct the field path, or add a `selector`")
    }
}

/// Puts `part` into a file path at a position; one that is too far is the end.
fn inserted(path: &str, position: usize, part: &str) -> String {
    let (lead, rest) = path.strip_prefix('/').map_or(("", path), |rest| ("/", rest));
    let mut parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    parts.insert(position.min(parts.len()), part);
    format!("{lead}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_put_into_file_paths() {
        let put = |path, position| inserted(path, position, "P");
        assert_eq!([put("/", 0), put("pie", 0), put("/pie", 0)], ["/P", "P/pie", "/P/pie"]);
        assert_eq!([put("raw", 1), put("/a/nice/warm/pie", 3)], ["raw/P", "/a/nice/warm/P/pie"]);
    }
}
