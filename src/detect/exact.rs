//! Exact figures of a window, on demand: what other tools compute, to be held beside the sketch's.
//!
//! They decide nothing. Costs are bounded by [`MAX_ROWS`], [`MAX_AXES`] and [`PERMUTATIONS`].

use crate::detect::permutation::{Exchange, Permuted};
use crate::detect::profile::ReferenceProfile;
use crate::detect::values::StreamRows;
use crate::model::interaction::Event;
use crate::model::stream::Stream;
use crate::stats::classifier::{Folded, cross_validated_auc, deal};
use crate::stats::codebook::Codebook;
use crate::stats::divergence::{SMOOTHING, probabilities, psi};
use crate::stats::energy::energy_distance_unbiased;
use crate::stats::frechet::frechet_distance;
use crate::stats::mmd::mmd2_unbiased;
use crate::stats::one_dimensional::{bin_counts, kolmogorov_smirnov, quantile_edges, wasserstein};
use crate::stats::principal::PrincipalAxes;
use crate::stats::shrinkage::ledoit_wolf;

/// Rows of each side that are compared; of more, an even selection.
pub const MAX_ROWS: usize = 2000;

/// Principal axes of both samples together on which covariances and the classifier stand.
pub const MAX_AXES: usize = 64;

/// Permutations behind an expected value and a p-value.
pub const PERMUTATIONS: usize = 99;

const FOLDS: usize = 5;
const PENALTY: f64 = 1.0;
const DECILES: usize = 10;

/// What the figures take from a frozen reference.
#[derive(Debug, Clone, Copy)]
pub struct Yardstick<'a> {
    /// Kernel bandwidth γ.
    pub gamma: f64,
    /// The cells of `psi`.
    pub codebook: &'a Codebook,
    /// The reference's rows in each cell.
    pub cells: &'a [f64],
}

impl<'a> Yardstick<'a> {
    /// Bandwidth and cells of a stream of `profile`, all of its traffic.
    pub fn of(profile: &'a ReferenceProfile, stream: Stream) -> Option<Self> {
        let lens = profile.lenses.get(&stream)?;
        let cells = &profile.whole.streams.get(&stream)?.expectation.cell_counts;
        Some(Self { gamma: lens.gamma, codebook: &lens.codebook, cells })
    }
}

/// The exact figures of one stream in one window, and what they were computed on.
#[derive(Debug, Clone, PartialEq)]
pub struct ExactFigures {
    /// Reference rows used.
    pub n_ref: usize,
    /// Window rows used.
    pub n_window: usize,
    /// Unbiased MMD² with the RBF kernel of the reference's bandwidth; zero on average without drift.
    pub mmd2: f64,
    /// Unbiased squared energy distance; zero on average without drift.
    pub energy: f64,
    /// Population stability index over the cells of the reference's codebook.
    pub psi: f64,
    /// What `psi` is without drift, to first order: (K−1)(1/n + 1/N′), N′ the rows in the
    /// reference's histogram (Yurdakul, *Statistical Properties of Population Stability Index*, 2018).
    pub psi_expected: f64,
    /// Cross-validated AUC of a domain classifier, ½ without drift; absent with too few units.
    pub classifier_auc: Option<f64>,
    /// Both samples as Gaussians; absent when the rows do not vary.
    pub gaussian: Option<GaussianFigures>,
    /// For streams of one dimension.
    pub scalar: Option<ScalarFigures>,
}

/// Distances of the samples as Gaussians, on principal axes and with shrunk covariances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussianFigures {
    /// Axes used: the stream's dimensions, or the first [`MAX_AXES`].
    pub axes: usize,
    /// Squared Fréchet distance.
    pub frechet: Permuted,
    /// KL(window ‖ reference) in nats; absent when a sample does not vary.
    pub kl: Option<Permuted>,
}

/// Distances of two samples of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScalarFigures {
    /// The Kolmogorov–Smirnov statistic.
    pub ks: Permuted,
    /// The Wasserstein-1 distance, in the stream's units.
    pub wasserstein: Permuted,
    /// Population stability index over the reference's deciles.
    pub psi_deciles: Permuted,
}

/// The exact figures of `window` against `reference`, with the bandwidth and the cells of `yardstick`.
///
/// Sides above [`MAX_ROWS`] are thinned evenly. Where events carry sessions, these change sides as a
/// whole in permutations and share a fold of the classifier. The same arguments give the same
/// figures. O((n + N)²·dim + dim³). `None` when a side has fewer than two values.
pub fn figures(
    reference: &[Event],
    window: &[Event],
    stream: Stream,
    yardstick: Yardstick<'_>,
    seed: u64,
) -> Option<ExactFigures> {
    let sides = Sides {
        reference: thinned(StreamRows::collect(reference, stream)),
        window: thinned(StreamRows::collect(window, stream)),
        seed,
    };
    let (x, y) = (slices(&sides.reference.rows), slices(&sides.window.rows));
    let Yardstick { gamma, codebook, cells } = yardstick;
    let counts = codebook.histogram(&y);
    let axes = PrincipalAxes::fit(&[x.as_slice(), y.as_slice()].concat(), MAX_AXES);
    let projected = axes.map(|axes| x.iter().chain(&y).map(|row| axes.project(row)).collect());
    let sizes = 1.0 / y.len() as f64 + 1.0 / cells.iter().sum::<f64>();
    Some(ExactFigures {
        n_ref: x.len(),
        n_window: y.len(),
        mmd2: mmd2_unbiased(&x, &y, gamma)?,
        energy: energy_distance_unbiased(&x, &y)?,
        psi: psi(&probabilities(&counts, SMOOTHING), &probabilities(cells, SMOOTHING)),
        psi_expected: (cells.len() as f64 - 1.0) * sizes,
        classifier_auc: projected.as_ref().and_then(|rows: &Vec<_>| sides.classifier_auc(rows)),
        gaussian: projected.as_ref().and_then(|rows| sides.gaussian(rows)),
        scalar: if x[0].len() == 1 { sides.scalar() } else { None },
    })
}

/// Both samples, thinned.
struct Sides {
    reference: StreamRows,
    window: StreamRows,
    seed: u64,
}

impl Sides {
    fn classifier_auc(&self, projected: &[Vec<f64>]) -> Option<f64> {
        let (reference, window) = projected.split_at(self.reference.rows.len());
        let folds = [&self.reference, &self.window].map(|s| deal(&s.units, FOLDS, self.seed));
        cross_validated_auc(
            Folded { rows: reference, folds: &folds[0] },
            Folded { rows: window, folds: &folds[1] },
            PENALTY,
        )
    }

    fn gaussian(&self, projected: &[Vec<f64>]) -> Option<GaussianFigures> {
        let fitted = |side: &[usize]| {
            let rows: Vec<&[f64]> = side.iter().map(|&row| projected[row].as_slice()).collect();
            Some(ledoit_wolf(&rows)?.gaussian)
        };
        let [frechet, kl] = self.test(|reference, window| {
            let (reference, window) = (fitted(reference)?, fitted(window)?);
            Some([frechet_distance(&window, &reference)?, window.kl(&reference)])
        })?;
        let finite = kl.value.is_finite() && kl.expected.is_finite();
        Some(GaussianFigures { axes: projected[0].len(), frechet, kl: finite.then_some(kl) })
    }

    fn scalar(&self) -> Option<ScalarFigures> {
        let all = self.reference.rows.iter().chain(&self.window.rows);
        let values: Vec<f64> = all.map(|row| f64::from(row[0])).collect();
        let taken = |side: &[usize]| side.iter().map(|&row| values[row]).collect::<Vec<_>>();
        let [ks, wasserstein, psi_deciles] = self.test(|reference, window| {
            let (x, y) = (taken(reference), taken(window));
            let edges = quantile_edges(&x, DECILES);
            let shares = |values: &[f64]| probabilities(&bin_counts(&edges, values), SMOOTHING);
            let moved = psi(&shares(&y), &shares(&x));
            Some([kolmogorov_smirnov(&x, &y)?, wasserstein(&x, &y)?, moved])
        })?;
        Some(ScalarFigures { ks, wasserstein, psi_deciles })
    }

    fn test<const K: usize>(
        &self,
        statistics: impl Fn(&[usize], &[usize]) -> Option<[f64; K]> + Sync,
    ) -> Option<[Permuted; K]> {
        Exchange::new(&self.reference, &self.window).test(PERMUTATIONS, self.seed, statistics)
    }
}

fn slices(rows: &[Vec<f32>]) -> Vec<&[f32]> {
    rows.iter().map(Vec::as_slice).collect()
}

/// At most [`MAX_ROWS`] rows, evenly chosen, and what is left of the units.
fn thinned(mut sample: StreamRows) -> StreamRows {
    let step = sample.rows.len().div_ceil(MAX_ROWS).max(1);
    for unit in &mut sample.units {
        unit.retain(|row| row % step == 0);
        unit.iter_mut().for_each(|row| *row /= step);
    }
    sample.units.retain(|unit| !unit.is_empty());
    sample.rows = sample.rows.into_iter().step_by(step).collect();
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thinned_sample_keeps_its_sessions() {
        let n = 2 * MAX_ROWS + 1;
        let sample = StreamRows {
            rows: (0..n).map(|i| vec![i as f32]).collect(),
            events: (0..n).collect(),
            units: (0..n).collect::<Vec<_>>().chunks(5).map(<[usize]>::to_vec).collect(),
            unseen: Vec::new(),
        };
        let thin = thinned(sample);
        assert_eq!(thin.rows.len(), n.div_ceil(3));
        assert!(thin.rows.iter().enumerate().all(|(i, row)| row[0] as usize == 3 * i));
        let rows: Vec<usize> = thin.units.concat();
        assert_eq!(rows, (0..thin.rows.len()).collect::<Vec<_>>());
        assert!(thin.units.iter().all(|unit| (1..=2).contains(&unit.len())));
    }
}
