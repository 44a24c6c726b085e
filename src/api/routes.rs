//! Every route in one table, with what it asks of its caller.

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use hyper::Method;

use crate::api::auth::{Access, guard};
use crate::api::config::Config;
use crate::api::error::{ApiError, Code};
use crate::api::observe::observe;
use crate::api::state::AppState;
use crate::api::{
    alerts, audit, calibration, deliveries, encryption, erasures, exact, health, ingest,
    interactions, keys, monitors, outcomes, policies, preparation, preview, quality, receivers,
    references, reports, retrains, routing, rules, screening, timeline,
};
use crate::model::key::Role;

const OPEN: Access = Access::Open;
const INGEST: Access = Access::Needs(Role::Ingest);
const READ: Access = Access::Needs(Role::Read);
const ADMIN: Access = Access::Needs(Role::Admin);

/// A route: method, path template, and what it asks of its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    /// The method.
    pub method: Method,
    /// The path, parameters in braces.
    pub path: &'static str,
    /// What it asks of its caller.
    pub access: Access,
}

struct Route {
    info: RouteInfo,
    handler: MethodRouter<AppState>,
}

fn route<H, T>(method: Method, path: &'static str, access: Access, handler: H) -> Route
where
    H: Handler<T, AppState>,
    T: 'static,
{
    let filter = match method {
        Method::POST => MethodFilter::POST,
        Method::PATCH => MethodFilter::PATCH,
        Method::PUT => MethodFilter::PUT,
        Method::DELETE => MethodFilter::DELETE,
        _ => MethodFilter::GET,
    };
    Route { info: RouteInfo { method, path, access }, handler: on(filter, handler) }
}

fn get<H, T>(path: &'static str, access: Access, handler: H) -> Route
where
    H: Handler<T, AppState>,
    T: 'static,
{
    route(Method::GET, path, access, handler)
}

fn post<H, T>(path: &'static str, access: Access, handler: H) -> Route
where
    H: Handler<T, AppState>,
    T: 'static,
{
    route(Method::POST, path, access, handler)
}

fn patch<H, T>(path: &'static str, access: Access, handler: H) -> Route
where
    H: Handler<T, AppState>,
    T: 'static,
{
    route(Method::PATCH, path, access, handler)
}

fn put<H, T>(path: &'static str, access: Access, handler: H) -> Route
where
    H: Handler<T, AppState>,
    T: 'static,
{
    route(Method::PUT, path, access, handler)
}

fn delete<H, T>(path: &'static str, access: Access, handler: H) -> Route
where
    H: Handler<T, AppState>,
    T: 'static,
{
    route(Method::DELETE, path, access, handler)
}

fn table(config: &Config) -> Vec<Route> {
    let metrics = if config.metrics_public { OPEN } else { READ };
    let mut routes = vec![
        get("/livez", OPEN, health::live),
        get("/readyz", OPEN, health::ready),
        get("/healthz", OPEN, health::health),
        get("/metrics", metrics, health::metrics),
        get("/openapi.json", OPEN, health::openapi),
        get("/v1/status", READ, health::status),
        post("/v1/interactions", INGEST, ingest::create),
        get("/v1/interactions/{id}", READ, interactions::get),
        post("/v1/outcomes", INGEST, outcomes::create),
        get("/v1/outcomes/definitions", READ, outcomes::list),
        put("/v1/outcomes/definitions/{name}", ADMIN, outcomes::set),
        delete("/v1/outcomes/definitions/{name}", ADMIN, outcomes::delete),
        get("/v1/outcomes/summary", READ, outcomes::summary::get),
        get("/v1/monitors", READ, monitors::list),
        post("/v1/monitors", ADMIN, monitors::create),
        get("/v1/monitors/{id}", READ, monitors::get),
        patch("/v1/monitors/{id}", ADMIN, monitors::update),
        delete("/v1/monitors/{id}", ADMIN, monitors::delete),
        get("/v1/monitors/{id}/reports", READ, reports::list),
        get("/v1/monitors/{id}/timeline", READ, timeline::get),
        get("/v1/monitors/{id}/lead-lag", READ, outcomes::lead_lag::get),
        get("/v1/references", READ, references::list),
        post("/v1/references", ADMIN, references::create),
        post("/v1/references/upload", ADMIN, references::upload),
        get("/v1/references/{id}", READ, references::get),
        get("/v1/references/{id}/calibration", READ, calibration::get),
        get("/v1/preparation", READ, preparation::get),
        put("/v1/preparation", ADMIN, preparation::set),
        post("/v1/clean", READ, preparation::clean),
        get("/v1/quality/summary", READ, quality::summary),
        get("/v1/quality/examples", READ, quality::examples),
        get("/v1/budget", READ, calibration::get_budget),
        patch("/v1/budget", ADMIN, calibration::set_budget),
        get("/v1/reports/{id}", READ, reports::get),
        get("/v1/reports/{id}/exact", READ, exact::get),
        get("/v1/alerts", READ, alerts::list),
        get("/v1/alerts/{id}", READ, alerts::get),
        get("/v1/alerts/{id}/timeline.png", READ, timeline::picture),
        post("/v1/alerts/{id}/acknowledge", ADMIN, alerts::acknowledge),
        post("/v1/alerts/{id}/comments", ADMIN, alerts::comment),
        get("/v1/rules", READ, rules::list),
        post("/v1/rules", ADMIN, rules::create),
        post("/v1/rules/preview", READ, rules::preview),
        get("/v1/rules/{id}", READ, rules::get),
        patch("/v1/rules/{id}", ADMIN, rules::update),
        delete("/v1/rules/{id}", ADMIN, rules::delete),
        get("/v1/rules/{id}/history", READ, rules::history),
        get("/v1/routing", READ, routing::get),
        put("/v1/routing", ADMIN, routing::set),
        get("/v1/silences", READ, routing::list_silences),
        post("/v1/silences", ADMIN, routing::create_silence),
        get("/v1/silences/{id}", READ, routing::get_silence),
        delete("/v1/silences/{id}", ADMIN, routing::expire_silence),
        get("/v1/deliveries", READ, deliveries::list),
        get("/v1/deliveries/{id}", READ, deliveries::get),
        post("/v1/deliveries/{id}/replay", ADMIN, deliveries::replay),
        get("/v1/receivers", READ, receivers::list),
        post("/v1/receivers", ADMIN, receivers::create),
        get("/v1/receivers/{id}", READ, receivers::get),
        patch("/v1/receivers/{id}", ADMIN, receivers::update),
        delete("/v1/receivers/{id}", ADMIN, receivers::delete),
        post("/v1/receivers/{id}/test", ADMIN, receivers::test),
        post("/v1/receivers/{id}/preview", ADMIN, preview::preview),
        get("/v1/retrains", READ, retrains::list),
        get("/v1/retrains/{id}", READ, retrains::get),
        post("/v1/retrains/{id}/approve", ADMIN, retrains::approve),
        post("/v1/retrains/{id}/cancel", ADMIN, retrains::cancel),
        post("/v1/retrains/{id}/reference", ADMIN, retrains::accept_reference),
        post("/v1/retrains/{id}/status", Access::Proof, retrains::report),
        get("/v1/retrains/{id}/dataset", Access::Proof, retrains::dataset),
        post("/v1/receivers/{id}/replay", ADMIN, receivers::replay),
    ];
    routes.extend(governance());
    routes
}

/// What concerns people's data, and who may do what with it.
fn governance() -> Vec<Route> {
    vec![
        get("/v1/screening", READ, screening::get),
        put("/v1/screening", ADMIN, screening::set),
        post("/v1/screening/keys", ADMIN, screening::rotate),
        delete("/v1/screening/keys/{id}", ADMIN, screening::destroy),
        post("/v1/screen", INGEST, screening::screen::screen),
        get("/v1/policies", READ, policies::list),
        post("/v1/policies", ADMIN, policies::create),
        get("/v1/policies/{id}", READ, policies::get),
        patch("/v1/policies/{id}", ADMIN, policies::update),
        delete("/v1/policies/{id}", ADMIN, policies::delete),
        get("/v1/policies/{id}/examples", ADMIN, policies::teach::list),
        post("/v1/policies/{id}/examples", ADMIN, policies::teach::add),
        post("/v1/policies/{id}/fit", ADMIN, policies::teach::fit),
        post("/v1/policies/{id}/try", READ, policies::teach::try_out),
        post("/v1/policies/{id}/activate", ADMIN, policies::activate),
        post("/v1/policies/{id}/deactivate", ADMIN, policies::deactivate),
        get("/v1/policies/{id}/flagged", READ, policies::flagged),
        get("/v1/audit", ADMIN, audit::list),
        get("/v1/audit/export", ADMIN, audit::export),
        get("/v1/audit/checkpoint", ADMIN, audit::checkpoint),
        get("/v1/encryption", READ, encryption::get),
        post("/v1/encryption/keys", ADMIN, encryption::rotate),
        post("/v1/erasures", ADMIN, erasures::create),
        get("/v1/erasures/{id}", ADMIN, erasures::get),
        get("/v1/subjects/export", ADMIN, erasures::export),
        get("/v1/keys", ADMIN, keys::list),
        post("/v1/keys", ADMIN, keys::create),
        delete("/v1/keys/{id}", ADMIN, keys::revoke),
        post("/v1/keys/{id}/rotate", ADMIN, keys::rotate),
    ]
}

/// Every route that [`router`] serves.
pub fn route_table(config: &Config) -> Vec<RouteInfo> {
    table(config).into_iter().map(|route| route.info).collect()
}

/// The whole HTTP surface over `state`.
pub fn router(state: AppState) -> Router {
    let mut router = Router::new();
    for Route { info, handler } in table(&state.config) {
        let guard = from_fn_with_state((state.clone(), info.access), guard);
        router = router.route(info.path, handler.route_layer(guard));
    }
    router
        .fallback(|| async { ApiError::new(Code::NotFound, "there is nothing at this path") })
        .method_not_allowed_fallback(|| async {
            let detail = "the header Allow names the methods of this path";
            ApiError::new(Code::MethodNotAllowed, detail)
        })
        .layer(from_fn_with_state(state.clone(), observe))
        .with_state(state)
}
