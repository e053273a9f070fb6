//! Shell-like patterns over `/`-separated names: `apps/*/overlays/production`, `shop/**`.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};

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
    /// When brackets or braces are not closed.
    pub fn new(text: &str) -> Result<Self, InvalidGlob> {
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
    fn a_star_stays_in_its_component_and_two_span_any_number() {
        let glob = Glob::new("apps/*/overlays/production").unwrap();
        assert!(glob.matches("apps/api/overlays/production"));
        assert!(!glob.matches("apps/a/b/overlays/production"));
        assert!(Glob::new("shop/**").unwrap().matches("shop/a/b"));
        assert!(Glob::new("a[").is_err());
    }
}
