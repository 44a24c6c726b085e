//! Everything that is tested from outside, in one binary: it links once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod pg;
mod store;
