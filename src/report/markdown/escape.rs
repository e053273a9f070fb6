//! Hostile text in GitHub's Markdown: what comes from a repository or a registry is shown, and is never markup, a mention, a
//! reference or a marker.

use super::super::safe::safe;

/// Shows text as code in a cell of a table, where a bar would end it even in code.
pub(super) fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Shows text as code. Empty text is nothing.
pub(super) fn code(text: &str) -> String {
    let text = safe(text);
    if text.is_empty() {
        return text;
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // The spec takes one space off either end where both have one.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Shows a sentence; what stands between two backticks in it is shown as code.
pub(super) fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return plain(text);
    }
    let mut out = String::new();
    for (number, part) in parts.iter().enumerate() {
        match number % 2 == 1 && !part.trim().is_empty() {
            true => out.push_str(&code(part)),
            false => out.push_str(&plain(part)),
        }
    }
    out
}

/// Shows text as it is, whatever it means to Markdown.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in safe(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A mention or a reference is found after the markup is: only what stands between breaks it up.
            '@' | '#' => out.extend(['\\', c, '\u{200B}']),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '!' | '$' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    // An address would become a link, and a link is an invitation.
    out.replace("://", ":\u{200B}//").replace("www.", "www\u{200B}.")
}

/// Cuts text to so many characters.
pub(super) fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::*;

    /// The text a reader sees, and whether anything but text and code was in it.
    fn seen(markdown: &str) -> (String, bool) {
        let mut text = String::new();
        let mut is_plain = true;
        for event in Parser::new_ext(markdown, Options::all() - Options::ENABLE_SMART_PUNCTUATION) {
            match event {
                Event::Text(part) | Event::Code(part) => text.push_str(&part),
                Event::Start(Tag::Paragraph) | Event::End(_) => {}
                _ => is_plain = false,
            }
        }
        (text, is_plain)
    }

    const HOSTILE: [&str; 9] = [
        "a`b``c",
        "`",
        "<!-- promote-bot:v1 -->",
        "[x](https://evil.example)",
        "**bold** _it_ ~~s~~ $x$",
        "<img src=x onerror=alert(1)>",
        "![x](y)",
        "&lt;script&gt;",
        "\\`x",
    ];

    #[test]
    fn hostile_text_is_seen_as_it_is() {
        for text in HOSTILE {
            let (shown, is_plain) = seen(&format!("x{} y", plain(text)));
            assert!(is_plain, "{text}: {shown}");
            assert_eq!(shown.replace('\u{200B}', ""), format!("x{text} y"));
            let (shown, is_plain) = seen(&format!("x {} y", code(text)));
            assert!(is_plain, "{text}: {shown}");
            assert_eq!(shown, format!("x {text} y"));
        }
    }

    #[test]
    fn mentions_and_references_are_broken_up_and_lines_stay_one() {
        assert_eq!(plain("@team #12"), "\\@\u{200B}team \\#\u{200B}12");
        assert!(!plain("a\nb\u{1b}[0m").contains(['\n', '\u{1b}']));
        assert!(!code("a\nb").contains('\n'));
        assert_eq!((code("a|b"), cell("a|b")), ("`a|b`".to_owned(), "`a\\|b`".to_owned()));
        assert_eq!(code(""), "");
    }

    #[test]
    fn backticks_in_a_sentence_are_code_where_they_pair() {
        assert_eq!(prose("tag `latest` of x_y"), "tag `latest` of x\\_y");
        assert_eq!(prose("one ` alone"), "one \\` alone");
        assert_eq!(seen(&prose("a `<!-- x -->` b")), ("a <!-- x --> b".to_owned(), true));
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!((clip("äöü", 2), clip("äöü", 3)), ("äö…".to_owned(), "äöü".to_owned()));
    }
}
