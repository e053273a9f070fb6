//! Sizes as people write them.

use crate::yaml::{Faults, Node};

/// Units in powers of 1000, as registries and disks count, and of 1024.
const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Reads a size in bytes: a whole number and its unit, `2GiB` or `500 MB`.
pub(super) fn read_size(node: &Node, key: &str, faults: &Faults) -> Option<u64> {
    let size = node.as_str().and_then(parse);
    if size.is_none() {
        let hint = "write a whole number and one of B, kB, MB, GB, TB, KiB, MiB, GiB, TiB: 2GiB";
        faults.push_with_hint(node, format!("`{key}` is not a size"), hint);
    }
    size
}

fn parse(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (_, bytes) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*bytes).filter(|size| *size > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_and_its_unit() {
        assert_eq!(parse("2GiB"), Some(2 << 30));
        assert_eq!(parse("500 MB"), Some(500_000_000));
        for no_size in ["", "2", "GiB", "-1GB", "1.5GB", "0B", "2gib", "99999999999TB"] {
            assert_eq!(parse(no_size), None, "{no_size}");
        }
    }
}
