//! Attestations: what signed statements and scanner reports say, in one model.
//!
//! Whoever calls this has verified the signature and that the statement's subject is the image; nothing here knows of
//! keys, registries or the clock. Text in, words of this crate out: where an image was built from ([`Provenance`]),
//! what a scanner found in it ([`Scan`]), what it is made of ([`Sbom`]), and which findings do not matter and why
//! ([`Vex`]).
//!
//! What cannot be understood is reported with its reason ([`Claim::Unreadable`]) and believed in no part. Times are
//! read against `now`: one from the future is no time at all, and so is Go's zero time.

mod fields;
mod json;
mod provenance;
mod purl;
mod repository;
mod sbom;
mod scan;
mod time;
mod unreadable;
mod vex;

use jiff::Timestamp;
use serde_json::Value;

pub use provenance::{Provenance, Source, Standing};
pub use purl::Purl;
pub use repository::canonical_repository;
pub use sbom::{Sbom, SbomFormat};
pub use scan::{Scan, Severity, Vulnerability, scan_report};
pub use unreadable::Unreadable;
pub use vex::{Component, ImageIdentity, Product, Verdicts, Vex, VexStatement, VexStatus, vex_document};

/// The predicate type of promotion records (<https://slsa.dev/spec/v1.0/verification_summary>).
pub const VERIFICATION_SUMMARY: &str = "https://slsa.dev/verification_summary/v1";

/// What a statement about an image claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Where and by whom it was built.
    Provenance(Provenance),
    /// What a scanner found in it.
    Scan(Scan),
    /// What it is made of, perhaps with statements about vulnerabilities in the same document.
    Sbom(Sbom),
    /// Which vulnerabilities matter to it.
    Vex(Vex),
    /// Nothing that is read here.
    Other,
    /// Something that is read here, and could not be.
    Unreadable {
        /// The reason, one sentence.
        why: String,
    },
}

/// Reads a verified statement about an image; `now` is the instant nothing can be later than.
///
/// Predicate types are compared byte for byte: one with another case or a slash at its end is [`Claim::Other`].
/// A predicate parsed by a reader that keeps the last of two equal keys can say two things to two readers: the
/// caller's parser has to refuse such bytes.
#[must_use]
pub fn claim(predicate_type: &str, predicate: &Value, now: Timestamp) -> Claim {
    let claim = match predicate_type {
        "https://slsa.dev/provenance/v1" => provenance::read_v1(predicate).map(Claim::Provenance),
        "https://slsa.dev/provenance/v0.2" => provenance::read_v02(predicate).map(Claim::Provenance),
        "https://slsa.dev/provenance/v0.1" => Err(Unreadable::Unsupported {
            what: "version of SLSA provenance",
            expected: "v1 or v0.2",
            actual: "v0.1".to_owned(),
        }),
        "https://cosign.sigstore.dev/attestation/vuln/v1" | "cosign.sigstore.dev/attestation/vuln/v1" => {
            scan::read_attested(predicate, now).map(Claim::Scan)
        }
        name if is_version_of(name, "https://openvex.dev/ns") => {
            vex::read_openvex(predicate, true, now).map(Claim::Vex)
        }
        name if is_version_of(name, "https://spdx.dev/Document") => sbom::read_spdx(predicate).map(Claim::Sbom),
        name if is_version_of(name, "https://cyclonedx.org/bom") => sbom::read_cyclonedx(predicate, now),
        _ => Ok(Claim::Other),
    };
    claim.unwrap_or_else(|why| Claim::Unreadable { why: why.to_string() })
}

/// Tells whether a name is `base`, alone or with `/v1.5` or `/v0.2.0` behind it.
fn is_version_of(name: &str, base: &str) -> bool {
    let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    match name.strip_prefix(base) {
        Some("") => true,
        Some(rest) => rest
            .strip_prefix("/v")
            .is_some_and(|version| (2..=3).contains(&version.split('.').count()) && version.split('.').all(number)),
        None => false,
    }
}

#[cfg(test)]
mod tests;
