//! Alerts: episodes of drift, with every change of their state.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use hyper::Uri;
use serde::{Deserialize, Serialize};

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Problem};
use crate::api::extract::{Id, Params};
use crate::api::page::{self, Page, PageRequest};
use crate::api::state::AppState;
use crate::id::{AlertId, MonitorId};
use crate::model::alert::{Alert, AlertState, Transition};
use crate::store::AlertFilter;

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
    /// Every change of its state, first to last.
    transitions: Vec<Transition>,
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
    let found = state.store.find_alert(caller.project, id).await?;
    let alert = found.ok_or_else(|| ApiError::not_found("alert"))?;
    let transitions = state.store.transitions(id).await?;
    Ok(Json(AlertDetail { alert, transitions }))
}
