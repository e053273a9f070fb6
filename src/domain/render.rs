//! The way out where an overlay cannot be resolved wholly: manifests that were rendered by something else.

use super::tree::TreePath;

/// Where the rendered manifests of an environment's overlays come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Render {
    /// A directory of the repository that holds them; `{overlay}` stands for the overlay's path, `{name}` for its last component.
    Directory(String),
    /// A program that prints them, run in the root of the revision's files, with the same words in its arguments.
    Command(Vec<String>),
}

impl Render {
    /// Puts the overlay into a pattern.
    #[must_use]
    pub fn fill(pattern: &str, overlay: &TreePath) -> String {
        // Each word is filled once: a directory may be called like one.
        let mut filled = String::new();
        let mut rest = pattern;
        while let Some(start) = rest.find('{') {
            let (before, after) = rest.split_at(start);
            filled.push_str(before);
            rest = if let Some(after) = after.strip_prefix("{overlay}") {
                filled.push_str(overlay.as_str());
                after
            } else if let Some(after) = after.strip_prefix("{name}") {
                filled.push_str(overlay.name());
                after
            } else {
                filled.push('{');
                after.get(1..).unwrap_or_default()
            };
        }
        filled + rest
    }

    /// Returns the directory that holds the manifests of `overlay`, where one does.
    #[must_use]
    pub fn directory(&self, overlay: &TreePath) -> Option<TreePath> {
        match self {
            Self::Directory(pattern) => TreePath::parse(&Self::fill(pattern, overlay)),
            Self::Command(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overlay_is_put_into_a_pattern_once() {
        let overlay = TreePath::parse("apps/{name}/production").unwrap();
        assert_eq!(Render::fill("r/{overlay}/{name}/{x}", &overlay), "r/apps/{name}/production/production/{x}");
        let directory = Render::Directory("../{overlay}".to_owned());
        assert_eq!(directory.directory(&overlay), None);
    }
}
