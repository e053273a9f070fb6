//! Files of custom resource definitions, read without their schemas.
//!
//! A schema is most of such a file, megabytes at times, and next to nothing looks into it: no image stands there, and
//! kustomize's own `images` passes it over. So it is only checked, and read when something asks for it all the same.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::manifest::{Late, Node, Place, Reading, Result, Shift};
use crate::yaml;

use super::resource::{Resource, read_resources};

/// Smaller files are read as they are.
const MIN_FILE_BYTES: usize = 4 << 10;
const DEFINITION: &[u8] = b"kind: CustomResourceDefinition";
const SPEC: &[u8] = b"spec:";
const VERSIONS: &[u8] = b"versions:";
/// What is read late.
const LATE: &[&str] = &["spec", "versions"];

/// The resources of a file, and how many values it holds.
pub(super) struct Outline {
    pub(super) resources: Result<Vec<Resource>>,
    pub(super) size: usize,
}

/// The lines of `versions` that were only checked.
#[derive(Debug)]
struct Checked {
    file: Arc<str>,
    source: Arc<[u8]>,
    /// From the line `versions:` on.
    span: Range<usize>,
    /// The number of that line.
    line: u32,
    /// How far it is indented.
    indent: usize,
    value: OnceLock<Node>,
}

impl Late for Checked {
    fn value(&self) -> &Node {
        self.value.get_or_init(|| {
            let lines = &self.source[self.span.clone()];
            let document = yaml::parse(&self.file, lines).ok().and_then(|documents| documents.into_iter().next());
            let versions = document.as_ref().and_then(|document| document.get("versions"));
            let shift = Shift::Block { header_line: self.line - 1, indent: 0 };
            let versions = versions.and_then(|versions| Node::convert(versions, Reading::Resource, &shift).ok());
            debug_assert!(versions.is_some(), "what was checked can be read");
            versions.unwrap_or_else(|| Node::null(&Place { line: self.line, ..Place::start_of(&self.file) }))
        })
    }
}

impl Outline {
    /// Reads a file whose custom resource definitions are of the plainest kind of YAML; `None` for every other.
    pub(super) fn read(file: &str, source: &Arc<[u8]>) -> Option<Self> {
        let is_worth_it = (MIN_FILE_BYTES..=yaml::MAX_SIZE_BYTES).contains(&source.len());
        if !is_worth_it || memchr::memmem::find(source, DEFINITION).is_none() {
            return None;
        }
        let file: Arc<str> = file.into();
        let (text, checked, values) = split(&file, source)?;
        let documents = yaml::parse(&file, &text).ok()?;
        // Each must stand where the parser sees a key without a value too, and not in the middle of some text.
        let claimed = documents.iter().filter(|document| late_line(document, &text, &checked).is_some()).count();
        let size = values + documents.iter().map(super::files::size).sum::<usize>();
        // All together is as bounded as if it were read at once.
        if claimed != checked.len() || size > yaml::MAX_NODES {
            return None;
        }
        documents.iter().try_for_each(super::files::check_keys).ok()?;
        let resources = read_resources(&documents, &text, &file, &Shift::None).map(|resources| {
            let with_rest = |resource: Resource| {
                let line = resource.node.path(LATE).map(|versions| versions.place.line);
                match line.and_then(|line| checked.get(&line)) {
                    Some(rest) => resource.with_rest(LATE, rest.clone()),
                    None => resource,
                }
            };
            resources.into_iter().map(with_rest).collect()
        });
        Some(Self { resources, size })
    }
}

/// The versions that were only checked, by the line of their key.
type AllChecked = HashMap<u32, Arc<Checked>>;

/// The line of the versions that a document was read without.
fn late_line(document: &yaml::Node, text: &[u8], checked: &AllChecked) -> Option<u32> {
    // In braces, indentation means nothing.
    let is_block = |node: &yaml::Node| text.get(node.mark.start) != Some(&b'{');
    let spec = &only(document, "spec").filter(|_| is_block(document))?.1;
    let (key, value) = only(spec, "versions").filter(|_| is_block(spec))?;
    let checked = checked.get(&key.mark.line)?;
    let is_empty = value.as_scalar().is_some_and(|scalar| scalar.text.is_empty() && scalar.style == yaml::Style::Plain);
    (is_empty && key.mark.column as usize == checked.indent + 1).then_some(checked.line)
}

/// The one entry of that name.
fn only<'n>(node: &'n yaml::Node, name: &str) -> Option<&'n (yaml::Node, yaml::Node)> {
    let mut found = node.as_mapping()?.iter().filter(|(key, _)| key.as_str() == Some(name));
    found.next().filter(|_| found.next().is_none())
}

/// Returns the text with an empty line for each line of a schema, the schemas, and how many values they hold.
fn split(file: &Arc<str>, source: &Arc<[u8]>) -> Option<(Vec<u8>, AllChecked, usize)> {
    let (mut text, mut all, mut values) = (Vec::new(), AllChecked::new(), 0);
    let (mut at, mut line) = (0, 0);
    let (mut is_definition, mut is_spec) = (false, false);
    while at < source.len() {
        let rest = &source[at..];
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let content = rest[..length].trim_ascii_end();
        let indent = content.iter().take_while(|byte| **byte == b' ').count();
        if content.starts_with(b"---") {
            is_definition = false;
        }
        if indent == 0 && !content.is_empty() {
            is_definition |= content == DEFINITION;
            is_spec = content == SPEC;
        }
        text.extend_from_slice(&rest[..length]);
        let start = at;
        at += length;
        line += 1;
        if is_definition && is_spec && &content[indent..] == VERSIONS {
            let skimmed = yaml::skim(&source[at..], indent)?;
            at += skimmed.bytes;
            values += skimmed.values;
            let (file, source, span) = (file.clone(), source.clone(), start..at);
            all.insert(line, Arc::new(Checked { file, source, span, line, indent, value: OnceLock::new() }));
            text.resize(text.len() + skimmed.lines, b'\n');
            line += u32::try_from(skimmed.lines).ok()?;
        }
    }
    (!all.is_empty()).then_some((text, all, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: a.example\n\
        spec:\n  group: example\n  versions:\n  - name: v1\n    schema: {}\n    served: true\n  scope: Namespaced\n";

    fn large(text: &str) -> Arc<[u8]> {
        format!("{text}---\n{}", "# to be worth it\n".repeat(MIN_FILE_BYTES / 16)).into_bytes().into()
    }

    fn whole(source: &Arc<[u8]>) -> String {
        let documents = yaml::parse("f.yaml", source).unwrap();
        let resources = read_resources(&documents, source, "f.yaml", &Shift::None).unwrap();
        resources.iter().map(|resource| format!("{:?}\n", *resource.node)).collect()
    }

    #[test]
    fn what_is_read_late_is_what_would_have_been_read_at_once() {
        let indented =
            DEFINITION.replace("  - name", "    - name").replace("    s", "      s").replace("a.example", "b.example");
        let other = "kind: ConfigMap\nmetadata: {name: c}\nspec:\n  versions:\n  - x\n";
        let source = large(&format!("# first\n{DEFINITION}---\n{other}---\n{indented}status: {{}}\n"));
        let outline = Outline::read("f.yaml", &source).unwrap();
        let resources = outline.resources.unwrap();
        let late: Vec<bool> =
            resources.iter().map(|resource| resource.node.head().path(LATE).and_then(Node::text) == Some("")).collect();
        assert_eq!(late, [true, false, true]);
        let read: String = resources.iter().map(|resource| format!("{:?}\n", *resource.node)).collect();
        assert_eq!(read, whole(&source));
        assert!(outline.size >= resources.iter().map(|resource| resource.node.size()).sum());
    }

    #[test]
    fn what_only_looks_like_versions_is_read_as_it_is() {
        let quoted = "kind: CustomResourceDefinition\nmetadata:\n  name: \"x\nspec:\n  versions:\n  - a: b\n  \"\n";
        let padded = "{ apiVersion: v1, metadata: {name: x},\nkind: CustomResourceDefinition\n,\nspec:\n {\n  versions:\n    - a\n }\n}\n";
        let flow = "kind: CustomResourceDefinition\nmetadata: {name: x}\na: {b: c,\nspec:\n  versions:\n  - a\n}\n";
        let twice = DEFINITION.replace("  scope", "  versions: []\n  scope");
        for text in [
            quoted,
            flow,
            padded,
            &twice,
            &DEFINITION.replace("{}", "&x {}"),
            &DEFINITION.replace("true", "t: t"),
            "kind: Deployment\n",
        ] {
            assert!(Outline::read("f.yaml", &large(text)).is_none(), "{text}");
        }
        assert!(Outline::read("f.yaml", &DEFINITION.as_bytes().into()).is_none());
    }
}
