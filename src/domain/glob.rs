//! Shell-like patterns over `/`-separated names: `apps/*/overlays/production`, `shop/**`.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};

/// How long a pattern may be, in bytes: a longer one would take more memory than anything it fits.
const LONGEST: usize = 512;

/// A pattern in which `*` and `?` stay inside one component, `**` spans any number, `[..]` and `{a,b}` choose.
#[derive(Clone)]
pub struct Glob {
    text: String,
    matcher: GlobMatcher,
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a pattern: {why}")]
pub struct InvalidGlob {
    text: String,
    why: String,
}

impl Glob {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// When brackets or braces are not closed, or it is longer than 512 bytes.
    pub fn new(text: &str) -> Result<Self, InvalidGlob> {
        if text.len() > LONGEST {
            let start = text.chars().take(32).chain("…".chars()).collect();
            return Err(InvalidGlob { text: start, why: format!("it has more than {LONGEST} bytes") });
        }
        let glob = GlobBuilder::new(text).literal_separator(true).backslash_escape(true).build();
        let invalid = |error: globset::Error| InvalidGlob { text: text.to_owned(), why: error.kind().to_string() };
        Ok(Self { text: text.to_owned(), matcher: glob.map_err(invalid)?.compile_matcher() })
    }

    /// Tells whether `name` fits.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.matcher.is_match(name)
    }

    /// Returns the pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether a path component holds none of the characters that make a pattern.
    #[must_use]
    pub fn is_literal(component: &str) -> bool {
        !component.contains(['*', '?', '[', ']', '{', '}', '\\'])
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob({})", self.text)
    }
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn a_pattern_that_is_too_long_is_refused() {
        let told = |text: String| Glob::new(&text).unwrap_err().to_string();
        assert!(
            told("*a".repeat(100_000))
                .ends_with("… is not a pattern: it has more than 512 bytes".replace('…', "…`").as_str())
        );
        for text in ["?".repeat(512), "*a".repeat(256), "[!a-z]".repeat(85), "{a,b}".repeat(102)] {
            assert!(!Glob::new(&text).unwrap().matches("x"), "{text}");
        }
    }

    #[test]
    fn a_star_stays_in_its_component_and_two_span_any_number() {
        let glob = Glob::new("apps/*/overlays/production").unwrap();
        assert!(glob.matches("apps/api/overlays/production"));
        assert!(!glob.matches("apps/a/b/overlays/production"));
        assert!(Glob::new("shop/**").unwrap().matches("shop/a/b"));
        assert!(Glob::new("a[").is_err());
    }
}
