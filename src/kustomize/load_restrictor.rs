//! Which files a kustomization may load.

pub use crate::domain::LoadRestrictor;
