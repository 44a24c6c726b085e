//! Orchestration: the only asynchronous glue between pure decisions and the outside.
//!
//! Every worker obeys one contract: woken by a signal *and* by a timer, it takes no input, finds its
//! work by a query, is idempotent, and may die at any line; the next tick is the retry.

pub mod assess;
mod calibration;
pub mod config;
pub mod context;
pub mod delivery;
pub mod dispatch;
pub mod driver;
pub mod embedding;
pub mod encryption;
pub mod erasure;
pub mod evaluation;
pub mod figures;
mod leases;
pub mod messages;
mod observe;
pub mod origins;
mod preparers;
pub mod rates;
pub mod reference;
pub mod repairs;
pub mod retention;
pub mod retrain;
pub mod rules;
pub mod story;
pub mod timeline;

pub use config::Config;
pub use context::{Context, Wakers};
