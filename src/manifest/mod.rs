//! Manifests: documents as trees whose every value knows its place, and the image uses read off them.
//!
//! [`Node`] is what Kustomize, Helm values and GitOps objects are read into; [`uses()`] lists the images of a document.

mod failure;
mod inline;
mod node;
mod reference;
mod uses;

pub(crate) use failure::{Failure, Result};
pub(crate) use inline::{Shift, Text};
pub(crate) use node::{MAX_DEPTH, Node, Place, Reading, Scalar, Value};
pub(crate) use reference::{Decided, split};
pub use uses::sites_digest;
pub(crate) use uses::uses;
