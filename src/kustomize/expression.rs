//! Regular expressions as kustomize reads them: in Go's syntax, where `{` may be a brace and `\Q…\E` quotes.

use regex::{Regex, RegexBuilder};

/// How large a compiled expression may get: each size is tried in turn, and the first that suffices is what it weighs.
const SIZES_BYTES: [usize; 3] = [8 << 10, 64 << 10, 1 << 20];
/// How much an expression may remember of the texts it was held against.
const CACHE_BYTES: usize = 256 << 10;
/// What a value of a document weighs, about.
const VALUE_BYTES: usize = 100;
/// The most repetitions Go's syntax can ask for.
const MAX_REPETITIONS: u32 = 1000;

/// The classes that have a name in brackets.
const NAMED: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// A compiled expression.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    regex: Regex,
    bytes: usize,
}

impl Expression {
    /// Tells whether the expression fits some part of `text`.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// How many values weigh as much.
    pub(super) fn weight(&self) -> usize {
        self.bytes / VALUE_BYTES
    }
}

/// Compiles an expression; `None` where Go could not, or where it is too large.
pub(super) fn compile(text: &str) -> Option<Expression> {
    let mut translation = Translation { rest: text, out: String::new(), last: Last::Nothing };
    while !translation.rest.is_empty() {
        translation.step()?;
    }
    let mut builder = RegexBuilder::new(&translation.out);
    builder.dfa_size_limit(CACHE_BYTES);
    SIZES_BYTES.into_iter().find_map(|bytes| Some(Expression { regex: builder.size_limit(bytes).build().ok()?, bytes }))
}

/// What a repetition would repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// The beginning of an alternative.
    Nothing,
    Atom,
    /// Another repetition, which Go does not repeat.
    Repetition,
}

/// Go's syntax on its way to the `regex` crate's.
struct Translation<'t> {
    rest: &'t str,
    out: String,
    last: Last,
}

impl<'t> Translation<'t> {
    fn step(&mut self) -> Option<()> {
        let sign = self.next()?;
        match sign {
            '\\' if self.rest.starts_with('Q') => self.quoted(),
            '\\' => {
                let escaped = self.escape(false)?;
                self.atom(&escaped);
            }
            '[' => self.class()?,
            '(' => self.open()?,
            '|' => {
                self.out.push('|');
                self.last = Last::Nothing;
            }
            '*' | '+' | '?' => self.repeat(&sign.to_string())?,
            '{' => match self.counts() {
                Some((counts, rest)) => {
                    self.rest = rest;
                    self.repeat(&counts?)?;
                }
                None => self.atom("\\{"),
            },
            '}' | ']' => self.atom(&format!("\\{sign}")),
            _ => self.atom(sign.encode_utf8(&mut [0; 4])),
        }
        Some(())
    }

    fn next(&mut self) -> Option<char> {
        let sign = self.rest.chars().next()?;
        self.rest = self.rest.get(sign.len_utf8()..)?;
        Some(sign)
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.last = Last::Atom;
    }

    fn repeat(&mut self, operator: &str) -> Option<()> {
        if self.last != Last::Atom {
            return None;
        }
        self.out.push_str(operator);
        if let Some(rest) = self.rest.strip_prefix('?') {
            self.out.push('?');
            self.rest = rest;
        }
        self.last = Last::Repetition;
        Some(())
    }

    /// Reads `n}`, `n,}` or `n,m}` and what follows; the inner `None` is a count Go refuses, the outer a brace that counts nothing.
    fn counts(&self) -> Option<(Option<String>, &'t str)> {
        let (counts, rest) = self.rest.split_once('}')?;
        let (least, most) = counts.split_once(',').unwrap_or((counts, counts));
        let is_number = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_digit())
                && (text == "0" || !text.starts_with('0'))
        };
        if !is_number(least) || !(most.is_empty() || is_number(most)) {
            return None;
        }
        let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number <= MAX_REPETITIONS);
        let is_possible = match (number(least), most) {
            (None, _) => false,
            (Some(_), "") => true,
            (Some(least), most) => number(most).is_some_and(|most| most >= least),
        };
        Some((is_possible.then(|| format!("{{{counts}}}")), rest))
    }

    /// `\Q…\E`, of which the end may be missing.
    fn quoted(&mut self) {
        let text = self.rest.get(1..).unwrap_or_default();
        let (literal, rest) = text.split_once("\\E").unwrap_or((text, ""));
        self.rest = rest;
        if !literal.is_empty() {
            self.atom(&regex::escape(literal));
        }
    }

    /// Reads what stands behind a backslash. Classes of letters are those of ASCII.
    fn escape(&mut self, is_in_class: bool) -> Option<String> {
        let sign = self.next()?;
        Some(match sign {
            'd' => "[0-9]".into(),
            'D' => "[^0-9]".into(),
            's' => "[\\t\\n\\f\\r ]".into(),
            'S' => "[^\\t\\n\\f\\r ]".into(),
            'w' => "[0-9A-Za-z_]".into(),
            'W' => "[^0-9A-Za-z_]".into(),
            'b' | 'B' if !is_in_class => format!("(?-u:\\{sign})"),
            'A' | 'z' if !is_in_class => format!("\\{sign}"),
            'C' if !is_in_class => "(?s:.)".into(),
            'a' | 'f' | 'n' | 'r' | 't' | 'v' => format!("\\{sign}"),
            'p' | 'P' | 'x' => {
                let end = if self.rest.starts_with('{') { self.rest.find('}')? + 1 } else { 0 };
                let (name, rest) = self.rest.split_at(end);
                self.rest = rest;
                format!("\\{sign}{name}")
            }
            '0'..='7' => self.octal(sign)?,
            _ if sign.is_ascii() && !sign.is_ascii_alphanumeric() => character(u32::from(sign)),
            _ => return None,
        })
    }

    /// Up to three octal digits; a single one but 0 would refer to a group, which Go cannot.
    fn octal(&mut self, first: char) -> Option<String> {
        let more = self.rest.bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
        if first != '0' && more == 0 {
            return None;
        }
        let (digits, rest) = self.rest.split_at(more);
        self.rest = rest;
        u32::from_str_radix(&format!("{first}{digits}"), 8).ok().map(character)
    }

    /// A class in brackets, where Go knows neither classes in classes nor operators.
    fn class(&mut self) -> Option<()> {
        let mut class = String::from("[");
        if let Some(rest) = self.rest.strip_prefix('^') {
            class.push('^');
            self.rest = rest;
        }
        let mut is_first = true;
        loop {
            let named = self.rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]"));
            if let Some((name, rest)) = named {
                NAMED.contains(&name.strip_prefix('^').unwrap_or(name)).then_some(())?;
                class.push_str(&format!("[:{name}:]"));
                self.rest = rest;
                is_first = false;
                continue;
            }
            match self.next()? {
                ']' if !is_first => break,
                '\\' => class.push_str(&self.escape(true)?),
                sign @ ('[' | ']' | '&' | '~') => class.push_str(&format!("\\{sign}")),
                sign => class.push(sign),
            }
            is_first = false;
        }
        class.push(']');
        self.atom(&class);
        Some(())
    }

    /// The beginning of a group, or flags from here on.
    fn open(&mut self) -> Option<()> {
        self.out.push('(');
        let Some(rest) = self.rest.strip_prefix('?') else {
            self.last = Last::Nothing;
            return Some(());
        };
        if let Some(named) = rest.strip_prefix("P<").or_else(|| rest.strip_prefix('<')) {
            let (name, rest) = named.split_once('>')?;
            self.out.push_str(&format!("?P<{name}>"));
            (self.rest, self.last) = (rest, Last::Nothing);
            return Some(());
        }
        let end = rest.find([':', ')'])?;
        let (flags, rest) = rest.split_at(end);
        if !flags.bytes().all(|flag| b"imsU-".contains(&flag)) {
            return None;
        }
        self.out.push_str(&format!("?{flags}"));
        self.rest = rest;
        if self.next()? == ')' {
            self.out.push(')');
        } else {
            self.out.push(':');
            self.last = Last::Nothing;
        }
        Some(())
    }
}

fn character(code: u32) -> String {
    format!("\\x{{{code:x}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_matches_is_matched() {
        let matches = |text: &str, other: &str| compile(text).unwrap().is_match(other);
        assert!(!matches("^app-${CLUSTER}$", "app-${CLUSTER}"));
        assert!(matches("^{}$", "{}"));
        assert!(matches("^a{,2}$", "a{,2}"));
        assert!(matches("^a{2}?$", "aa"));
        assert!(matches(r"^\Qa.b\E*$", "a.bb"));
        assert!(matches(r"^\Qa.b\Ex$", "a.bx"));
        assert!(matches(r"^\Qa.b", "a.b"));
        assert!(matches(r"^[a[]+\d\<\_$", "a[1<_"));
        assert!(matches(r"^[]a]\101\x{41}[[:alpha:]\d]$", "]AA7"));
        assert!(matches("^(?i)A(?P<x>b)(?:c|d)$", "abd"));
        assert!(!matches(r"^\d$", "٣"));
    }

    #[test]
    fn what_go_refuses_is_refused() {
        let invalid =
            ["[", "(", "a)", "a**", "a{2}{3}", "x{1001}", "a{2,1}", "|*", r"\1", r"\u0041", r"\Z", "(?x)a", "(?=a)"];
        for text in invalid.iter().chain(&["[[:foo:]]", r"a\"]) {
            assert!(compile(text).is_none(), "{text}");
        }
    }
}
