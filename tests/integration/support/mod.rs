//! What the outer tests stand on: repositories that git made, registries that are processes, a witness that is not us.

mod docker_registry;
pub mod github;
pub mod gitlab;
mod image;
mod program;
mod repository;
mod signing;
mod skopeo;
mod stage;

pub use docker_registry::DockerRegistry;
pub use image::{Image, OCI_MANIFEST, artifact, descriptor, docker_list, index, single};
pub use program::{Program, Run};
pub use repository::Repository;
pub use signing::{Keys, unbase64};
pub use skopeo::{digest_of, push, raw};
pub use stage::{MODULES, Stage, config, patch_image};
