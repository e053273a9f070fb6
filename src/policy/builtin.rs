//! The policies that ship in the binary.

use super::read::{Policy, read};
use crate::yaml::Fault;

/// Names and texts of the policies that ship in the binary, to be used as `builtin:<name>`.
pub const BUILTINS: [(&str, &str); 3] = [
    ("baseline", include_str!("../../policies/baseline.yaml")),
    ("release", include_str!("../../policies/release.yaml")),
    ("strict", include_str!("../../policies/strict.yaml")),
];

/// Reads the built-in policy `name`; none when there is no such.
#[must_use]
pub fn builtin(name: &str) -> Option<Result<Policy, Vec<Fault>>> {
    let text = text_of(name)?;
    Some(read(&format!("builtin:{name}"), text.as_bytes()))
}

/// Returns the text of the built-in policy `name`.
#[must_use]
pub fn text_of(name: &str) -> Option<&'static str> {
    BUILTINS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_is_a_policy_of_its_name() {
        for (name, _) in BUILTINS {
            assert_eq!(builtin(name).unwrap().unwrap().name, name);
        }
        assert!(builtin("none").is_none());
    }
}
