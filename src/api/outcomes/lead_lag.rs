//! Whether outcomes move with a monitor's drift, and which of them moves first.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Problem};
use crate::api::extract::{Id, Params};
use crate::api::monitors;
use crate::api::state::AppState;
use crate::clock::Timestamp;
use crate::id::MonitorId;
use crate::model::outcome::is_name;
use crate::stats::lead_lag::{LeadLag, MIN_STEPS, lead_lag};
use crate::store::OutcomeQuery;

const DAY: Duration = Duration::from_hours(24);

/// Days looked at where nothing is asked for, and at most.
const DAYS: (u32, u32) = (90, 400);

/// Days that one may lead the other by.
const MAX_LAG: usize = 14;

/// Below this p-value they are said to move together.
const LEVEL: f64 = 0.05;

/// Seed of the resampling: the same question has the same answer.
const SEED: u64 = 1;

/// Query parameters.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeadLagParams {
    /// The outcome's name.
    outcome: String,
    /// From this time on; without it the last 90 days.
    from: Option<Timestamp>,
    /// Before this time; without it up to now.
    to: Option<Timestamp>,
}

/// How a monitor's drift and an outcome move together, day by day. It names no cause.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct LeadLagAnswer {
    /// Days that have both: those of the drift's largest statistic ÷ threshold, and of the outcome's mean.
    days: usize,
    /// Whether they move together beyond what chance makes of series that do not.
    move_together: bool,
    /// In words.
    summary: String,
    /// The figures; absent for fewer than 30 days, or where nothing changes.
    figures: Option<LeadLagFigures>,
}

/// The figures behind the words.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct LeadLagFigures {
    /// Days by which the outcome follows the drift where they agree most; below 0 it leads.
    lag_days: i64,
    /// Correlation of the daily changes at that lag, in −1…1.
    correlation: f64,
    /// Lower end of its interval, which holds it in 95 of 100 cases.
    low: f64,
    /// Upper end of that interval.
    high: f64,
    /// How often series that have nothing to do with each other agree as much at any lag.
    p_value: f64,
    /// The correlation at each lag: days, correlation.
    by_lag: Vec<(i64, f64)>,
}

/// Whether an outcome moves with the monitor's drift, and which comes first.
#[utoipa::path(get, path = "/v1/monitors/{id}/lead-lag", tag = "outcomes",
    params(("id" = MonitorId, Path, description = "The monitor"), LeadLagParams),
    responses(
        (status = 200, description = "The answer", body = LeadLagAnswer),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<MonitorId>,
    Params(params): Params<LeadLagParams>,
) -> Result<Json<LeadLagAnswer>, ApiError> {
    let to = params.to.unwrap_or_else(|| state.now());
    let from = params.from.unwrap_or_else(|| to.minus(DAY * DAYS.0));
    if from >= to || to.since(from) > DAY * DAYS.1 {
        let detail = format!("to must be later than from, by {} days at most", DAYS.1);
        return Err(ApiError::new(Code::InvalidParameter, detail));
    }
    monitors::find(&state, caller.project, id).await?;
    let name = Some(params.outcome.as_str()).filter(|name| is_name(name));
    let name = name.ok_or_else(|| ApiError::not_found("outcome"))?;
    let found = state.store.find_outcome_definition(caller.project, name).await?;
    let definition = found.ok_or_else(|| ApiError::not_found("outcome"))?;
    let query = OutcomeQuery { definition: &definition, from, to };
    let outcomes: BTreeMap<i64, f64> = state
        .store
        .outcomes_by_day(&query)
        .await?
        .into_iter()
        .filter(|day| day.n > 0)
        .map(|day| (day.key, day.sum / day.n as f64))
        .collect();
    let drift = state.store.daily_ratios(caller.project, id, from, to).await?;
    let both = drift.iter().filter_map(|(day, ratio)| Some((*ratio, *outcomes.get(day)?)));
    let (drift, outcome): (Vec<f64>, Vec<f64>) = both.unzip();
    let days = drift.len();
    let compute = move || lead_lag(&drift, &outcome, MAX_LAG, SEED);
    let found = tokio::task::spawn_blocking(compute).await.map_err(ApiError::internal)?;
    Ok(Json(answer(name, days, found)))
}

fn answer(name: &str, days: usize, found: Option<LeadLag>) -> LeadLagAnswer {
    let Some(found) = found else {
        let summary = format!(
            "{days} days have both a verdict and {name}, and {MIN_STEPS} that change are needed"
        );
        return LeadLagAnswer { days, move_together: false, summary, figures: None };
    };
    let move_together = found.p_value <= LEVEL;
    let direction = if found.correlation < 0.0 { "falls" } else { "rises" };
    let when = match found.lag {
        0 => "on the same day".to_owned(),
        lag if lag > 0 => format!("{lag} day(s) later"),
        lag => format!("{} day(s) earlier", -lag),
    };
    let summary = if move_together {
        format!(
            "where drift rises, {name} {direction} {when}; they move together, which names no cause"
        )
    } else {
        format!("{name} and the drift do not move together beyond chance")
    };
    let LeadLag { lag, correlation, low, high, p_value, by_lag } = found;
    let figures = Some(LeadLagFigures { lag_days: lag, correlation, low, high, p_value, by_lag });
    LeadLagAnswer { days, move_together, summary, figures }
}
