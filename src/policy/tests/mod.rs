//! Tests of the rules together: by what real tools left in a registry, and as algebra.

mod algebra;
mod recorded;
