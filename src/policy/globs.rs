//! Lists of patterns, as policies and waivers have them.

use crate::domain::Glob;
use crate::yaml::{Faults, Node};

/// How many patterns a list may have.
const MOST_GLOBS: usize = 100;

/// Reads patterns; none where one cannot be read, or there are too many.
pub(super) fn read_globs(texts: Vec<(&Node, &str)>, faults: &Faults) -> Option<Vec<Glob>> {
    if let Some((node, _)) = texts.get(MOST_GLOBS) {
        faults.push(node, format!("a list has at most {MOST_GLOBS} patterns, found {}", texts.len()));
        return None;
    }
    let read = |(node, text)| Glob::new(text).map_err(|error| faults.push(node, error.to_string())).ok();
    // All faults are told, not the first alone.
    let globs: Vec<Option<Glob>> = texts.into_iter().map(read).collect();
    globs.into_iter().collect()
}
