//! Everything durable, in Postgres or in embedded SQLite, with one behaviour.
//!
//! SQL lives here and nowhere else. Texts are shared by both engines wherever they can be; the few
//! that differ are [`engine::Sql`] pairs. Every write is one transaction. What several processes
//! compete for is claimed with an expiry and a fencing token, and the token is checked when the
//! result is written, so that a process that slept through its expiry writes nothing.

mod codec;
mod config;
mod counters;
mod engine;
mod error;
mod events;
mod interactions;
mod keys;
mod projects;
mod queue;

pub use config::Config;
pub use counters::{Counter, Counts};
pub use engine::Store;
pub use error::StoreError;
pub use interactions::InsertOutcome;
pub use queue::{EmbeddedText, PendingText};
