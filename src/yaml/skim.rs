//! A quick look over block YAML of the plainest kind, to tell that it would parse without making a tree of it.

use super::{ScalarKind, Style, print_resource_scalar, resolve_resource_scalar};

/// The deepest nesting that is looked over.
const MAX_FRAMES: usize = 100;
/// The most keys in one mapping: each is held against all before it.
const MAX_KEYS: usize = 1_000;
/// The longest key: the parser wants the colon within 1,024 characters.
const MAX_KEY_BYTES: usize = 256;
/// The most values that are looked over.
const MAX_VALUES: usize = 1_000_000;

/// How far [`skim`] looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skimmed {
    /// Where the line begins that the value does not go on in.
    pub bytes: usize,
    /// How many lines end before it.
    pub lines: usize,
    /// How many values stand there, keys counted.
    pub values: usize,
}

/// Looks over the value at the start of `text`, of a key that stands alone on the line before in a block mapping at `indent`.
///
/// What is found good parses, has no key twice in a mapping, and only keys and numbers that kustomize can print. `None`
/// says that it is not all of the plainest kind (anchors, tags, flow mappings and much else is not), and nothing of
/// whether it parses.
#[must_use]
pub fn skim(text: &[u8], indent: usize) -> Option<Skimmed> {
    let lines = Lines { text, at: 0, count: 0 };
    let around = Frame { indent, is_list: false, first_key: 0 };
    let mut skimmer = Skimmer { lines, frames: vec![around], keys: Vec::new(), is_open: true, values: 0 };
    let mut has_content = false;
    while let Some(line) = skimmer.lines.peek() {
        let is_content = !line.is_blank() && !line.is_comment();
        if is_content && (line.indent < indent || (line.indent == indent && !line.is_item())) {
            break;
        }
        skimmer.lines.pass(line);
        if is_content {
            has_content = true;
            skimmer.line(line)?;
        }
    }
    let (bytes, lines) = (skimmer.lines.at, skimmer.lines.count);
    (has_content && is_plain_text(&text[..bytes])).then_some(Skimmed { bytes, lines, values: skimmer.values })
}

/// Tells whether there is no character but those that every YAML parser reads as they are, and line feeds.
fn is_plain_text(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| (*byte < b' ' && *byte != b'\n') || *byte == 0x7f;
    // Without a branch in the loop, for this looks at every byte.
    if bytes.iter().fold(false, |found, byte| found | is_control(byte)) {
        return false;
    }
    let is_special =
        |c: char| matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    bytes.is_ascii() || std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(is_special))
}

#[derive(Clone, Copy)]
struct Line<'t> {
    indent: usize,
    /// What stands after the indentation, without blanks at the end.
    content: &'t [u8],
    /// Where the next line begins.
    end: usize,
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        self.content.is_empty()
    }

    fn is_item(&self) -> bool {
        matches!(self.content, [b'-'] | [b'-', b' ', ..])
    }

    fn is_comment(&self) -> bool {
        self.content.first() == Some(&b'#')
    }
}

struct Lines<'t> {
    text: &'t [u8],
    at: usize,
    count: usize,
}

impl<'t> Lines<'t> {
    fn peek(&self) -> Option<Line<'t>> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let indent = rest[..length].iter().position(|byte| *byte != b' ').unwrap_or(length);
        let mut content = &rest[indent..length];
        while let [before @ .., b' '] = content {
            content = before;
        }
        Some(Line { indent, content, end: (self.at + length + 1).min(self.text.len()) })
    }

    fn pass(&mut self, line: Line<'_>) {
        self.at = line.end;
        self.count += 1;
    }
}

/// A mapping or list that is still open.
struct Frame {
    indent: usize,
    is_list: bool,
    /// Where its keys begin among all.
    first_key: usize,
}

struct Skimmer<'t> {
    lines: Lines<'t>,
    frames: Vec<Frame>,
    keys: Vec<&'t [u8]>,
    /// Whether the last key has no value yet.
    is_open: bool,
    values: usize,
}

impl<'t> Skimmer<'t> {
    fn line(&mut self, line: Line<'t>) -> Option<()> {
        while self.frames.last().is_some_and(|frame| frame.indent > line.indent) {
            self.close();
        }
        match line.content {
            [b'-'] => None,
            [b'-', b' ', ..] => {
                self.enter_list(line.indent)?;
                let item = line.content[1..].trim_ascii_start();
                let column = line.indent + line.content.len() - item.len();
                self.count()?;
                match split_key(item) {
                    Some((key, value)) => {
                        self.open(column, false)?;
                        self.entry(key, value, column)
                    }
                    None if matches!(item, [b'-'] | [b'-', b' ', ..]) => None,
                    None => self.scalar(item, line.indent),
                }
            }
            content => {
                if self.frames.last()?.is_list && self.frames.last()?.indent == line.indent {
                    self.close();
                }
                let frame = self.frames.last().filter(|frame| !frame.is_list)?;
                let (outer, is_deeper) = (frame.indent, frame.indent < line.indent);
                match split_key(content) {
                    Some((key, value)) => {
                        if is_deeper {
                            self.is_open.then_some(())?;
                            self.open(line.indent, false)?;
                        }
                        self.entry(key, value, line.indent)
                    }
                    None if is_deeper && self.is_open => {
                        self.is_open = false;
                        self.scalar(content, outer)
                    }
                    None => None,
                }
            }
        }
    }

    /// Makes sure that a list at `indent` is open: one that is, or the value of a key without one.
    fn enter_list(&mut self, indent: usize) -> Option<()> {
        let frame = self.frames.last()?;
        match (frame.is_list, self.is_open) {
            (true, _) if frame.indent == indent => Some(()),
            (false, true) => self.open(indent, true),
            _ => None,
        }
    }

    fn open(&mut self, indent: usize, is_list: bool) -> Option<()> {
        self.is_open = false;
        self.frames.push(Frame { indent, is_list, first_key: self.keys.len() });
        (self.frames.len() <= MAX_FRAMES).then_some(())
    }

    fn close(&mut self) {
        self.is_open = false;
        if let Some(frame) = self.frames.pop() {
            self.keys.truncate(frame.first_key);
        }
    }

    fn count(&mut self) -> Option<()> {
        self.values += 1;
        (self.values <= MAX_VALUES).then_some(())
    }

    /// A key of the last frame with what stands behind it on its line.
    fn entry(&mut self, key: &'t [u8], value: &'t [u8], indent: usize) -> Option<()> {
        let known = self.keys.get(self.frames.last()?.first_key..)?;
        if known.len() >= MAX_KEYS || known.contains(&key) {
            return None;
        }
        self.keys.push(key);
        self.count()?;
        self.count()?;
        self.is_open = value.is_empty();
        if value.is_empty() { Some(()) } else { self.scalar(value, indent) }
    }

    /// A scalar, or an empty flow collection, in a block at `indent`; the lines it goes on in are passed.
    fn scalar(&mut self, value: &'t [u8], indent: usize) -> Option<()> {
        match value {
            b"{}" | b"[]" => Some(()),
            [b'|' | b'>'] | [b'|' | b'>', b'-' | b'+'] => self.block(indent, None),
            [b'|' | b'>', digit @ b'1'..=b'9'] | [b'|' | b'>', digit @ b'1'..=b'9', b'-' | b'+'] => {
                self.block(indent, Some(indent + usize::from(digit - b'0')))
            }
            [b'\'', rest @ ..] => self.quoted(rest, b'\'', indent),
            [b'"', rest @ ..] => self.quoted(rest, b'"', indent),
            [b'-' | b'?' | b':'] | [b'-' | b'?' | b':', b' ', ..] => None,
            [b'#' | b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b',' | b'{' | b'}' | b'[' | b']' | b'|' | b'>', ..] => {
                None
            }
            _ => self.plain(value, indent),
        }
    }

    fn plain(&mut self, value: &'t [u8], indent: usize) -> Option<()> {
        let (value, mut is_ended) = plain_text(value)?;
        let mut has_more = false;
        while let Some(line) = self.next_of_scalar(indent).filter(|line| !is_ended && !line.is_comment()) {
            (_, is_ended) = plain_text(line.content)?;
            self.pass_to(line);
            has_more = true;
        }
        match value.first()? {
            // A date can go on in another line; nothing else can that is not text.
            b'0'..=b'9' if has_more => None,
            b'0'..=b'9' | b'+' | b'-' | b'.' | b'~' | b'<' | b'=' if !has_more => {
                let text = std::str::from_utf8(value).ok()?.into();
                print_resource_scalar(&super::Scalar { text, style: Style::Plain, tag: None }).map(|_| ())
            }
            _ => Some(()),
        }
    }

    /// The next line that is not blank, if a scalar in a block at `indent` goes on in it.
    fn next_of_scalar(&self, indent: usize) -> Option<Line<'t>> {
        let mut lines = Lines { ..self.lines };
        loop {
            let line = lines.peek()?;
            if !line.is_blank() {
                return (line.indent > indent).then_some(line);
            }
            lines.pass(line);
        }
    }

    /// Passes all lines up to and with `line`.
    fn pass_to(&mut self, line: Line<'t>) {
        while self.lines.at < line.end
            && let Some(next) = self.lines.peek()
        {
            self.lines.pass(next);
        }
    }

    fn quoted(&mut self, rest: &'t [u8], quote: u8, indent: usize) -> Option<()> {
        let mut rest = rest;
        while !is_closed(rest, quote)? {
            let line = self.next_of_scalar(indent)?;
            self.pass_to(line);
            rest = line.content;
        }
        Some(())
    }

    /// A block scalar whose text is indented by `own`, or as its first line is.
    fn block(&mut self, indent: usize, own: Option<usize>) -> Option<()> {
        let mut own = own;
        while let Some(line) = self.lines.peek() {
            // Blanks alone on a line may decide where the block is indented.
            let is_blank = line.is_blank() && line.indent == 0;
            if !is_blank {
                if line.indent <= indent {
                    return (!line.is_blank()).then_some(());
                }
                if line.is_blank() || line.indent < *own.get_or_insert(line.indent) {
                    return None;
                }
            }
            self.lines.pass(line);
        }
        Some(())
    }
}

/// Splits `key: value` or `key:` where the key is a name that is read as text.
fn split_key(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.' | b'-' | b'/');
    let length = content.iter().position(|byte| !is_of_name(*byte))?;
    let (key, rest) = content.split_at(length);
    let value = match rest {
        [b':'] => &[],
        [b':', b' ', value @ ..] => value.trim_ascii_start(),
        _ => return None,
    };
    let first = key.first().filter(|first| first.is_ascii_alphabetic() || matches!(first, b'_' | b'$'))?;
    let may_be_word = matches!(first, b't' | b'T' | b'f' | b'F' | b'n' | b'N') && matches!(length, 4 | 5);
    let is_text = !may_be_word || {
        let scalar = super::Scalar { text: std::str::from_utf8(key).ok()?.into(), style: Style::Plain, tag: None };
        resolve_resource_scalar(&scalar) == ScalarKind::Str
    };
    (length <= MAX_KEY_BYTES && is_text).then_some((key, value))
}

/// What belongs to a plain scalar, and whether a comment ends it; `None` where a colon does.
fn plain_text(content: &[u8]) -> Option<(&[u8], bool)> {
    for at in memchr::memchr2_iter(b':', b'#', content) {
        match content[at] {
            b':' if content.get(at + 1).is_none_or(|next| *next == b' ') => return None,
            b'#' if at > 0 && content[at - 1] == b' ' => return Some((content[..at].trim_ascii_end(), true)),
            _ => {}
        }
    }
    Some((content, false))
}

/// Tells whether a quoted scalar ends on this line, where it must end the line as well.
fn is_closed(content: &[u8], quote: u8) -> Option<bool> {
    let mut at = 0;
    while let Some(byte) = content.get(at) {
        let next = content.get(at + 1);
        at += match (*byte, next) {
            (b'\'', Some(b'\'')) if quote == b'\'' => 2,
            (b'\\', Some(b'"' | b'\\' | b'/' | b' ' | b'n' | b'r' | b't')) if quote == b'"' => 2,
            // The end of the line, or a blank before it.
            (b'\\', None) if quote == b'"' => 1,
            (b'\\', _) if quote == b'"' => return None,
            (byte, None) if byte == quote => return Some(true),
            (byte, _) if byte == quote => return None,
            _ => 1,
        };
    }
    Some(false)
}

#[cfg(test)]
mod tests;
