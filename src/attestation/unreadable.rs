//! Why something could not be read.

/// Why a statement or a report could not be read. Text from outside stands in it cut and escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The bytes are not JSON, or JSON that says two things.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// A field has another type than it must have.
    #[error("`{place}` is {actual}, and must be {expected}")]
    WrongType {
        /// The field, as in `scanner.result`.
        place: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        actual: &'static str,
    },
    /// A field without which the rest means nothing is not there.
    #[error("`{0}` is missing")]
    Missing(String),
    /// A format or version that is not read here.
    #[error("unsupported {what}: expected {expected}, got {actual}")]
    Unsupported {
        /// What is unsupported.
        what: &'static str,
        /// What is read here.
        expected: &'static str,
        /// What was there.
        actual: String,
    },
    /// A text that must be the address of a repository is none.
    #[error("`{text}` is not the address of a repository: {why}")]
    Repository {
        /// The text, without what may be a credential.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A Trivy report that leaves out the packages of the operating system it found.
    #[error("the report found the operating system `{0}` and says nothing of its packages")]
    OsNotScanned(String),
}

/// Makes a piece of hostile text fit for a message.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}
