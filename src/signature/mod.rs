//! Signatures and attestations: who stands behind an image. Pure: documents in, proofs out.
//!
//! [`examine()`] takes one [`Document`](crate::domain::Document) that hangs on an image and says what it is and which
//! of the known [`Signer`]s made it. A signature is a statement of cosign's signing type in a Sigstore bundle, or a
//! payload in cosign's old format; everything else that is signed is an attestation, and never counts as one. What is
//! verified is what is read: payloads are decoded once, JSON with a key twice is refused, and neither annotations,
//! hints nor media types are believed. [`SigningKey::seal`] makes such a bundle, for the promotion record.

mod bundle;
mod dsse;
mod encrypted;
mod examine;
mod json;
mod key;
mod keyless;
mod pem;
mod proof;
mod provider;
mod seal;
mod signer;
mod simple_signing;
mod statement;
#[cfg(test)]
mod tests;

pub use examine::{can_sign, examine, is_read};
pub use key::{InvalidKey, Key};
pub use keyless::{Identity, IdentityPattern, InvalidRoot, Keyless, PUBLIC_GOOD_ROOT};
pub use proof::{Content, Outcome, Proof};
pub use seal::SigningKey;
pub use signer::{Means, Signer};
