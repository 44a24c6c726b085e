//! Ingest: a body of interactions → durable rows.

pub(crate) mod fields;
pub(crate) mod item;
pub(crate) mod parse;
pub(crate) mod split;
