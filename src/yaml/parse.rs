//! The border of the YAML parser: bytes in, trees or one error out, and no panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::compose::Composer;
use super::position::Positions;
use super::{Error, Node};

/// The largest file that is read.
pub const MAX_SIZE_BYTES: usize = 16 << 20;
/// The deepest nesting, aliases expanded; every recursion over a parsed tree relies on it.
pub const MAX_DEPTH: usize = 128;
/// The most nodes in one file, aliases expanded.
pub const MAX_NODES: usize = 2_000_000;

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
    let skipped = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
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
        let message = format!("the file has {} bytes, more than the {MAX_SIZE_BYTES} allowed", text.len());
        return Err(error_at(file, (1, 1), message));
    }
    std::str::from_utf8(text).map_err(|error| {
        let valid = String::from_utf8_lossy(&text[..error.valid_up_to()]);
        error_at(file, Positions::of(&valid).at(valid.len()), "the file is not UTF-8")
    })
}

pub(super) fn error_at(file: &str, (line, column): (u32, u32), message: impl Into<String>) -> Error {
    Error { file: file.to_owned(), line, column, message: message.into() }
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
        for text in ["a: é\nimage: nginx:1 # c\n", "\u{feff}a: é\r\nimage: nginx:1\r\n", "a: é\n\nimage:\n  nginx:1"]
        {
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
        assert_eq!(only("a: |\r\n  b\r\n  c\r\n").get("a").unwrap().as_str(), Some("b\nc\n"));
    }

    #[test]
    fn merge_keys_yield_to_explicit_keys() {
        let node = only("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {<<: [*x, *y], a: 0}\n");
        let z = node.get("z").unwrap();
        let read = |key| z.get(key).and_then(Node::as_str).unwrap().to_owned();
        assert_eq!([read("a"), read("b"), read("c")], ["0", "2", "4"]);
        assert_eq!(z.get("c").unwrap().mark.line, 2);
        assert_eq!(fault(b"<<: 3\n"), (1, 5, "a merge key needs a mapping or a list of mappings".into()));
    }

    #[test]
    fn anchors_may_be_redefined_but_not_unknown() {
        assert_eq!(only("- &a 1\n- &a 2\n- *a\n").as_sequence().unwrap()[2].as_str(), Some("2"));
        assert_eq!(fault(b"a: *b\n"), (1, 4, "unknown anchor `b`".into()));
        assert_eq!(fault(b"a: &b [*b]\n").2, "unknown anchor `b`");
        assert_eq!(fault(b"a: &b 1\n---\nc: *b\n").2, "unknown anchor `b`");
    }

    #[test]
    fn faults_are_told_at_their_place_in_libyaml_words() {
        assert_eq!(fault(b"a: b\nc: d: e\n"), (2, 5, "mapping values are not allowed in this context".into()));
        assert_eq!(fault(b"a: \xff\n"), (1, 4, "the file is not UTF-8".into()));
        assert_eq!(fault(b"a: x\nb: \x01\n").0, 2);
        let tab = "found a tab, which YAML does not take for indentation: write spaces";
        assert_eq!(fault(b"a:\n\tb: 1\n"), (2, 1, tab.into()));
    }

    #[test]
    fn bombs_are_faults() {
        let laughs: String = (1..30).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
            let below = level - 1;
            format!("{text}a{level}: &a{level} [*a{below},*a{below},*a{below},*a{below}]\n")
        });
        assert!(fault(laughs.as_bytes()).2.contains("more than"));
        let chain: String = (1..300)
            .fold("a0: &a0 [x]\n".to_owned(), |text, level| format!("{text}a{level}: &a{level} [*a{}]\n", level - 1));
        assert!(fault(chain.as_bytes()).2.contains("levels deep"));
        for open in ["[", "{a: ", "- ", "? "] {
            assert!(fault(open.repeat(100_000).as_bytes()).2.contains("levels deep"), "{open}");
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
