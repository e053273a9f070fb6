//! YAML text to a tree whose every node knows its file, line, column and byte span, and back to typed settings.
//!
//! The parser below is libyaml's lineage, as is kustomize's own: stricter YAML 1.2 parsers refuse manifests that clusters
//! run every day. [`parse()`] keeps duplicate keys in order (what they mean depends on the file), expands aliases and merge
//! keys, and bounds size, depth and expansion, so a hostile file is an [`Error`] and nothing worse.
//!
//! [`Fields`] reads mappings of our own files strictly and collects all [`Faults`] at once; [`resolve_kustomization_scalar`]
//! and [`print_resource_scalar`] read scalars the two ways kustomize does.

mod compose;
mod error;
mod fault;
mod fields;
mod node;
mod parse;
mod position;
mod scalar;
mod skim;
mod timestamp;

pub use error::Error;
pub use fault::{Fault, Faults};
pub use fields::{Fields, nearest, read_file, refuse_nulls};
pub use node::{Mark, Node, Scalar, Style, Value};
pub use parse::{MAX_DEPTH, MAX_NODES, MAX_SIZE_BYTES, parse};
pub use scalar::{ScalarKind, print_resource_scalar, resolve_kustomization_scalar, resolve_resource_scalar};
pub use skim::{Skimmed, skim};
