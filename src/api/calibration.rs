//! The false-alarm budget, and what a reference's calibration makes of it.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Fault, Problem};
use crate::api::extract::{Document, Id};
use crate::api::state::AppState;
use crate::detect::budget::{in_force, monitor_share};
use crate::detect::calibration::{report, self_check};
use crate::detect::profile::ReferenceProfile;
use crate::id::{ProjectId, ReferenceId};
use crate::model::budget::Budget;
use crate::model::calibration::{CalibrationReport, SelfCheck};
use crate::model::monitor::{Monitor, ThresholdPolicy};

/// The project's budget and its division over monitors.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct BudgetDivision {
    /// The budget.
    #[serde(flatten)]
    budget: Budget,
    /// Expected false alarms in 30 days at which the promise is kept.
    expected_per_30d: f64,
    /// Each monitor's part.
    monitors: Vec<MonitorShare>,
}

/// A change of the budget; what is missing stays as it is.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BudgetPatch {
    /// False alarms of the whole project in 30 days, at most.
    false_alarms_per_30d: Option<f64>,
    /// The probability with which 30 days without drift keep to that.
    confidence: Option<f64>,
}

/// One monitor's part of the budget.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct MonitorShare {
    /// The monitor's name.
    monitor: String,
    /// Its share of the project's budget, in 0…1; absent for one with a rate or thresholds of its own.
    share: Option<f64>,
    /// Expected false alarms in 30 days; absent for fixed thresholds.
    expected_per_30d: Option<f64>,
}

/// A reference's calibration and the check of its promise.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct CalibrationDetail {
    /// The calibration.
    #[serde(flatten)]
    calibration: CalibrationReport,
    /// Alarms against this reference and those expected; absent for fixed thresholds and before the
    /// first report.
    self_check: Option<SelfCheck>,
}

/// The project's false-alarm budget, and how it is divided.
#[utoipa::path(get, path = "/v1/budget", tag = "monitors",
    responses(
        (status = 200, description = "The budget and its division", body = BudgetDivision),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get_budget(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<Json<BudgetDivision>, ApiError> {
    division(&state, caller.project).await
}

/// Sets the project's false-alarm budget: thresholds follow with the next evaluation, without a new
/// calibration.
#[utoipa::path(patch, path = "/v1/budget", tag = "monitors", request_body = BudgetPatch,
    responses(
        (status = 200, description = "The budget and its division", body = BudgetDivision),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn set_budget(
    State(state): State<AppState>,
    caller: Principal,
    Document(patch): Document<BudgetPatch>,
) -> Result<Json<BudgetDivision>, ApiError> {
    let before = state.store.budget(caller.project).await?;
    let mut budget = before;
    budget.false_alarms_per_30d = patch.false_alarms_per_30d.unwrap_or(budget.false_alarms_per_30d);
    budget.confidence = patch.confidence.unwrap_or(budget.confidence);
    let problems = budget.problems();
    let faults = problems.iter().map(|(pointer, detail)| Fault::at(pointer, detail)).collect();
    ApiError::refuse(faults, "such a budget cannot be kept; see errors")?;
    state.store.set_budget(caller.project, budget).await?;
    let payload = serde_json::json!({ "before": before, "after": budget });
    state.audit(&caller, "budget.update", caller.project, payload).await?;
    division(&state, caller.project).await
}

async fn division(state: &AppState, project: ProjectId) -> Result<Json<BudgetDivision>, ApiError> {
    let budget = state.store.budget(project).await?;
    let monitors = state.store.list_monitors(project).await?;
    let share = |monitor: &Monitor| {
        let specs = || monitors.iter().map(|m| &m.spec);
        let fixed = matches!(monitor.spec.thresholds, ThresholdPolicy::Fixed(_));
        let shares = monitor.spec.thresholds == ThresholdPolicy::Budget;
        MonitorShare {
            monitor: monitor.spec.name.clone(),
            share: shares.then(|| monitor_share(&monitor.spec, specs())),
            expected_per_30d: (!fixed).then(|| in_force(&monitor.spec, specs(), &budget)),
        }
    };
    Ok(Json(BudgetDivision {
        budget,
        expected_per_30d: budget.expected_per_30d(),
        monitors: monitors.iter().map(share).collect(),
    }))
}

/// A reference's thresholds, how the budget is divided over them, and whether the promise is kept.
#[utoipa::path(get, path = "/v1/references/{id}/calibration", tag = "references",
    params(("id" = ReferenceId, Path, description = "The reference")),
    responses(
        (status = 200, description = "The calibration", body = CalibrationDetail),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<ReferenceId>,
) -> Result<Json<CalibrationDetail>, ApiError> {
    let project = caller.project;
    let found = state.store.find_reference(project, id).await?;
    let reference = found.ok_or_else(|| ApiError::not_found("reference"))?;
    let not_ready = || ApiError::new(Code::NotFound, "the reference is not calibrated yet");
    let bytes = state.store.reference_profile(id).await?.ok_or_else(not_ready)?;
    let profile: ReferenceProfile = serde_json::from_slice(&bytes).map_err(ApiError::internal)?;
    let monitor = state.store.find_monitor(project, reference.monitor_id).await?;
    let monitor = monitor.ok_or_else(|| ApiError::not_found("monitor"))?;
    let monitors = state.store.list_monitors(project).await?;
    let budget = state.store.budget(project).await?;
    let per_30d = in_force(&monitor.spec, monitors.iter().map(|m| &m.spec), &budget);
    let record = state.store.alarm_record(monitor.id, id).await?;
    let thresholds = &monitor.spec.thresholds;
    let check = record.and_then(|r| self_check(thresholds, r.days(), r.alarms, per_30d));
    Ok(Json(CalibrationDetail { calibration: report(&profile, per_30d), self_check: check }))
}
