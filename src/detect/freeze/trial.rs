//! What the calibrated thresholds do: on slices of the reference itself, and against topics that are
//! taken out of it.

use crate::detect::freeze::features::StreamFeatures;
use crate::model::calibration::{HeldOutTrial, PowerTrial, Trial};
use crate::model::stream::Stream;
use crate::stats::calibrate::Calibration;
use crate::stats::rates::{poisson_interval, probability_of_at_least};
use crate::stats::sequential::Trigger;
use crate::stats::simulate::{Path, Plan, Population, Row};
use crate::stats::trial::{Foreign, HeldOut, held_out, smallest_share};

/// Topics that are taken out, one after the other.
const TOPICS: usize = 3;

/// Size of a topic as a share of the rows: as near to this as there is one.
const TOPIC_SHARE: f64 = 0.05;

/// A topic has at least as many rows.
const MIN_TOPIC_ROWS: usize = 20;

/// Events after which a foreign topic should have been found.
const LIMITS: [usize; 2] = [1_000, 5_000];

/// So many alarms on held-out fifths have at most this probability without a reason.
const SURPRISE: f64 = 1e-3;

/// The rows of one topic, as if the reference had never seen them.
pub(super) struct Topic {
    cell: usize,
    rows: Vec<Row>,
}

/// Some topics of `features`: cells of the codebook, without the landmarks that are theirs.
pub(super) fn topics(features: &StreamFeatures) -> Vec<Topic> {
    let lens = &features.lens;
    let Some(landmarks) = &lens.landmarks else { return Vec::new() };
    let mut counts = vec![0; lens.codebook.len()];
    features.rows.iter().for_each(|row| counts[row.cell] += 1);
    let wanted = TOPIC_SHARE * features.rows.len() as f64;
    let mut cells: Vec<usize> = (0..counts.len())
        .filter(|&cell| counts[cell] >= MIN_TOPIC_ROWS && 2 * counts[cell] < features.rows.len())
        .collect();
    cells.sort_by_key(|&cell| (counts[cell] as f64 - wanted).abs() as usize);
    cells.truncate(TOPICS);
    cells
        .into_iter()
        .map(|cell| {
            let mut rows: Vec<Row> =
                features.rows.iter().filter(|row| row.cell == cell).cloned().collect();
            let values: Vec<Vec<f32>> =
                rows.iter().map(|row| row.features[..lens.dim].to_vec()).collect();
            let slices: Vec<&[f32]> = values.iter().map(Vec::as_slice).collect();
            let own =
                |landmark: usize| features.rows[features.landmark_rows[landmark]].cell == cell;
            let scores = landmarks.scores(&slices, |_, landmark| own(landmark));
            for ((row, value), score) in rows.iter_mut().zip(&slices).zip(scores) {
                row.cell = lens.codebook.assign_without(value, cell);
                if let Some(novelty) = row.features.last_mut() {
                    *novelty = score;
                }
            }
            Topic { cell, rows }
        })
        .collect()
}

/// A trial of the thresholds of one grid of windows.
pub(super) fn of_grid(
    features: &StreamFeatures,
    topics: &[Topic],
    population: &Population<'_>,
    plan: &Plan,
    (simulated, weights): (&[Path], &[f64]),
    calibration: &Calibration,
    trigger: &Trigger,
) -> Trial {
    let cells = features.lens.codebook.len();
    let foreign: Vec<Foreign<'_>> = topics
        .iter()
        .map(|topic| {
            let own = |i: usize| features.rows[i].cell != topic.cell;
            let kept: Vec<usize> = (0..features.rows.len()).filter(|&i| own(i)).collect();
            let position = |i: usize| kept.binary_search(&i).ok();
            let units = population.units_of(position);
            let rows = kept.iter().map(|&i| &features.rows[i]).chain(&topic.rows).collect();
            let from = kept.len();
            Foreign { population: Population::new(rows, units, features.columns, cells), from }
        })
        .collect();
    let promised = &calibration.thresholds;
    let slices = held_out(population, plan, simulated, weights, promised, trigger);
    let share = |limit: usize| smallest_share(&foreign, plan, promised, trigger, limit);
    Trial {
        held_out: slices.map(|trial| stated(&trial)),
        power: (!foreign.is_empty()).then(|| PowerTrial {
            within_1000: share(LIMITS[0]),
            within_5000: share(LIMITS[1]),
            topics: foreign.len() as u64,
        }),
    }
}

/// What a user should know of a trial of `stream`.
pub(super) fn warning(stream: Stream, trial: &Trial) -> Option<String> {
    let HeldOutTrial { evaluations, expected, episodes, alarms, .. } = trial.held_out?;
    let remedy = "leave incidents out of the reference, or freeze a longer one";
    if alarms > 0 {
        return Some(format!(
            "{stream}: the reference itself moves: a fifth of it, against the rest, raises {alarms} alarm(s); {remedy}"
        ));
    }
    (probability_of_at_least(episodes, expected) < SURPRISE).then(|| {
        format!(
            "{stream}: the reference itself moves: fifths of it, each against the rest, exceed in {episodes} \
             of {evaluations} evaluations what is expected in {expected:.1}; {remedy}"
        )
    })
}

fn stated(trial: &HeldOut) -> HeldOutTrial {
    let episodes = trial.episodes as u64;
    let (low, high) = poisson_interval(episodes, 0.95);
    let HeldOut { evaluations, expected, alarms, .. } = *trial;
    let (evaluations, alarms) = (evaluations as u64, alarms as u64);
    HeldOutTrial { evaluations, expected, episodes, low, high, alarms }
}

/// The trial of two grids together: their alarms add, and the better one finds.
pub(super) fn both(a: Trial, b: Trial) -> Trial {
    let held_out = match (a.held_out, b.held_out) {
        (Some(a), Some(b)) => Some(stated(&HeldOut {
            evaluations: (a.evaluations + b.evaluations) as usize,
            expected: a.expected + b.expected,
            episodes: (a.episodes + b.episodes) as usize,
            alarms: (a.alarms + b.alarms) as usize,
        })),
        (a, b) => a.or(b),
    };
    let smaller = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let power = match (a.power, b.power) {
        (Some(a), Some(b)) => Some(PowerTrial {
            within_1000: smaller(a.within_1000, b.within_1000),
            within_5000: smaller(a.within_5000, b.within_5000),
            topics: a.topics,
        }),
        (a, b) => a.or(b),
    };
    Trial { held_out, power }
}
