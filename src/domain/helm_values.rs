//! Helm values as an overlay: which files are laid over each other, and where images stand in them.

use super::field_path::FieldPath;
use super::tree::TreePath;

/// Values files laid over each other, the last on top. `*` in the last one makes one set of every file that fits; in the
/// others and in `chart` it stands for what it stood for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelmValues {
    /// The files, from the root of the repository.
    pub values: Vec<String>,
    /// The directory of the chart, whose own values lie below all others.
    pub chart: Option<String>,
    /// Where images stand; found by their shape when not given.
    pub images: Option<Vec<HelmImage>>,
}

/// Where one image stands in values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelmImage {
    /// A whole reference, or a mapping with a `repository`.
    At(FieldPath),
    /// Parts that stand apart. A wildcard stands for what the same one of `repository` stands for.
    Parts {
        /// The name.
        repository: FieldPath,
        /// The tag.
        tag: Option<FieldPath>,
        /// What stands before the name.
        registry: Option<FieldPath>,
        /// The digest.
        digest: Option<FieldPath>,
    },
}

/// The files of one set, with the patterns filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuesFiles {
    /// The values files, the last on top.
    pub values: Vec<TreePath>,
    /// The directory of the chart.
    pub chart: Option<TreePath>,
}

impl HelmValues {
    /// Tells whether `pattern` is one this reads: at most one `*` in a component, and no other wildcard.
    #[must_use]
    pub fn is_pattern(pattern: &str) -> bool {
        !pattern.contains(['?', '[', ']', '{', '}', '\\'])
            && pattern.split('/').all(|component| component.matches('*').count() <= 1)
    }

    /// Returns the pattern whose matches are the sets.
    #[must_use]
    pub fn last(&self) -> &str {
        self.values.last().map(String::as_str).unwrap_or_default()
    }

    /// Returns the files of the set whose last values file is `path`, if it fits.
    #[must_use]
    pub fn files_at(&self, path: &TreePath) -> Option<ValuesFiles> {
        let captures = captures(self.last(), path)?;
        let fill = |pattern: &String| TreePath::parse(&fill(pattern, &captures));
        let values: Option<Vec<TreePath>> = self.values.iter().map(fill).collect();
        let chart = match &self.chart {
            Some(chart) => Some(fill(chart)?),
            None => None,
        };
        Some(ValuesFiles { values: values?, chart })
    }
}

/// What each `*` of `pattern` stands for in `path`.
fn captures<'p>(pattern: &str, path: &'p TreePath) -> Option<Vec<&'p str>> {
    let pattern: Vec<&str> = pattern.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let components: Vec<&str> = path.components().collect();
    if pattern.len() != components.len() {
        return None;
    }
    let mut captures = Vec::new();
    for (pattern, component) in pattern.into_iter().zip(components) {
        match pattern.split_once('*') {
            None if pattern == component => {}
            None => return None,
            Some((before, after)) => captures.push(component.strip_prefix(before)?.strip_suffix(after)?),
        }
    }
    Some(captures)
}

fn fill(pattern: &str, captures: &[&str]) -> String {
    let mut parts = pattern.split('*');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for (part, capture) in parts.zip(captures) {
        filled.push_str(capture);
        filled.push_str(part);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_the_same_in_all_files() {
        let set = HelmValues {
            values: vec!["apps/base.yaml".into(), "apps/*/values.yaml".into(), "apps/*/values-*.yaml".into()],
            chart: Some("charts/*".into()),
            images: None,
        };
        let files = set.files_at(&TreePath::parse("apps/api/values-prod.yaml").unwrap()).unwrap();
        let shown: Vec<&str> = files.values.iter().map(TreePath::as_str).collect();
        assert_eq!(shown, ["apps/base.yaml", "apps/api/values.yaml", "apps/api/values-prod.yaml"]);
        assert_eq!(files.chart.unwrap().as_str(), "charts/api");
        for other in ["apps/api/values.yaml", "apps/values-prod.yaml", "apps/api/x/values-prod.yaml"] {
            assert_eq!(set.files_at(&TreePath::parse(other).unwrap()), None, "{other}");
        }
    }

    #[test]
    fn other_wildcards_are_no_patterns() {
        assert!(HelmValues::is_pattern("a/*/values-*.yaml"));
        for pattern in ["a/**/v.yaml", "a/?/v.yaml", "{a,b}/v.yaml"] {
            assert!(!HelmValues::is_pattern(pattern), "{pattern}");
        }
    }
}
