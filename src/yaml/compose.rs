//! Parser events to trees, with every bound a hostile file could run into.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use libyaml_safer::{Event, EventData, Parser, ScalarStyle};

use super::parse::{MAX_DEPTH, MAX_NODES, error_at};
use super::position::Positions;
use super::{Error, Mark, Node, Scalar, Style, Value};

/// How much aliased text weighs as much as one node against [`MAX_NODES`].
const TEXT_PER_NODE_BYTES: usize = 64;

/// A composed node with what its aliases would cost.
#[derive(Clone)]
struct Composed {
    node: Node,
    height: usize,
    weight: usize,
}

/// Builds trees from one file's events.
pub(super) struct Composer<'t> {
    file: Arc<str>,
    text: &'t str,
    skipped: usize,
    parser: Parser<&'t mut &'t [u8]>,
    positions: Positions<'t>,
    anchors: HashMap<String, Composed>,
    nodes: usize,
}

impl<'t> Composer<'t> {
    /// Prepares to read `input`, the bytes of `text`; `skipped` bytes stand before it in the file.
    pub(super) fn new(file: &str, text: &'t str, skipped: usize, input: &'t mut &'t [u8]) -> Self {
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

    /// Composes all documents.
    pub(super) fn documents(mut self) -> Result<Vec<Node>, Error> {
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
            None => self.text.find(|c: char| c.is_control() && !"\t\r\n\u{85}".contains(c)).unwrap_or(0),
        };
        let message = match error.context() {
            _ if self.text.get(offset..).is_some_and(|rest| rest.starts_with('\t')) => {
                "found a tab, which YAML does not take for indentation: write spaces".to_owned()
            }
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
            EventData::Scalar { anchor, tag, value, style, .. } => {
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
            true => Err(self.error(at, format!("the file has more than {MAX_NODES} nodes, aliases expanded"))),
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
        let start = if has_properties { self.skip_properties(start, end) } else { start };
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
            node: Node { value: Value::Scalar(Scalar { text, style, tag }), mark: self.mark(start, end) },
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
                return Ok(Composed { node: Node { value, mark }, height: height + 1, weight });
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
                return Ok(Composed { node: Node { value, mark }, height: height + 1, weight });
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
                    inherited.into_iter().filter(|(key, _)| text_of(key).is_none_or(|text| known.insert(text))),
                );
            }
        }
        Ok(explicit)
    }

    fn mark(&mut self, start: usize, end: usize) -> Mark {
        let (line, column) = self.positions.at(start);
        Mark { file: self.file.clone(), line, column, start: start + self.skipped, end: end + self.skipped }
    }
}

fn is_merge_key(key: &Node) -> bool {
    key.as_scalar().is_some_and(|scalar| scalar.style == Style::Plain && &*scalar.text == "<<")
}

fn offset(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
