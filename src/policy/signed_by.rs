//! Whose signature a rule takes.

use super::named::Named;
use crate::yaml::Fields;

/// The signers a rule takes; any one of them is enough.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SignedBy {
    /// The signers that are named; none where any signer of the signers file will do.
    named: Option<Vec<Named>>,
}

impl SignedBy {
    /// Reads the names under `key`; its absence means any signer.
    pub(super) fn read(fields: &mut Fields<'_>, key: &'static str) -> Self {
        let is_given = fields.optional(key).is_some();
        let named: Vec<Named> = fields.strings(key).into_iter().map(|(node, text)| Named::new(node, text)).collect();
        Self { named: is_given.then_some(named) }
    }

    /// Takes nobody's signature.
    pub(super) fn nobody() -> Self {
        Self { named: Some(Vec::new()) }
    }

    /// Tells whether nobody's signature is taken.
    pub(super) fn is_nobody(&self) -> bool {
        self.named.as_ref().is_some_and(Vec::is_empty)
    }

    /// Tells whether one of `signers` is taken.
    pub(super) fn takes(&self, signers: &[String]) -> bool {
        match &self.named {
            Some(named) => signers.iter().any(|signer| named.iter().any(|taken| *taken.name == **signer)),
            None => !signers.is_empty(),
        }
    }

    /// Says who is taken: `release-key or ci`.
    pub(super) fn told(&self) -> String {
        match &self.named {
            Some(named) => named.iter().map(|signer| &*signer.name).collect::<Vec<_>>().join(" or "),
            None => "a signer of signers.yaml".to_owned(),
        }
    }

    /// Returns the names, for those who know which exist.
    pub(super) fn names(&self) -> Vec<&Named> {
        self.named.iter().flatten().collect()
    }
}
