//! The HTTP surface; the only module that knows status codes.

pub mod config;
pub mod error;
pub mod server;

pub(crate) mod body;
pub(crate) mod budget;
pub(crate) mod ingest;
pub(crate) mod page;

pub use config::Config;
pub use config::Limits;
pub(crate) use ingest::item::{Received, Rules, read as read_item};
