//! Manifests: documents as trees whose every value knows its place, and the image uses read off them.
//!
//! [`Node`] is what Kustomize, Helm values and GitOps objects are read into; [`uses()`] lists the images of a document,
//! and [`configured()`] those at paths that are known for its kind.

mod failure;
mod fields;
mod image_override;
mod inline;
mod node;
mod parts;
mod reference;
mod select;
mod shared;
mod uses;

pub(crate) use failure::{Failure, Result};
pub(crate) use fields::configured;
pub(crate) use image_override::{ImageOverride, Written};
pub(crate) use inline::{Shift, Text};
pub(crate) use node::{MAX_DEPTH, Node, Place, Reading, Scalar, Value};
pub(crate) use parts::{ImageParts, Part, part};
pub(crate) use reference::{Decided, has_version, split};
pub(crate) use select::{Step, at, bind, field, select};
pub(crate) use shared::{Late, Shared, leads_to};
pub use uses::sites_digest;
pub(crate) use uses::{image_use, uses, uses_in, workload_of};
