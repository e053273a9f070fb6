//! Images in the values that a `HelmRelease` or an `Application` hands to a chart, where only the chart knows the rest of them.
//!
//! What stands there whole is found as any other field `image`. Here are the shapes that name an image in part: a version
//! without a name, a name without a version, and a name under `image` beside its registry and tag, as ingress-nginx has it.

use crate::domain::{DecidedBy, Digest};
use crate::manifest::{ImageParts, Node, Value, has_version, part};

use super::sink::Sink;

const VERSIONS: [&str; 3] = ["tag", "digest", "sha"];

/// Reads the mappings under keys `image` in `values`, but those at the fields `taken`, to which it adds what it read; `field`
/// is the path to the values, `chart` what knows the rest.
pub(super) fn read(values: &Node, field: &str, taken: &mut Vec<String>, chart: &str, sink: &mut Sink<'_, '_>) {
    Reader { field, taken, chart, sink }.visit(values, &mut String::new());
}

struct Reader<'r, 's, 't, 'd> {
    field: &'r str,
    taken: &'r mut Vec<String>,
    chart: &'r str,
    sink: &'d mut Sink<'s, 't>,
}

impl Reader<'_, '_, '_, '_> {
    fn visit(&mut self, node: &Node, path: &mut String) {
        let length = path.len();
        match &node.value {
            Value::Scalar(_) => {}
            Value::List(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    path.push_str(&format!("[{index}]"));
                    self.visit(element, path);
                    path.truncate(length);
                }
            }
            Value::Map(entries) => {
                for (key, value) in entries {
                    path.extend([if length > 0 { "." } else { "" }, key]);
                    if &**key == "image" && matches!(value.value, Value::Map(_)) && !self.taken.contains(path) {
                        self.read_image(value, path);
                    }
                    self.visit(value, path);
                    path.truncate(length);
                }
            }
        }
    }

    fn read_image(&mut self, image: &Node, path: &str) {
        let at = |key: &str| image.get(key).and_then(part);
        let version = VERSIONS.into_iter().find_map(at);
        let named = at("repository").map(|name| (name, false)).or_else(|| at("image").map(|name| (name, true)));
        match (named, version) {
            // With `repository` it is found as it stands.
            (Some((repository, true)), Some(_)) => {
                let digest = at("digest").or_else(|| at("sha"));
                let parts = ImageParts { registry: at("registry"), repository, tag: at("tag"), digest };
                let (text, decided) = parts.join(DecidedBy::Values);
                self.sink.add(&text, Some(path.to_owned()), format!("{}.{path}.image", self.field), &decided);
                self.taken.push(format!("{path}.image"));
            }
            (Some(((name, place), _)), None) if !has_version(name) => {
                self.sink.say("declared-tag", no_tag(name, self.chart), place);
                self.taken.push(path.to_owned());
            }
            (None, Some((version, place))) => {
                let what = format!("{path} is given {version}, and its name is left to {}", self.chart);
                self.sink.say("declared-name", what, place);
            }
            _ => {}
        }
    }
}

/// Says that an image has no version of its own.
pub(super) fn no_tag(name: &str, chart: &str) -> String {
    format!("{name} has no tag in these values, so that of {chart} counts")
}

/// Names a chart and its version, as far as they are given.
pub(super) fn chart(name: Option<&Node>, version: Option<&Node>) -> String {
    let text = |node: Option<&Node>| node.and_then(Node::text).map(|text| format!(" {text}")).unwrap_or_default();
    format!("the chart{}{}", text(name), text(version))
}

/// A name for what a node says, another one when it says something else; some keys left out wherever they stand.
pub(super) fn fingerprint(node: &Node, without: &[&str]) -> String {
    fn write(node: &Node, without: &[&str], text: &mut String) {
        match &node.value {
            Value::Scalar(scalar) => text.push_str(&format!("{:?}", scalar.text)),
            Value::List(elements) => {
                text.push('[');
                elements.iter().for_each(|element| write(element, without, text));
                text.push(']');
            }
            Value::Map(entries) => {
                text.push('{');
                for (key, value) in entries.iter().filter(|(key, _)| !without.contains(&&**key)) {
                    text.push_str(&format!("{key:?}"));
                    write(value, without, text);
                }
                text.push('}');
            }
        }
    }
    let mut text = String::new();
    write(node, without, &mut text);
    Digest::of(text.as_bytes()).to_string()
}
