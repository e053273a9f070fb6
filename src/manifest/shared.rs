//! Documents that many overlays read and few change.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::Node;

/// A document that is copied when it is changed, and not before: the same file serves many overlays.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Node>);

impl From<Node> for Shared {
    fn from(node: Node) -> Self {
        Self(Arc::new(node))
    }
}

impl Deref for Shared {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.0
    }
}

impl DerefMut for Shared {
    fn deref_mut(&mut self) -> &mut Node {
        Arc::make_mut(&mut self.0)
    }
}
