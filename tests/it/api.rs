//! The HTTP surface over an in-memory store.

mod alerting;
pub(crate) mod app;
mod auth;
mod budget;
mod documents;
pub(crate) mod evaluations;
mod ingest;
mod keys;
mod limits;
mod matrix;
mod oidc;
mod resources;
mod rules;
mod server;
