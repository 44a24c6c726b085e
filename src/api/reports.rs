//! Reports: every number of every evaluation, with the interactions that show the drift.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use hyper::Uri;
use serde::{Deserialize, Serialize};

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Problem};
use crate::api::extract::{Id, Params};
use crate::api::interactions::InteractionView;
use crate::api::monitors;
use crate::api::page::{self, Page, PageRequest};
use crate::api::state::AppState;
use crate::clock::Timestamp;
use crate::id::{MonitorId, ReportId};
use crate::model::report::Report;
use crate::model::stream::Stream;
use crate::store::ReportFilter;

/// Query parameters of the list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    /// Evaluated at this event time or later.
    from: Option<Timestamp>,
    /// Evaluated before this event time.
    to: Option<Timestamp>,
    /// Only with drift (`true`), or only without.
    drift: Option<bool>,
    /// Rows of a page, 1 to 200; 50 where it is missing.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A monitor's reports, newest first.
#[utoipa::path(get, path = "/v1/monitors/{id}/reports", tag = "reports",
    params(("id" = MonitorId, Path, description = "The monitor"), ListParams),
    responses(
        (status = 200, description = "A page of them", body = Page<Report>),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<MonitorId>,
    Params(params): Params<ListParams>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let request = PageRequest::new(params.limit, params.cursor.as_deref())?;
    monitors::find(&state, caller.project, id).await?;
    let filter = ReportFilter {
        from: params.from,
        to: params.to,
        is_drift: params.drift,
        before: request.before,
        limit: request.fetch(),
    };
    let rows = state.store.list_reports(caller.project, id, &filter).await?;
    Ok(page::respond(&request, rows, |report| (report.evaluated_at, report.id), &uri))
}

/// A report with the texts of its examples.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ReportDetail {
    /// The report; its `examples` name the interactions below.
    #[serde(flatten)]
    report: Report,
    /// The most drifted interactions, with their texts as far as retention still has them.
    example_interactions: Vec<ExampleDetail>,
}

/// An interaction that shows the drift.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ExampleDetail {
    /// The stream in which it is unusual.
    stream: Stream,
    /// How much more the window looks like this than the reference.
    score: f64,
    /// The interaction; null once its retention has passed, or where it came from elsewhere.
    interaction: Option<InteractionView>,
}

/// One report, with every number and its examples.
#[utoipa::path(get, path = "/v1/reports/{id}", tag = "reports",
    params(("id" = ReportId, Path, description = "The report")),
    responses(
        (status = 200, description = "The report", body = ReportDetail),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<ReportId>,
) -> Result<Json<ReportDetail>, ApiError> {
    let found = state.store.find_report(caller.project, id).await?;
    let report = found.ok_or_else(|| ApiError::not_found("report"))?;
    let ids: Vec<_> = report.examples.iter().map(|e| e.interaction_id.clone()).collect();
    let interactions = state.store.interactions_by_id(caller.project, &ids).await?;
    let by_id: HashMap<_, _> = interactions.into_iter().map(|i| (i.id.clone(), i)).collect();
    let detail = |example: &crate::model::report::Example| ExampleDetail {
        stream: example.stream,
        score: example.score,
        interaction: by_id.get(&example.interaction_id).cloned().map(InteractionView::from),
    };
    let example_interactions = report.examples.iter().map(detail).collect();
    Ok(Json(ReportDetail { report, example_interactions }))
}
