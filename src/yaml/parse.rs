//! Parser events to trees, with every bound a hostile file could run into.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use libyaml_safer::{Event, EventData, Parser, ScalarStyle};

use super::position::Positions;
use super::{Error, Mark, Node, Scalar, Style, Value};

/// The largest file that is read.
pub const MAX_SIZE_BYTES: usize = 16 << 20;
/// The deepest nesting, aliases expanded; every recursion over a parsed tree relies on it.
pub const MAX_DEPTH: usize = 128;
/// The most nodes in one file, aliases expanded.
pub const MAX_NODES: usize = 2_000_000;
/// How much aliased text weighs as much as one node against [`MAX_NODES`].
const TEXT_PER_NODE_BYTES: usize = 64;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Parses all documents of `text`; `file` is only for marks and messages.
///
/// Aliases and merge keys are expanded, explicit keys win over merged ones. Offsets in marks are those of `text` as given,
/// with a byte order mark and carriage returns counted as bytes.
///
/// # Errors
/// The first fault: text that is not UTF-8 or not YAML, an unknown alias, or a bound exceeded.
pub fn parse(file: &str, text: &[u8]) -> Result<Vec<Node>, Error> {
    let text = checked_text(file, text)?;
    let skipped = if text.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    // The parser panics on a block scalar that ends the file without a line feed.
    let mut owned = String::with_capacity(text.len() + 1);
    owned.push_str(&text[skipped..]);
    if !owned.ends_with('\n') {
        owned.push('\n');
    }
    let attempt = catch_unwind(AssertUnwindSafe(|| {
        let mut input = owned.as_bytes();
        Composer::new(file, &owned, skipped, &mut input).documents()
    }));
    attempt.unwrap_or_else(|_| Err(error_at(file, (1, 1), "the YAML parser failed on this file")))
}

fn checked_text<'t>(file: &str, text: &'t [u8]) -> Result<&'t str, Error> {
    if text.len() > MAX_SIZE_BYTES {
        let message = format!(
            "the file has {} bytes, more than the {MAX_SIZE_BYTES} allowed",
            text.len()
        );
        return Err(error_at(file, (1, 1), message));
    }
    std::str::from_utf8(text).map_err(|error| {
        let valid = String::from_utf8_lossy(&text[..error.valid_up_to()]);
        error_at(file, Positions::of(&valid).at(valid.len()), "the file is not UTF-8")
    })
}

fn error_at(file: &str, (line, column): (u32, u32), message: impl Into<String>) -> Error {
    Error {
        file: file.to_owned(),
        line,
        column,
        message: message.into(),
    }
}

/// A composed node with what its aliases would cost.
#[derive(Clone)]
struct Composed {
    node: Node,
    height: usize,
    weight: usize,
}

struct Composer<'t> {
    file: Arc<str>,
    text: &'t str,
    skipped: usize,
    parser: Parser<&'t mut &'t [u8]>,
    positions: Positions<'t>,
    anchors: HashMap<String, Composed>,
    nodes: usize,
}

impl<'t> Composer<'t> {
    fn new(file: &str, text: &'t str, skipped: usize, input: &'t mut &'t [u8]) -> Self {
        let mut parser = Parser::new();
        parser.set_input(input);
        Self {
            file: file.into(),
            text,
            skipped,
            parser,
            positions: Positions::of(text),
            anchors: HashMap::new(),
            nodes: 0,
        }
    }

    fn documents(mut self) -> Result<Vec<Node>, Error> {
        let mut documents = Vec::new();
        loop {
            let event = self.next()?;
            match event.data {
                EventData::StreamEnd => return Ok(documents),
                EventData::DocumentStart { .. } => self.anchors.clear(),
                EventData::StreamStart { .. } | EventData::DocumentEnd { .. } => {}
                _ => documents.push(self.compose(event, 1)?.node),
            }
        }
    }

    fn next(&mut self) -> Result<Event, Error> {
        self.parser.parse().map_err(|error| self.parser_error(&error))
    }

    fn parser_error(&mut self, error: &libyaml_safer::Error) -> Error {
        let offset = match error.problem_mark() {
            Some(mark) => offset(mark.index),
            None => self
                .text
                .find(|c: char| c.is_control() && !"\t\r\n\u{85}".contains(c))
                .unwrap_or(0),
        };
        let message = match error.context() {
            Some(context) if !error.problem().is_empty() => format!("{} {context}", error.problem()),
            _ => error.problem().to_owned(),
        };
        self.error(offset, message)
    }

    fn error(&mut self, offset: usize, message: impl Into<String>) -> Error {
        error_at(&self.file, self.positions.at(offset), message)
    }

    /// Composes the node that `event` starts, `depth` levels below the document.
    fn compose(&mut self, event: Event, depth: usize) -> Result<Composed, Error> {
        let start = offset(event.start_mark.index);
        if depth > MAX_DEPTH {
            return Err(self.error(start, format!("nested more than {MAX_DEPTH} levels deep")));
        }
        self.count(start, 1)?;
        let end = offset(event.end_mark.index);
        let (anchor, composed) = match event.data {
            EventData::Alias { anchor } => return self.alias(&anchor, start, depth),
            EventData::Scalar {
                anchor,
                tag,
                value,
                style,
                ..
            } => {
                let has_properties = anchor.is_some() || tag.is_some();
                (anchor, self.scalar(value, style, tag, (start, end), has_properties))
            }
            EventData::SequenceStart { anchor, .. } => (anchor, self.sequence(start, depth)?),
            EventData::MappingStart { anchor, .. } => (anchor, self.mapping(start, depth)?),
            _ => return Err(self.error(start, "did not find expected node content")),
        };
        if let Some(anchor) = anchor {
            self.count(start, composed.weight)?;
            self.anchors.insert(anchor, composed.clone());
        }
        Ok(composed)
    }

    fn count(&mut self, at: usize, weight: usize) -> Result<(), Error> {
        self.nodes = self.nodes.saturating_add(weight);
        match self.nodes > MAX_NODES {
            true => Err(self.error(
                at,
                format!("the file has more than {MAX_NODES} nodes, aliases expanded"),
            )),
            false => Ok(()),
        }
    }

    fn alias(&mut self, anchor: &str, start: usize, depth: usize) -> Result<Composed, Error> {
        let Some((height, weight)) = self.anchors.get(anchor).map(|target| (target.height, target.weight)) else {
            return Err(self.error(start, format!("unknown anchor `{anchor}`")));
        };
        if depth + height > MAX_DEPTH + 1 {
            return Err(self.error(start, format!("nested more than {MAX_DEPTH} levels deep")));
        }
        // Counted before the copy is made: this is what stops a billion laughs.
        self.count(start, weight)?;
        let target = self.anchors.get(anchor).cloned();
        target.ok_or_else(|| self.error(start, format!("unknown anchor `{anchor}`")))
    }

    fn scalar(
        &mut self,
        text: String,
        style: ScalarStyle,
        tag: Option<String>,
        (start, end): (usize, usize),
        has_properties: bool,
    ) -> Composed {
        let start = if has_properties {
            self.skip_properties(start, end)
        } else {
            start
        };
        let style = match style {
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
            _ => Style::Plain,
        };
        let weight = 1 + text.len() / TEXT_PER_NODE_BYTES;
        let text = text.into();
        Composed {
            node: Node {
                value: Value::Scalar(Scalar { text, style, tag }),
                mark: self.mark(start, end),
            },
            height: 1,
            weight,
        }
    }

    /// Moves past an anchor and a tag: the parser counts them to the scalar, an editor of its text must not.
    fn skip_properties(&self, start: usize, end: usize) -> usize {
        let span = self.text.get(start..end).unwrap_or_default();
        let mut rest = span;
        while rest.starts_with(['&', '!', '#']) {
            let is_comment = rest.starts_with('#');
            let stop = |c: char| if is_comment { c == '\n' } else { c.is_whitespace() };
            rest = rest.find(stop).map_or("", |at| rest[at..].trim_start());
        }
        end - rest.len()
    }

    fn sequence(&mut self, start: usize, depth: usize) -> Result<Composed, Error> {
        let mut elements = Vec::new();
        let (mut height, mut weight) = (0, 1);
        loop {
            let event = self.next()?;
            if event.data == EventData::SequenceEnd {
                let mark = self.mark(start, offset(event.end_mark.index));
                let value = Value::Sequence(elements);
                return Ok(Composed {
                    node: Node { value, mark },
                    height: height + 1,
                    weight,
                });
            }
            let element = self.compose(event, depth + 1)?;
            height = height.max(element.height);
            weight += element.weight;
            elements.push(element.node);
        }
    }

    fn mapping(&mut self, start: usize, depth: usize) -> Result<Composed, Error> {
        let mut entries = Vec::new();
        let (mut height, mut weight) = (0, 1);
        loop {
            let event = self.next()?;
            if event.data == EventData::MappingEnd {
                let mark = self.mark(start, offset(event.end_mark.index));
                let value = Value::Mapping(self.merged(entries)?);
                return Ok(Composed {
                    node: Node { value, mark },
                    height: height + 1,
                    weight,
                });
            }
            let key = self.compose(event, depth + 1)?;
            let event = self.next()?;
            let value = self.compose(event, depth + 1)?;
            height = height.max(key.height).max(value.height);
            weight += key.weight + value.weight;
            entries.push((key.node, value.node));
        }
    }

    /// Puts the entries that merge keys name behind the explicit ones, which win.
    fn merged(&mut self, entries: Vec<(Node, Node)>) -> Result<Vec<(Node, Node)>, Error> {
        if !entries.iter().any(|(key, _)| is_merge_key(key)) {
            return Ok(entries);
        }
        let (merges, mut explicit): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| is_merge_key(key));
        let text_of = |key: &Node| key.as_scalar().map(|scalar| scalar.text.clone());
        let mut known: HashSet<Arc<str>> = explicit.iter().filter_map(|(key, _)| text_of(key)).collect();
        for (_, value) in merges {
            let sources = match value.value {
                Value::Sequence(sources) => sources,
                _ => vec![value],
            };
            for source in sources {
                let Value::Mapping(inherited) = source.value else {
                    let start = source.mark.start.saturating_sub(self.skipped);
                    return Err(self.error(start, "a merge key needs a mapping or a list of mappings"));
                };
                explicit.extend(
                    inherited
                        .into_iter()
                        .filter(|(key, _)| text_of(key).is_none_or(|text| known.insert(text))),
                );
            }
        }
        Ok(explicit)
    }

    fn mark(&mut self, start: usize, end: usize) -> Mark {
        let (line, column) = self.positions.at(start);
        Mark {
            file: self.file.clone(),
            line,
            column,
            start: start + self.skipped,
            end: end + self.skipped,
        }
    }
}

fn is_merge_key(key: &Node) -> bool {
    key.as_scalar()
        .is_some_and(|scalar| scalar.style == Style::Plain && &*scalar.text == "<<")
}

fn offset(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Node {
        let mut documents = parse("f.yaml", text.as_bytes()).unwrap();
        assert_eq!(documents.len(), 1);
        documents.remove(0)
    }

    fn fault(text: &[u8]) -> (u32, u32, String) {
        let error = parse("f.yaml", text).unwrap_err();
        (error.line, error.column, error.message)
    }

    #[test]
    fn marks_are_byte_spans_of_the_file_whatever_its_line_ends() {
        for text in [
            "a: é\nimage: nginx:1 # c\n",
            "\u{feff}a: é\r\nimage: nginx:1\r\n",
            "a: é\n\nimage:\n  nginx:1",
        ] {
            let node = only(text);
            let image = node.get("image").unwrap();
            assert_eq!(&text[image.mark.start..image.mark.end], "nginx:1", "{text:?}");
        }
        let node = only("\u{feff}a: é\r\nimage: \"é\" \r\n");
        let mark = &node.get("image").unwrap().mark;
        assert_eq!((mark.line, mark.column), (2, 8));
    }

    #[test]
    fn a_block_scalar_may_end_the_file_without_a_line_feed() {
        assert_eq!(only("a: |\n  b").get("a").unwrap().as_str(), Some("b\n"));
        assert_eq!(
            only("a: |\r\n  b\r\n  c\r\n").get("a").unwrap().as_str(),
            Some("b\nc\n")
        );
    }

    #[test]
    fn merge_keys_yield_to_explicit_keys() {
        let node = only("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {<<: [*x, *y], a: 0}\n");
        let z = node.get("z").unwrap();
        let read = |key| z.get(key).and_then(Node::as_str).unwrap().to_owned();
        assert_eq!([read("a"), read("b"), read("c")], ["0", "2", "4"]);
        assert_eq!(z.get("c").unwrap().mark.line, 2);
        assert_eq!(
            fault(b"<<: 3\n"),
            (1, 5, "a merge key needs a mapping or a list of mappings".into())
        );
    }

    #[test]
    fn anchors_may_be_redefined_but_not_unknown() {
        assert_eq!(
            only("- &a 1\n- &a 2\n- *a\n").as_sequence().unwrap()[2].as_str(),
            Some("2")
        );
        assert_eq!(fault(b"a: *b\n"), (1, 4, "unknown anchor `b`".into()));
        assert_eq!(fault(b"a: &b [*b]\n").2, "unknown anchor `b`");
        assert_eq!(fault(b"a: &b 1\n---\nc: *b\n").2, "unknown anchor `b`");
    }

    #[test]
    fn faults_are_told_at_their_place_in_libyaml_words() {
        assert_eq!(
            fault(b"a: b\nc: d: e\n"),
            (2, 5, "mapping values are not allowed in this context".into())
        );
        assert_eq!(fault(b"a: \xff\n"), (1, 4, "the file is not UTF-8".into()));
        assert_eq!(fault(b"a: x\nb: \x01\n").0, 2);
    }

    #[test]
    fn bombs_are_faults() {
        let laughs: String = (1..30).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
            let below = level - 1;
            format!("{text}a{level}: &a{level} [*a{below},*a{below},*a{below},*a{below}]\n")
        });
        assert!(fault(laughs.as_bytes()).2.contains("more than"));
        let chain: String = (1..300).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
            format!("{text}a{level}: &a{level} [*a{}]\n", level - 1)
        });
        assert!(fault(chain.as_bytes()).2.contains("levels deep"));
        for open in ["[", "{a: ", "- ", "? "] {
            assert!(
                fault(open.repeat(100_000).as_bytes()).2.contains("levels deep"),
                "{open}"
            );
        }
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a,".repeat(1000));
        assert!(fault(long.as_bytes()).2.contains("more than"));
        assert!(fault(&vec![b'#'; MAX_SIZE_BYTES + 1]).2.contains("bytes"));
    }

    #[test]
    fn a_long_line_of_many_nodes_is_read_in_linear_time() {
        let text = format!("[{}]", "a,".repeat(300_000));
        assert_eq!(only(&text).as_sequence().unwrap().len(), 300_000);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[-:?|>&*!'\"\\[\\]{}#%@ \\n\\ra-c0<,.]{0,60}") {
            let _ = parse("f.yaml", text.as_bytes());
        }
    }
}
