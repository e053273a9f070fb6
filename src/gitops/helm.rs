//! The `helm` settings of an Argo CD source: values as text or object, and parameters, which set single values over them.

use crate::domain::DecidedBy;
use crate::manifest::{self, Decided, ImageParts, Node, Part, Step, part};

use super::flux::elements;
use super::sink::Sink;
use super::values;

/// How many parameters one source may have.
const MAX_PARAMETERS: usize = 1_000;

/// The values that parameters are laid over.
pub(super) struct Base<'b> {
    pub(super) values: &'b Node,
    /// The path to them in the document; empty where they are one.
    pub(super) field: String,
}

/// Reads the settings under `helm` for `chart`; `field` is the path to them.
pub(super) fn read(settings: &Node, field: &str, chart: &str, sink: &mut Sink<'_, '_>) {
    let object = settings.get("valuesObject").filter(|object| !object.is_null());
    // Argo CD passes over the text where there is an object.
    let text = match (object, settings.get("values")) {
        (None, Some(values)) => sink.parse(values).into_iter().next(),
        _ => None,
    };
    let base = match (object, &text) {
        (Some(values), _) => Some(Base { values, field: format!("{field}.valuesObject") }),
        (None, Some(values)) => Some(Base { values, field: format!("{field}.values") }),
        (None, None) => None,
    };
    let mut taken = read_parameters(settings, base.as_ref(), field, chart, sink);
    let Some(base) = base else { return };
    values::read(base.values, &base.field, &mut taken, chart, sink);
    // What stands in an object is found as any other field `image`, but not filled in.
    if text.is_some() || sink.is_in_template() {
        add_values(base.values, &base.field, &taken, sink);
    }
}

/// Takes the images of values that are found nowhere else, but those that were taken before.
fn add_values(values: &Node, field: &str, taken: &[String], sink: &mut Sink<'_, '_>) {
    for found in manifest::uses_in(values) {
        if !taken.contains(&found.field) {
            sink.take(vec![found], field);
        }
    }
}

/// The parameters about one image.
struct Group<'p> {
    steps: Vec<Step>,
    registry: Option<Part<'p>>,
    repository: Option<Part<'p>>,
    tag: Option<Part<'p>>,
    digest: Option<Part<'p>>,
    /// The index of the last of them.
    last: usize,
}

/// Reads `parameters` over `base`; returns the fields of the images in `base` that they set parts of.
pub(super) fn read_parameters(
    settings: &Node,
    base: Option<&Base<'_>>,
    field: &str,
    chart: &str,
    sink: &mut Sink<'_, '_>,
) -> Vec<String> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (index, parameter) in elements(settings.get("parameters")).enumerate() {
        if index == MAX_PARAMETERS {
            sink.say("declared-text", format!("there are more than {MAX_PARAMETERS} parameters"), &parameter.place);
            break;
        }
        let (Some(name), Some(value)) = (parameter.get("name").and_then(Node::text), parameter.get("value")) else {
            continue;
        };
        let mut steps = parse(name);
        let Some(Step::Key(key)) = steps.pop() else { continue };
        match (&*key, part(value)) {
            ("image", Some(_)) => add_whole(value, name, format!("{field}.parameters[{index}].value"), sink),
            ("registry" | "repository" | "name" | "tag" | "digest" | "sha", value) => {
                set(group(&mut groups, steps), &key, value, index);
            }
            _ => {}
        }
    }
    let is_image = |group: &Group<'_>| group.is_image(base);
    groups.iter().filter(|group| is_image(group)).map(|group| group.add(base, field, chart, sink)).collect()
}

fn add_whole(value: &Node, name: &str, field: String, sink: &mut Sink<'_, '_>) {
    if let (Some(scalar), Some(text)) = (value.as_scalar(), value.text()) {
        sink.add(text, Some(name.to_owned()), field, &Decided::of(value, scalar));
    }
}

fn group<'g, 'p>(groups: &'g mut Vec<Group<'p>>, steps: Vec<Step>) -> Option<&'g mut Group<'p>> {
    let at = groups.iter().position(|group| group.steps == steps).unwrap_or(groups.len());
    if at == groups.len() {
        groups.push(Group { steps, registry: None, repository: None, tag: None, digest: None, last: 0 });
    }
    groups.get_mut(at)
}

fn set<'p>(group: Option<&mut Group<'p>>, key: &str, value: Option<Part<'p>>, index: usize) {
    let Some(group) = group else { return };
    let slot = match key {
        "registry" => &mut group.registry,
        "tag" => &mut group.tag,
        "digest" | "sha" => &mut group.digest,
        _ => &mut group.repository,
    };
    (*slot, group.last) = (value, index);
}

impl Group<'_> {
    /// Tells whether the parameters are about an image: by their name, or by what they are laid over.
    fn is_image(&self, base: Option<&Base<'_>>) -> bool {
        let name = manifest::field(&self.steps).to_ascii_lowercase();
        let is_in_base = || self.below(base).is_some_and(|mapping| mapping.get("repository").is_some());
        let is_set = self.repository.is_some() || self.tag.is_some() || self.digest.is_some();
        is_set && (name.ends_with("image") || (self.repository.is_some() && self.tag.is_some()) || is_in_base())
    }

    fn below<'b>(&self, base: Option<&Base<'b>>) -> Option<&'b Node> {
        manifest::at(base?.values, &self.steps)
    }

    /// Puts the parts together and returns the image's field in the base.
    fn add(&self, base: Option<&Base<'_>>, field: &str, chart: &str, sink: &mut Sink<'_, '_>) -> String {
        let name = manifest::field(&self.steps);
        let before = self.below(base);
        let below = |key: &str| before.and_then(|mapping| mapping.get(key)).and_then(part);
        let digest = self.digest.or_else(|| below("digest")).or_else(|| below("sha"));
        let tag = self.tag.or_else(|| below("tag"));
        let Some(repository) = self.repository.or_else(|| below("repository")) else {
            if let Some((version, place)) = tag.or(digest) {
                let what = format!("{name} is given {version}, and its name is left to {chart}");
                sink.say("declared-name", what, place);
            }
            return name;
        };
        if tag.is_none() && digest.is_none() {
            sink.say("declared-tag", values::no_tag(repository.0, chart), repository.1);
            return name;
        }
        let registry = self.registry.or_else(|| below("registry"));
        let (image, mut decided) = ImageParts { registry, repository, tag, digest }.join(DecidedBy::Values);
        if let Some(parts) = before.and_then(ImageParts::of_mapping) {
            let (text, written) = parts.join(DecidedBy::Written);
            decided = decided.after(&text.into(), written);
        }
        let field = match (base, before) {
            (Some(base), Some(_)) if base.field.is_empty() => name.clone(),
            (Some(base), Some(_)) => format!("{}.{name}", base.field),
            _ => format!("{field}.parameters[{}].value", self.last),
        };
        sink.add(&image, Some(name.clone()), field, &decided);
        name
    }
}

/// Reads the name of a parameter as `helm --set` does: keys joined by `.`, `\.` for a dot in a key, `[0]` for elements.
fn parse(name: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut key = String::new();
    let mut characters = name.chars();
    let end = |key: &mut String, steps: &mut Vec<Step>| {
        if !key.is_empty() {
            steps.push(Step::Key(std::mem::take(key).into()));
        }
    };
    while let Some(character) = characters.next() {
        match character {
            '\\' => key.extend(characters.next()),
            '.' => end(&mut key, &mut steps),
            '[' => {
                end(&mut key, &mut steps);
                let index: String = characters.by_ref().take_while(|character| *character != ']').collect();
                steps.push(index.parse().map_or_else(|_| Step::Key(index.as_str().into()), Step::Index));
            }
            _ => key.push(character),
        }
    }
    end(&mut key, &mut steps);
    steps
}
