//! The integration tests, in one binary.

mod api;
mod config;
mod detect;
mod embed;
mod golden;
mod layering;
mod notify;
