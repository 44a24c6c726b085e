//! The HTTP surface over an in-memory store.

mod app;
mod auth;
mod budget;
mod documents;
mod evaluations;
mod ingest;
mod resources;
mod server;
