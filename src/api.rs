//! The HTTP surface; the only module that knows status codes.
//!
//! [`serve`] accepts, [`router`] finds the route, its guard finds the caller, and handlers are thin:
//! they check, call the store, wake a worker. Ingest answers only after its commit.

mod alerts;
mod audit;
mod auth;
mod body;
mod budget;
mod calibration;
mod config;
mod deliveries;
mod encryption;
mod erasures;
mod error;
mod exact;
mod extract;
mod guards;
mod health;
mod ingest;
mod interactions;
mod keys;
mod monitors;
mod observe;
mod oidc;
mod openapi;
mod outcomes;
mod page;
mod policies;
mod preparation;
mod preview;
mod quality;
mod receivers;
mod references;
mod reports;
mod retrains;
mod routes;
mod routing;
mod rules;
mod screening;
mod server;
mod state;
mod throttle;
mod timeline;

pub use auth::{Access, generate_key};
pub use config::{AuthConfig, AuthMode, Capacity, Config, Limits, Timeouts};
pub use error::{ApiError, Code, Fault};
pub use ingest::item::{Received, read as read_item};
pub use ingest::value::Rules;
pub use oidc::{Oidc, OidcConfig};
pub use openapi::{openapi, openapi_json};
pub use routes::{RouteInfo, route_table, router};
pub use server::serve;
pub use state::{AppState, Parts, ReferenceUpload};
pub use throttle::Peer;
