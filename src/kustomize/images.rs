//! The `images` field: names matched, names, tags and digests replaced, each keeping its own origin.

use std::sync::Arc;

use crate::domain::{DecidedBy, ImageRef};
use crate::manifest::{Decided, Failure, Node, Place, Result, Scalar, Text, Value, split};
use crate::yaml::ScalarKind;

use super::expression::{self, Expression};
use super::field_spec::{FieldSpec, Leaf, reach};
use super::layer::Layer;
use super::load::Loader;
use super::resource::Resource;
use super::section::Section;

const FIELDS: &[&str] = &["name", "newName", "tagSuffix", "newTag", "digest"];

/// How many entries one kustomization may have: each is a compiled expression, tried on every image.
const MAX_ENTRIES: usize = 2_000;
/// How many values that are passed over in search of containers count as one step.
const VISITS_FOR_ONE: usize = 8;
/// How many values weigh as much as the note of what an image was before.
const VALUES_FOR_DECISION: usize = 4;
/// How much text of an image counts as one value.
const BYTES_FOR_ONE: usize = 64;

/// One entry of `images`.
#[derive(Debug, Clone)]
pub(super) struct ImageEntry {
    place: Place,
    pub(super) name: Arc<str>,
    /// None where the name is no expression, which only matters once there is an image to hold it against.
    pattern: Option<Pattern>,
    pub(super) new_name: Option<Text>,
    pub(super) new_tag: Option<Text>,
    pub(super) digest: Option<Text>,
    tag_suffix: Option<Text>,
}

impl ImageEntry {
    /// Reads all entries under `key`.
    pub(super) fn read_all(kustomization: &Section<'_>, key: &'static str) -> Result<Vec<Self>> {
        let entries = kustomization.sections(key, FIELDS)?;
        if let Some(first) = entries.get(MAX_ENTRIES) {
            let message = format!("`{key}` has more than {MAX_ENTRIES} entries");
            return Err(Failure::at(&first.place(), message, "split the overlay"));
        }
        entries.iter().map(Self::read).collect()
    }

    /// Reads the one entry under `key`.
    pub(super) fn read_one(owner: &Section<'_>, key: &'static str) -> Result<Self> {
        let entry = owner.section(key, FIELDS)?;
        entry.as_ref().map_or_else(|| Self::read(owner), Self::read)
    }

    fn read(entry: &Section<'_>) -> Result<Self> {
        let name = entry.text("name")?;
        let text = name.as_ref().map_or("", |name| &name.text);
        let place = name.as_ref().map_or_else(|| entry.place(), |name| name.place.clone());
        let pattern = Pattern::read(text);
        if let Some(Pattern::Expression(expression)) = &pattern {
            entry.count_expression(expression, &place)?;
        }
        Ok(Self {
            place,
            name: text.into(),
            pattern,
            new_name: entry.text("newName")?,
            new_tag: entry.text("newTag")?,
            digest: entry.text("digest")?,
            tag_suffix: entry.text("tagSuffix")?,
        })
    }

    /// An entry that no kustomization holds.
    pub(super) fn new(name: &Text, new_name: Option<Text>, new_tag: Option<Text>, digest: Option<Text>) -> Self {
        let (name, place) = (name.text.clone(), name.place.clone());
        Self { place, pattern: Pattern::read(&name), name, new_name, new_tag, digest, tag_suffix: None }
    }

    /// What the entry alone says an image is, and where; none where it names no image or decides nothing.
    pub(super) fn pin(&self) -> Option<(String, Decided)> {
        let place = |text: &Option<Text>| text.as_ref().map(|text| text.place.clone());
        let last = place(&self.new_tag).or(place(&self.digest)).or(place(&self.new_name))?;
        let mut image = self.new_name.as_ref().map_or_else(|| self.name.to_string(), |name| name.text.to_string());
        for (sign, part) in [(':', &self.new_tag), ('@', &self.digest)] {
            if let Some(part) = part {
                image.push(sign);
                image.push_str(&part.text);
            }
        }
        let name = place(&self.new_name).unwrap_or_else(|| self.place.clone());
        let decided = Decided::new(DecidedBy::Images, last, name, place(&self.new_tag), place(&self.digest));
        image.parse::<ImageRef>().is_ok().then_some((image, decided))
    }

    /// Applies the entry to every resource, in kustomize's two passes: a suffix is put twice where both reach.
    pub(super) fn apply(&self, layer: &mut Layer<'_, '_>, specs: &[FieldSpec]) -> Result<()> {
        let Layer { loader, resources, .. } = layer;
        for resource in resources.resources.iter_mut().filter(|resource| has_images(resource)) {
            let mut work = Work::default();
            self.visit_containers(&mut resource.node, &mut work)?;
            work.count(loader, &self.place)?;
        }
        for resource in resources.resources.iter_mut().filter(|resource| has_images(resource)) {
            let mut work = Work::default();
            reach(loader, resource, specs, Leaf::Nothing, &self.place, &mut |image| self.update(image, &mut work))?;
            work.count(loader, &self.place)?;
        }
        Ok(())
    }

    /// The first pass: elements of lists under `containers` and `initContainers`, at any depth.
    fn visit_containers(&self, node: &mut Node, work: &mut Work) -> Result<()> {
        work.visited += 1;
        match &mut node.value {
            Value::Scalar(_) => Ok(()),
            Value::List(elements) => elements.iter_mut().try_for_each(|element| self.visit_containers(element, work)),
            Value::Map(entries) => entries.iter_mut().try_for_each(|(key, value)| {
                self.visit_containers(value, work)?;
                match (&**key, &mut value.value) {
                    ("containers" | "initContainers", Value::List(containers)) => {
                        containers.iter_mut().try_for_each(|container| self.visit_container(container, work))
                    }
                    _ => Ok(()),
                }
            }),
        }
    }

    fn visit_container(&self, container: &mut Node, work: &mut Work) -> Result<()> {
        if !matches!(container.value, Value::Map(_)) && !container.is_null() {
            let message = format!("a container must be a mapping, found a {}", container.kind_name());
            return Err(Failure::at(&container.place, message, "correct the manifest"));
        }
        container.get_mut("image").map_or(Ok(()), |image| self.update(image, work))
    }

    fn update(&self, node: &mut Node, work: &mut Work) -> Result<()> {
        let Value::Scalar(scalar) = &node.value else {
            let message = format!("an image must be a string, found a {}", node.kind_name());
            return Err(Failure::at(&node.place, message, "correct the manifest"));
        };
        let pattern = self.pattern.as_ref().ok_or_else(|| self.invalid_name())?;
        if !pattern.is_match(&scalar.text) {
            return Ok(());
        }
        if let Some(updated) = self.updated(node, scalar) {
            work.made += VALUES_FOR_DECISION + updated.text.len() / BYTES_FOR_ONE;
            node.value = Value::Scalar(updated);
        }
        Ok(())
    }

    fn invalid_name(&self) -> Box<Failure> {
        let message = format!("kustomize reads the image name `{}` as a regular expression, and it is none", self.name);
        Failure::at(&self.place, message, "write the image's name without tag, digest or special characters")
    }

    fn updated(&self, node: &Node, scalar: &Scalar) -> Option<Scalar> {
        let parts = split(&scalar.text);
        let mut decided = Decided::of(node, scalar);
        let mut text = parts.name.to_owned();
        if let Some(name) = &self.new_name {
            text = name.text.to_string();
            decided.name = name.place.clone();
        }
        let suffixed;
        let (tag, digest) = match (&self.new_tag, &self.digest, &self.tag_suffix) {
            (Some(tag), digest, _) => (Some(&*tag.text), digest.as_ref().map(|digest| &*digest.text)),
            (None, Some(digest), _) => (None, Some(&*digest.text)),
            (None, None, Some(suffix)) => {
                suffixed = format!("{}{}", parts.tag.unwrap_or_default(), suffix.text);
                (Some(suffixed.as_str()), None)
            }
            (None, None, None) => (parts.tag, parts.digest),
        };
        let part_place = self.new_tag.as_ref().or(self.digest.as_ref()).or(self.tag_suffix.as_ref());
        if part_place.is_some() {
            let place_of = |text: &Option<Text>| text.as_ref().map(|text| text.place.clone());
            decided.tag = place_of(&self.new_tag).or_else(|| tag.and(place_of(&self.tag_suffix)));
            decided.digest = digest.and(place_of(&self.digest));
        }
        decided = decided.clone().after(&scalar.text, decided);
        decided.by = DecidedBy::Images;
        decided.last = part_place.or(self.new_name.as_ref())?.place.clone();
        for (sign, part) in [(':', tag), ('@', digest)] {
            if let Some(part) = part {
                text.push(sign);
                text.push_str(part);
            }
        }
        settle(&mut decided, &text);
        let text: Arc<str> = text.into();
        Some(Scalar {
            printed: text.clone(),
            text,
            kind: ScalarKind::Str,
            is_verbatim: false,
            is_untyped: false,
            is_quoted: scalar.is_quoted,
            decided: Some(Arc::new(decided)),
        })
    }
}

/// What one entry costs on one resource.
#[derive(Default)]
struct Work {
    visited: usize,
    made: usize,
}

impl Work {
    fn count(&self, loader: &mut Loader<'_>, place: &Place) -> Result<()> {
        loader.step(self.visited / VISITS_FOR_ONE, place)?;
        loader.spend(self.made, place)
    }
}

/// Gives parts that came inside another part (`newTag: 1@sha256:…`) the place of what brought them.
fn settle(decided: &mut Decided, text: &str) {
    let parts = split(text);
    let last = &decided.last;
    let known = |place: Option<Place>| place.unwrap_or_else(|| last.clone());
    let tag = parts.tag.map(|_| known(decided.tag.clone()));
    let digest = parts.digest.map(|_| known(decided.digest.clone()));
    (decided.tag, decided.digest) = (tag, digest);
}

/// How a name is held against images: as a regular expression, since kustomize does not escape it.
#[derive(Debug, Clone)]
enum Pattern {
    /// No character but `.` has a meaning of its own, as in nearly all names: it need not be compiled.
    Plain(Arc<str>),
    Expression(Expression),
}

impl Pattern {
    fn read(name: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/:@.".contains(&byte);
        match name.bytes().all(is_plain) {
            true => Some(Self::Plain(name.into())),
            false => Self::compile(name),
        }
    }

    fn compile(name: &str) -> Option<Self> {
        const TAIL: &str = "(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$";
        expression::compile(&format!("^{name}{TAIL}")).map(Self::Expression)
    }

    fn is_match(&self, image: &str) -> bool {
        match self {
            Self::Expression(expression) => expression.is_match(image),
            // A `.` is any one character.
            Self::Plain(name) => {
                let mut rest = image.chars();
                let fits =
                    |expected| rest.next().is_some_and(|found| found == expected || (expected == '.' && found != '\n'));
                name.chars().all(fits) && is_tail(rest.as_str())
            }
        }
    }
}

/// Tells whether a text is a tag and a digest, either or nothing.
fn is_tail(text: &str) -> bool {
    let is_of_tag = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.{}-".contains(&byte));
    let (tag, digest) = text.split_once('@').map_or((text, None), |(tag, digest)| (tag, Some(digest)));
    (tag.is_empty() || tag.strip_prefix(':').is_some_and(is_of_tag))
        && digest.is_none_or(|digest| digest.strip_prefix("sha256:").is_some_and(is_of_tag))
}

fn has_images(resource: &Resource) -> bool {
    resource.kind() != "CustomResourceDefinition"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_regular_expressions_that_nobody_escaped() {
        let matches = |name, image| Pattern::read(name).unwrap().is_match(image);
        assert!(matches("nginx", "nginx:1.0@sha256:aa"));
        assert!(!matches("nginx", "reg.io/nginx:1"));
        assert!(!matches("nginx", "nginx:1+2"));
        assert!(!matches("nginx", "nginx@sha512:aa"));
        assert!(!matches("nginx", "nginx:1\n"));
        assert!(matches("nginx|busybox", "nginx-exporter:1"));
        assert!(matches("*nginx", "reg.io/nginx:1"));
        assert!(Pattern::read("[").is_none());
    }

    proptest::proptest! {
        #[test]
        fn a_plain_name_is_matched_as_its_expression_is(name in "[a-c./:@-]{0,4}", image in "([a-c./:@é\n{-]|:b|@sha256:a){0,6}") {
            let (plain, compiled) = (Pattern::read(&name).unwrap(), Pattern::compile(&name).unwrap());
            proptest::prop_assert!(matches!(plain, Pattern::Plain(_)));
            proptest::prop_assert_eq!(plain.is_match(&image), compiled.is_match(&image), "{:?} {:?}", name, image);
        }
    }
}
