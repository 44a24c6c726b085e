//! What the checks of texts find: rates by day, channel or language, and examples.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Problem};
use crate::api::extract::Params;
use crate::api::state::AppState;
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::quality::{QualityCount, REPAIRED_WORDS, Side};
use crate::model::rate::{POLICY, Signal};
use crate::model::signals::{Signals, TextSignals};
use crate::stats::proportion::wilson;
use crate::text::signals::Flag;

/// Days that are summed where no range is given, and at most.
const DAYS: (u64, u64) = (7, 400);

/// How surely an interval holds its rate.
const CONFIDENCE: f64 = 0.95;

/// Interactions that are looked through for examples.
const SEARCHED: i64 = 5_000;

/// Examples in one answer.
const EXAMPLES: usize = 10;

/// What texts are put together by.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// All together.
    #[default]
    All,
    /// The day on which they came.
    Day,
    /// The label `channel`.
    Channel,
    /// The language.
    Language,
}

/// Query parameters of the summary.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SummaryParams {
    /// From the day of this time on; without it the last seven days.
    from: Option<Timestamp>,
    /// Before the day of this time; without it up to now.
    to: Option<Timestamp>,
    /// Only queries, or only responses.
    side: Option<Side>,
    /// `day`, `channel` or `language`; without it all texts together.
    #[serde(default)]
    #[param(inline)]
    by: By,
}

/// Rates of what was found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct QualitySummary {
    /// Start of the first day that counts.
    from: Timestamp,
    /// End of the last one.
    to: Timestamp,
    /// The groups, by side and key.
    groups: Vec<QualityGroup>,
}

/// One group of texts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct QualityGroup {
    side: Side,
    /// The day, the channel or the language; empty where all texts are together or have no channel.
    key: String,
    /// Texts of the group.
    texts: u64,
    /// Words of queries that were repaired for embedding; the texts are counted as `repaired`.
    repaired_words: u64,
    /// The checks that found something, most often first.
    signals: Vec<SignalRate>,
    /// The languages of the texts, most frequent first.
    languages: Vec<SignalRate>,
    /// Texts by length: of no more than so many characters, and more than half as many.
    lengths: Vec<LengthCount>,
}

/// How often something was found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SignalRate {
    /// The check, or the language.
    name: String,
    /// Texts.
    count: u64,
    /// Their share, in 0…1.
    rate: f64,
    /// Lower end of the rate's interval (Wilson), which holds it in 95 of 100 cases.
    low: f64,
    /// Upper end of that interval.
    high: f64,
}

/// Texts of about one length.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct LengthCount {
    /// Characters at most: a power of two.
    characters: u64,
    /// Texts.
    count: u64,
}

/// Query parameters of the examples.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExampleParams {
    /// The check, as `error_text`; a type of personal data, as `personal/EMAIL`; one that a response told
    /// unasked, as `disclosed/EMAIL`; or one whose value was told in another conversation, as `foreign/EMAIL`.
    signal: String,
    /// Only queries, or only responses.
    side: Option<Side>,
}

/// Interactions in which a check found something.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct QualityExamples {
    /// Newest first, ten at most of the latest 5,000 interactions.
    items: Vec<QualityExample>,
}

/// One of them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct QualityExample {
    interaction_id: String,
    side: Side,
    /// Everything that was found in the text.
    signals: Vec<&'static str>,
    language: &'static str,
    characters: u32,
}

/// Rates of what the checks of texts found, with intervals.
#[utoipa::path(get, path = "/v1/quality/summary", tag = "quality", params(SummaryParams),
    responses(
        (status = 200, description = "The rates", body = QualitySummary),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn summary(
    State(state): State<AppState>,
    caller: Principal,
    Params(params): Params<SummaryParams>,
) -> Result<Json<QualitySummary>, ApiError> {
    let day = Duration::from_hours(24);
    let to = params.to.unwrap_or_else(|| state.now().plus(day)).day();
    let from = params.from.map_or(to - DAYS.0 as i64, Timestamp::day);
    if from >= to || to - from > DAYS.1 as i64 {
        let detail = format!("to must be later than from, by {} days at most", DAYS.1);
        return Err(ApiError::new(Code::InvalidParameter, detail));
    }
    let mut counts = state.store.quality_counts(caller.project, from, to).await?;
    name_policies(&state, caller.project, &mut counts).await?;
    let wanted = counts.into_iter().filter(|c| params.side.is_none_or(|side| side == c.side));
    let groups = groups(wanted, params.by);
    Ok(Json(QualitySummary { from: start_of(from), to: start_of(to), groups }))
}

/// Puts the names of policies in the place of their slots; a slot that nobody has now stays one.
async fn name_policies(
    state: &AppState,
    project: ProjectId,
    counts: &mut [QualityCount],
) -> Result<(), ApiError> {
    if !counts.iter().any(|count| count.signal.starts_with(POLICY)) {
        return Ok(());
    }
    let names = state.store.policy_names(project).await?;
    for count in counts {
        let slot = count.signal.strip_prefix(POLICY).and_then(|slot| slot.parse::<i64>().ok());
        if let Some((_, name)) = names.iter().find(|(own, _)| Some(*own) == slot) {
            count.signal = format!("{POLICY}{name}");
        }
    }
    Ok(())
}

/// Interactions in which a check found something lately.
#[utoipa::path(get, path = "/v1/quality/examples", tag = "quality", params(ExampleParams),
    responses(
        (status = 200, description = "The interactions", body = QualityExamples),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn examples(
    State(state): State<AppState>,
    caller: Principal,
    Params(params): Params<ExampleParams>,
) -> Result<Json<QualityExamples>, ApiError> {
    if !is_counted(&params.signal) {
        let known: Vec<&str> = Flag::ALL.map(Flag::as_str).to_vec();
        let detail = format!(
            "signal must be one of {}, or personal/…, disclosed/… or foreign/… with a type such as EMAIL",
            known.join(", ")
        );
        return Err(ApiError::new(Code::InvalidParameter, detail));
    }
    let latest = state.store.latest_signals(caller.project, SEARCHED).await?;
    let found = latest.into_iter().flat_map(|(id, signals)| sides(id, signals));
    let items = found
        .filter(|(_, side, seen)| {
            seen.counted().contains(&params.signal)
                && params.side.is_none_or(|wanted| wanted == *side)
        })
        .take(EXAMPLES)
        .map(|(interaction_id, side, seen)| QualityExample {
            interaction_id,
            side,
            signals: seen.flags.iter().map(Flag::as_str).collect(),
            language: seen.told_language(),
            characters: seen.characters,
        })
        .collect();
    Ok(Json(QualityExamples { items }))
}

/// Whether it is the name of something that texts are counted for and that examples help with.
fn is_counted(signal: &str) -> bool {
    !matches!(Signal::parse(signal), None | Some(Signal::Policy(_)))
}

fn sides(id: String, signals: Signals) -> Vec<(String, Side, TextSignals)> {
    let query = signals.query.map(|seen| (id.clone(), Side::Query, seen));
    let response = signals.response.map(|seen| (id, Side::Response, seen));
    query.into_iter().chain(response).collect()
}

fn start_of(day: i64) -> Timestamp {
    Timestamp::from_micros(day * 86_400_000_000)
}

/// Sums by side and key.
#[derive(Default)]
struct Sums {
    texts: u64,
    repaired_words: u64,
    signals: BTreeMap<String, u64>,
    languages: BTreeMap<String, u64>,
    lengths: BTreeMap<u64, u64>,
}

fn groups(counts: impl Iterator<Item = QualityCount>, by: By) -> Vec<QualityGroup> {
    let mut sums: BTreeMap<(Side, String), Sums> = BTreeMap::new();
    for count in counts {
        let key = match by {
            By::All => String::new(),
            By::Day => start_of(count.day).to_string().chars().take(10).collect(),
            By::Channel => count.channel,
            By::Language => count.language.clone(),
        };
        let (group, n) = (sums.entry((count.side, key)).or_default(), count.count as u64);
        let length = count.signal.strip_prefix("length/").and_then(|l| l.parse::<u64>().ok());
        if count.signal.is_empty() {
            group.texts += n;
            *group.languages.entry(count.language).or_default() += n;
        } else if count.signal == REPAIRED_WORDS {
            group.repaired_words += n;
        } else if let Some(length) = length {
            *group.lengths.entry(length).or_default() += n;
        } else {
            *group.signals.entry(count.signal).or_default() += n;
        }
    }
    let group = |((side, key), sums): ((Side, String), Sums)| QualityGroup {
        side,
        key,
        texts: sums.texts,
        repaired_words: sums.repaired_words,
        signals: rates(sums.signals, sums.texts),
        languages: rates(sums.languages, sums.texts),
        lengths: sums
            .lengths
            .into_iter()
            .map(|(characters, count)| LengthCount { characters, count })
            .collect(),
    };
    sums.into_iter().map(group).collect()
}

fn rates(counts: BTreeMap<String, u64>, texts: u64) -> Vec<SignalRate> {
    // What is left out is no text of the group: its share is of all that came.
    let is_left_out = |name: &str| name.starts_with("excluded/");
    let left_out: u64 = counts.iter().filter(|(name, _)| is_left_out(name)).map(|(_, n)| n).sum();
    let rate = |(name, count): (String, u64)| {
        let among = if is_left_out(&name) { texts + left_out } else { texts };
        let found = wilson(count, among, CONFIDENCE)?;
        Some(SignalRate { name, count, rate: found.estimate, low: found.low, high: found.high })
    };
    let mut rates: Vec<SignalRate> = counts.into_iter().filter_map(rate).collect();
    rates.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    rates
}
