//! The audit trail: what handlers append to it, and how it is read, exported and pinned down.
//!
//! An act is appended directly after its commit and before its answer, a read before anything is given out.

use std::fmt::Display;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use hyper::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Problem};
use crate::api::extract::Params;
use crate::api::page::{self, Page, PageRequest};
use crate::api::state::{AppState, Shared};
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::audit::{AuditRecord, AuditView, Checkpoint};
use crate::store::{AuditFilter, StoreError};

impl Shared {
    /// Appends what `caller` did to the project's trail; no secret belongs into `payload`.
    pub(crate) async fn audit(
        &self,
        caller: &Principal,
        action: &'static str,
        object: impl Display,
        payload: Value,
    ) -> Result<(), ApiError> {
        let (actor, object) = (caller.actor(), object.to_string());
        let record = AuditRecord { actor, action, object, payload, about: None };
        self.append(caller.project, &record).await
    }

    /// The same for a read of what is held on `about`, which is erased from the trail with it.
    pub(crate) async fn audit_read(
        &self,
        caller: &Principal,
        action: &'static str,
        payload: Value,
        about: String,
    ) -> Result<(), ApiError> {
        let (actor, object) = (caller.actor(), String::new());
        let record = AuditRecord { actor, action, object, payload, about: Some(about) };
        self.append(caller.project, &record).await
    }

    /// The same for a caller without a key, who has proven to be `actor`.
    pub(crate) async fn audit_as(
        &self,
        project: ProjectId,
        actor: String,
        action: &'static str,
        object: impl Display,
        payload: Value,
    ) -> Result<(), ApiError> {
        let object = object.to_string();
        let record = AuditRecord { actor, action, object, payload, about: None };
        self.append(project, &record).await
    }

    async fn append(&self, project: ProjectId, record: &AuditRecord) -> Result<(), ApiError> {
        self.store.append_audit(project, record, self.now()).await?;
        Ok(())
    }
}

/// Query parameters of the list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    /// Only this action, as `monitor.update`.
    action: Option<String>,
    /// At this moment or later.
    from: Option<Timestamp>,
    /// Before this moment.
    to: Option<Timestamp>,
    /// Rows of a page, 1 to 200; 50 where it is missing.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The project's audit trail, newest first.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", params(ListParams),
    responses(
        (status = 200, description = "A page of it", body = Page<AuditView>),
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
    let request = PageRequest::<i64>::new(params.limit, params.cursor.as_deref())?;
    let filter = AuditFilter {
        action: params.action,
        from: params.from,
        to: params.to,
        before: request.before.map(|(_, seq)| seq),
        limit: request.fetch(),
    };
    let rows = state.store.list_audit(caller.project, &filter).await?;
    let rows: Vec<AuditView> = rows.into_iter().map(AuditView::from).collect();
    Ok(page::respond(&request, rows, |row| (row.at, row.seq), &uri))
}

/// The whole trail as JSON lines, oldest first; the export is its last row.
#[utoipa::path(get, path = "/v1/audit/export", tag = "audit", operation_id = "audit_export",
    responses(
        (status = 200, description = "One row a line", body = AuditView,
            content_type = "application/x-ndjson"),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn export(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<Response, ApiError> {
    let last = state.store.audit_head(caller.project).await?.seq;
    state.audit(&caller, "audit.export", caller.project, json!({ "rows": last + 1 })).await?;
    let end = state.store.audit_head(caller.project).await?.seq;
    let project = caller.project;
    let lines = stream::try_unfold((state, 0), move |(state, after)| async move {
        let rows = state.store.audit_after(project, after).await?;
        let mut lines = String::new();
        let mut reached = after;
        for row in rows.into_iter().filter(|row| row.seq <= end) {
            reached = row.seq;
            lines.push_str(&line(&AuditView::from(row)));
        }
        Ok::<_, StoreError>((reached > after).then_some((lines, (state, reached))))
    });
    Ok(json_lines(Body::from_stream(lines)))
}

/// `item` as one line of JSON.
pub(crate) fn line(item: &impl serde::Serialize) -> String {
    // Rows are of strings and numbers: there is nothing that could fail.
    serde_json::to_string(item).unwrap_or_default() + "\n"
}

/// The answer of JSON lines.
pub(crate) fn json_lines(body: Body) -> Response {
    let kind = [(hyper::header::CONTENT_TYPE, "application/x-ndjson")];
    (StatusCode::OK, kind, body).into_response()
}

/// Where the trail stands, signed: keep it outside, and nobody can rewrite what is before it unseen.
#[utoipa::path(get, path = "/v1/audit/checkpoint", tag = "audit",
    responses(
        (status = 200, description = "The checkpoint", body = Checkpoint),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn checkpoint(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<Json<Checkpoint>, ApiError> {
    Ok(Json(state.store.audit_checkpoint(caller.project, state.now()).await?))
}
