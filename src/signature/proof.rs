//! What was found out about one document.

use serde_json::Value;

use super::statement::Statement;
use crate::domain::{Digest, Document};

/// What one document says, and who stands behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// The image it was found on.
    pub subject: Digest,
    /// The manifest that holds it, for people.
    pub manifest: Digest,
    /// What it is.
    pub content: Content,
    /// Who made it, or why that cannot be said.
    pub outcome: Outcome,
    /// When it was made, as a trusted timestamp authority or log says: the earliest of the verified times. Never for a
    /// key.
    pub signed_at: Option<jiff::Timestamp>,
}

/// What a document is, by what was signed; annotations and media types do not count.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A signature of an image.
    Signature,
    /// A statement about an image, which is never a signature of it.
    Attestation {
        /// The type of the predicate.
        predicate_type: String,
        /// What is stated; null unless the outcome is [`Outcome::Verified`], since nobody may believe it otherwise.
        predicate: Value,
    },
    /// A report without a signature: the document itself says the rest.
    Unsigned,
    /// It could not be read far enough to tell.
    Unknown,
}

/// Who made a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Known signers made it, for this image.
    Verified {
        /// The names of all that did, sorted.
        by: Vec<String>,
    },
    /// None of the known signers made it.
    SomebodyElse {
        /// Who it was as far as that can be told, for people.
        who: String,
    },
    /// It was changed after signing, or is not well-formed.
    Broken {
        /// What is wrong with it.
        why: String,
    },
    /// A known signer made it, for another image.
    AnotherImage {
        /// Which image that is.
        whom: String,
    },
    /// It is signed in a format that cannot be judged here.
    Unsupported {
        /// The name of the format.
        format: String,
    },
    /// Nobody signed it.
    NotSigned,
}

impl Outcome {
    pub(super) fn broken(why: impl Into<String>) -> Self {
        Self::Broken { why: why.into() }
    }

    pub(super) fn unsupported(format: impl Into<String>) -> Self {
        Self::Unsupported { format: format.into() }
    }

    pub(super) fn somebody_else(who: impl Into<String>) -> Self {
        Self::SomebodyElse { who: who.into() }
    }
}

/// A proof without the document it is of.
#[derive(Debug)]
pub(super) struct Examined {
    pub(super) content: Content,
    pub(super) outcome: Outcome,
    pub(super) signed_at: Option<jiff::Timestamp>,
}

impl Examined {
    /// Nothing is known but that it failed.
    pub(super) fn unknown(outcome: Outcome) -> Self {
        Self { content: Content::Unknown, outcome, signed_at: None }
    }

    /// A statement, by the signers named in `made_by`, found on `subject`.
    pub(super) fn statement(
        statement: Statement,
        made_by: Result<Vec<String>, Outcome>,
        may_sign: bool,
        subject: &Digest,
    ) -> Self {
        let outcome = match made_by {
            Err(outcome) => outcome,
            Ok(by) if statement.is_about(subject) => Outcome::Verified { by },
            Ok(_) => Outcome::AnotherImage { whom: statement.whom() },
        };
        let verified = matches!(outcome, Outcome::Verified { .. });
        let content = match may_sign && statement.is_signature() {
            true => Content::Signature,
            false => Content::Attestation {
                predicate_type: statement.predicate_type,
                predicate: if verified { statement.predicate } else { Value::Null },
            },
        };
        Self { content, outcome, signed_at: None }
    }

    pub(super) fn of(self, document: &Document) -> Proof {
        Proof {
            subject: document.subject.clone(),
            manifest: document.manifest.clone(),
            content: self.content,
            outcome: self.outcome,
            signed_at: self.signed_at,
        }
    }
}

/// Makes a piece of hostile text fit for a sentence: ASCII, one line, at most 200 characters of it.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(200).flat_map(char::escape_default).collect()
}
