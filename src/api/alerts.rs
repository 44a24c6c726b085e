//! Alerts: episodes of drift, with every change of their state.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use hyper::Uri;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::alert::labels;
use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Fault, Problem};
use crate::api::extract::{Document, Id, Params};
use crate::api::monitors::created;
use crate::api::page::{self, Page, PageRequest};
use crate::api::state::AppState;
use crate::id::{AlertId, MonitorId, ProjectId};
use crate::model::alert::{Alert, AlertState, Comment, Transition};
use crate::model::matcher::Labels;
use crate::store::AlertFilter;
use crate::worker::origins::Origins;

const COMMENT_BYTES: usize = 2000;

/// Query parameters of the list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    /// Only those in this state.
    state: Option<AlertState>,
    /// Only those of this monitor.
    monitor_id: Option<MonitorId>,
    /// Rows of a page, 1 to 200; 50 where it is missing.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The project's alerts, newest first.
#[utoipa::path(get, path = "/v1/alerts", tag = "alerts", params(ListParams),
    responses(
        (status = 200, description = "A page of them", body = Page<Alert>),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Principal,
    Params(params): Params<ListParams>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let request = PageRequest::new(params.limit, params.cursor.as_deref())?;
    let filter = AlertFilter {
        state: params.state,
        monitor: params.monitor_id,
        before: request.before,
        limit: request.fetch(),
    };
    let rows = state.store.list_alerts(caller.project, &filter).await?;
    Ok(page::respond(&request, rows, |alert| (alert.started_at, alert.id), &uri))
}

/// An alert with its history.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct AlertDetail {
    /// The alert.
    #[serde(flatten)]
    alert: Alert,
    /// What routes and silences see of it.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    labels: Labels,
    /// Every change of its state, first to last.
    transitions: Vec<Transition>,
    /// What was written about it, oldest first.
    comments: Vec<Comment>,
}

/// A remark on an alert.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommentInput {
    /// What.
    text: String,
}

/// What goes with an acknowledgement.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acknowledgement {
    /// A remark.
    comment: Option<String>,
}

/// One alert, with its transitions.
#[utoipa::path(get, path = "/v1/alerts/{id}", tag = "alerts",
    params(("id" = AlertId, Path, description = "The alert")),
    responses(
        (status = 200, description = "The alert", body = AlertDetail),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<AlertId>,
) -> Result<Json<AlertDetail>, ApiError> {
    detail(&state, caller.project, id).await
}

async fn detail(
    state: &AppState,
    project: ProjectId,
    id: AlertId,
) -> Result<Json<AlertDetail>, ApiError> {
    let alert = find(state, project, id).await?;
    let origins = Origins::about(&state.store, &alert).await?;
    let labels = origins.of(&alert).map(|origin| labels(&alert, origin)).unwrap_or_default();
    let transitions = state.store.transitions(id).await?;
    let comments = state.store.comments(id).await?;
    Ok(Json(AlertDetail { alert, labels, transitions, comments }))
}

/// The project's alert with this id.
pub(super) async fn find(
    state: &AppState,
    project: ProjectId,
    id: AlertId,
) -> Result<Alert, ApiError> {
    let found = state.store.find_alert(project, id).await?;
    found.ok_or_else(|| ApiError::not_found("alert"))
}

/// Takes an alert on: reminders and escalation end. The first one to do so stays on record.
#[utoipa::path(post, path = "/v1/alerts/{id}/acknowledge", tag = "alerts",
    params(("id" = AlertId, Path, description = "The alert")),
    request_body = Acknowledgement,
    responses(
        (status = 200, description = "The alert as it is now", body = AlertDetail),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn acknowledge(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<AlertId>,
    Document(input): Document<Acknowledgement>,
) -> Result<Json<AlertDetail>, ApiError> {
    let alert = find(&state, caller.project, id).await?;
    if !matches!(alert.state, AlertState::Pending | AlertState::Firing) {
        return Err(ApiError::new(Code::Conflict, "the alert is over; comment on it instead"));
    }
    if let Some(text) = input.comment {
        add_comment(&state, &caller, id, text, "/comment").await?;
    }
    state.store.acknowledge_alert(caller.project, id, &caller.name, state.now()).await?;
    state.audit(&caller, "alert.acknowledge", id, json!({ "state": alert.state })).await?;
    state.wakers.dispatch.notify_one();
    detail(&state, caller.project, id).await
}

/// Writes something about an alert.
#[utoipa::path(post, path = "/v1/alerts/{id}/comments", tag = "alerts",
    params(("id" = AlertId, Path, description = "The alert")),
    request_body = CommentInput,
    responses(
        (status = 201, description = "The alert as it is now", body = AlertDetail),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn comment(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<AlertId>,
    Document(input): Document<CommentInput>,
) -> Result<Response, ApiError> {
    find(&state, caller.project, id).await?;
    add_comment(&state, &caller, id, input.text, "/text").await?;
    let body = detail(&state, caller.project, id).await?;
    Ok(created(&format!("/v1/alerts/{id}"), body))
}

async fn add_comment(
    state: &AppState,
    caller: &Principal,
    id: AlertId,
    text: String,
    pointer: &'static str,
) -> Result<(), ApiError> {
    if text.trim().is_empty() || text.len() > COMMENT_BYTES {
        let fault = Fault::at(pointer, format!("must hold 1 to {COMMENT_BYTES} bytes"));
        let error = ApiError::new(Code::Invalid, "such a comment cannot be stored; see errors");
        return Err(error.with_errors(vec![fault]));
    }
    let comment = Comment { at: state.now(), author: caller.name.to_string(), text };
    state.store.insert_comment(id, &comment).await?;
    // The words themselves stand with the alert, where they can be deleted.
    state.audit(caller, "alert.comment", id, json!({ "bytes": comment.text.len() })).await
}
