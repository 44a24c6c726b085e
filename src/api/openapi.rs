//! The OpenAPI document, derived from the handlers.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::api::{
    alerts, audit, calibration, deliveries, encryption, erasures, exact, health, ingest,
    interactions, keys, monitors, outcomes, policies, preparation, preview, quality, receivers,
    references, reports, retrains, routing, rules, screening, timeline,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Seamark",
        description = "Watches what an LLM application is asked and what it answers, and says when \
                       either drifts from a frozen reference."
    ),
    paths(
        health::live,
        health::ready,
        health::health,
        health::metrics,
        health::openapi,
        health::status,
        ingest::create,
        interactions::get,
        outcomes::create,
        outcomes::list,
        outcomes::set,
        outcomes::delete,
        outcomes::summary::get,
        monitors::list,
        monitors::create,
        monitors::get,
        monitors::update,
        monitors::delete,
        reports::list,
        timeline::get,
        outcomes::lead_lag::get,
        references::list,
        references::create,
        references::upload,
        references::get,
        calibration::get,
        calibration::get_budget,
        calibration::set_budget,
        preparation::get,
        preparation::set,
        preparation::clean,
        screening::get,
        screening::set,
        screening::rotate,
        screening::destroy,
        screening::screen::screen,
        policies::list,
        policies::create,
        policies::get,
        policies::update,
        policies::delete,
        policies::teach::list,
        policies::teach::add,
        policies::teach::fit,
        policies::teach::try_out,
        policies::activate,
        policies::deactivate,
        policies::flagged,
        encryption::get,
        encryption::rotate,
        quality::summary,
        quality::examples,
        reports::get,
        exact::get,
        alerts::list,
        alerts::get,
        timeline::picture,
        alerts::acknowledge,
        alerts::comment,
        retrains::list,
        retrains::get,
        retrains::approve,
        retrains::cancel,
        retrains::accept_reference,
        retrains::report,
        retrains::dataset,
        rules::list,
        rules::create,
        rules::preview,
        rules::get,
        rules::update,
        rules::delete,
        rules::history,
        routing::get,
        routing::set,
        routing::list_silences,
        routing::create_silence,
        routing::get_silence,
        routing::expire_silence,
        deliveries::list,
        deliveries::get,
        deliveries::replay,
        receivers::list,
        receivers::create,
        receivers::get,
        receivers::update,
        receivers::delete,
        receivers::test,
        preview::preview,
        receivers::replay,
        audit::list,
        audit::export,
        audit::checkpoint,
        erasures::create,
        erasures::get,
        erasures::export,
        keys::list,
        keys::create,
        keys::revoke,
        keys::rotate,
    ),
    modifiers(&Security),
    tags(
        (name = "interactions", description = "What the watched application was asked and answered"),
        (name = "outcomes", description = "What became of it: told by you, joined, and counted"),
        (name = "monitors", description = "What is compared with what, and how"),
        (name = "references", description = "The frozen traffic that windows are compared with"),
        (name = "reports", description = "Every evaluation with every number"),
        (name = "alerts", description = "Episodes of drift, and who was told"),
        (name = "retraining", description = "Workflows that alerts start, and how they end"),
        (name = "audit", description = "Who did what, and what is held on people and erased"),
        (name = "screening", description = "Personal data and secrets: found, redacted, refused"),
        (name = "policies", description = "Rules of your own on what texts may say, taught by examples"),
        (name = "encryption", description = "The keys that seal texts at rest"),
        (name = "keys", description = "Who may call"),
        (name = "operations", description = "Health, metrics, counts"),
    )
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key, `seamark_…`; `X-API-Key` is read too"))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(bearer));
    }
}

/// The OpenAPI 3.1 document of everything that [`crate::api::router`] serves.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// The same as indented JSON.
pub fn openapi_json() -> String {
    // Keys are strings and nothing in it is a float: there is nothing that could fail.
    openapi().to_pretty_json().unwrap_or_default()
}
