//! Freezing: reference events → profile with calibrated thresholds.

mod apart;
mod features;
#[cfg(test)]
mod parity;
mod part;
mod plan;
pub mod steps;
mod trial;

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::detect::budget;
use crate::detect::freeze::features::StreamFeatures;
use crate::detect::freeze::part::PartContext;
use crate::detect::freeze::plan::{Plan, usable_grids};
use crate::detect::freeze::steps::{NoSteps, Step, Steps};
use crate::detect::notes::Notes;
use crate::detect::outcomes::{self, freeze::OutcomeSpec};
use crate::detect::profile::{PROFILE_VERSION, Part, ReferenceProfile};
use crate::detect::repeats::Allowance;
use crate::detect::segments::{self, Segment};
use crate::detect::values::StreamRows;
use crate::detect::writings::Writings;
use crate::model::interaction::Event;
use crate::model::monitor::MonitorSpec;
use crate::model::stream::Stream;
use crate::policy::PolicySet;

/// A reference with fewer events is refused.
pub const MIN_EVENTS: usize = 200;

/// Assumed when a reference has no usable time span.
const ASSUMED_EVENTS_PER_DAY: f64 = 1000.0;

/// Why a reference is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FreezeError {
    /// Too few events.
    #[error(
        "a reference needs at least {MIN_EVENTS} events and this one has {got}; freeze a longer range"
    )]
    TooSmall {
        /// Events given.
        got: usize,
    },
    /// No stream has rows that vary.
    #[error("no stream can serve as a reference: {reasons}")]
    NoUsableStream {
        /// Why, stream by stream.
        reasons: String,
    },
    /// Every window is too long for it.
    #[error(
        "the shortest window needs a reference of {needed} events (three times its length) and this one has {got}; \
         freeze a longer range or shorten the windows"
    )]
    WindowsTooLong {
        /// Events needed.
        needed: usize,
        /// Events given.
        got: usize,
    },
}

/// Computes the profile of `events` for the monitor `spec`.
///
/// Deterministic in `seed`. `progress` hears the share done, in 0..=1. Cost: about
/// N · (features + landmarks) · dim for the rows, and for the calibration (simulated evaluations ×
/// stride × features) per stream and part; see `benches/README.md`.
pub fn freeze(
    events: &[Event],
    spec: &MonitorSpec,
    model_digest: &str,
    seed: u64,
    progress: &(dyn Fn(f64) + Sync),
) -> Result<ReferenceProfile, FreezeError> {
    freeze_with_outcomes(events, spec, &[], model_digest, seed, &NoSteps, progress)
}

/// The same with the outcomes that `outcomes` names, as far as the events have them; what `steps`
/// has of it is not calibrated again.
pub fn freeze_with_outcomes(
    events: &[Event],
    spec: &MonitorSpec,
    outcomes: &[OutcomeSpec],
    model_digest: &str,
    seed: u64,
    steps: &dyn Steps,
    progress: &(dyn Fn(f64) + Sync),
) -> Result<ReferenceProfile, FreezeError> {
    if events.len() < MIN_EVENTS {
        return Err(FreezeError::TooSmall { got: events.len() });
    }
    let mut warnings = Vec::new();
    let mut ordered: Vec<&Event> = events.iter().collect();
    ordered.sort_by_key(|event| (event.occurred_at, event.position));
    let segments = segments::of_reference(spec, &ordered);
    let whole = plan_of_whole(spec, &ordered, &mut warnings)?;
    let plans: Vec<(Option<Segment>, Plan)> = std::iter::once((None, whole))
        .chain(segments.into_iter().filter_map(|segment| {
            let plan = plan_of_segment(&segment, &ordered)?;
            Some((Some(segment), plan))
        }))
        .collect();

    let collected = usable_streams(spec, &ordered, &mut warnings)?;
    let mut present: Vec<Stream> = collected.iter().map(|(stream, _)| *stream).collect();
    let matured = outcomes::freeze::matured(&ordered, outcomes);
    let watched = spec.streams.contains(&Stream::Outcome)
        && outcomes::freeze::are_enough(&matured, outcomes, &spec.windows);
    if watched {
        present.push(Stream::Outcome);
    }
    let mut parts: Vec<Part> = plans.iter().map(|(s, plan)| empty_part(s.as_ref(), plan)).collect();
    let mut lenses = BTreeMap::new();
    let count = parts.len();
    let shares =
        budget::part_shares(spec, plans.iter().filter_map(|(segment, _)| segment.as_ref()));
    let per_30d = budget::calibrated_per_30d(spec);
    for (s, (stream, rows)) in collected.iter().enumerate() {
        let stream_seed = seed.wrapping_add(1000 * (*stream as u64 + 1));
        let features = StreamFeatures::of(
            stream.values(),
            rows,
            &ordered,
            plans[0].1.middle_window(),
            stream_seed,
        );
        for (p, (part, (segment, plan))) in parts.iter_mut().zip(&plans).enumerate() {
            let step = |done: f64| {
                let parts_done = (p as f64 + done) / count as f64;
                progress((s as f64 + parts_done) / collected.len() as f64);
            };
            let context = PartContext {
                spec,
                stream: *stream,
                plan,
                tried: segment.is_none(),
                per_30d: per_30d * shares[p] * budget::stream_share(spec, *stream, &present),
                seed: stream_seed.wrapping_add(10 * p as u64),
            };
            let member =
                |event: usize| segment.as_ref().is_none_or(|s| s.holds(&ordered[event].attributes));
            let id = Step { stream: *stream, part: p };
            let calibrated = steps::done_or(steps, id, context.per_30d, || {
                context.calibrate(&features, member, &step)
            });
            if let Some(stream_part) = calibrated {
                warnings.extend(stream_part.trial.and_then(|t| trial::warning(*stream, &t)));
                part.streams.insert(*stream, stream_part);
            }
        }
        warnings.extend(features.warnings(*stream, &parts[0]));
        lenses.insert(*stream, features.lens);
    }
    let whole = parts.remove(0);
    let segments: Vec<Segment> = plans.iter().filter_map(|(s, _)| s.clone()).collect();
    let outcomes = watched.then(|| {
        outcomes::freeze::freeze(
            &matured,
            &outcomes::freeze::Plan {
                specs: outcomes,
                segments: &segments,
                lens: lenses.get(&Stream::Query),
                windows: &spec.windows,
                events_per_day: whole.events_per_day,
                per_30d: per_30d * budget::stream_share(spec, Stream::Outcome, &present),
                trigger: spec.alert.trigger(),
                seed: seed.wrapping_add(1000 * (Stream::Outcome as u64 + 1)),
            },
        )
    });
    parts.retain(|part| !part.streams.is_empty());
    Ok(ReferenceProfile {
        version: PROFILE_VERSION,
        model_digest: model_digest.to_owned(),
        seed,
        n: events.len() as u64,
        per_30d,
        lenses,
        whole,
        segments: parts,
        allowance: Allowance::of(ordered.iter().copied()),
        outcomes: outcomes.flatten(),
        writings: Writings::default(),
        policies: PolicySet::default(),
        notes: Notes::default(),
        warnings,
    })
}

fn empty_part(segment: Option<&Segment>, plan: &Plan) -> Part {
    Part {
        segment: segment.cloned(),
        n: plan.n as u64,
        events_per_day: plan.events_per_day,
        windows: plan.windows.clone(),
        streams: BTreeMap::new(),
    }
}

fn plan_of_whole(
    spec: &MonitorSpec,
    events: &[&Event],
    warnings: &mut Vec<String>,
) -> Result<Plan, FreezeError> {
    let events_per_day = events_per_day(events).unwrap_or_else(|| {
        warnings.push(format!(
            "the reference spans less than an hour: {ASSUMED_EVENTS_PER_DAY} events a day are assumed"
        ));
        ASSUMED_EVENTS_PER_DAY
    });
    let grids = usable_grids(spec, events.len(), events_per_day, warnings)?;
    Ok(Plan { n: events.len(), events_per_day, windows: spec.windows.clone(), grids })
}

fn plan_of_segment(segment: &Segment, events: &[&Event]) -> Option<Plan> {
    let own: Vec<&Event> =
        events.iter().copied().filter(|event| segment.holds(&event.attributes)).collect();
    let events_per_day = events_per_day(&own)?;
    let windows = segments::windows(own.len());
    let grids = plan::grids(&windows, own.len(), events_per_day);
    (!windows.is_empty()).then_some(Plan { n: own.len(), events_per_day, windows, grids })
}

/// Events per day over the span of `events`, which are in the order of time; `None` when it is
/// shorter than an hour.
fn events_per_day(events: &[&Event]) -> Option<f64> {
    let (first, last): (Timestamp, Timestamp) =
        (events.first()?.occurred_at, events.last()?.occurred_at);
    let days = last.since(first).as_secs_f64() / 86_400.0;
    (days * 24.0 >= 1.0).then(|| (events.len() - 1) as f64 / days)
}

/// The streams of `spec` with enough rows that vary; a word on each that has not.
fn usable_streams(
    spec: &MonitorSpec,
    events: &[&Event],
    warnings: &mut Vec<String>,
) -> Result<Vec<(Stream, StreamRows)>, FreezeError> {
    let mut usable = Vec::new();
    let mut refused = Vec::new();
    for &stream in spec.streams.iter().filter(|stream| stream.has_values()) {
        let rows = StreamRows::collect(events.iter().copied(), stream);
        // Most projects have no policies, which is nothing to warn of.
        if stream == Stream::Policy && rows.rows.is_empty() {
            continue;
        }
        if rows.rows.len() < MIN_EVENTS {
            refused.push(format!(
                "{stream}: {} of {} events have a value and {MIN_EVENTS} are needed; the stream is not watched",
                rows.rows.len(),
                events.len()
            ));
            continue;
        }
        let rows = rows.with_unseen(stream);
        if rows.rows.iter().all(|row| row == &rows.rows[0]) {
            refused.push(format!("{stream}: all values are equal; the stream is not watched"));
        } else {
            usable.push((stream, rows));
        }
    }
    if usable.is_empty() {
        return Err(FreezeError::NoUsableStream { reasons: refused.join("; ") });
    }
    warnings.extend(refused);
    Ok(usable)
}
