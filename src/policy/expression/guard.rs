//! Reading a text: nothing in it may overflow a stack or keep anybody waiting.

use std::thread;

use cel::IdedExpr;
use cel::common::ast::SourceInfo;
use cel::parser::{ParseError, Parser};

use super::check::{self, Pattern};
use super::{InvalidExpression, Shape};

/// The longest text, in bytes.
pub(super) const MOST_BYTES: usize = 4096;

/// The deepest nesting of brackets.
pub(super) const MOST_BRACKETS: usize = 32;

/// The parser, and dropping what it makes, recurse: with 4 KiB of text they need up to 1 MiB of stack, 16 MiB without
/// optimisation. Untouched stack costs nothing.
const STACK_BYTES: usize = 64 << 20;

const SYNTAX: &str = "Syntax error: ";

/// An expression as it is evaluated.
pub(super) struct Compiled {
    pub(super) text: String,
    /// The tree, with patterns and ranges replaced by what `run` provides.
    pub(super) tree: IdedExpr,
    /// The height of the tree.
    pub(super) depth: usize,
    /// The patterns of `matches`, in the order of their numbers.
    pub(super) patterns: Vec<Pattern>,
}

/// Reads and checks `text`.
pub(super) fn compile(text: &str, variables: &Shape) -> Result<Compiled, InvalidExpression> {
    if text.len() > MOST_BYTES {
        return refuse(format!("an expression has at most {MOST_BYTES} bytes, and this one has {}", text.len()), None);
    }
    if let Some(at) = too_deep(text) {
        return refuse(format!("brackets nest at most {MOST_BRACKETS} deep"), Some(place(text, at)));
    }
    let read = || parse(text).and_then(|parsed| check::check(text, parsed, variables));
    let read = thread::scope(|scope| {
        let builder = thread::Builder::new().name("expression".to_owned()).stack_size(STACK_BYTES);
        builder.spawn_scoped(scope, read).map(thread::ScopedJoinHandle::join)
    });
    match read {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => refuse("the expression cannot be read", None),
        Err(error) => refuse(format!("no thread could be started to read the expression: {error}"), None),
    }
}

fn refuse<T>(message: impl Into<String>, at: Option<(usize, usize)>) -> Result<T, InvalidExpression> {
    Err(InvalidExpression { message: message.into(), at })
}

fn parse(text: &str) -> Result<(IdedExpr, SourceInfo), InvalidExpression> {
    Parser::new().parse_with_source_info(text).map_err(|errors| {
        let first = errors.errors.into_iter().next();
        let at = first.as_ref().and_then(|error| place_of_error(text, error));
        let reason = first.map_or_else(String::new, |error| error.msg);
        InvalidExpression { message: told(&reason), at }
    })
}

fn place_of_error(text: &str, error: &ParseError) -> Option<(usize, usize)> {
    let (line, column) = (usize::try_from(error.pos.0).ok()?, usize::try_from(error.pos.1).ok()?);
    let written = text.split('\n').nth(line.checked_sub(1)?)?;
    // The grammar counts characters, what is found afterwards counts bytes.
    let before = column.checked_sub(1)?;
    let before = if error.msg.starts_with(SYNTAX) { before } else { written.get(..before)?.chars().count() };
    Some((line, before + 1))
}

/// The parser's words, without those that only it understands.
fn told(reason: &str) -> String {
    if reason.contains("Recursion limit") {
        return "the expression is nested too deeply".to_owned();
    }
    let reason = reason.strip_prefix(SYNTAX).unwrap_or(reason);
    // Nearly everything may follow nearly everywhere: the list of it helps nobody.
    let reason = reason.split(" expecting {").next().unwrap_or(reason).replace("'<EOF>'", "the end");
    format!("this is not CEL: {}", reason.chars().take(200).collect::<String>())
}

/// The offset of the first bracket that nests too deeply. Quotes are understood well enough for this message; what gets by is
/// caught by the parser's own limit and the large stack.
fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' | b'\'' => at = end_of_quote(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'/') => at = end_of_line(bytes, at),
            _ => {}
        }
        if depth > MOST_BRACKETS {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The offset of the last byte of the quote that starts at `start`, or of the text.
fn end_of_quote(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let raw = start > 0 && matches!(bytes[start - 1], b'r' | b'R');
    let width = if bytes[start..].starts_with(&[quote; 3]) { 3 } else { 1 };
    let mut at = start + width;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if !raw => at += 1,
            byte if byte == quote && bytes[at..].iter().take(width).filter(|&&b| b == quote).count() == width => {
                return at + width - 1;
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn end_of_line(bytes: &[u8], start: usize) -> usize {
    bytes[start..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |length| start + length)
}

/// Line and column, both from 1, of a byte.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Line and column, both from 1, of a node.
pub(super) fn place_of(text: &str, source: &SourceInfo, id: u64) -> Option<(usize, usize)> {
    let (start, _) = source.offset_for(id)?;
    Some(place(text, usize::try_from(start).ok()?))
}
