//! Trials of calibrated thresholds: on the reference's own order, and on streams with something foreign.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::calibrate::{Calibration, calibrate, count, ratio};
use super::null::Scale;
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
            let all: Vec<usize> = (0..rows).collect();
            let rest = all[..slice[0]].chunks(1).chain(all[slice[1]..].chunks(1));
            let reference = population.expect(rest, plan.counted)?;
            Some(slide(population, plan, &reference, slice[0]..slice[1], 0).collect())
        })
        .collect();
    let evaluations = paths.iter().map(Vec::len).sum();
    let Calibration { thresholds, .. } = calibrate(simulated, weights, RUN, trigger, Scale::Plain)?;
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

#[cfg(test)]
mod tests {
    use super::super::expectation::Columns;
    use super::super::rates::poisson_interval;
    use super::super::simulate::{Row, SimulatedWindow, simulate};
    use super::super::statistics::{CENTROID, Direction, STATISTICS};
    use super::*;

    const COLUMNS: Columns = Columns { dim: 1, phi: 2, whitened: 1 };
    const TRIGGER: Trigger =
        Trigger { for_evaluations: 1, keep_firing_evaluations: 1, resolve_ratio: 1.0 };

    /// Values about `centre`, as far as one either way.
    fn rows(n: usize, centre: f32, seed: u64) -> Vec<Row> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let row = |_| {
            let x = centre + rng.random_range(-1.0f32..1.0);
            let (sine, cosine) = x.sin_cos();
            Row { features: vec![x, cosine, sine, x, x.abs()], cell: 0, basis: vec![1.0], phase: 0 }
        };
        (0..n).map(row).collect()
    }

    fn population(rows: &[Row], own: usize) -> Population<'_> {
        Population::new(rows.iter().collect(), (0..own).map(|i| vec![i]).collect(), COLUMNS, 1)
    }

    fn plan(n_ref: usize) -> Plan {
        Plan {
            bucket_events: 20,
            windows: vec![SimulatedWindow { buckets: 5, stride: 1 }],
            n_ref,
            counted: 1.0,
            counted_by_unit: false,
            evaluations: 4000,
            direction: Direction::Either,
            seed: 5,
        }
    }

    /// The centroid alone may alarm.
    fn weights() -> Vec<f64> {
        (0..STATISTICS).map(|i| if i == CENTROID { 1.0 } else { 0.0 }).collect()
    }

    fn tried(rows: &[Row]) -> HeldOut {
        let (population, plan) = (population(rows, rows.len()), plan(rows.len()));
        let simulated = simulate(&population, &plan, &|_| ());
        let promised =
            calibrate(&simulated, &weights(), 10_000.0, &TRIGGER, Scale::Plain).unwrap().thresholds;
        held_out(&population, &plan, &simulated, &weights(), &promised, &TRIGGER).unwrap()
    }

    #[test]
    fn a_quiet_reference_alarms_as_often_as_it_should_on_its_own_slices() {
        // Five slices of 4,000 rows: all but the four evaluations in which a window fills.
        let (mut episodes, mut expected) = (0, 0.0);
        for seed in 0..4 {
            let trial = tried(&rows(20_000, 0.0, seed));
            assert_eq!((trial.evaluations, trial.alarms), (980, 0));
            assert!((trial.expected - 980.0 / RUN).abs() < 1e-9);
            episodes += trial.episodes;
            expected += trial.expected;
        }
        let (low, high) = poisson_interval(episodes as u64, 0.999);
        assert!(low < expected && expected < high, "{episodes} for {expected}");
    }

    #[test]
    fn an_incident_in_the_reference_shows() {
        let quiet = rows(19_600, 0.0, 1);
        let mut with_incident = quiet.clone();
        with_incident.extend(rows(400, 1.0, 2));
        assert!(tried(&with_incident).alarms > 0);
    }

    #[test]
    fn the_smallest_share_that_is_found_falls_with_time_and_with_thresholds() {
        let mut all = rows(2000, 0.0, 3);
        all.extend(rows(200, 2.0, 4));
        let topics = [Foreign { population: population(&all, 2000), from: 2000 }];
        let plan = plan(2000);
        let simulated = simulate(&population(&all[..2000], 2000), &plan, &|_| ());
        let found = |run: f64, limit: usize| {
            let thresholds =
                calibrate(&simulated, &weights(), run, &TRIGGER, Scale::Plain).unwrap().thresholds;
            smallest_share(&topics, &plan, &thresholds, &TRIGGER, limit)
        };
        let share = found(1000.0, 200).unwrap();
        // A mean that moves by 2 in each foreign event has to leave the spread of 100 events behind,
        // some 0.06: a twentieth to a fifth of them does.
        assert!((0.05..=0.3).contains(&share), "{share}");
        assert!(found(1000.0, 2000).unwrap() <= share && share <= found(1e6, 200).unwrap());
        let never = vec![f64::INFINITY; STATISTICS];
        assert_eq!(smallest_share(&topics, &plan, &never, &TRIGGER, 2000), None);
    }
}
