//! A monitor's statistics over time, as series to plot, and around an alert as a picture.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hyper::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Problem};
use crate::api::extract::{Id, Params};
use crate::api::state::AppState;
use crate::api::{alerts, monitors};
use crate::clock::Timestamp;
use crate::id::{AlertId, MonitorId, ReportId};
use crate::model::report::Report;
use crate::model::stream::Stream;
use crate::model::verdict::{DetectorKind, Verdict, VerdictStatus};
use crate::worker::timeline::picture as draw;

/// Evaluations in one answer at most.
const MAX_REPORTS: i64 = 5000;

/// Query parameters of the timeline.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimelineParams {
    /// Evaluated at this event time or later.
    from: Option<Timestamp>,
    /// Evaluated before this event time.
    to: Option<Timestamp>,
    /// Only this segment, as `attribute=value`; without it all of the monitor's traffic.
    segment: Option<String>,
    /// Only this stream.
    stream: Option<Stream>,
    /// Only the window of this name.
    window: Option<String>,
    /// Only this detector.
    detector: Option<DetectorKind>,
}

impl TimelineParams {
    fn wants(&self, verdict: &Verdict) -> bool {
        let segment = verdict.segment.first_key_value();
        let segment = segment.map(|(attribute, value)| format!("{attribute}={value}"));
        segment == self.segment
            && self.stream.is_none_or(|stream| stream == verdict.stream)
            && self.window.as_ref().is_none_or(|window| *window == verdict.window)
            && self.detector.is_none_or(|detector| detector == verdict.detector)
    }
}

/// A monitor's series.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(crate) struct Timeline {
    /// One for each stream, window and detector.
    series: Vec<Series>,
    /// Whether there are later evaluations within the range: ask again from `next_from`.
    truncated: bool,
    /// Where to go on; absent when nothing was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_from: Option<Timestamp>,
}

/// One detector on one window of one stream.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Series {
    stream: Stream,
    window: String,
    detector: DetectorKind,
    /// By time.
    points: Vec<Point>,
}

/// One verdict.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Point {
    /// Event time of the evaluation.
    t: Timestamp,
    /// The report to look at.
    report_id: ReportId,
    status: VerdictStatus,
    is_drift: bool,
    statistic: Option<f64>,
    threshold: Option<f64>,
    p_value: Option<f64>,
    /// statistic ÷ threshold: above 1 is drift.
    ratio: Option<f64>,
    /// Events in the window.
    n: u64,
}

/// A monitor's statistics over time, for plotting.
#[utoipa::path(get, path = "/v1/monitors/{id}/timeline", tag = "reports",
    params(("id" = MonitorId, Path, description = "The monitor"), TimelineParams),
    responses(
        (status = 200, description = "The series", body = Timeline),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<MonitorId>,
    Params(params): Params<TimelineParams>,
) -> Result<Json<Timeline>, ApiError> {
    let from = params.from.unwrap_or(Timestamp::from_micros(i64::MIN));
    let to = params.to.unwrap_or(Timestamp::from_micros(i64::MAX));
    if from >= to {
        return Err(ApiError::new(Code::InvalidParameter, "to must be later than from"));
    }
    monitors::find(&state, caller.project, id).await?;
    let reports = state.store.timeline(caller.project, id, from, to, MAX_REPORTS + 1).await?;
    Ok(Json(timeline(reports, &params)))
}

fn timeline(mut reports: Vec<Report>, params: &TimelineParams) -> Timeline {
    let next_from = reports.get(MAX_REPORTS as usize).map(|report| report.evaluated_at);
    reports.truncate(MAX_REPORTS as usize);
    let mut series: BTreeMap<(Stream, String, DetectorKind), Vec<Point>> = BTreeMap::new();
    for report in &reports {
        for verdict in report.verdicts.iter().filter(|verdict| params.wants(verdict)) {
            let key = (verdict.stream, verdict.window.clone(), verdict.detector);
            series.entry(key).or_default().push(point(report, verdict));
        }
    }
    let series = series
        .into_iter()
        .map(|((stream, window, detector), points)| Series { stream, window, detector, points })
        .collect();
    Timeline { series, truncated: next_from.is_some(), next_from }
}

fn point(report: &Report, verdict: &Verdict) -> Point {
    Point {
        t: report.evaluated_at,
        report_id: report.id,
        status: verdict.status,
        is_drift: verdict.is_drift,
        statistic: verdict.statistic,
        threshold: verdict.threshold,
        p_value: verdict.p_value,
        ratio: verdict.ratio(),
        n: verdict.n_window,
    }
}

/// An alert's timeline as a small picture: the statistic that exceeded its threshold most, from a little
/// before the alert until now or a little after its end.
#[utoipa::path(get, path = "/v1/alerts/{id}/timeline.png", tag = "alerts",
    params(("id" = AlertId, Path, description = "The alert")),
    responses(
        (status = 200, description = "The picture, `image/png` of 720 × 240 pixels"),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn picture(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<AlertId>,
) -> Result<Response, ApiError> {
    let alert = alerts::find(&state, caller.project, id).await?;
    let Some(picture) = draw(&state.store, &alert).await? else {
        let detail = "the alert has no timeline: a rule's has figures and no statistic, and of a \
                      monitor's no report is kept any more; GET /v1/alerts/{id} shows why it fired";
        return Err(ApiError::new(Code::NotFound, detail));
    };
    Ok(([(CONTENT_TYPE, "image/png")], picture.png).into_response())
}
