//! Outcomes of one name over a time: how many came, how long they take, and what they come to.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Problem};
use crate::api::extract::Params;
use crate::api::state::AppState;
use crate::clock::Timestamp;
use crate::model::outcome::{Good, OutcomeDefinition, OutcomeKind, is_name};
use crate::stats::delay::DelayCurve;
use crate::stats::proportion::{Interval, mean, wilson};
use crate::store::{OutcomeGroup, OutcomeQuery};

const DAY_MICROS: i64 = 86_400_000_000;
const DAY: Duration = Duration::from_hours(24);
/// Days looked at where nothing is asked for.
const DEFAULT_DAYS: u32 = 30;
/// Days looked at in one answer at most.
const MAX_DAYS: u32 = 400;
/// Values of a label, or categories, in one answer at most.
const GROUPS: i64 = 50;
const LABEL_BYTES: usize = 64;
/// How sure all intervals are.
const CONFIDENCE: f64 = 0.95;
/// Points of a delay's curve, in seconds: a minute to three months.
const CURVE: [f64; 16] = [
    60.0,
    300.0,
    900.0,
    3600.0,
    10_800.0,
    21_600.0,
    43_200.0,
    86_400.0,
    172_800.0,
    259_200.0,
    432_000.0,
    604_800.0,
    1_209_600.0,
    2_592_000.0,
    5_184_000.0,
    7_776_000.0,
];

/// Query parameters of the summary.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SummaryParams {
    /// The outcomes' name.
    name: String,
    /// Interactions from this moment on; 30 days before `to` where it is missing.
    from: Option<Timestamp>,
    /// Interactions before this moment; now where it is missing.
    to: Option<Timestamp>,
    /// A label, such as `channel`: also by its values.
    by: Option<String>,
}

/// Outcomes of one name, of the interactions in `[from, to)`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct OutcomeSummary {
    name: String,
    kind: OutcomeKind,
    good: Good,
    from: Timestamp,
    to: Timestamp,
    /// All interactions of the time.
    interactions: i64,
    /// Those with an outcome.
    n: i64,
    /// The share with an outcome, with Wilson's interval.
    coverage: Option<OutcomeFigure>,
    /// Outcomes of this name that wait for their interaction, of any time.
    parked: i64,
    /// Those of the parked that have waited for longer than the attribution window.
    unmatched: i64,
    /// Outcomes that came after their interactions had been judged: kept, in no figure.
    late: i64,
    /// How long outcomes take to come; absent where fewer than 20 have come.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<OutcomeDelay>,
    /// Interactions older than this have had the time for nine of ten outcomes; the attribution
    /// window where the delay is not known.
    matures_after_seconds: f64,
    /// The rate or the mean of all of them.
    value: Option<OutcomeFigure>,
    /// By the day of the interaction, in UTC.
    days: Vec<OutcomeDay>,
    /// By the values of the label that was asked for, most interactions first, at most 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<OutcomeLabel>>,
    /// How often each category came, at most 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    categories: Option<Vec<OutcomeCategory>>,
}

/// An estimate with its interval of 95 %; one value has none.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct OutcomeFigure {
    estimate: f64,
    low: Option<f64>,
    high: Option<f64>,
}

impl From<Interval> for OutcomeFigure {
    fn from(interval: Interval) -> Self {
        let (low, high) = (Some(interval.low), Some(interval.high));
        Self { estimate: interval.estimate, low, high }
    }
}

/// The time from an interaction to its outcome.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct OutcomeDelay {
    /// Outcomes that this was learned from.
    n: usize,
    p50_seconds: f64,
    p90_seconds: f64,
    p99_seconds: f64,
    /// The longest delay that could have been seen; what takes longer is not in the shares. Absent
    /// where outcomes come with their interactions.
    #[serde(skip_serializing_if = "Option::is_none")]
    horizon_seconds: Option<f64>,
    /// The share that has come by then.
    curve: Vec<OutcomeCurvePoint>,
}

/// The share of outcomes that have come so long after their interactions.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct OutcomeCurvePoint {
    seconds: f64,
    share: f64,
}

/// The interactions of one day.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct OutcomeDay {
    /// Its begin.
    day: Timestamp,
    interactions: i64,
    /// Those with an outcome.
    n: i64,
    /// The rate (binary, category) with Wilson's interval, or the mean with its normal one.
    value: Option<OutcomeFigure>,
    /// Whether all of its interactions are older than `matures_after_seconds`.
    mature: bool,
    /// The share of its outcomes that have come by now, as the delays tell for its last moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    complete: Option<f64>,
}

/// The interactions with one value of a label.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct OutcomeLabel {
    /// The label's value; null for those without it.
    label: Option<String>,
    interactions: i64,
    /// Those with an outcome.
    n: i64,
    value: Option<OutcomeFigure>,
}

/// One category.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct OutcomeCategory {
    category: String,
    n: i64,
}

/// Outcomes of one name: coverage, delay, and their rate or mean by day and by label.
#[utoipa::path(get, path = "/v1/outcomes/summary", tag = "outcomes", params(SummaryParams),
    responses(
        (status = 200, description = "The figures", body = OutcomeSummary),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Params(params): Params<SummaryParams>,
) -> Result<Json<OutcomeSummary>, ApiError> {
    let (now, store) = (state.now(), &state.store);
    let to = params.to.unwrap_or(now);
    let from = params.from.unwrap_or_else(|| to.minus(DAY * DEFAULT_DAYS));
    check(&params, from, to)?;
    let found = if is_name(&params.name) {
        store.find_outcome_definition(caller.project, &params.name).await?
    } else {
        None
    };
    let definition = found.ok_or_else(|| ApiError::not_found("outcome"))?;
    let query = OutcomeQuery { definition: &definition, from, to };
    let curve = store.outcome_delay(caller.project, &definition.name, now).await?;
    let days = store.outcomes_by_day(&query).await?;
    let groups = match &params.by {
        Some(label) => Some(store.outcomes_by_label(&query, label, GROUPS).await?),
        None => None,
    };
    let categories = match definition.kind {
        OutcomeKind::Category => Some(store.outcome_categories(&query, GROUPS).await?),
        _ => None,
    };
    let (parked, unmatched) =
        store.parked_outcomes(caller.project, Some(&definition.name), now).await?;
    let late = store.late_outcomes(&query).await?;
    let all = total(&days);
    let matures_after_seconds = definition.matures_after(curve.as_ref()).as_secs_f64();
    let groups = groups.map(|groups| groups.into_iter().map(|g| group(&definition, g)).collect());
    Ok(Json(OutcomeSummary {
        from,
        to,
        interactions: all.interactions,
        n: all.n,
        coverage: wilson(all.n as u64, all.interactions as u64, CONFIDENCE).map(Into::into),
        parked,
        unmatched,
        late,
        delay: curve.as_ref().map(delay),
        matures_after_seconds,
        value: estimate(&definition, &all),
        days: days
            .iter()
            .map(|sums| day(&definition, sums, curve.as_ref(), matures_after_seconds, now))
            .collect(),
        groups,
        categories: categories.map(|categories| {
            categories.into_iter().map(|(category, n)| OutcomeCategory { category, n }).collect()
        }),
        name: definition.name,
        kind: definition.kind,
        good: definition.good,
    }))
}

fn check(params: &SummaryParams, from: Timestamp, to: Timestamp) -> Result<(), ApiError> {
    let wrong = |detail: String| Err(ApiError::new(Code::InvalidParameter, detail));
    if from >= to {
        return wrong("to must be later than from".to_owned());
    }
    if to.since(from) > DAY * MAX_DAYS {
        return wrong(format!("from and to must lie within {MAX_DAYS} days"));
    }
    let label = params.by.as_deref();
    if label.is_some_and(|l| l.is_empty() || l.len() > LABEL_BYTES || l.contains('\0')) {
        return wrong(format!("by must be the name of a label, 1 to {LABEL_BYTES} bytes"));
    }
    Ok(())
}

fn total(days: &[OutcomeGroup<i64>]) -> OutcomeGroup<i64> {
    days.iter().fold(OutcomeGroup::default(), |mut all, day| {
        all.interactions += day.interactions;
        all.n += day.n;
        all.sum += day.sum;
        all.squares += day.squares;
        all
    })
}

fn delay(curve: &DelayCurve) -> OutcomeDelay {
    let horizon = curve.horizon();
    let points = CURVE.into_iter().filter(|seconds| *seconds <= horizon);
    OutcomeDelay {
        n: curve.n(),
        p50_seconds: curve.quantile(0.5),
        p90_seconds: curve.quantile(0.9),
        p99_seconds: curve.quantile(0.99),
        horizon_seconds: horizon.is_finite().then_some(horizon),
        curve: points
            .map(|seconds| OutcomeCurvePoint { seconds, share: curve.share_by(seconds) })
            .collect(),
    }
}

/// The rate of a yes or of a good category, or the mean of numbers.
fn estimate<Key>(
    definition: &OutcomeDefinition,
    sums: &OutcomeGroup<Key>,
) -> Option<OutcomeFigure> {
    let n = u64::try_from(sums.n).unwrap_or(0);
    match definition.kind {
        OutcomeKind::Binary | OutcomeKind::Category => {
            wilson(sums.sum.round() as u64, n, CONFIDENCE).map(Into::into)
        }
        OutcomeKind::Number | OutcomeKind::Duration if n == 1 => {
            Some(OutcomeFigure { estimate: sums.sum, low: None, high: None })
        }
        OutcomeKind::Number | OutcomeKind::Duration => {
            mean(n, sums.sum, sums.squares, CONFIDENCE).map(Into::into)
        }
    }
}

fn day(
    definition: &OutcomeDefinition,
    sums: &OutcomeGroup<i64>,
    curve: Option<&DelayCurve>,
    matures_after_seconds: f64,
    now: Timestamp,
) -> OutcomeDay {
    let begin = Timestamp::from_micros(sums.key.saturating_mul(DAY_MICROS));
    let end = begin.plus(DAY);
    let age = now.since(end).as_secs_f64();
    OutcomeDay {
        day: begin,
        interactions: sums.interactions,
        n: sums.n,
        value: estimate(definition, sums),
        mature: end <= now && age >= matures_after_seconds,
        complete: curve.map(|curve| curve.share_by(age)),
    }
}

fn group(definition: &OutcomeDefinition, sums: OutcomeGroup<Option<String>>) -> OutcomeLabel {
    OutcomeLabel {
        value: estimate(definition, &sums),
        interactions: sums.interactions,
        n: sums.n,
        label: sums.key,
    }
}
