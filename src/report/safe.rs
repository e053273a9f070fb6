//! Text from outside, made fit to be shown.

/// Replaces what could steer a terminal or mislead a reader: control characters and bidirectional overrides.
///
/// See <https://trojansource.codes/> for the latter.
#[must_use]
pub fn safe(text: &str) -> String {
    text.chars().map(|c| if is_treacherous(c) { '\u{FFFD}' } else { c }).collect()
}

fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn escape_sequences_newlines_and_overrides_are_disarmed() {
        assert_eq!(safe("a\u{1b}[31m\nb\u{202e}c"), "a\u{FFFD}[31m\u{FFFD}b\u{FFFD}c");
        assert_eq!(safe("réf → ok"), "réf → ok");
    }
}
