//! The HTTP surface over an in-memory store.

mod app;
mod auth;
mod documents;
mod evaluations;
mod ingest;
mod resources;
mod server;
