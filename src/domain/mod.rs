//! The words of promote-bot: plain values, one word for one thing, no IO.
//!
//! What crosses a border is parsed here once into a type that cannot be wrong ([`ImageRef`], [`Digest`], [`TreePath`]);
//! everything above works on these. The glossary stands in the crate's documentation.

mod candidate;
mod change;
mod copy_options;
mod difference;
mod digest;
mod document;
mod environment;
mod field_path;
mod finding;
mod gate;
mod glob;
mod helm_values;
mod image;
mod image_store;
mod image_use;
pub mod json;
mod location;
mod outcome;
mod plan;
mod platform;
mod referrer;
mod remote_base;
mod render;
mod review;
mod revision;
mod secret;
#[cfg(test)]
pub(crate) mod testing;
pub mod tree;

pub use candidate::{Candidate, Content, Evidence, Narrowed, Seen, Sighting};
pub use change::{Change, ChangeKind, ImageSite, Sites};
pub use copy_options::CopyOptions;
pub use difference::Difference;
pub use digest::{Algorithm, Digest, Hasher, InvalidDigest};
pub use document::{Document, ImagePart, Papers};
pub use environment::{Environment, InvalidRewrite, LoadRestrictor, Rewrite};
pub use field_path::{FieldPath, FieldStep, ImageField, InvalidFieldPath};
pub use finding::{Cause, Exception, ExceptionKind, Finding, Severity};
pub use gate::{CONTEXT, Gate, GateState};
pub use glob::{Glob, InvalidGlob};
pub use helm_values::{HelmImage, HelmValues, ValuesFiles};
pub use image::{ImageRef, InvalidImage};
pub use image_store::{ImageLayout, ImageStore, RegistryPrefix};
pub use image_use::{DecidedBy, Decision, ImageUse, Origins, OverlayError, OverlayImages, Partial, UseClass, Workload};
pub use location::Location;
pub use outcome::{Outcome, State};
pub use plan::{Expected, Plan, Refusal, Settled, Step};
pub use platform::{InvalidPlatform, Platform};
pub use referrer::{Referrer, ReferrerFilter};
pub use remote_base::{RemoteBase, Vendored};
pub use render::Render;
pub use review::{ConfigUsed, EnvironmentReview, ImageReview, Range, Review, ReviewResult, Stats};
pub use revision::Revision;
pub use secret::masked;
pub use tree::{Tree, TreePath};
