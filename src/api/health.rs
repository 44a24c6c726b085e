//! Whether the process lives, can work, and what it has done.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Problem};
use crate::api::extract::Params;
use crate::api::state::AppState;
use crate::store::OutcomeCounts;

/// Whether something is alive or ready.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
    /// With `?verbose`: each part and how it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Readiness>,
}

/// The parts that must be there before work makes sense.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Readiness {
    /// `postgres` or `sqlite`.
    engine: &'static str,
    /// `ok`, or what is missing.
    store: &'static str,
    /// `ok`, or what is missing.
    embedder: &'static str,
}

/// Query parameters of the readiness probe.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadyParams {
    /// Whether to list the parts; its presence says yes.
    #[param(value_type = Option<String>)]
    verbose: Option<String>,
}

/// Whether the process answers at all.
#[utoipa::path(get, path = "/livez", tag = "operations",
    responses((status = 200, description = "It lives", body = Health)))]
pub(crate) async fn live() -> Json<Health> {
    Json(Health { status: "ok", parts: None })
}

/// Whether the process can work: store and migrations there, model loaded.
#[utoipa::path(get, path = "/readyz", tag = "operations", params(ReadyParams),
    responses(
        (status = 200, description = "It can work", body = Health),
        (status = 503, description = "It cannot yet; the detail says why", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn ready(
    State(state): State<AppState>,
    Params(params): Params<ReadyParams>,
) -> Result<Json<Health>, ApiError> {
    let store = state.store.ready().await;
    let embedder = state.embedder_ready.load(Ordering::Acquire);
    let parts = Readiness {
        engine: state.store.engine_name(),
        store: if store.is_ok() { "ok" } else { "not available, or not migrated" },
        embedder: if embedder { "ok" } else { "the model is not loaded yet" },
    };
    match store {
        Ok(()) if embedder => {
            Ok(Json(Health { status: "ok", parts: params.verbose.map(|_| parts) }))
        }
        outcome => {
            let detail = format!("store: {}; embedder: {}", parts.store, parts.embedder);
            Err(match outcome {
                Ok(()) => ApiError::new(Code::Unavailable, detail),
                Err(cause) => ApiError::unavailable(&detail, cause),
            })
        }
    }
}

/// The same as `/readyz`.
#[utoipa::path(get, path = "/healthz", tag = "operations", params(ReadyParams),
    responses(
        (status = 200, description = "It can work", body = Health),
        (status = 503, description = "It cannot yet; the detail says why", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn health(
    state: State<AppState>,
    params: Params<ReadyParams>,
) -> Result<Json<Health>, ApiError> {
    ready(state, params).await
}

/// Counters and histograms in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "OpenMetrics text", body = String)))]
pub(crate) async fn metrics(State(state): State<AppState>) -> Response {
    // Counted when asked for; a scrape without a store still gets the other figures.
    if let Ok(counts) = state.store.counts(state.default_project).await {
        state.metrics.embed_pending.set(counts.pending);
    }
    let mut response = state.metrics.encode().into_response();
    let text = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(text));
    response
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "operations",
    responses((status = 200, description = "The OpenAPI 3.1 document", body = Object)))]
pub(crate) async fn openapi() -> Result<Response, ApiError> {
    let document = crate::api::openapi().to_json().map_err(ApiError::internal)?;
    let json = HeaderValue::from_static("application/json");
    Ok((StatusCode::OK, [(CONTENT_TYPE, json)], document).into_response())
}

/// Where every interaction of the project has gone.
///
/// received = accepted + duplicates + conflicts + `sampled_out` + rejected, and
/// accepted = pending + embedded + quarantined + expired.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Status {
    /// Everything that was ever sent.
    received: i64,
    /// Stored for the first time.
    accepted: i64,
    /// Sent again with the same content.
    duplicates: i64,
    /// Sent again with another content, and refused.
    conflicts: i64,
    /// Left out by the sampler.
    sampled_out: i64,
    /// Refused as invalid.
    rejected: i64,
    /// Of the accepted: wait for their embeddings.
    pending: i64,
    /// Of the accepted: have embeddings.
    embedded: i64,
    /// Of the accepted: set aside after failing too often.
    quarantined: i64,
    /// Of the accepted: deleted when their retention passed.
    expired: i64,
    /// Texts that were blank and got no embedding.
    blank: i64,
    /// Left out of windows because they came too late, once per monitor.
    late: i64,
    /// Whether the accepted are the sum of their parts; anything else is a defect.
    conserved: bool,
    /// Where every outcome has gone.
    outcomes: OutcomesStatus,
}

/// Where every outcome of the project has gone: accepted = joined + parked + expired.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct OutcomesStatus {
    /// Stored for the first time, the figures that came with interactions among them.
    accepted: i64,
    /// Of the accepted: put down to an interaction.
    joined: i64,
    /// Of the accepted: wait for their interaction.
    parked: i64,
    /// Of the parked: have waited for longer than their attribution window.
    unmatched: i64,
    /// Of the accepted: deleted when their retention passed.
    expired: i64,
    /// Sent again with the same content.
    duplicates: i64,
    /// Sent again with another content, and refused.
    conflicts: i64,
    /// Refused as invalid.
    rejected: i64,
    /// Whether the accepted are the sum of their parts; anything else is a defect.
    conserved: bool,
}

impl From<OutcomeCounts> for OutcomesStatus {
    fn from(counts: OutcomeCounts) -> Self {
        Self {
            accepted: counts.accepted,
            joined: counts.joined,
            parked: counts.parked,
            unmatched: counts.unmatched,
            expired: counts.expired,
            duplicates: counts.duplicates,
            conflicts: counts.conflicts,
            rejected: counts.rejected,
            conserved: counts.accepted == counts.joined + counts.parked + counts.expired,
        }
    }
}

/// Where every interaction of the project has gone.
#[utoipa::path(get, path = "/v1/status", tag = "operations",
    responses(
        (status = 200, description = "The counts, all of one moment", body = Status),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn status(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<Json<Status>, ApiError> {
    let counts = state.store.counts(caller.project).await?;
    let outcomes = state.store.outcome_counts(caller.project, state.now()).await?;
    let parts = counts.pending + counts.embedded + counts.quarantined + counts.expired;
    let others = counts.duplicates + counts.conflicts + counts.sampled_out + counts.rejected;
    Ok(Json(Status {
        received: counts.accepted + others,
        accepted: counts.accepted,
        duplicates: counts.duplicates,
        conflicts: counts.conflicts,
        sampled_out: counts.sampled_out,
        rejected: counts.rejected,
        pending: counts.pending,
        embedded: counts.embedded,
        quarantined: counts.quarantined,
        expired: counts.expired,
        blank: counts.blank,
        late: counts.late,
        conserved: counts.accepted == parts,
        outcomes: outcomes.into(),
    }))
}
