//! Text inside text: places in an inline patch, told as places in the file around it.

use std::sync::Arc;

use crate::yaml::{self, Style};

use super::node::{Place, Scalar};

/// How long a line may be on which a block begins: many texts on one long line must not cost its length each.
const MAX_HEADER_BYTES: usize = 4096;

/// A scalar of a kustomization that may hold YAML itself.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) text: Arc<str>,
    pub(crate) place: Place,
    pub(crate) shift: Shift,
}

impl Text {
    /// Takes a scalar node of a file with the content `source`.
    pub(crate) fn of(node: &yaml::Node, scalar: &yaml::Scalar, source: &[u8]) -> Self {
        let place = Place::of(node);
        let is_one_line = !source.get(node.mark.start..node.mark.end).unwrap_or_default().contains(&b'\n');
        let shift = match scalar.style {
            Style::Literal => Shift::Block {
                header_line: node.mark.line,
                indent: indentation(source.get(node.mark.start..).unwrap_or_default()),
            },
            _ if is_one_line => Shift::Line(place.clone()),
            _ => Shift::Fixed(place.clone()),
        };
        Self { text: scalar.text.clone(), place, shift }
    }

    /// Takes a scalar of a document that stands at `place`; `lines` is its file from that line on.
    pub(crate) fn at(place: &Place, scalar: &Scalar, lines: &[u8]) -> Self {
        let shift = match block_indent(place, &scalar.text, lines) {
            Some(indent) => Shift::Block { header_line: place.line, indent },
            None if scalar.is_verbatim => Shift::Line(place.clone()),
            None => Shift::Fixed(place.clone()),
        };
        Self { text: scalar.text.clone(), place: place.clone(), shift }
    }
}

/// The indentation of the literal block at `place`, if one is there that holds `text`.
fn block_indent(place: &Place, text: &str, lines: &[u8]) -> Option<u32> {
    let end = lines.iter().take(MAX_HEADER_BYTES).position(|byte| *byte == b'\n')?;
    let header = std::str::from_utf8(lines.get(..end)?).ok()?;
    let mut lines = lines.get(end + 1..)?.split(|byte| *byte == b'\n');
    if header.chars().nth((place.column as usize).checked_sub(1)?) != Some('|') {
        return None;
    }
    let first = std::str::from_utf8(lines.find(|line| !line.trim_ascii().is_empty())?).ok()?;
    let indent = first.len() - first.trim_start_matches(' ').len();
    let written = text.lines().find(|line| !line.trim().is_empty())?;
    (written.trim_end() == first.get(indent..)?.trim_end()).then(|| u32::try_from(indent).unwrap_or(u32::MAX))
}

/// How places in a text become places in a file.
#[derive(Debug, Clone)]
pub(crate) enum Shift {
    /// They are the file's already.
    None,
    /// The text is a literal block below the line `header_line`.
    Block { header_line: u32, indent: u32 },
    /// The text is written on one line from here on.
    Line(Place),
    /// The text is folded or escaped; only its beginning is known.
    Fixed(Place),
}

impl Shift {
    /// Returns the place in the file.
    pub(crate) fn place(&self, inner: &Place) -> Place {
        match self {
            Self::None => inner.clone(),
            Self::Block { header_line, indent } => Place {
                file: inner.file.clone(),
                line: inner.line.saturating_add(*header_line),
                column: inner.column.saturating_add(*indent),
            },
            Self::Line(start) if inner.line == 1 => start.right(inner.column.saturating_sub(1) as usize),
            Self::Line(start) | Self::Fixed(start) => start.clone(),
        }
    }
}

/// The indentation of the first line with text below the block's header.
fn indentation(block: &[u8]) -> u32 {
    let lines = block.split(|byte| *byte == b'\n').skip(1);
    let spaces = |line: &[u8]| line.iter().take_while(|byte| **byte == b' ').count();
    let first = lines.map(|line| (spaces(line), line)).find(|(indent, line)| {
        let rest = line.get(*indent..).unwrap_or_default();
        !rest.is_empty() && rest != b"\r"
    });
    first.map_or(0, |(indent, _)| u32::try_from(indent).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_a_literal_block_are_the_files() {
        let source = b"patch: |-\n\n    a: b\n    c: d\n";
        let node = &yaml::parse("k", source).unwrap()[0];
        let patch = node.get("patch").unwrap();
        let text = Text::of(patch, patch.as_scalar().unwrap(), source);
        let inner = &yaml::parse("k", text.text.as_bytes()).unwrap()[0];
        let place = text.shift.place(&Place::of(inner.get("c").unwrap()));
        assert_eq!((place.line, place.column), (4, 8));
    }

    #[test]
    fn a_block_is_known_again_from_its_place_alone() {
        use super::super::node::{Node, Reading};
        let source = b"a: 1\nvalues: |\n\n   x: y\n   z: w\nfolded: >\n  x: y\n";
        let node = &yaml::parse("k", source).unwrap()[0];
        let node = Node::convert(node, Reading::Resource, &Shift::None).unwrap();
        let text = |key: &str| {
            let value = node.get(key).unwrap();
            let line = source.split_inclusive(|byte| *byte == b'\n').take(value.place.line as usize - 1);
            let start: usize = line.map(<[u8]>::len).sum();
            Text::at(&value.place, value.as_scalar().unwrap(), &source[start..])
        };
        let inner = Place { line: 3, column: 4, ..Place::start_of("k") };
        let place = text("values").shift.place(&inner);
        assert_eq!((place.line, place.column), (5, 7));
        assert!(matches!(text("folded").shift, Shift::Fixed(_)));
    }

    #[test]
    fn places_in_a_quoted_line_are_the_files() {
        let source = b"patch: '{a: b}'\n";
        let node = &yaml::parse("k", source).unwrap()[0];
        let patch = node.get("patch").unwrap();
        let text = Text::of(patch, patch.as_scalar().unwrap(), source);
        let inner = &yaml::parse("k", text.text.as_bytes()).unwrap()[0];
        let place = text.shift.place(&Place::of(inner.get("a").unwrap()));
        assert_eq!((place.line, place.column), (1, 13));
    }
}
