//! The exact statistics of a report, computed when asked for.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Problem};
use crate::api::extract::Id;
use crate::api::state::AppState;
use crate::clock::Timestamp;
use crate::detect::exact::{ExactFigures, Yardstick, figures};
use crate::detect::permutation::Permuted;
use crate::detect::profile::ReferenceProfile;
use crate::id::ReportId;
use crate::model::interaction::Event;
use crate::model::monitor::{Monitor, WindowLength};
use crate::model::report::Report;
use crate::model::stream::Stream;
use crate::model::verdict::{DetectorKind, Verdict};

/// Events looked through for one window at most.
const MAX_EVENTS: i64 = 20_000;

/// The same rows and this seed give the same figures, whenever they are asked for.
const SEED: u64 = 1;

/// A statistic beside what permutations of the same rows give.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct PermutedStatistic {
    /// The statistic.
    value: f64,
    /// Its mean over 99 permutations: what to expect without drift.
    expected: f64,
    /// The share of permutations with at least this value, the real one counted.
    p_value: f64,
}

impl From<Permuted> for PermutedStatistic {
    fn from(Permuted { value, expected, p_value }: Permuted) -> Self {
        Self { value, expected, p_value }
    }
}

/// Exact statistics of one stream in one window, beside the sketched one.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ExactStatistic {
    /// The stream.
    stream: Stream,
    /// The window's name.
    window: String,
    /// Unbiased MMD² with the exact RBF kernel of the reference's bandwidth.
    mmd2_exact: f64,
    /// The report's own figure, from random features.
    mmd2_sketch: f64,
    /// The kernel's γ.
    gamma: f64,
    /// Reference rows compared, at most 2,000; of more, an even selection.
    n_ref: usize,
    /// Window rows compared, at most 2,000.
    n_window: usize,
    /// Unbiased squared energy distance; zero on average without drift.
    energy: f64,
    /// Population stability index over the reference's codebook.
    psi: f64,
    /// What `psi` is without drift, to first order.
    psi_expected: f64,
    /// Cross-validated AUC of a domain classifier, ½ without drift; null with too few events or
    /// sessions.
    classifier_auc: Option<f64>,
    /// Principal axes that `frechet`, `gaussian_kl` and `classifier_auc` stand on; null when
    /// nothing varies.
    axes: Option<usize>,
    /// Squared Fréchet distance, as in FID.
    frechet: Option<PermutedStatistic>,
    /// KL(window ‖ reference) of Gaussians in nats; null when a side does not vary.
    gaussian_kl: Option<PermutedStatistic>,
    /// Kolmogorov–Smirnov statistic; of `relevance` only.
    ks: Option<PermutedStatistic>,
    /// Wasserstein-1 distance; of `relevance` only.
    wasserstein: Option<PermutedStatistic>,
    /// Population stability index over the reference's deciles; of `relevance` only.
    psi_deciles: Option<PermutedStatistic>,
}

impl ExactStatistic {
    fn new(verdict: &Verdict, mmd2_sketch: f64, gamma: f64, figures: &ExactFigures) -> Self {
        let gaussian = figures.gaussian;
        let scalar = figures.scalar;
        Self {
            stream: verdict.stream,
            window: verdict.window.clone(),
            mmd2_exact: figures.mmd2,
            mmd2_sketch,
            gamma,
            n_ref: figures.n_ref,
            n_window: figures.n_window,
            energy: figures.energy,
            psi: figures.psi,
            psi_expected: figures.psi_expected,
            classifier_auc: figures.classifier_auc,
            axes: gaussian.map(|g| g.axes),
            frechet: gaussian.map(|g| g.frechet.into()),
            gaussian_kl: gaussian.and_then(|g| g.kl).map(Into::into),
            ks: scalar.map(|s| s.ks.into()),
            wasserstein: scalar.map(|s| s.wasserstein.into()),
            psi_deciles: scalar.map(|s| s.psi_deciles.into()),
        }
    }
}

/// All exact statistics of a report.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ExactStatistics {
    /// One per stream and window that `mmd` judged and whose events are still stored.
    items: Vec<ExactStatistic>,
}

/// Exact statistics of a report's windows, computed from stored embeddings: takes seconds.
#[utoipa::path(get, path = "/v1/reports/{id}/exact", tag = "reports",
    params(("id" = ReportId, Path, description = "The report")),
    responses(
        (status = 200, description = "Exact and sketched figures side by side", body = ExactStatistics),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<ReportId>,
) -> Result<Json<ExactStatistics>, ApiError> {
    let found = state.store.find_report(caller.project, id).await?;
    let report = found.ok_or_else(|| ApiError::not_found("report"))?;
    let monitor = state.store.find_monitor(caller.project, report.monitor_id).await?;
    let monitor = monitor.ok_or_else(|| ApiError::not_found("monitor"))?;
    let gone = || ApiError::new(Code::NotFound, "the report's reference is gone");
    let bytes = state.store.reference_profile(report.reference_id).await?.ok_or_else(gone)?;
    let profile: ReferenceProfile = serde_json::from_slice(&bytes).map_err(ApiError::internal)?;
    let reference = state.store.reference_rows(report.reference_id).await?;
    let mut jobs = Vec::new();
    // A segment's windows are not the monitor's own.
    let of_whole = |v: &&Verdict| v.detector == DetectorKind::Mmd && v.segment.is_empty();
    for verdict in report.verdicts.iter().filter(of_whole) {
        let Some(sketched) = verdict.statistic else { continue };
        let rows = window_rows(&state, &monitor, &report, verdict, &profile.model_digest).await?;
        jobs.push((verdict.clone(), sketched, rows));
    }
    let compute = move || {
        jobs.into_iter()
            .filter_map(|(verdict, sketched, rows)| {
                let yardstick = Yardstick::of(&profile, verdict.stream)?;
                let found = figures(&reference, &rows, verdict.stream, yardstick, SEED)?;
                Some(ExactStatistic::new(&verdict, sketched, yardstick.gamma, &found))
            })
            .collect()
    };
    let items = tokio::task::spawn_blocking(compute).await.map_err(ApiError::internal)?;
    Ok(Json(ExactStatistics { items }))
}

/// The events that were in the verdict's window, as far as they are still stored.
async fn window_rows(
    state: &AppState,
    monitor: &Monitor,
    report: &Report,
    verdict: &Verdict,
    digest: &str,
) -> Result<Vec<Event>, ApiError> {
    let spec = &monitor.spec;
    let window = spec.windows.iter().find(|window| window.name == verdict.window);
    let Some(window) = window else { return Ok(Vec::new()) };
    let project = monitor.project_id;
    let events = match window.length {
        WindowLength::Count { .. } => {
            let from = (report.position - MAX_EVENTS).max(0);
            state.store.events_after(project, from, digest, MAX_EVENTS).await?
        }
        WindowLength::Time { minutes, .. } => {
            let end = report.evaluated_at;
            let start = end.minus(Duration::from_secs(60 * u64::from(minutes)));
            state.store.events_between(project, start, end, digest).await?
        }
    };
    // Lateness is judged in the order of arrival.
    let mut events: Vec<Event> = events.into_iter().map(|row| row.event).collect();
    events.sort_by_key(|event| event.position);
    let mut newest = Timestamp::default();
    let mut rows: Vec<Event> = events
        .into_iter()
        .filter(|event| event.position <= report.position && spec.covers(&event.attributes))
        .filter(|event| {
            let late = event.occurred_at < newest.minus(spec.lateness());
            newest = newest.max(event.occurred_at);
            !late
        })
        .collect();
    if let WindowLength::Count { events, .. } = window.length {
        rows.drain(..rows.len().saturating_sub(events as usize));
    }
    Ok(rows)
}
