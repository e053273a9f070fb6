//! Which resources a patch's `target` means.

use std::sync::Arc;

use crate::manifest::{Failure, Place, Result, Text};

use super::expression::{self, Expression};
use super::id::split_api_version;
use super::label_selector::LabelSelector;
use super::resource::Resource;
use super::section::Section;

/// The fields of a selector.
pub(super) const FIELDS: &[&str] =
    &["group", "version", "kind", "name", "namespace", "annotationSelector", "labelSelector"];

/// Conditions on a resource; those that are absent always hold.
#[derive(Debug)]
pub(super) struct Selector {
    pub(super) place: Place,
    group: Option<Pattern>,
    version: Option<Pattern>,
    kind: Option<Pattern>,
    pub(super) name: Option<Pattern>,
    namespace: Option<Pattern>,
    labels: Option<LabelSelector>,
    annotations: Option<LabelSelector>,
}

impl Selector {
    /// Reads the `target` of a patch.
    pub(super) fn read(patch: &Section<'_>) -> Result<Option<Self>> {
        patch.section("target", FIELDS)?.as_ref().map(Self::of).transpose()
    }

    /// Reads a selector.
    pub(super) fn of(section: &Section<'_>) -> Result<Self> {
        let pattern = |key| section.text(key)?.map(|text| Pattern::read(&text, section)).transpose();
        let selector = |key| section.text(key)?.as_ref().map(LabelSelector::parse).transpose();
        Ok(Self {
            place: section.place(),
            group: pattern("group")?,
            version: pattern("version")?,
            kind: pattern("kind")?,
            name: pattern("name")?,
            namespace: pattern("namespace")?,
            labels: selector("labelSelector")?,
            annotations: selector("annotationSelector")?,
        })
    }

    /// Tells whether `resource` is meant: by its original or current name and namespace, and its current type.
    pub(super) fn selects(&self, resource: &Resource) -> bool {
        let fits =
            |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
        let (group, version) = split_api_version(resource.api_version());
        if !fits(&self.group, group) || !fits(&self.version, version) || !fits(&self.kind, resource.kind()) {
            return false;
        }
        let (original, current) = (resource.original_id(), resource.current_id());
        (fits(&self.namespace, &original.namespace) || fits(&self.namespace, &current.namespace))
            && (fits(&self.name, &original.name) || fits(&self.name, &current.name))
            && self.selects_metadata(resource)
    }

    /// Tells whether labels and annotations of `resource` are meant.
    pub(super) fn selects_metadata(&self, resource: &Resource) -> bool {
        let fits = |selector: &Option<LabelSelector>, field| {
            let map = resource.node.head().path(&["metadata", field]);
            selector.as_ref().is_none_or(|selector| selector.matches(map))
        };
        fits(&self.labels, "labels") && fits(&self.annotations, "annotations")
    }

    /// Tells whether one of the names that `resource` has or had is meant, its namespace as it was written.
    pub(super) fn selects_any_name(&self, resource: &Resource) -> bool {
        let fits =
            |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
        let (group, version) = split_api_version(resource.api_version());
        let mut names = resource.names();
        fits(&self.group, group)
            && fits(&self.version, version)
            && names.any(|(kind, name, namespace)| {
                fits(&self.kind, kind) && fits(&self.name, name) && fits(&self.namespace, namespace)
            })
    }

    /// Tells whether the selector has conditions on names or types.
    pub(super) fn has_names(&self) -> bool {
        [&self.group, &self.version, &self.kind, &self.name, &self.namespace].iter().any(|pattern| pattern.is_some())
    }

    /// Tells whether the selector has conditions on labels or annotations.
    pub(super) fn has_metadata(&self) -> bool {
        self.labels.is_some() || self.annotations.is_some()
    }
}

/// The longest pattern that is read; what would fit into what may be compiled is shorter.
const MAX_TEXT_BYTES: usize = 1 << 14;

/// A condition on a text.
#[derive(Debug)]
pub(super) enum Pattern {
    /// No character of it has a meaning of its own, as in nearly all names: it need not be compiled.
    Literal(Arc<str>),
    Expression(Box<Expression>),
}

impl Pattern {
    /// Reads a regular expression for whole texts.
    fn read(text: &Text, section: &Section<'_>) -> Result<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/ ".contains(&byte);
        if text.text.bytes().all(is_plain) {
            return Ok(Self::Literal(text.text.clone()));
        }
        let hint = "targets are matched as regular expressions: `.*` matches any name";
        if text.text.len() > MAX_TEXT_BYTES {
            let message = format!("the regular expression has more than {MAX_TEXT_BYTES} bytes");
            return Err(Failure::at(&text.place, message, hint));
        }
        let compiled = expression::compile(&format!("^(?:{})$", text.text)).ok_or_else(|| {
            let message = format!("`{}` is not a regular expression", text.text);
            Failure::at(&text.place, message, hint)
        })?;
        section.count_expression(&compiled, &text.place)?;
        Ok(Self::Expression(Box::new(compiled)))
    }

    fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal) => **literal == *text,
            Self::Expression(expression) => expression.is_match(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::{Place, Shift};

    use super::*;

    fn pattern(text: &str) -> Result<Pattern> {
        let node = crate::yaml::parse("k", b"{}").unwrap().remove(0);
        let section = Section::of(&node, "target", FIELDS, b"").unwrap();
        Pattern::read(&Text { text: text.into(), place: Place::start_of("k"), shift: Shift::None }, &section)
    }

    #[test]
    fn whole_texts_are_matched_whether_compiled_or_not() {
        for (text, hit, miss) in [("api", "api", "api2"), ("a.*", "api", "bapi"), ("", "", "a"), ("a|b", "b", "ab")] {
            let pattern = pattern(text).unwrap();
            assert!(pattern.is_match(hit) && !pattern.is_match(miss), "{text}");
        }
        assert!(matches!(pattern("api-server").unwrap(), Pattern::Literal(_)));
    }

    #[test]
    fn what_would_grow_without_bound_is_refused() {
        for text in ["*".to_owned(), "(a{1000}){1000}".to_owned(), ".".repeat(1 << 20)] {
            assert!(pattern(&text).is_err());
        }
    }
}
