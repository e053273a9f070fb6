//! The module against repositories that git itself made, and its decision against facts that are made up.

mod choose;
mod ranges;
mod revisions;
mod trees;
