//! Field specs: which fields of which types a transformer reaches, and the walk to them.

use std::sync::Arc;

use crate::manifest::{Failure, MAX_DEPTH, Node, Place, Result, Value, leads_to};

use super::id::split_api_version;
use super::load::Loader;
use super::resource::Resource;
use super::section::Section;

const FIELDS: &[&str] = &["group", "version", "kind", "path", "create"];

/// A path in all resources of a type; an empty group, version or kind means any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldSpec {
    pub(super) group: Arc<str>,
    pub(super) version: Arc<str>,
    pub(super) kind: Arc<str>,
    pub(super) path: Arc<str>,
    /// Whether fields on the way are made where they are missing.
    pub(super) create: bool,
    segments: Arc<[Segment]>,
    /// Where it was written; none when it is built in.
    place: Option<Place>,
}

#[derive(Debug, PartialEq, Eq)]
struct Segment {
    name: String,
    /// Whether it is written with `[]`: such a field is never made.
    is_list: bool,
}

/// What a transformer makes at the end of a path that it may create.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    /// Nothing: a field must be there.
    Nothing,
    Scalar,
    Map,
}

impl FieldSpec {
    /// A field spec that is built in.
    pub(super) fn built_in(group: &str, version: &str, kind: &str, path: &str, create: bool) -> Self {
        Self {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            path: path.into(),
            create,
            segments: split_path(path).into(),
            place: None,
        }
    }

    /// A field spec that was written at `place`.
    pub(super) fn written(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Reads the list of field specs under `key`.
    pub(super) fn read_all(section: &Section<'_>, key: &'static str) -> Result<Vec<Self>> {
        section.sections(key, FIELDS)?.iter().map(Self::read).collect()
    }

    fn read(section: &Section<'_>) -> Result<Self> {
        let text = |key| section.text(key).map(|text| text.map(|text| text.text).unwrap_or_default());
        let (group, version, kind, path) = (text("group")?, text("version")?, text("kind")?, text("path")?);
        Ok(Self::built_in(&group, &version, &kind, &path, section.flag("create")?).written(section.place()))
    }

    /// Tells whether a type is meant.
    pub(super) fn is_for(&self, group: &str, version: &str, kind: &str) -> bool {
        let fits = |own: &str, other: &str| own.is_empty() || own == other;
        fits(&self.kind, kind) && fits(&self.group, group) && fits(&self.version, version)
    }

    /// Adds `incoming` unless a spec of `specs` that it selects has its path already.
    pub(super) fn merge_into(specs: &mut Vec<Self>, incoming: &Self) -> Result<()> {
        let is_same =
            |spec: &&Self| spec.path == incoming.path && incoming.is_for(&spec.group, &spec.version, &spec.kind);
        match specs.iter().find(is_same) {
            None => specs.push(incoming.clone()),
            Some(spec) if spec.create == incoming.create => {}
            Some(spec) => return Err(conflict(incoming, spec)),
        }
        Ok(())
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(|segment| &*segment.name)
    }

    /// Runs `set` on what the path leads to in `node`, and tells what that cost.
    fn apply(&self, node: &mut Node, leaf: Leaf, set: &mut dyn FnMut(&mut Node) -> Result<()>) -> Result<usize> {
        let mut walk = Walk { spec: self, leaf, set, steps: 0, made: 0 };
        walk.visit(node, &self.segments, 0)?;
        Ok(walk.steps / STEPS_FOR_ONE + walk.made)
    }
}

/// How many steps on the way to fields count as one value made.
const STEPS_FOR_ONE: usize = 16;
/// How many values weigh as much as a field that is made, with its name.
const VALUES_FOR_FIELD: usize = 4;
/// How much of a name counts as one value.
const BYTES_FOR_ONE: usize = 64;

/// Runs `set` on everything that `specs` reach in one resource, and counts the work as done at `place`.
pub(super) fn reach(
    loader: &mut Loader<'_>,
    resource: &mut Resource,
    specs: &[FieldSpec],
    leaf: Leaf,
    place: &Place,
    set: &mut dyn FnMut(&mut Node) -> Result<()>,
) -> Result<()> {
    loader.spend(specs.len() / STEPS_FOR_ONE, place)?;
    for spec in specs {
        let (group, version) = split_api_version(resource.api_version());
        if spec.is_for(group, version, resource.kind()) {
            let mut apply = |resource: &mut Resource| {
                spec.apply(resource.node.part_mut(|path| leads_to(spec.keys(), path)), leaf, set)
            };
            let cost = match spec.path.contains("metadata/annotations") {
                true => resource.with_notes(apply)?,
                false => apply(resource)?,
            };
            // Before the next spec: one alone makes no more than the resource has places for.
            loader.spend(cost, place)?;
        }
    }
    Ok(())
}

struct Walk<'w> {
    spec: &'w FieldSpec,
    leaf: Leaf,
    set: &'w mut dyn FnMut(&mut Node) -> Result<()>,
    steps: usize,
    made: usize,
}

impl Walk<'_> {
    /// Follows `path`; lists on the way are crossed, and null ends it.
    fn visit(&mut self, node: &mut Node, path: &[Segment], depth: usize) -> Result<()> {
        self.steps += 1;
        let Some((segment, rest)) = path.split_first() else {
            self.made += usize::from(self.leaf != Leaf::Nothing);
            return (self.set)(node);
        };
        if node.is_null() {
            return Ok(());
        }
        match &mut node.value {
            Value::Scalar(_) => {
                let path = &self.spec.path;
                let message = format!("`{path}` is looked up here, but this is a {}", node.kind_name());
                Err(Failure::at(&node.place, message, "correct the manifest; kustomize fails on it too"))
            }
            Value::List(elements) => elements.iter_mut().try_for_each(|element| self.visit(element, path, depth + 1)),
            Value::Map(_) => self.enter(node, segment, rest, depth),
        }
    }

    fn enter(&mut self, map: &mut Node, segment: &Segment, rest: &[Segment], depth: usize) -> Result<()> {
        if !is_field_name(&segment.name) {
            let message = format!("the field spec's path `{}` cannot be followed", self.spec.path);
            let place = self.spec.place.as_ref().unwrap_or(&map.place);
            return Err(Failure::at(place, message, "write the names of fields, separated by `/`"));
        }
        let leaf = if rest.is_empty() { self.leaf } else { Leaf::Map };
        let creates = self.spec.create && self.leaf != Leaf::Nothing && !segment.is_list;
        let place = map.place.clone();
        if creates && map.get(&segment.name).is_none() {
            if depth + rest.len() >= MAX_DEPTH {
                return Err(Failure::at(&place, "the field spec nests the document too deeply", "nest less"));
            }
            self.made += VALUES_FOR_FIELD + segment.name.len() / BYTES_FOR_ONE;
            let made = match leaf {
                Leaf::Map => Node::map(Vec::new(), &place),
                _ => Node::string("", &place),
            };
            map.set(&segment.name, made);
        }
        let Some(field) = map.get_mut(&segment.name) else { return Ok(()) };
        if field.is_null() {
            match leaf {
                _ if segment.is_list => field.value = Value::List(Vec::new()),
                Leaf::Map if creates => field.value = Value::Map(Vec::new()),
                _ => {}
            }
        }
        self.visit(field, rest, depth + 1)
    }
}

/// Tells whether kustomize looks a name up in a mapping; anything else it takes for a position in a list.
fn is_field_name(name: &str) -> bool {
    let is_position = name.parse::<i64>().is_ok() || (name.starts_with('[') && name.ends_with(']'));
    !matches!(name, "" | "-" | "*") && !is_position
}

/// Cuts at `/`, except where `\` stands before it; one `/` may lead.
fn split_path(path: &str) -> Vec<Segment> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let mut names: Vec<String> = Vec::new();
    for piece in path.split('/') {
        match names.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('/');
                last.push_str(piece);
            }
            _ => names.push(piece.to_owned()),
        }
    }
    let segment = |name: String| match name.strip_suffix("[]") {
        Some(list) => Segment { name: list.trim().to_owned(), is_list: true },
        None => Segment { name: name.trim().to_owned(), is_list: false },
    };
    names.into_iter().map(segment).collect()
}

fn conflict(incoming: &FieldSpec, spec: &FieldSpec) -> Box<Failure> {
    let message = format!("the field `{}` is configured once with `create` and once without", incoming.path);
    let hint = "give both the same `create`";
    match incoming.place.as_ref().or(spec.place.as_ref()) {
        Some(place) => Failure::at(place, message, hint),
        None => Failure::without_place(message, hint),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::tree::MemoryTree;
    use crate::manifest::{Reading, Shift};
    use crate::yaml;

    use super::super::Options;
    use super::*;

    fn resource(text: &str) -> Resource {
        let documents = yaml::parse("r.yaml", text.as_bytes()).unwrap();
        Resource::new(Node::convert(&documents[0], Reading::Resource, &Shift::None).unwrap())
    }

    /// Sets `X` where the path leads, and tells where that was.
    fn set_at(text: &str, path: &str, create: bool, leaf: Leaf) -> Result<Node> {
        let tree = MemoryTree::of([]);
        let store = crate::kustomize::Files::default();
        let mut loader = Loader::new(&tree, &Options::new(&store));
        let mut resource = resource(text);
        let specs = [FieldSpec::built_in("", "", "K", path, create)];
        let place = Place::start_of("k");
        reach(&mut loader, &mut resource, &specs, leaf, &place, &mut |node| {
            node.replace_text("X", &place);
            Ok(())
        })?;
        Ok((*resource.node).clone())
    }

    #[test]
    fn paths_are_cut_at_slashes_that_are_not_escaped() {
        let cut =
            |path| split_path(path).into_iter().map(|segment| (segment.name, segment.is_list)).collect::<Vec<_>>();
        assert_eq!(cut("a/b[]"), [("a".to_owned(), false), ("b".to_owned(), true)]);
        assert_eq!(cut(r"/a\/b/c"), [("a/b".to_owned(), false), ("c".to_owned(), false)]);
        assert_eq!(cut("")[0].0, "");
    }

    #[test]
    fn lists_are_crossed_and_null_ends_the_way() {
        let node = set_at("{kind: K, a: [{b: 1}, {b: 2}, ~], c: ~}", "a/b", false, Leaf::Nothing).unwrap();
        let Value::List(elements) = &node.get("a").unwrap().value else { panic!("a list") };
        assert!(elements[..2].iter().all(|element| element.get("b").unwrap().text() == Some("X")));
        assert!(set_at("{kind: K, a: ~}", "a/b", false, Leaf::Map).unwrap().get("a").unwrap().is_null());
    }

    #[test]
    fn fields_are_made_only_where_the_spec_says_so() {
        let made = set_at("{kind: K, a: ~}", "a/b/c", true, Leaf::Scalar).unwrap();
        assert_eq!(made.path(&["a", "b", "c"]).unwrap().text(), Some("X"));
        assert!(set_at("{kind: K}", "a[]/b", true, Leaf::Scalar).unwrap().get("a").is_none());
        assert!(set_at("{kind: K}", "a/b", true, Leaf::Nothing).unwrap().get("a").is_none());
        assert!(set_at("{kind: Other}", "a", true, Leaf::Scalar).unwrap().get("a").is_none());
    }

    #[test]
    fn a_scalar_on_the_way_and_names_that_are_none_are_errors() {
        for (text, path) in
            [("{kind: K, a: x}", "a/b"), ("{kind: K}", ""), ("{kind: K, a: {}}", "a/0"), ("{kind: K}", "*")]
        {
            assert!(set_at(text, path, false, Leaf::Nothing).is_err(), "{path}");
        }
    }

    #[test]
    fn a_spec_that_selects_another_of_its_path_is_the_same_or_a_conflict() {
        let spec = |kind, create| FieldSpec::built_in("", "", kind, "a", create);
        let mut specs = vec![spec("K", false)];
        FieldSpec::merge_into(&mut specs, &spec("", false)).unwrap();
        FieldSpec::merge_into(&mut specs, &spec("Other", true)).unwrap();
        assert_eq!(specs.len(), 2);
        assert!(FieldSpec::merge_into(&mut specs, &spec("", true)).is_err());
    }
}
