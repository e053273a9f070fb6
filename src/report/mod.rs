//! Reports: one [`Review`](crate::domain::Review) rendered as text or as JSON. Pure; a new format is a new file.

pub mod images;
pub mod json;
mod safe;
mod snippet;
mod text;

pub use safe::safe;
pub use text::{Ending, text};
