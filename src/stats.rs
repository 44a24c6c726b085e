//! stats: being written.

pub mod sequential;
