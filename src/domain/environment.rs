//! Environments: named overlays and the registry they pull from.

use super::copy_options::CopyOptions;
use super::field_path::ImageField;
use super::helm_values::HelmValues;
use super::image::{ImageRef, InvalidImage};
use super::image_store::ImageStore;
use super::remote_base::Vendored;
use super::render::Render;

/// Named overlays and the registry they pull from. Environments stand in promotion order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// The name, as in `overlays/<name>`.
    pub name: String,
    /// Paths or globs of overlay directories, from the root of the repository.
    pub overlays: Vec<String>,
    /// Helm values, each set an overlay of its own.
    pub helm: Vec<HelmValues>,
    /// Where custom resources name images, besides what is known of well-known kinds.
    pub fields: Vec<ImageField>,
    /// Where this environment's images live; none when only reading was asked for.
    pub registry: Option<ImageStore>,
    /// The environment a missing image is copied from.
    pub from: Option<String>,
    /// Where names differ between the two registries; the first that fits wins over the prefixes.
    pub rewrites: Vec<Rewrite>,
    /// Policy files or folders, or `builtin:<name>`.
    pub policies: Vec<String>,
    /// How its images are copied.
    pub copy: CopyOptions,
    /// Which files a kustomization may read.
    pub load_restrictor: LoadRestrictor,
    /// Where rendered manifests come from, for overlays that cannot be resolved wholly.
    pub render: Option<Render>,
    /// Remote bases that lie in the repository.
    pub vendored: Vec<Vendored>,
}

impl Environment {
    /// Names overlays, and nothing else: enough for reading.
    #[must_use]
    pub fn of_overlays(name: String, overlays: Vec<String>) -> Self {
        Self {
            name,
            overlays,
            helm: Vec::new(),
            fields: Vec::new(),
            registry: None,
            from: None,
            rewrites: Vec::new(),
            policies: Vec::new(),
            copy: CopyOptions::default(),
            load_restrictor: LoadRestrictor::default(),
            render: None,
            vendored: Vec::new(),
        }
    }

    /// Tells whether `name` may be the name of an environment or a policy: it becomes part of statuses, ids and file names.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        let alphabet = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
        (1..=63).contains(&name.len()) && name.bytes().all(alphabet) && !name.starts_with(['.', '-'])
    }
}

/// Which files a kustomization may read, as kustomize's `--load-restrictor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoadRestrictor {
    /// Files in or below the kustomization's own directory.
    #[default]
    Root,
    /// Any file of the repository.
    None,
}

/// A rule for names that differ between two registries: `dev.example/legacy/{path}` to `prod.example/team/{path}`.
///
/// `{path}` stands for one non-empty remainder, so the rule reads both ways; a rule without it is about one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    from: Pattern,
    to: Pattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    before: String,
    after: Option<String>,
}

/// Why a text is not a rewrite rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRewrite {
    /// `{path}` is in one of the two only, or more than once in one.
    #[error("`{{path}}` must stand once in both `from` and `to`, or in neither")]
    Placeholder,
    /// With the placeholder filled in it is not an image name.
    #[error("`{text}` is not an image name without tag or digest")]
    Name {
        /// The side as written.
        text: String,
        /// What is wrong with it.
        #[source]
        source: InvalidImage,
    },
    /// A tag or a digest was written.
    #[error("`{0}` may not name a tag or a digest: these are carried over unchanged")]
    Suffix(String),
}

impl Rewrite {
    /// Makes a rule of its two sides.
    ///
    /// # Errors
    /// When a side is not an image name, or `{path}` is not in both or neither.
    pub fn new(from: &str, to: &str) -> Result<Self, InvalidRewrite> {
        let rule = Self { from: Pattern::new(from)?, to: Pattern::new(to)? };
        match rule.from.after.is_some() == rule.to.after.is_some() {
            true => Ok(rule),
            false => Err(InvalidRewrite::Placeholder),
        }
    }

    /// Names the image that `image`, written in the target environment, is copied from; `None` when the rule does not fit.
    #[must_use]
    pub fn source_of(&self, image: &ImageRef) -> Option<ImageRef> {
        self.from.fill(image, self.to.captured(&image.locator())?)
    }

    /// Names the image in the target environment that `image`, of the source environment, becomes.
    #[must_use]
    pub fn destination_of(&self, image: &ImageRef) -> Option<ImageRef> {
        self.to.fill(image, self.from.captured(&image.locator())?)
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self, InvalidRewrite> {
        let (before, after) = match text.split_once("{path}") {
            Some((before, after)) => (before, Some(after)),
            None => (text, None),
        };
        if after.is_some_and(|after| after.contains("{path}")) {
            return Err(InvalidRewrite::Placeholder);
        }
        let sample = format!("{before}{}", after.map(|after| format!("x{after}")).unwrap_or_default());
        let image: ImageRef =
            sample.parse().map_err(|source| InvalidRewrite::Name { text: text.to_owned(), source })?;
        if !image.suffix().is_empty() {
            return Err(InvalidRewrite::Suffix(text.to_owned()));
        }
        // The host as written need not be its canonical form, which is what images are compared in.
        let locator = image.locator();
        let Some(after) = after else {
            return Ok(Self { before: locator, after: None });
        };
        let before = locator.strip_suffix(after).and_then(|rest| rest.strip_suffix('x')).unwrap_or(before);
        Ok(Self { before: before.to_owned(), after: Some(after.to_owned()) })
    }

    /// Returns what `{path}` stands for in `locator`: empty for a pattern without it.
    fn captured<'a>(&self, locator: &'a str) -> Option<&'a str> {
        let rest = locator.strip_prefix(&self.before)?;
        match &self.after {
            None => rest.is_empty().then_some(rest),
            Some(after) => rest.strip_suffix(after.as_str()).filter(|path| !path.is_empty()),
        }
    }

    fn fill(&self, image: &ImageRef, path: &str) -> Option<ImageRef> {
        let after = self.after.as_deref().unwrap_or_default();
        let locator = format!("{}{path}{after}", self.before);
        let (registry, repository) = locator.split_once('/')?;
        image.moved_to(registry, repository).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> ImageRef {
        text.parse().unwrap()
    }

    #[test]
    fn a_rewrite_reads_both_ways() {
        let rule = Rewrite::new("dev.example:5000/legacy/{path}", "prod.example/team/{path}-v1").unwrap();
        let (dev, prod) = (image("dev.example:5000/legacy/a/b:1"), image("prod.example/team/a/b-v1:1"));
        assert_eq!(rule.destination_of(&dev).as_ref(), Some(&prod));
        assert_eq!(rule.source_of(&prod).as_ref(), Some(&dev));
    }

    #[test]
    fn a_rewrite_without_placeholder_is_about_one_repository() {
        let rule = Rewrite::new("dev.example/old", "prod.example/new").unwrap();
        assert_eq!(rule.source_of(&image("prod.example/new:2")), Some(image("dev.example/old:2")));
        assert_eq!(rule.source_of(&image("prod.example/new/er:2")), None);
    }

    #[test]
    fn rewrites_that_cannot_be_read_back_are_refused() {
        assert_eq!(Rewrite::new("dev.example/{path}", "prod.example/x"), Err(InvalidRewrite::Placeholder));
        assert_eq!(Rewrite::new("dev.example/{path}/{path}", "p.example/{path}"), Err(InvalidRewrite::Placeholder));
        assert!(matches!(Rewrite::new("dev.example/a:1", "p.example/a"), Err(InvalidRewrite::Suffix(_))));
        assert!(matches!(Rewrite::new("dev.example/A{path}", "p.example/{path}"), Err(InvalidRewrite::Name { .. })));
    }
}
