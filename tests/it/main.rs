//! Everything that is tested from outside, in one binary: it links once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alert_chain;
mod api;
mod audit;
mod bad_texts;
mod calibration_steps;
mod changed_monitor;
mod channels;
mod clean;
mod cli;
mod config;
mod crash;
mod delivery;
mod detect;
mod email;
mod embed;
mod encryption;
mod exact;
mod failure_modes;
mod golden;
mod golden_explain;
mod layering;
mod lookahead;
mod names;
mod notify;
mod outage;
mod outcomes;
mod pg;
mod pictures;
mod pipeline;
mod policies;
mod privacy;
mod quality;
mod receiver_pages;
mod repair;
mod retraining;
mod screening;
mod segments;
mod store;
mod storm;
