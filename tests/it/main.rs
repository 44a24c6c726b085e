//! Everything that is tested from outside, in one binary: it links once.

mod api;
mod cli;
mod config;
mod crash;
mod detect;
mod embed;
mod golden;
mod layering;
mod notify;
mod pg;
mod pipeline;
mod store;
