//! Tests that are too long to stand beside what they test.

mod settle;
