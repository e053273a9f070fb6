//! The marker: how our one comment on a change is known again, and whether it says the same already. Pure.
//!
//! It is an HTML comment on the first line: which configuration it is about, and the digest of what follows. Names are shown as code
//! or escaped below it, so that nobody else's text can be one.

use crate::domain::Digest;

const BEGIN: &str = "<!-- promote-bot:v1 key=";

/// Puts the marker before a comment's text.
pub(super) fn marked(key: &str, text: &str) -> String {
    format!("{}body={} -->\n{text}", before(key), Digest::of(text.as_bytes()))
}

/// Tells whether a comment begins with the marker of `key`.
pub(super) fn is_marked(key: &str, comment: &str) -> bool {
    comment.starts_with(&before(key))
}

/// Tells whether a comment says the same as `marked` does. Forges may change line ends and what is at the end.
pub(super) fn is_same(comment: &str, marked: &str) -> bool {
    comment.lines().next().map(str::trim_end) == marked.lines().next()
}

fn before(key: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "._/-".contains(c) { c } else { '_' };
    let key: String = key.chars().map(keep).collect();
    // Two hyphens could end the comment.
    format!("{BEGIN}{} ", key.replace("--", "__"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_known_by_its_key_and_its_text() {
        let comment = marked("promote-bot.yaml", "### one\n");
        assert!(is_marked("promote-bot.yaml", &comment) && !is_marked("other.yaml", &comment));
        assert!(!is_marked("promote-bot.yaml", &format!("> {comment}")));
        assert!(is_same(&comment.replace('\n', "\r\n"), &comment));
        assert!(!is_same(&comment, &marked("promote-bot.yaml", "### two\n")));
        assert!(marked("a-->b\nc", "x").starts_with("<!-- promote-bot:v1 key=a___b_c body=sha256:"));
    }
}
