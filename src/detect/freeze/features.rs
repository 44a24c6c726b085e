//! The rows of one stream, looked at through the lens that is fitted to them.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::detect::freeze::apart::Apart;
use crate::detect::lens::Lens;
use crate::detect::profile::Part;
use crate::detect::values::StreamRows;
use crate::model::interaction::Event;
use crate::model::stream::{Stream, Values};
use crate::model::verdict::DetectorKind;
use crate::stats::codebook::Codebook;
use crate::stats::expectation::Columns;
use crate::stats::features::FourierFeatures;
use crate::stats::kernel::median_sq_distance;
use crate::stats::novelty::{LANDMARKS, Landmarks};
use crate::stats::rhythm::Rhythm;
use crate::stats::simulate::Row;
use crate::stats::whitening::{Covariance, Whitening};

/// Random frequencies of each kind of values; rates are not compared by the kernel.
const fn frequencies(values: Values) -> usize {
    match values {
        Values::Embedding => 512,
        Values::Scalar => 64,
        Values::Rates | Values::Rises | Values::Shares | Values::Counted => 1,
    }
}

/// A rise of one coordinate is still one in its own standard deviations, but not in turned axes.
const fn covariance(values: Values) -> Covariance {
    match values {
        Values::Rises => Covariance::Diagonal,
        _ => Covariance::Full,
    }
}

/// Rows that the bandwidth and the codebook look at, at most.
const MAX_ROWS: (usize, usize) = (1000, 5000);

/// Rows that are kept with all their features; of a larger reference a random part, sessions whole.
const MAX_KEPT: usize = 10_000;

/// Rows looked at together.
const CHUNK: usize = 64;

/// A stream's lens and its rows' features.
pub(super) struct StreamFeatures {
    pub(super) lens: Lens,
    /// Layout of the rows' features.
    pub(super) columns: Columns,
    /// The rows in the order of time.
    pub(super) rows: Vec<Row>,
    /// The event of each row.
    pub(super) events: Vec<usize>,
    /// Whether the row is no event's, but stands for what was not seen.
    pub(super) unseen: Vec<bool>,
    /// Rows that are drawn together, as indices, in the order of time.
    pub(super) units: Vec<Vec<usize>>,
    /// Whether the codebook was not fitted on the row.
    pub(super) held_out: Vec<bool>,
    /// The row of each landmark.
    pub(super) landmark_rows: Vec<usize>,
    /// Whether events come in sessions.
    pub(super) in_sessions: bool,
    /// Rows in all, kept or not.
    pub(super) total: usize,
}

impl StreamFeatures {
    /// Fits the lens to `stream` and looks at its rows. `events` are in the order of time.
    pub(super) fn of(
        values: Values,
        stream: &StreamRows,
        events: &[&Event],
        middle_window: usize,
        seed: u64,
    ) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let kept = kept(stream, &mut rng);
        let raw: Vec<&[f32]> = kept.rows.iter().map(|&i| stream.rows[i].as_slice()).collect();
        let at: Vec<i64> =
            kept.rows.iter().map(|&i| events[stream.events[i]].occurred_at.as_micros()).collect();
        let dim = raw[0].len();
        let gamma = 1.0 / bandwidth(&raw, &mut rng);
        let frequencies = frequencies(values);
        let (fit, held_out) = halves(&kept.units, raw.len(), &mut rng);
        let fit_rows: Vec<&[f32]> = fit.iter().take(MAX_ROWS.1).map(|&i| raw[i]).collect();
        let codebook = Codebook::fit(&fit_rows, cells(middle_window, fit_rows.len()), seed + 1);
        let rhythm = Rhythm::find(&raw, &at);
        let in_sessions = stream.units.iter().any(|unit| unit.len() > 1);
        let apart = Apart::of(&raw, &at, rhythm, &kept.units, in_sessions);
        let is_whitened = DetectorKind::Whitened.judges(values) && dim > 1;
        let whitened = is_whitened
            .then(|| Whitening::out_of_fold(&raw, &apart.folds(), covariance(values)))
            .flatten();
        let (whitening, whitened) =
            whitened.map_or((None, Vec::new()), |(w, rows)| (Some(w), rows));
        let sample = landmark_rows(raw.len(), &mut rng);
        let landmarks = (values == Values::Embedding)
            .then(|| Landmarks::new(&sample.iter().map(|&i| raw[i]).collect::<Vec<_>>()));
        let lens = Lens {
            dim,
            gamma,
            frequencies,
            feature_seed: seed,
            codebook,
            rhythm,
            whitening,
            landmarks,
        };
        let features = lens.features();
        let columns = Columns {
            dim,
            phi: features.len(),
            whitened: if whitened.is_empty() { 0 } else { dim },
        };
        let novelty = novelty(&lens, &raw, &apart, &sample);
        let rows = rows(&lens, &features, &raw, &at, &whitened, &novelty);
        Self {
            events: kept.rows.iter().map(|&i| stream.events[i]).collect(),
            unseen: kept.rows.iter().map(|&i| stream.unseen[i]).collect(),
            total: stream.unseen.iter().filter(|unseen| !**unseen).count(),
            in_sessions,
            units: kept.units,
            lens,
            columns,
            rows,
            held_out,
            landmark_rows: sample,
        }
    }

    /// What a user should know of this stream.
    pub(super) fn warnings(&self, stream: Stream, whole: &Part) -> Vec<String> {
        let mut warnings = Vec::new();
        let Some(part) = whole.streams.get(&stream) else { return warnings };
        let longest = part.windows.values().map(|window| window.n).max().unwrap_or(0) as f64;
        let independent = part.expectation.n / part.design_effect.max(1.0);
        if part.design_effect > 1.5 && independent < 10.0 * longest {
            warnings.push(format!(
                "{stream}: neighbouring events resemble each other (design effect {:.1}), so {} events \
                 are worth {independent:.0} independent ones, less than ten times the longest window",
                part.design_effect, self.total
            ));
        }
        warnings
    }
}

/// Rows that are kept, in the order of time, and their units.
struct Kept {
    rows: Vec<usize>,
    units: Vec<Vec<usize>>,
}

fn kept(stream: &StreamRows, rng: &mut ChaCha8Rng) -> Kept {
    let mut chosen: Vec<usize> = (0..stream.units.len()).collect();
    if stream.rows.len() > MAX_KEPT {
        chosen.shuffle(rng);
        let mut taken = 0;
        chosen.retain(|&unit| {
            taken += stream.units[unit].len();
            taken <= MAX_KEPT
        });
        chosen.sort_unstable();
    }
    let mut rows: Vec<usize> =
        chosen.iter().flat_map(|&unit| stream.units[unit].iter().copied()).collect();
    rows.sort_unstable();
    let index = |row: &usize| rows.binary_search(row).unwrap_or(0);
    let units = chosen.iter().map(|&unit| stream.units[unit].iter().map(index).collect()).collect();
    Kept { rows, units }
}

/// K: about a sixteenth of the middle window, so that a cell expects enough events.
fn cells(middle_window: usize, fit_rows: usize) -> usize {
    (middle_window / 16).clamp(8, 64).min((fit_rows / 20).max(2))
}

/// The rows of one half of the units, and for each row whether it is in the other.
fn halves(units: &[Vec<usize>], rows: usize, rng: &mut ChaCha8Rng) -> (Vec<usize>, Vec<bool>) {
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.shuffle(rng);
    let (mut fit, mut held_out) = (Vec::new(), vec![true; rows]);
    // Neither half may be empty, however unequal the units are.
    for unit in &order[..order.len().saturating_sub(1)] {
        if 2 * fit.len() >= rows {
            break;
        }
        for &row in &units[*unit] {
            held_out[row] = false;
            fit.push(row);
        }
    }
    if fit.is_empty() {
        fit = (0..rows).collect();
    }
    (fit, held_out)
}

fn landmark_rows(rows: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(rng);
    order.truncate(LANDMARKS);
    order
}

/// Novelty scores of the rows, each without what belongs to it.
fn novelty(lens: &Lens, raw: &[&[f32]], apart: &Apart, sample: &[usize]) -> Vec<f32> {
    let Some(landmarks) = &lens.landmarks else { return vec![0.0; raw.len()] };
    raw.par_chunks(CHUNK)
        .enumerate()
        .flat_map_iter(|(chunk, points)| {
            landmarks.scores(points, |point, landmark| {
                apart.leaves_out(chunk * CHUNK + point, sample[landmark])
            })
        })
        .collect()
}

fn rows(
    lens: &Lens,
    features: &FourierFeatures,
    raw: &[&[f32]],
    at: &[i64],
    whitened: &[f32],
    novelty: &[f32],
) -> Vec<Row> {
    let dim = lens.dim;
    raw.par_chunks(CHUNK)
        .enumerate()
        .flat_map_iter(|(chunk, points)| {
            let mut phi = vec![0.0; features.len() * points.len()];
            features.map_all(points, &mut phi);
            let cells = lens.codebook.assign_all(points);
            let row = |(p, x): (usize, &&[f32])| {
                let i = chunk * CHUNK + p;
                let phi = &phi[p * features.len()..(p + 1) * features.len()];
                let z = whitened.get(i * dim..(i + 1) * dim).unwrap_or_default();
                Row {
                    features: [x, phi, z, &novelty[i..=i]].concat(),
                    cell: cells[p],
                    basis: lens.rhythm.basis(at[i]),
                    phase: lens.rhythm.phase(at[i]),
                }
            };
            points.iter().enumerate().map(row).collect::<Vec<_>>()
        })
        .collect()
}

/// Median squared distance of up to 1000 rows; of the distinct ones where most rows are equal.
fn bandwidth(rows: &[&[f32]], rng: &mut ChaCha8Rng) -> f64 {
    let mut sample: Vec<&[f32]> = rows.to_vec();
    sample.shuffle(rng);
    let median = median_sq_distance(&sample[..sample.len().min(MAX_ROWS.0)]);
    if median > 1e-12 {
        return median;
    }
    let mut distinct: Vec<&[f32]> = Vec::new();
    for row in sample {
        if distinct.len() < MAX_ROWS.0 && !distinct.contains(&row) {
            distinct.push(row);
        }
    }
    median_sq_distance(&distinct).max(1e-12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_unit_is_both_fitted_and_counted() {
        let units: Vec<Vec<usize>> =
            (0..1000).collect::<Vec<_>>().chunks(7).map(<[usize]>::to_vec).collect();
        let (fit, held_out) = halves(&units, 1000, &mut ChaCha8Rng::seed_from_u64(1));
        assert!((500..507).contains(&fit.len()) && fit.iter().all(|&row| !held_out[row]));
        assert_eq!(held_out.iter().filter(|held_out| **held_out).count(), 1000 - fit.len());
        let whole = |unit: &Vec<usize>| unit.iter().all(|&row| held_out[row] == held_out[unit[0]]);
        assert!(units.iter().all(whole));
    }
}
