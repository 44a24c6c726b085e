//! Trials of calibrated thresholds: on the reference's own order, and on streams with something foreign.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::calibrate::{Calibration, calibrate, count, ratio};
use super::sequential::{Trigger, TriggerState};
use super::simulate::{Path, Plan, Population, Stream, draw_reference, slide};

/// Slices that the reference is cut into.
const SLICES: usize = 5;

/// Evaluations per expected alarm in the trial of the slices. At the promised rate a reference would
/// have to be years long to show one.
const RUN: f64 = 40.0;

/// Shares of foreign events that are tried, rising.
const SHARES: [f64; 10] = [0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0];

/// A share counts as found where this part of the streams alarms.
const FOUND: f64 = 0.8;

/// Streams with each foreign topic.
const STREAMS: usize = 8;

/// Alarms in slices of the reference that each have the rest as their reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldOut {
    /// Evaluations in all slices.
    pub evaluations: usize,
    /// Alarm episodes expected in them.
    pub expected: f64,
    /// Alarm episodes.
    pub episodes: usize,
    /// Alarm episodes at the promised rate, where hardly any is expected.
    pub alarms: usize,
}

/// Slides the windows over each fifth of the rows as they came, against the rest.
///
/// What the simulation draws in random order comes here in its own: dependence that the units do not
/// hold, rhythm that the basis does not follow and slow movement show as too many alarms. The
/// thresholds are those of a rate of one alarm in 40 evaluations on the `simulated` paths; an incident
/// is one long episode and shows at the `promised` ones. The features were fitted on all rows, so that
/// this trial is blind to what a new text does to them.
pub fn held_out(
    population: &Population<'_>,
    plan: &Plan,
    simulated: &[Path],
    weights: &[f64],
    promised: &[f64],
    trigger: &Trigger,
) -> Option<HeldOut> {
    let rows = population.len();
    let bounds: Vec<usize> = (0..=SLICES).map(|i| i * rows / SLICES).collect();
    let paths: Vec<Path> = bounds
        .par_windows(2)
        .filter_map(|slice| {
            let rest = (0..slice[0]).chain(slice[1]..rows);
            let reference = population.expect(rest, plan.counted)?;
            Some(slide(population, plan, &reference, slice[0]..slice[1], 0).collect())
        })
        .collect();
    let evaluations = paths.iter().map(Vec::len).sum();
    let Calibration { thresholds, .. } = calibrate(simulated, weights, RUN, trigger)?;
    Some(HeldOut {
        evaluations,
        expected: evaluations as f64 / RUN,
        episodes: count(&paths, &thresholds, trigger),
        alarms: count(&paths, promised, trigger),
    })
}

/// A population that lacks a topic, with that topic's rows behind its own.
#[derive(Debug)]
pub struct Foreign<'a> {
    /// Its units hold none of the foreign rows.
    pub population: Population<'a>,
    /// The first foreign row; all after it are foreign too.
    pub from: usize,
}

/// The smallest share of events from a foreign topic, over `topics`, that alarms within `limit` events
/// in four of five streams; `None` where not even foreign events alone do.
pub fn smallest_share(
    topics: &[Foreign<'_>],
    plan: &Plan,
    thresholds: &[f64],
    trigger: &Trigger,
    limit: usize,
) -> Option<f64> {
    let wanted = (FOUND * (topics.len() * STREAMS) as f64).ceil() as usize;
    let trial = Trial { plan, thresholds, trigger, limit };
    let missed = |share: &f64| {
        let streams = (0..topics.len() * STREAMS).into_par_iter();
        let found = streams.filter(|i| trial.finds(&topics[i / STREAMS], *i as u64, *share));
        found.count() < wanted
    };
    SHARES.get(SHARES.partition_point(missed)).copied()
}

struct Trial<'a> {
    plan: &'a Plan,
    thresholds: &'a [f64],
    trigger: &'a Trigger,
    limit: usize,
}

impl Trial<'_> {
    /// Whether stream `index` alarms within the limit once `share` of its events are foreign.
    fn finds(&self, topic: &Foreign<'_>, index: u64, share: f64) -> bool {
        let (plan, population) = (self.plan, &topic.population);
        let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
        rng.set_stream(2 * index + 1);
        let Some(reference) = draw_reference(population, plan, &mut rng) else { return false };
        let mut own = Stream::new(population, rng.clone());
        rng.set_stream(2 * index + 2);
        let quiet = plan.longest() * plan.bucket_events;
        let rows = (0..quiet + self.limit).map(|event| {
            if event >= quiet && rng.random_bool(share) {
                rng.random_range(topic.from..population.len())
            } else {
                own.next_row()
            }
        });
        let mut state = TriggerState::Inactive;
        slide(population, plan, &reference, rows, plan.longest() + 1).any(|values| {
            state = self.trigger.step(state, Some(ratio(&values, self.thresholds)));
            matches!(state, TriggerState::Firing { .. })
        })
    }
}
