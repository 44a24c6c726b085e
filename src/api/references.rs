//! References: asked for, watched while they are computed, uploaded from files.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hyper::{HeaderMap, StatusCode};
use rand::RngCore;
use serde::Deserialize;
use serde_json::json;

use crate::api::auth::Principal;
use crate::api::body;
use crate::api::error::{ApiError, Code, Fault, Problem};
use crate::api::extract::{Document, Id, Params};
use crate::api::page::Page;
use crate::api::state::AppState;
use crate::api::{ingest, monitors};
use crate::id::{MonitorId, ProjectId, ReferenceId};
use crate::model::reference::{Reference, ReferenceSource, ReferenceStatus};

/// Most interactions that `next` may wait for.
const MAX_NEXT: u32 = 1_000_000;
const NAME_BYTES: usize = 200;

/// A reference to be frozen.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReferenceInput {
    /// The monitor it is for.
    monitor_id: MonitorId,
    /// Its name; versions count under it. `default` where it is missing.
    #[serde(default)]
    name: Option<String>,
    /// Where its rows come from: `time_range` or `next`.
    source: ReferenceSource,
}

/// Query parameters of the list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    /// Only those of this monitor.
    monitor_id: Option<MonitorId>,
}

/// Query parameters of an upload.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadParams {
    /// The monitor it is for.
    monitor_id: MonitorId,
    /// The reference's name; `default` where it is missing.
    name: Option<String>,
    /// The file's name, for the record; `upload` where it is missing.
    file: Option<String>,
}

/// Asks for a reference; it is frozen in the background.
#[utoipa::path(post, path = "/v1/references", tag = "references", request_body = ReferenceInput,
    responses(
        (status = 202, description = "It is being collected; look at its progress", body = Reference),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Principal,
    Document(input): Document<ReferenceInput>,
) -> Result<Response, ApiError> {
    let source = checked(&state, caller.project, input.source).await?;
    let name = named(input.name)?;
    let reference = begin(&state, caller.project, input.monitor_id, name, source).await?;
    state.store.insert_reference(&reference).await?;
    let payload = json!({ "after": reference });
    state.audit(&caller, "reference.request", reference.id, payload).await?;
    state.wakers.reference.notify_one();
    Ok(accepted(reference))
}

/// Asks for the next version of the monitor's reference: the next `events` interactions.
pub(crate) async fn ask_for_next(
    state: &AppState,
    project: ProjectId,
    monitor: MonitorId,
    events: u32,
) -> Result<Reference, ApiError> {
    let earlier = state.store.list_references(project, Some(monitor)).await?;
    let name = earlier.into_iter().next_back().map(|reference| reference.name);
    let source = ReferenceSource::Next { count: events, after: None };
    let source = checked(state, project, source).await?;
    let reference = begin(state, project, monitor, named(name)?, source).await?;
    state.store.insert_reference(&reference).await?;
    state.wakers.reference.notify_one();
    Ok(reference)
}

fn accepted(reference: Reference) -> Response {
    let place = [(hyper::header::LOCATION, format!("/v1/references/{}", reference.id))];
    (StatusCode::ACCEPTED, place, Json(reference)).into_response()
}

fn invalid(pointer: &str, detail: &str) -> ApiError {
    let error = ApiError::new(Code::Invalid, "such a reference cannot be frozen; see errors");
    error.with_errors(vec![Fault::at(pointer, detail)])
}

fn named(name: Option<String>) -> Result<String, ApiError> {
    let name = name.unwrap_or_else(|| "default".to_owned());
    if name.trim().is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
        Err(invalid("/name", "must hold 1 to 200 bytes without control characters"))
    } else {
        Ok(name)
    }
}

async fn checked(
    state: &AppState,
    project: ProjectId,
    source: ReferenceSource,
) -> Result<ReferenceSource, ApiError> {
    match source {
        ReferenceSource::TimeRange { from, to } if from >= to => {
            Err(invalid("/source/to", "must be later than from"))
        }
        ReferenceSource::Next { count, .. } if !(1..=MAX_NEXT).contains(&count) => {
            Err(invalid("/source/count", "must be 1 to 1000000"))
        }
        ReferenceSource::Next { count, .. } => {
            let after = Some(state.store.last_position(project).await?);
            Ok(ReferenceSource::Next { count, after })
        }
        ReferenceSource::File { .. } => {
            Err(invalid("/source/kind", "a file is sent to /v1/references/upload"))
        }
        range @ ReferenceSource::TimeRange { .. } => Ok(range),
    }
}

/// A new reference of an existing monitor, not yet stored.
async fn begin(
    state: &AppState,
    project: ProjectId,
    monitor_id: MonitorId,
    name: String,
    source: ReferenceSource,
) -> Result<Reference, ApiError> {
    if state.store.find_monitor(project, monitor_id).await?.is_none() {
        return Err(invalid("/monitor_id", "this project has no such monitor"));
    }
    let version = state.store.next_reference_version(project, monitor_id, &name).await?;
    let now = state.now();
    let (id, seed) = state.random(|rng| (ReferenceId::new(now, rng), i64::from(rng.next_u32())));
    Ok(Reference {
        id,
        project_id: project,
        monitor_id,
        name,
        version,
        source,
        status: ReferenceStatus::Collecting,
        progress: 0.0,
        message: None,
        n: 0,
        model_digest: None,
        seed,
        created_at: now,
        frozen_at: None,
    })
}

/// Makes a reference of a file of interactions, which are no traffic and are in no window.
#[utoipa::path(post, path = "/v1/references/upload", tag = "references", params(UploadParams),
    request_body(
        content = crate::api::interactions::InteractionInput,
        content_type = "application/x-ndjson",
        description = "Interactions as for ingest, all of them sound; gzip and zstd are read"),
    responses(
        (status = 202, description = "It is being embedded; look at its progress", body = Reference),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn upload(
    State(state): State<AppState>,
    caller: Principal,
    Params(params): Params<UploadParams>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let (name, file) = (named(params.name)?, named(params.file.or(Some("upload".to_owned())))?);
    let source = ReferenceSource::File { name: file };
    let reference = begin(&state, caller.project, params.monitor_id, name, source).await?;
    let body = body::read(&headers, body, state.batch_limits(), &state.budget).await?;
    let max_items = state.config.limits.upload_items;
    let parsed = ingest::parse_body(&state, &body, max_items, ingest::item::read).await?;
    if parsed.rejected > 0 {
        let detail = format!("{} lines are not sound, nothing was kept", parsed.rejected);
        return Err(ApiError::new(Code::Invalid, detail).with_errors(parsed.faults));
    }
    let now = state.now();
    let items = parsed.items.into_iter();
    let items =
        items.map(|(index, item)| ingest::prepare(&state, caller.project, index, item, now));
    let screened = ingest::screened::screened(&state, caller.project, items.collect()).await?;
    let (mut rows, mut faults) = (Vec::with_capacity(screened.len()), Vec::new());
    for (_, _, result) in screened {
        match result {
            Ok(row) => rows.push(row),
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        let detail = format!("{} lines are refused by the policy, nothing was kept", faults.len());
        return Err(ApiError::new(Code::Invalid, detail).with_errors(faults));
    }
    state.uploads.accept(reference.clone(), rows).await?;
    let payload = json!({ "after": reference });
    state.audit(&caller, "reference.upload", reference.id, payload).await?;
    state.wakers.reference.notify_one();
    Ok(accepted(reference))
}

/// The project's references.
#[utoipa::path(get, path = "/v1/references", tag = "references", params(ListParams),
    responses(
        (status = 200, description = "All of them on one page", body = Page<Reference>),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Principal,
    Params(params): Params<ListParams>,
) -> Result<Json<Page<Reference>>, ApiError> {
    if let Some(id) = params.monitor_id {
        monitors::find(&state, caller.project, id).await?;
    }
    let items = state.store.list_references(caller.project, params.monitor_id).await?;
    Ok(Json(Page { items, next_cursor: None }))
}

/// One reference, with its progress.
#[utoipa::path(get, path = "/v1/references/{id}", tag = "references",
    params(("id" = ReferenceId, Path, description = "The reference")),
    responses(
        (status = 200, description = "The reference", body = Reference),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<ReferenceId>,
) -> Result<Json<Reference>, ApiError> {
    let found = state.store.find_reference(caller.project, id).await?;
    found.map(Json).ok_or_else(|| ApiError::not_found("reference"))
}
