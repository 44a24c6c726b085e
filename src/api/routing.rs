//! Routes and silences: who hears of which alerts, and when not.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Fault, Problem};
use crate::api::extract::{Document, Id};
use crate::api::monitors::created;
use crate::api::page::Page;
use crate::api::state::AppState;
use crate::clock::Timestamp;
use crate::id::SilenceId;
use crate::model::matcher::Matcher;
use crate::model::routing::{Routing, Silence};

const COMMENT_BYTES: usize = 2000;
const MATCHERS: usize = 50;

/// The project's routing.
#[utoipa::path(get, path = "/v1/routing", tag = "alerts",
    responses(
        (status = 200, description = "The tree of routes, inhibitions and mute times", body = Routing),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<Json<Routing>, ApiError> {
    Ok(Json(state.store.routing(caller.project).await?))
}

/// Replaces the project's routing as a whole; it takes hold at once.
#[utoipa::path(put, path = "/v1/routing", tag = "alerts", request_body = Routing,
    responses(
        (status = 200, description = "The routing as it is now", body = Routing),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn set(
    State(state): State<AppState>,
    caller: Principal,
    Document(routing): Document<Routing>,
) -> Result<Json<Routing>, ApiError> {
    let mut faults: Vec<Fault> =
        routing.problems().iter().map(|(pointer, detail)| Fault::at(pointer, detail)).collect();
    let known = state.store.list_receivers(caller.project).await?;
    for id in routing.receivers() {
        if !known.iter().any(|receiver| receiver.id == id) {
            let detail = format!("the project has no receiver {id}; make it first");
            faults.push(Fault::at("/route", detail));
        }
    }
    ApiError::refuse(faults, "such a routing cannot be; see errors")?;
    let before = state.store.routing(caller.project).await?;
    state.store.set_routing(caller.project, &routing).await?;
    let payload = json!({ "before": before, "after": routing });
    state.audit(&caller, "routing.set", caller.project, payload).await?;
    state.wakers.dispatch.notify_one();
    Ok(Json(routing))
}

/// A silence to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SilenceInput {
    /// All of them have to match: `monitor="support"`.
    #[schema(value_type = Vec<String>)]
    matchers: Vec<Matcher>,
    /// When it begins; now where it is missing.
    starts_at: Option<Timestamp>,
    /// When it ends.
    ends_at: Timestamp,
    /// Why.
    #[serde(default)]
    comment: String,
}

/// The project's silences that last or are yet to come.
#[utoipa::path(get, path = "/v1/silences", tag = "alerts",
    responses(
        (status = 200, description = "All of them on one page", body = Page<Silence>),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn list_silences(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<Json<Page<Silence>>, ApiError> {
    let items = state.store.silences(caller.project, state.now()).await?;
    Ok(Json(Page { items, next_cursor: None }))
}

/// Makes a silence: alerts that match are not told while it lasts.
#[utoipa::path(post, path = "/v1/silences", tag = "alerts", request_body = SilenceInput,
    responses(
        (status = 201, description = "The silence", body = Silence),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn create_silence(
    State(state): State<AppState>,
    caller: Principal,
    Document(input): Document<SilenceInput>,
) -> Result<Response, ApiError> {
    let now = state.now();
    let starts_at = input.starts_at.unwrap_or(now);
    let mut faults = Vec::new();
    if input.matchers.is_empty() || input.matchers.len() > MATCHERS {
        let detail = format!("give 1 to {MATCHERS} matchers, such as monitor=\"support\"");
        faults.push(Fault::at("/matchers", detail));
    }
    if input.ends_at <= starts_at || input.ends_at <= now {
        faults.push(Fault::at("/ends_at", "must be in the future and after starts_at"));
    }
    if input.comment.len() > COMMENT_BYTES {
        faults.push(Fault::at("/comment", format!("is longer than {COMMENT_BYTES} bytes")));
    }
    ApiError::refuse(faults, "such a silence cannot be; see errors")?;
    let silence = Silence {
        id: state.random(|rng| SilenceId::new(now, rng)),
        project_id: caller.project,
        matchers: input.matchers,
        starts_at,
        ends_at: input.ends_at,
        comment: input.comment,
        created_by: caller.name.to_string(),
        created_at: now,
    };
    state.store.insert_silence(&silence).await?;
    state.audit(&caller, "silence.create", silence.id, json!({ "after": silence })).await?;
    state.wakers.dispatch.notify_one();
    Ok(created(&format!("/v1/silences/{}", silence.id), Json(silence)))
}

/// One silence, also one that is over.
#[utoipa::path(get, path = "/v1/silences/{id}", tag = "alerts",
    params(("id" = SilenceId, Path, description = "The silence")),
    responses(
        (status = 200, description = "The silence", body = Silence),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get_silence(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<SilenceId>,
) -> Result<Json<Silence>, ApiError> {
    let found = state.store.find_silence(caller.project, id).await?;
    found.map(Json).ok_or_else(|| ApiError::not_found("silence"))
}

/// Ends a silence now; it stays on record.
#[utoipa::path(delete, path = "/v1/silences/{id}", tag = "alerts",
    params(("id" = SilenceId, Path, description = "The silence")),
    responses(
        (status = 204, description = "It is over"),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn expire_silence(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<SilenceId>,
) -> Result<StatusCode, ApiError> {
    if !state.store.expire_silence(caller.project, id, state.now()).await? {
        return Err(ApiError::not_found("silence that lasts"));
    }
    state.audit(&caller, "silence.expire", id, json!({})).await?;
    state.wakers.dispatch.notify_one();
    Ok(StatusCode::NO_CONTENT)
}
