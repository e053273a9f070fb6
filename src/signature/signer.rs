//! Signers: who may vouch for an image, and by which means.

use super::key::Key;
use super::keyless::Keyless;

/// Somebody who may vouch for an image.
#[derive(Debug)]
pub struct Signer {
    /// The name that policies use.
    pub name: String,
    /// How its signatures are told from others.
    pub means: Means,
}

/// How a signer's signatures are told from others.
#[derive(Debug)]
pub enum Means {
    /// A key of its own.
    Key(Key),
    /// An identity that a certificate authority vouched for when it signed.
    Keyless(Keyless),
}

impl Signer {
    pub(super) fn key(&self) -> Option<&Key> {
        match &self.means {
            Means::Key(key) => Some(key),
            Means::Keyless(_) => None,
        }
    }

    pub(super) fn keyless(&self) -> Option<&Keyless> {
        match &self.means {
            Means::Key(_) => None,
            Means::Keyless(keyless) => Some(keyless),
        }
    }
}
