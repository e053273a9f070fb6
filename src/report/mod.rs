//! Reports: one [`Review`](crate::domain::Review) rendered for people and for machines. Pure; a new format is a new file.

mod gates;
mod github;
mod gitlab;
pub mod images;
pub mod json;
mod junit;
mod markdown;
mod safe;
mod sarif;
mod saved;
mod snippet;
#[cfg(test)]
mod testing;
mod text;
mod words;

pub use gates::gates;
pub use github::github;
pub use gitlab::gitlab;
pub use junit::junit;
pub use markdown::{Look, markdown, nothing_left};
pub use safe::safe;
pub use sarif::sarif;
pub use saved::{Unreadable, read};
pub use text::{Ending, text};
pub use words::{counted, is_busy};
