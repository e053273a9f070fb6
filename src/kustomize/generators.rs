//! `configMapGenerator` and `secretGenerator`: what they make, as far as ids and images in plain text are concerned.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::domain::TreePath;
use crate::manifest::{Failure, Node, Place, Result, Text};

use super::load::Loader;
use super::resource::{Behavior, Resource};
use super::section::Section;

const FIELDS: &[&str] = &["namespace", "name", "behavior", "literals", "files", "envs", "env", "options", "type"];
/// The fields of a generator that is configured as a plugin.
pub(super) const PLUGIN_FIELDS: &[&str] =
    &["namespace", "name", "behavior", "literals", "files", "envs", "env", "options", "type", "metadata"];
const OPTIONS: &[&str] = &["labels", "annotations", "disableNameSuffixHash", "immutable"];

/// How long a line of encoded data gets.
const LINE_LENGTH: usize = 70;

/// One entry of a generator field.
#[derive(Debug)]
pub(super) struct Generator {
    kind: Kind,
    place: Place,
    name: Text,
    namespace: Option<Text>,
    behavior: Behavior,
    literals: Vec<Text>,
    files: Vec<Text>,
    envs: Vec<Text>,
    secret_type: Option<Text>,
    labels: Vec<(String, Text)>,
    annotations: Vec<(String, Text)>,
    has_hash: bool,
}

/// What is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    ConfigMap,
    Secret,
}

/// What a key is given.
enum Data {
    Text(Node),
    Bytes(Arc<[u8]>, Place),
}

impl Generator {
    /// Reads all entries, ConfigMaps first, as they are run.
    pub(super) fn read_all(kustomization: &Section<'_>) -> Result<Vec<Self>> {
        let shared = kustomization.section("generatorOptions", OPTIONS)?;
        check_options(shared.as_ref())?;
        let mut generators = Vec::new();
        for (key, kind) in [("configMapGenerator", Kind::ConfigMap), ("secretGenerator", Kind::Secret)] {
            for entry in kustomization.sections(key, FIELDS)? {
                generators.push(Self::read(&entry, kind, shared.as_ref())?);
            }
        }
        Ok(generators)
    }

    /// Reads a generator configured as a plugin, which may be named by its metadata.
    pub(super) fn read_plugin(entry: &Section<'_>, kind: Kind, name: Text, namespace: Option<Text>) -> Result<Self> {
        let mut generator = Self::read_named(entry, kind, None, entry.text("name")?.unwrap_or(name))?;
        generator.namespace = generator.namespace.or(namespace);
        Ok(generator)
    }

    fn read(entry: &Section<'_>, kind: Kind, shared: Option<&Section<'_>>) -> Result<Self> {
        let unnamed = || Failure::at(&entry.place(), "a generator needs a `name`", "add `name`");
        let name = entry.text("name")?.ok_or_else(unnamed)?;
        Self::read_named(entry, kind, shared, name)
    }

    fn read_named(entry: &Section<'_>, kind: Kind, shared: Option<&Section<'_>>, name: Text) -> Result<Self> {
        let place = entry.place();
        let own = entry.section("options", OPTIONS)?;
        check_options(own.as_ref())?;
        let mut envs = entry.texts("envs")?;
        envs.extend(entry.text("env")?);
        Ok(Self {
            kind,
            name,
            namespace: entry.text("namespace")?,
            behavior: read_behavior(entry)?,
            literals: entry.texts("literals")?,
            files: entry.texts("files")?,
            envs,
            secret_type: entry.text("type")?,
            labels: merged("labels", own.as_ref(), shared)?,
            annotations: merged("annotations", own.as_ref(), shared)?,
            has_hash: !is_set("disableNameSuffixHash", own.as_ref())? && !is_set("disableNameSuffixHash", shared)?,
            place,
        })
    }

    /// Makes the resource; its files must exist.
    pub(super) fn generate(&self, loader: &mut Loader<'_>, root: &TreePath) -> Result<Resource> {
        let data = self.data(loader, root)?;
        let text = |text: &str| Node::string(text, &self.place);
        let mut metadata =
            Node::map(vec![("name".into(), Node::string(self.name.text.clone(), &self.name.place))], &self.place);
        if let Some(namespace) = &self.namespace {
            metadata.set("namespace", Node::string(namespace.text.clone(), &namespace.place));
        }
        for (field, pairs) in [("labels", &self.labels), ("annotations", &self.annotations)] {
            if !pairs.is_empty() {
                let entries = pairs.iter().map(|(key, value)| (key.as_str().into(), text(&value.text))).collect();
                metadata.set(field, Node::map(entries, &self.place));
            }
        }
        let kind = match self.kind {
            Kind::ConfigMap => "ConfigMap",
            Kind::Secret => "Secret",
        };
        let mut node = Node::map(
            vec![("apiVersion".into(), text("v1")), ("kind".into(), text(kind)), ("metadata".into(), metadata)],
            &self.place,
        );
        if self.kind == Kind::Secret {
            let secret_type = self.secret_type.as_ref().map_or_else(|| text("Opaque"), |given| text(&given.text));
            node.set("type", secret_type);
            node.map_at("data");
        }
        for (key, value) in data {
            let (field, value) = self.entry(&value);
            if let Some(map) = node.map_at(field) {
                map.set(&key, value);
            }
        }
        let mut resource = Resource::new(node);
        resource.behavior = self.behavior;
        resource.has_hash = self.has_hash;
        resource.has_notes = self.has_hash || self.behavior != Behavior::Create;
        Ok(resource)
    }

    /// Where an entry goes, and how it is written there: what is not UTF-8 is encoded, and so is all of a Secret.
    fn entry(&self, entry: &Data) -> (&'static str, Node) {
        match (self.kind, entry) {
            (Kind::ConfigMap, Data::Text(node)) => ("data", node.clone()),
            (Kind::ConfigMap, Data::Bytes(bytes, place)) => ("binaryData", encoded(bytes, place)),
            (Kind::Secret, Data::Bytes(bytes, place)) => ("data", encoded(bytes, place)),
            (Kind::Secret, Data::Text(node)) => {
                ("data", encoded(node.text().unwrap_or_default().as_bytes(), &node.place))
            }
        }
    }

    fn data(&self, loader: &mut Loader<'_>, root: &TreePath) -> Result<BTreeMap<String, Data>> {
        let mut data = BTreeMap::new();
        for env in &self.envs {
            let (file, content) = loader.read(root, &env.text, &env.place)?;
            for (key, value) in env_lines(&file, &content) {
                self.insert(&mut data, key, Data::Text(value), &env.place)?;
            }
        }
        for literal in &self.literals {
            let (key, value) = read_literal(literal)?;
            self.insert(&mut data, key, Data::Text(value), &literal.place)?;
        }
        for source in &self.files {
            let (key, path) = read_file_source(source)?;
            let (file, content) = loader.read(root, path, &source.place)?;
            let key = if key.is_empty() { path.rsplit('/').next().unwrap_or(path) } else { key };
            let place = Place::start_of(file.as_str());
            let value = match std::str::from_utf8(&content) {
                Ok(text) => Data::Text(Node::string(text, &place)),
                Err(_) => Data::Bytes(content, place),
            };
            self.insert(&mut data, key.to_owned(), value, &source.place)?;
        }
        Ok(data)
    }

    fn insert(&self, data: &mut BTreeMap<String, Data>, key: String, value: Data, place: &Place) -> Result<()> {
        if data.contains_key(&key) {
            let message = format!("the generator {} is given the key `{key}` twice", self.name.text);
            return Err(Failure::at(place, message, "remove one of them"));
        }
        data.insert(key, value);
        Ok(())
    }
}

/// Base64 as kustomize writes it: lines of 70 characters, each but the only one with its end.
fn encoded(bytes: &[u8], place: &Place) -> Node {
    let text = BASE64_STANDARD.encode(bytes);
    if text.len() <= LINE_LENGTH {
        return Node::string(text, place);
    }
    let lines = text.as_bytes().chunks(LINE_LENGTH);
    let lines: Vec<_> = lines.map(String::from_utf8_lossy).collect();
    Node::string(lines.join("\n") + "\n", place)
}

fn read_behavior(entry: &Section<'_>) -> Result<Behavior> {
    let Some(text) = entry.text("behavior")? else {
        return Ok(Behavior::Create);
    };
    match &*text.text {
        "create" => Ok(Behavior::Create),
        "replace" => Ok(Behavior::Replace),
        "merge" => Ok(Behavior::Merge),
        // As in kustomize, where an unknown behavior is an unspecified one.
        _ => Ok(Behavior::Create),
    }
}

fn merged(field: &str, own: Option<&Section<'_>>, shared: Option<&Section<'_>>) -> Result<Vec<(String, Text)>> {
    let read = |section: Option<&Section<'_>>| section.map_or(Ok(Vec::new()), |section| section.pairs(field));
    let mut pairs = read(own)?;
    for (key, value) in read(shared)? {
        if !pairs.iter().any(|(other, _)| *other == key) {
            pairs.push((key, value));
        }
    }
    Ok(pairs)
}

/// Checks the types of all options, those that do not count here as well.
fn check_options(options: Option<&Section<'_>>) -> Result<()> {
    let Some(options) = options else { return Ok(()) };
    options.pairs("labels")?;
    options.pairs("annotations")?;
    options.flag("disableNameSuffixHash")?;
    options.flag("immutable").map(drop)
}

fn is_set(field: &str, section: Option<&Section<'_>>) -> Result<bool> {
    section.map_or(Ok(false), |section| section.flag(field))
}

fn read_literal(literal: &Text) -> Result<(String, Node)> {
    let invalid = || Failure::at(&literal.place, "a literal must be written as key=value", "correct the literal");
    let (key, value) = literal.text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(invalid)?;
    let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    let before = literal.text.len() - value.len() + usize::from(quoted.is_some());
    let place = literal.place.right(literal.text.get(..before).map_or(0, |text| text.chars().count()));
    Ok((key.to_owned(), Node::string(quoted.unwrap_or(value), &place)))
}

/// The key, empty where it is the file's name, and the path.
fn read_file_source(source: &Text) -> Result<(&str, &str)> {
    match source.text.split_once('=') {
        None => Ok(("", &source.text)),
        Some((key, path)) if !key.is_empty() && !path.is_empty() && !path.contains('=') => Ok((key, path)),
        Some(_) => {
            let message = format!("`{}` must be written as `path` or `key=path`", source.text);
            Err(Failure::at(&source.place, message, "name one key and one file"))
        }
    }
}

fn env_lines(file: &TreePath, content: &[u8]) -> Vec<(String, Node)> {
    let text = String::from_utf8_lossy(content);
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let read = |(index, line): (usize, &str)| {
        let whole = line;
        let line = line.trim_start();
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let before = whole.len() - value.len();
        let start = Place { line: u32::try_from(index + 1).unwrap_or(u32::MAX), ..Place::start_of(file.as_str()) };
        let place = start.right(whole.get(..before).map_or(0, |text| text.chars().count()));
        let value: Arc<str> = value.into();
        (!line.is_empty() && !line.starts_with('#')).then(|| (key.to_owned(), Node::string(value, &place)))
    };
    lines.filter_map(read).collect()
}
