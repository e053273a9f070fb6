//! The policies that ship in the binary.

use super::read::{Policy, read};
use crate::yaml::Fault;

/// Names and texts of the policies that ship in the binary, to be used as `builtin:<name>`.
pub const BUILTINS: [(&str, &str); 2] = [
    ("baseline", include_str!("../../policies/baseline.yaml")),
    ("release", include_str!("../../policies/release.yaml")),
];

/// Reads the built-in policy `name`; none when there is no such.
#[must_use]
pub fn builtin(name: &str) -> Option<Result<Policy, Vec<Fault>>> {
    let (name, text) = BUILTINS.iter().find(|(known, _)| *known == name)?;
    Some(read(&format!("builtin:{name}"), text.as_bytes()))
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
