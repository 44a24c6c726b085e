//! The integration tests, in one binary.

mod config;
mod detect;
mod embed;
mod golden;
mod layering;
mod notify;
