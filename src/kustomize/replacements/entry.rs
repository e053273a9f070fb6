//! The entries of `replacements`, and of the files they name.

use crate::domain::TreePath;
use crate::manifest::{Failure, Place, Result, Text};
use crate::yaml;

use super::super::load::Loader;
use super::super::section::Section;
use super::super::selector::{self, Selector};

const FIELDS: &[&str] = &["source", "sourceValue", "targets", "path"];
const SOURCE: &[&str] = &["group", "version", "kind", "name", "namespace", "fieldPath", "options"];
const TARGET: &[&str] = &["select", "reject", "fieldPaths", "options"];
const OPTIONS: &[&str] = &["delimiter", "index", "encoding", "create"];

/// The field that is meant where none is named.
const DEFAULT_PATH: &str = "metadata.name";

/// One entry of `replacements`.
#[derive(Debug)]
pub(in super::super) enum Entry {
    Inline(Replacement),
    /// A file with one replacement, or a list of them.
    File(Text),
}

/// One value and where it goes.
#[derive(Debug)]
pub(in super::super) struct Replacement {
    pub(super) source: Source,
    pub(super) targets: Vec<Target>,
}

/// What is copied.
#[derive(Debug)]
pub(super) enum Source {
    Given(Text),
    Field(SourceField),
}

/// A field of the one resource that has this name; what is empty may be anything.
#[derive(Debug)]
pub(super) struct SourceField {
    pub(super) place: Place,
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) path: String,
    pub(super) options: Options,
}

/// Fields of the resources that are selected and not rejected.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) place: Place,
    pub(super) select: Selector,
    pub(super) reject: Vec<Selector>,
    pub(super) paths: Vec<String>,
    pub(super) options: Options,
}

/// How a field is read or written; `encoding` is known to kustomize and without effect.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) delimiter: Option<String>,
    pub(super) index: i64,
    pub(super) create: bool,
}

impl Entry {
    /// Reads all entries of `replacements`.
    pub(in super::super) fn read_all(owner: &Section<'_>) -> Result<Vec<Self>> {
        owner.sections("replacements", FIELDS)?.iter().map(Self::read).collect()
    }

    fn read(section: &Section<'_>) -> Result<Self> {
        let Some(path) = section.text("path")? else {
            return Replacement::read(section, false).map(Self::Inline);
        };
        if section.get("source").is_some() || !section.list("targets")?.is_empty() {
            let message = "a replacement needs either `path` or `source` and `targets`";
            return Err(Failure::at(&section.place(), message, "keep one of the two"));
        }
        Ok(Self::File(path))
    }
}

/// Reads a file that an entry names.
pub(super) fn read_file(loader: &mut Loader<'_>, root: &TreePath, path: &Text) -> Result<Vec<Replacement>> {
    let (file, _) = loader.read(root, &path.text, &path.place)?;
    let parsed = loader.parse(&file, &path.place)?;
    let mut read = |node: &yaml::Node| {
        let section = Section::lenient(node, "replacement", FIELDS, &parsed.source)?;
        let replacement = Replacement::read(&section, true)?;
        loader.spend(section.expressions(), &path.place)?;
        Ok(replacement)
    };
    match parsed.documents()?.first().map(|document| (document, &document.value)) {
        Some((_, yaml::Value::Sequence(elements))) => elements.iter().map(read).collect(),
        Some((document, yaml::Value::Mapping(_))) => Ok(vec![read(document)?]),
        _ => {
            let message = format!("{file} holds no replacement");
            Err(Failure::at(&path.place, message, "write one replacement, or a list of them"))
        }
    }
}

impl Replacement {
    fn read(section: &Section<'_>, may_be_idle: bool) -> Result<Self> {
        let source = section.section("source", SOURCE)?.as_ref().map(SourceField::read).transpose()?;
        let source = match (section.given_text("sourceValue")?, source) {
            (Some(text), None) => Source::Given(text),
            (None, Some(field)) => Source::Field(field),
            _ => {
                let message = "a replacement needs either `source` or `sourceValue`";
                return Err(Failure::at(&section.place(), message, "keep one of the two"));
            }
        };
        let targets = section.sections("targets", TARGET)?;
        if targets.is_empty() && !(may_be_idle && section.get("targets").is_some()) {
            return Err(Failure::at(&section.place(), "a replacement needs at least one target", "add `targets`"));
        }
        Ok(Self { source, targets: targets.iter().map(Target::read).collect::<Result<_>>()? })
    }
}

impl SourceField {
    fn read(section: &Section<'_>) -> Result<Self> {
        let text =
            |key| -> Result<String> { Ok(section.text(key)?.map(|text| text.text.to_string()).unwrap_or_default()) };
        Ok(Self {
            place: section.place(),
            group: text("group")?,
            version: text("version")?,
            kind: text("kind")?,
            name: text("name")?,
            namespace: text("namespace")?,
            path: Some(text("fieldPath")?).filter(|path| !path.is_empty()).unwrap_or_else(|| DEFAULT_PATH.into()),
            options: Options::read(section)?,
        })
    }
}

impl Target {
    fn read(section: &Section<'_>) -> Result<Self> {
        let select = section.section("select", selector::FIELDS)?.as_ref().map(Selector::of).transpose()?;
        let unselective = || Failure::at(&section.place(), "a target needs `select`", "say which resources are meant");
        let reject = section.sections("reject", selector::FIELDS)?;
        let mut paths: Vec<String> = section.texts("fieldPaths")?.iter().map(|path| path.text.to_string()).collect();
        if paths.is_empty() {
            paths.push(DEFAULT_PATH.into());
        }
        Ok(Self {
            place: section.place(),
            select: select.ok_or_else(unselective)?,
            reject: reject.iter().map(Selector::of).collect::<Result<_>>()?,
            paths,
            options: Options::read(section)?,
        })
    }
}

impl Options {
    fn read(owner: &Section<'_>) -> Result<Self> {
        let Some(section) = owner.section("options", OPTIONS)? else {
            return Ok(Self::default());
        };
        section.text("encoding")?;
        Ok(Self {
            delimiter: section.text("delimiter")?.map(|text| text.text.to_string()),
            index: section.integer("index")?.unwrap_or(0),
            create: section.flag("create")?,
        })
    }
}
