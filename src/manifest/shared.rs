//! Documents that many overlays read and few change.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use super::Node;

/// A document that is copied when it is changed, and not before: the same file serves many overlays.
///
/// A large part of it, the schema in a custom resource definition, may be read only when it is asked for. [`Shared::head`]
/// is the document without that part; everything else sees it whole.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Document>);

#[derive(Debug)]
struct Document {
    head: Node,
    rest: Option<Rest>,
}

/// What a document has besides its head.
#[derive(Debug)]
struct Rest {
    path: &'static [&'static str],
    value: Arc<dyn Late>,
    whole: OnceLock<Node>,
}

/// A value that is read when it is asked for.
pub(crate) trait Late: std::fmt::Debug + Send + Sync {
    /// The value, the same every time.
    fn value(&self) -> &Node;
}

impl Shared {
    /// The document with the value at `path`, where some other stands until now, to be read late.
    pub(crate) fn with_rest(mut self, path: &'static [&'static str], value: Arc<dyn Late>) -> Self {
        let document = Arc::make_mut(&mut self.0);
        if let Some(place) = at_path(&mut document.head, path) {
            // No null, which patches would take away.
            *place = Node::string("", &place.place);
            document.rest = Some(Rest { path, value, whole: OnceLock::new() });
        }
        self
    }

    /// The document, an empty text standing for what is read late: never for `apiVersion`, `kind` or `metadata`.
    pub(crate) fn head(&self) -> &Node {
        &self.0.head
    }

    /// As [`Shared::head`], to be changed.
    pub(crate) fn head_mut(&mut self) -> &mut Node {
        let document = Arc::make_mut(&mut self.0);
        if let Some(rest) = &mut document.rest {
            rest.whole = OnceLock::new();
        }
        &mut document.head
    }

    /// The document for work that sees, or changes, the value at a path only if `is_seen` says so.
    pub(crate) fn part(&self, is_seen: impl FnOnce(&[&str]) -> bool) -> &Node {
        if self.is_seen(is_seen) { self } else { self.head() }
    }

    /// As [`Shared::part`], to be changed.
    pub(crate) fn part_mut(&mut self, is_seen: impl FnOnce(&[&str]) -> bool) -> &mut Node {
        if self.is_seen(is_seen) { self } else { self.head_mut() }
    }

    fn is_seen(&self, is_seen: impl FnOnce(&[&str]) -> bool) -> bool {
        self.0.rest.as_ref().is_none_or(|rest| is_seen(rest.path))
    }
}

/// Tells whether a path of these `keys` goes to `path`, over it or ends on the way to it; `*` is any key.
pub(crate) fn leads_to<'k>(keys: impl IntoIterator<Item = &'k str>, path: &[&str]) -> bool {
    path.iter().zip(keys).all(|(own, key)| key == *own || key == "*")
}

fn at_path<'n>(node: &'n mut Node, path: &[&str]) -> Option<&'n mut Node> {
    path.iter().try_fold(node, |node, key| node.get_mut(key))
}

impl Clone for Document {
    fn clone(&self) -> Self {
        let again = |rest: &Rest| Rest { path: rest.path, value: rest.value.clone(), whole: OnceLock::new() };
        Self { head: self.head.clone(), rest: self.rest.as_ref().map(again) }
    }
}

impl Rest {
    fn joined(&self, head: &Node) -> Node {
        let mut whole = head.clone();
        if let Some(place) = at_path(&mut whole, self.path) {
            *place = self.value.value().clone();
        }
        whole
    }
}

impl From<Node> for Shared {
    fn from(node: Node) -> Self {
        Self(Arc::new(Document { head: node, rest: None }))
    }
}

impl Deref for Shared {
    type Target = Node;

    fn deref(&self) -> &Node {
        let Document { head, rest } = &*self.0;
        rest.as_ref().map_or(head, |rest| rest.whole.get_or_init(|| rest.joined(head)))
    }
}

impl DerefMut for Shared {
    fn deref_mut(&mut self) -> &mut Node {
        let document = Arc::make_mut(&mut self.0);
        if let Some(rest) = document.rest.take() {
            document.head = rest.joined(&document.head);
        }
        &mut document.head
    }
}

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::*;

    #[derive(Debug)]
    struct Schema(Node);

    impl Late for Schema {
        fn value(&self) -> &Node {
            &self.0
        }
    }

    fn definition() -> Shared {
        let place = Place::start_of("crd.yaml");
        let text = |text: &str| Node::string(text, &place);
        let spec = Node::map(vec![("names".into(), text("N")), ("versions".into(), Node::null(&place))], &place);
        let head = Node::map(vec![("kind".into(), text("K")), ("spec".into(), spec)], &place);
        Shared::from(head).with_rest(&["spec", "versions"], Arc::new(Schema(text("schema"))))
    }

    fn texts(node: &Node) -> [Option<&str>; 3] {
        [&["kind"][..], &["spec", "names"], &["spec", "versions"]].map(|path| node.path(path).and_then(Node::text))
    }

    #[test]
    fn a_document_is_whole_to_all_but_those_who_ask_for_its_head() {
        let shared = definition();
        assert_eq!(texts(shared.head()), [Some("K"), Some("N"), Some("")]);
        assert_eq!(texts(&shared), [Some("K"), Some("N"), Some("schema")]);
    }

    #[test]
    fn only_a_path_that_leads_to_the_rest_is_shown_it() {
        for (path, is_whole) in [
            ("kind", false),
            ("spec/names", false),
            ("spec/versions", true),
            ("spec/versions/0/schema", true),
            ("spec", true),
            ("*/names", false),
            ("spec/*/0", true),
            ("*", true),
        ] {
            let seen = texts(definition().part(|late| leads_to(path.split('/'), late)))[2].map(str::to_owned);
            assert_eq!(seen.as_deref(), Some(if is_whole { "schema" } else { "" }), "{path}");
        }
        assert!(leads_to([], &["spec"]));
    }

    #[test]
    fn a_change_is_seen_by_its_maker_alone_and_loses_nothing() {
        let shared = definition();
        let (mut head, mut whole) = (shared.clone(), shared.clone());
        assert_eq!(texts(&head)[2], Some("schema"));
        let changed = Node::string("C", &shared.head().place);
        head.head_mut().set("kind", changed.clone());
        assert_eq!(texts(&head), [Some("C"), Some("N"), Some("schema")]);
        whole.get_mut("spec").unwrap().set("versions", changed);
        assert_eq!(texts(&whole), [Some("K"), Some("N"), Some("C")]);
        whole.head_mut().remove("kind");
        assert_eq!(texts(&whole), [None, Some("N"), Some("C")]);
        assert_eq!(texts(&shared), [Some("K"), Some("N"), Some("schema")]);
    }
}
