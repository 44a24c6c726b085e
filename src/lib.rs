//! Seamark watches what an LLM application is asked and what it answers, and says when either
//! drifts away from a frozen reference.
//!
//! ```text
//! receive → sample → store ─202→ embed → window → compare → report ┐
//!  api      sample   store       worker  detect   stats     alert  ├ one commit
//!                                embed                      outbox ┘ → deliver (notify)
//! ```
//!
//! Layers, lowest first; a module names only lower rows (`tests/it/layering.rs` enforces it):
//!
//! | row | modules |
//! |---|---|
//! | ground | [`clock`] [`fault`] [`picture`] [`screen`] [`stats`] [`telemetry`] [`text`] |
//! | names; the way out; taught checks | [`id`] [`egress`] [`policy`] |
//! | data | [`model`] |
//! | decisions (pure) | [`alert`] [`detect`] [`prepare`] [`sample`] |
//! | adapters | [`embed`] [`notify`] [`store`] |
//! | orchestration | [`worker`] |
//! | surface | [`api`] |
//! | configuration | [`config`] |
//! | composition | [`app`] |
//! | command line | [`cli`] |

pub mod alert;
pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod detect;
pub mod egress;
pub mod embed;
pub mod fault;
pub mod id;
pub mod model;
pub mod notify;
pub mod picture;
pub mod policy;
pub mod prepare;
pub mod sample;
pub mod screen;
pub mod stats;
pub mod store;
pub mod telemetry;
pub mod text;
pub mod worker;
