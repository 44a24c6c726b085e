//! One comparison of two samples, for `seamark check`: a permutation test of all detectors.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::detect::compare::direction;
use crate::detect::values::StreamRows;
use crate::model::interaction::Event;
use crate::model::stream::Stream;
use crate::model::verdict::{DetectorKind, Verdict, VerdictStatus};
use crate::stats::codebook::Codebook;
use crate::stats::divergence::{SMOOTHING, kl_corrected, probabilities, total_variation};
use crate::stats::features::FourierFeatures;
use crate::stats::kernel::median_sq_distance;
use crate::stats::mmd::{MeanSums, squared_distance_unbiased};
use crate::stats::sketch::Sketch;
use crate::stats::statistics::Direction;

/// A sample with fewer events is not judged.
pub const MIN_EVENTS: usize = 20;

/// How a comparison is made.
#[derive(Debug, Clone, Copy)]
pub struct CheckOptions {
    /// Drift when a detector's p-value, corrected for all detectors of the stream, is below this.
    pub alpha: f64,
    /// Number of permutations.
    pub permutations: usize,
    /// Seed of features, codebook and permutations.
    pub seed: u64,
}

/// Compares `current` with `reference` in every stream that both have.
///
/// Bandwidth and codebook come from both samples together, so that under the hypothesis of no drift
/// the labels are exchangeable and the permutation p-values are exact for any sample sizes. Whole
/// sessions are permuted where there are sessions. p-values are corrected over the detectors of a
/// stream by the distribution of the smallest one (Westfall & Young 1993), and a stream must beat
/// `alpha` ÷ number of streams.
pub fn check(reference: &[Event], current: &[Event], options: &CheckOptions) -> Vec<Verdict> {
    let pairs: Vec<_> = Stream::ALL
        .into_iter()
        .filter(|stream| stream.has_values())
        .map(|s| (s, StreamRows::collect(reference, s), StreamRows::collect(current, s)))
        .filter(|(_, reference, current)| !reference.rows.is_empty() || !current.rows.is_empty())
        .collect();
    let level = options.alpha / pairs.len().max(1) as f64;
    pairs.iter().flat_map(|(s, r, c)| check_stream(*s, r, c, level, options)).collect()
}

fn check_stream(
    stream: Stream,
    reference: &StreamRows,
    current: &StreamRows,
    level: f64,
    options: &CheckOptions,
) -> Vec<Verdict> {
    let (n_ref, n) = (reference.rows.len(), current.rows.len());
    let verdict = |detector| Verdict {
        n_ref: n_ref as u64,
        n_window: n as u64,
        ..Verdict::unjudged(stream, "all", detector)
    };
    if n_ref < MIN_EVENTS || n < MIN_EVENTS {
        return detectors(stream).map(|(_, detector)| verdict(detector)).collect();
    }
    let pooled = Pooled::new(reference, current, direction(stream), options.seed);
    let observed = pooled.statistics(&pooled.labels);
    let null: Vec<[f64; 3]> = (0..options.permutations)
        .into_par_iter()
        .map(|i| {
            let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
            rng.set_stream(i as u64 + 1);
            pooled.statistics(&pooled.permuted(n, &mut rng))
        })
        .collect();
    let corrected = corrected_p_values(&observed, &null);
    let shares = pooled.effects(&observed);
    detectors(stream)
        .map(|(d, detector)| {
            let is_drift = corrected[d] < level;
            Verdict {
                status: if is_drift { VerdictStatus::Drift } else { VerdictStatus::Stable },
                is_drift,
                statistic: Some(observed[d]),
                threshold: Some(critical_value(&null, d, level)),
                p_value: Some(corrected[d]),
                effect_size: Some(shares[d]),
                ..verdict(detector)
            }
        })
        .collect()
}

/// The detectors of `stream` and their places among the statistics. Neither kernels nor cells know up
/// from down, so that rises are left to the centroid.
fn detectors(stream: Stream) -> impl Iterator<Item = (usize, DetectorKind)> {
    let knows = move |kind: DetectorKind| {
        direction(stream) == Direction::Either || kind.judges(stream.values())
    };
    DetectorKind::OF_TWO_SAMPLES.into_iter().enumerate().filter(move |(_, kind)| knows(*kind))
}

/// Both samples together, one unit after another.
struct Pooled {
    /// Sketch of each unit; sketches add, so a permutation costs one addition per unit.
    units: Vec<Sketch>,
    /// Whether each unit belongs to the current sample.
    labels: Vec<bool>,
    empty: Sketch,
    total: Sketch,
    direction: Direction,
}

impl Pooled {
    fn new(reference: &StreamRows, current: &StreamRows, direction: Direction, seed: u64) -> Self {
        let rows: Vec<&[f32]> =
            reference.rows.iter().chain(&current.rows).map(Vec::as_slice).collect();
        let mut sample = rows.clone();
        sample.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let median = median_sq_distance(&sample[..sample.len().min(1000)]).max(1e-12);
        let dim = rows[0].len();
        let features =
            FourierFeatures::new(dim, if dim > 1 { 512 } else { 64 }, 1.0 / median, seed);
        let cells = (current.rows.len().min(reference.rows.len()) / 16).clamp(4, 64);
        let codebook = Codebook::fit(&sample[..sample.len().min(5000)], cells, seed);
        let empty = Sketch::empty(dim, features.len(), codebook.len(), 0);
        let sketch = |rows: &StreamRows, unit: &Vec<usize>| {
            let mut sketch = empty.clone();
            let mut scratch = vec![0.0; features.len()];
            for &i in unit {
                sketch.observe(&rows.rows[i], &features, &codebook, &mut scratch);
            }
            sketch
        };
        let mut units: Vec<Sketch> =
            reference.units.par_iter().map(|unit| sketch(reference, unit)).collect();
        let labels = [vec![false; units.len()], vec![true; current.units.len()]].concat();
        units.par_extend(current.units.par_iter().map(|unit| sketch(current, unit)));
        let mut total = empty.clone();
        units.iter().for_each(|unit| total += unit);
        Self { units, labels, empty, total, direction }
    }

    fn statistics(&self, labels: &[bool]) -> [f64; 3] {
        let (window, reference) = self.sums(labels);
        let value = |v: Option<f64>| v.unwrap_or(f64::NEG_INFINITY);
        if self.direction == Direction::Up {
            let missing = f64::NEG_INFINITY;
            return [missing, missing, value(squared_rise(window.linear(), reference.linear()))];
        }
        [
            value(squared_distance_unbiased(window.kernel(), reference.kernel())),
            value(kl_corrected(&window.cells, &reference.cells)),
            value(squared_distance_unbiased(window.linear(), reference.linear())),
        ]
    }

    fn sums(&self, labels: &[bool]) -> (Sketch, Sketch) {
        let mut window = self.empty.clone();
        for (unit, _) in self.units.iter().zip(labels).filter(|(_, current)| **current) {
            window += unit;
        }
        let mut reference = self.total.clone();
        reference -= &window;
        (window, reference)
    }

    /// Labels of a random division in which the current sample has about `n` events again.
    fn permuted(&self, n: usize, rng: &mut ChaCha8Rng) -> Vec<bool> {
        let mut order: Vec<usize> = (0..self.units.len()).collect();
        order.shuffle(rng);
        let mut labels = vec![false; self.units.len()];
        let mut taken = 0.0;
        for unit in order {
            if taken >= n as f64 {
                break;
            }
            taken += self.units[unit].n;
            labels[unit] = true;
        }
        labels
    }

    /// Readable sizes: √MMD², total variation of the cells, √ of the squared centroid distance.
    fn effects(&self, observed: &[f64; 3]) -> [f64; 3] {
        let (window, reference) = self.sums(&self.labels);
        let moved = total_variation(
            &probabilities(&window.cells, SMOOTHING),
            &probabilities(&reference.cells, SMOOTHING),
        );
        [observed[0].max(0.0).sqrt(), moved, observed[2].max(0.0).sqrt()]
    }
}

/// Σ max(0, μ_w − μ_r)² over the coordinates.
fn squared_rise(window: MeanSums<'_>, reference: MeanSums<'_>) -> Option<f64> {
    let means = window.sum.iter().zip(reference.sum);
    let rise = |(w, r): (&f64, &f64)| Direction::Up.part(w / window.n - r / reference.n).powi(2);
    (window.n > 0.0 && reference.n > 0.0).then(|| means.map(rise).sum())
}

/// p-values of each statistic, corrected for the best of all three on the same permutations.
fn corrected_p_values(observed: &[f64; 3], null: &[[f64; 3]]) -> [f64; 3] {
    let rank = |d: usize, value: f64| {
        (1 + null.iter().filter(|row| row[d] >= value).count()) as f64 / (1 + null.len()) as f64
    };
    let smallest: Vec<f64> =
        null.par_iter().map(|row| (0..3).map(|d| rank(d, row[d])).fold(1.0, f64::min)).collect();
    [0, 1, 2].map(|d| {
        let p = rank(d, observed[d]);
        (1 + smallest.iter().filter(|s| **s <= p).count()) as f64 / (1 + null.len()) as f64
    })
}

/// The value that `level` of the permutations reach, for orientation beside the p-value.
fn critical_value(null: &[[f64; 3]], d: usize, level: f64) -> f64 {
    let mut values: Vec<f64> = null.iter().map(|row| row[d]).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    let rank = (level * values.len() as f64) as usize;
    values.get(rank.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::INFINITY)
}
