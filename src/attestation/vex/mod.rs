//! Which vulnerabilities matter to an image: VEX statements, and which of them decides.
//!
//! Two formats, [OpenVEX](https://github.com/openvex/spec) and CycloneDX, in one model. A statement covers a finding
//! when it says `not_affected`, with a reason, or `fixed`, and when it says when that was known. Everything else
//! (affected, under investigation, a status that is not understood, no reason, no time) does not; and where it is the
//! newest that applies, it withdraws what older ones covered.

mod cyclonedx;
mod openvex;
mod product;
mod verdict;

use jiff::Timestamp;

use super::json;
use super::unreadable::Unreadable;

pub(super) use cyclonedx::read as read_cyclonedx;
pub(super) use openvex::read as read_openvex;
pub use product::{Component, ImageIdentity, Product};
pub use verdict::Verdicts;
#[cfg(test)]
pub(super) use verdict::verdict_of;

/// Statements about vulnerabilities.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vex {
    /// The statements, in the document's order.
    pub statements: Vec<VexStatement>,
}

/// What somebody says of a vulnerability in products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VexStatement {
    /// The vulnerability's name and other names.
    pub vulnerability: Vec<String>,
    /// The products it is about; without any it is about none.
    pub products: Vec<Product>,
    /// What it says.
    pub status: VexStatus,
    /// Why a product is not affected: one of the format's labels, or else the free text the format takes in its place.
    pub justification: Option<String>,
    /// When that was known; none when the document does not say, says nonsense, or names a time to come.
    pub at: Option<Timestamp>,
    /// Whether it stands in an attestation whose subject is the image that is judged. See [`VexStatement::applies`].
    pub attached: bool,
}

/// What a statement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VexStatus {
    /// Nothing needs doing.
    NotAffected,
    /// These products have the fix.
    Fixed,
    /// Something needs doing.
    Affected,
    /// Nobody knows yet.
    UnderInvestigation,
    /// A word that is not understood, `NOT_AFFECTED` among them; never covers.
    Unknown,
}

impl VexStatement {
    /// Tells whether a finding it applies to need not be looked at.
    #[must_use]
    pub fn covers(&self) -> bool {
        let is_good = match self.status {
            VexStatus::NotAffected => self.justification.is_some(),
            VexStatus::Fixed => true,
            VexStatus::Affected | VexStatus::UnderInvestigation | VexStatus::Unknown => false,
        };
        is_good && self.at.is_some()
    }
}

/// Reads a VEX document that is not part of an attestation; `now` is the instant nothing can be later than.
///
/// # Errors
/// The reason nothing of it can be believed: not JSON, a key twice, neither OpenVEX nor CycloneDX, a field of another
/// type.
pub fn vex_document(bytes: &[u8], now: Timestamp) -> Result<Vex, Unreadable> {
    let document = json::parse(bytes)?;
    if document.get("bomFormat").is_some() {
        return Ok(read_cyclonedx(&document, false, now)?.unwrap_or_default());
    }
    read_openvex(&document, false, now)
}

#[cfg(test)]
mod tests;
