//! One stream of one part: its expectation, and thresholds calibrated on simulated streams.

use std::collections::BTreeMap;

use crate::detect::budget;
use crate::detect::compare::direction;
use crate::detect::freeze::features::StreamFeatures;
use crate::detect::freeze::plan::{Plan, PlannedGrid, PlannedWindow};
use crate::detect::freeze::trial::{self, Topic};
use crate::detect::profile::{DetectorCalibration, Spread, StreamPart, WindowCalibration};
use crate::model::calibration::Trial;
use crate::model::monitor::MonitorSpec;
use crate::model::stream::Stream;
use crate::model::verdict::DetectorKind;
use crate::stats::calibrate::calibrate;
use crate::stats::codebook::Codebook;
use crate::stats::dependence::{block_length, design_effect};
use crate::stats::expectation::{Columns, Expectation, ExpectationSums};
use crate::stats::linear::{distance_sq, norm_sq};
use crate::stats::null::Scale;
use crate::stats::simulate::{self, Population, Row, SimulatedWindow, simulate};
use crate::stats::statistics::STATISTICS;

/// Length of the simulation in evaluations: two hundred references, resampled. The noise of thresholds
/// that lie far beyond it makes false alarms more frequent on average, as their rate falls exponentially.
const EVALUATIONS: usize = 16_000;

/// A part with fewer values of a stream does not watch it.
const MIN_ROWS: usize = 100;

/// What is the same for all steps of one stream of one part.
pub(super) struct PartContext<'a> {
    pub(super) spec: &'a MonitorSpec,
    pub(super) stream: Stream,
    pub(super) plan: &'a Plan,
    /// Whether the thresholds are tried too, which takes about as long as one part's calibration.
    pub(super) tried: bool,
    /// Expected false alarms of this stream in this part, in 30 days.
    pub(super) per_30d: f64,
    pub(super) seed: u64,
}

impl PartContext<'_> {
    /// The part of `features` whose events are members; `None` where they are too few.
    pub(super) fn calibrate(
        &self,
        features: &StreamFeatures,
        member: impl Fn(usize) -> bool,
        progress: &(dyn Fn(f64) + Sync),
    ) -> Option<StreamPart> {
        let mut position = vec![usize::MAX; features.rows.len()];
        let mut own = Vec::new();
        for (i, event) in features.events.iter().enumerate() {
            if features.unseen[i] || member(*event) {
                position[i] = own.len();
                own.push(i);
            }
        }
        if own.len() < MIN_ROWS {
            return None;
        }
        let rows: Vec<&Row> = own.iter().map(|&i| &features.rows[i]).collect();
        let held_out: Vec<bool> = own.iter().map(|&i| features.held_out[i]).collect();
        let cells = features.lens.codebook.len();
        let expectation = expectation(&rows, &held_out, features.columns, cells)?;
        let effect = design_effect(&residuals(&rows, &expectation, features.lens.dim));
        let units: Vec<Vec<usize>> = features
            .units
            .iter()
            .map(|unit| unit.iter().map(|&i| position[i]).filter(|&i| i != usize::MAX).collect())
            .collect();
        let units = if features.in_sessions { units } else { blocks(rows.len(), effect) };
        let spread = spread(&rows, features, self.seed);
        let population = Population::new(rows, units, features.columns, cells);
        progress(0.1);
        let topics = if self.tried { trial::topics(features) } else { Vec::new() };
        let step = |done: f64| progress(0.1 + 0.9 * done);
        let (windows, trial) = self.windows(features, &topics, &population, &expectation, &step);
        Some(StreamPart {
            trial,
            unit_events: population.mean_unit(),
            per_30d: self.per_30d,
            expectation,
            spread,
            design_effect: effect,
            windows,
        })
    }

    fn windows(
        &self,
        features: &StreamFeatures,
        topics: &[Topic],
        population: &Population<'_>,
        expectation: &Expectation,
        progress: &(dyn Fn(f64) + Sync),
    ) -> (BTreeMap<String, WindowCalibration>, Option<Trial>) {
        let grids = &self.plan.grids;
        let scale = if self.stream.has_names() { Scale::Squares } else { Scale::Plain };
        let mut calibrated = BTreeMap::new();
        let mut trial: Option<Trial> = None;
        for (g, grid) in grids.iter().enumerate() {
            let step = |done: f64| progress((g as f64 + done) / grids.len() as f64);
            let plan = self.simulation(expectation, grid, g, features.in_sessions);
            let paths = simulate(population, &plan, &step);
            let weights = self.weights(grid);
            let per_30d = self.per_30d
                * budget::grid_share(
                    self.spec,
                    grid.names(),
                    grids.iter().flat_map(PlannedGrid::names),
                );
            let run = budget::run_evaluations(per_30d, grid.evaluations_per_day);
            let trigger = grid.trigger(self.spec.alert.trigger());
            let Some(result) = calibrate(&paths, &weights, run, &trigger, scale) else { continue };
            if self.tried {
                let null = (paths.as_slice(), weights.as_slice());
                let own =
                    trial::of_grid(features, topics, population, &plan, null, &result, &trigger);
                trial = Some(trial.map_or(own, |others| trial::both(others, own)));
            }
            for (w, window) in grid.windows.iter().enumerate() {
                let detectors = DetectorKind::OF_VALUES.into_iter().filter_map(|kind| {
                    let column = w * STATISTICS + kind as usize;
                    let calibration = DetectorCalibration {
                        alpha: if per_30d > 0.0 { result.alphas[column] } else { 0.0 },
                        null: result.nulls[column].clone()?,
                        own_run_evaluations: result.own_run_evaluations[column],
                        extrapolated: result.extrapolated,
                    };
                    Some((kind, calibration))
                });
                let calibration = WindowCalibration {
                    n: window.events as u64,
                    evaluations_per_day: grid.evaluations_per_day,
                    detectors: detectors.collect(),
                };
                calibrated.insert(window.name.clone(), calibration);
            }
        }
        (calibrated, trial)
    }

    fn simulation(
        &self,
        expectation: &Expectation,
        grid: &PlannedGrid,
        g: usize,
        counted_by_unit: bool,
    ) -> simulate::Plan {
        simulate::Plan {
            bucket_events: grid.bucket_events,
            windows: grid.windows.iter().map(|w| w.simulated).collect::<Vec<SimulatedWindow>>(),
            n_ref: expectation.n as usize,
            counted: expectation.n_cells / expectation.n,
            counted_by_unit,
            evaluations: EVALUATIONS,
            direction: direction(self.stream),
            seed: self.seed + 3 + g as u64,
        }
    }

    /// The weights of the simulated columns.
    fn weights(&self, grid: &PlannedGrid) -> Vec<f64> {
        let of = |window: &PlannedWindow| {
            DetectorKind::OF_VALUES.map(|kind| {
                let weight = budget::detector_weight(self.spec, &window.name, kind);
                if kind.judges(self.stream.values()) { weight } else { 0.0 }
            })
        };
        grid.windows.iter().flat_map(of).collect()
    }
}

/// The expectation of `rows` as a profile keeps it: windows are whitened as a whole there, so it
/// has no whitened columns; their spread comes from the rows.
fn expectation(
    rows: &[&Row],
    held_out: &[bool],
    columns: Columns,
    cells: usize,
) -> Option<Expectation> {
    let kept = Columns { whitened: 0, ..columns };
    let functions = rows.first()?.basis.len();
    let mut sums = ExpectationSums::new(kept, functions, cells);
    let mut whitened = ExpectationSums::new(columns, functions, cells);
    let head = columns.dim + columns.phi;
    for (row, held_out) in rows.iter().zip(held_out) {
        let novelty = &row.features[columns.width() - 1..];
        let features = [&row.features[..head], novelty].concat();
        let sum_sq = norm_sq(&row.features[..columns.dim]);
        sums.add(&row.basis, &features, sum_sq, 0.0);
        let whitened_sq = norm_sq(&row.features[head..head + columns.whitened]);
        whitened.add(&row.basis, &row.features, sum_sq, whitened_sq);
        if *held_out {
            sums.add_cell(&row.basis, row.cell);
        }
        whitened.add_cell(&row.basis, row.cell);
    }
    let mut expectation = sums.finish()?;
    expectation.residual_whitened = whitened.finish()?.residual_whitened;
    Some(expectation)
}

/// x less what is expected at its time.
fn residuals(rows: &[&Row], expectation: &Expectation, dim: usize) -> Vec<Vec<f32>> {
    rows.iter()
        .map(|row| {
            let expected = expectation.mean_at(&row.basis);
            row.features[..dim].iter().zip(expected).map(|(x, m)| x - m as f32).collect()
        })
        .collect()
}

/// Single rows, or blocks of neighbours where neighbours resemble each other.
fn blocks(rows: usize, design_effect: f64) -> Vec<Vec<usize>> {
    let length = block_length(design_effect, rows);
    let all: Vec<usize> = (0..rows).collect();
    all.chunks(length).map(<[usize]>::to_vec).collect()
}

/// How far the two halves by 2-means lie apart, and how novel the most novel hundredth is.
fn spread(rows: &[&Row], features: &StreamFeatures, seed: u64) -> Spread {
    let Columns { dim, phi, whitened } = features.columns;
    let values: Vec<&[f32]> = rows.iter().map(|row| &row.features[..dim]).collect();
    let split = Codebook::fit(&values[..values.len().min(5000)], 2, seed + 2);
    let width = features.columns.width();
    let mut sums = [vec![0.0; width], vec![0.0; width]];
    let mut counts = [0.0; 2];
    let mut scores = Vec::with_capacity(rows.len());
    for (row, value) in rows.iter().zip(&values) {
        let side = split.assign(value);
        counts[side] += 1.0;
        crate::stats::linear::add(&mut sums[side], &row.features);
        scores.push(f64::from(row.features[width - 1]));
    }
    if counts.contains(&0.0) {
        return Spread::default();
    }
    for (sum, count) in sums.iter_mut().zip(counts) {
        sum.iter_mut().for_each(|v| *v /= count);
    }
    let apart = |from: usize, to: usize| distance_sq(&sums[0][from..to], &sums[1][from..to]);
    scores.sort_by(f64::total_cmp);
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    let variance = scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / scores.len() as f64;
    let top = scores[(scores.len() * 99 / 100).min(scores.len() - 1)];
    Spread {
        linear: apart(0, dim),
        kernel: apart(dim, dim + phi),
        whitened: apart(dim + phi, dim + phi + whitened),
        novelty: if variance > 0.0 { (top - mean) / variance.sqrt() } else { 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_counted_on_what_was_held_out() {
        let columns = Columns { dim: 1, phi: 2, whitened: 0 };
        let row = |cell: usize| Row {
            features: vec![1.0, 0.6, 0.8, 0.5],
            cell,
            basis: vec![1.0],
            phase: 0,
        };
        let rows = [row(0), row(1), row(0), row(1)];
        let all: Vec<&Row> = rows.iter().collect();
        let expectation = expectation(&all, &[true, false, true, false], columns, 2).unwrap();
        assert_eq!((expectation.n, expectation.n_cells), (4.0, 2.0));
        assert_eq!(expectation.cell_counts, [2.0, 0.0]);
    }
}
