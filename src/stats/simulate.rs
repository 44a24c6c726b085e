//! Simulated streams without drift: what the statistics do when nothing happens.
//!
//! Each path resamples a reference *and* a stream from the rows of the real one, so that the
//! reference's own sampling error is in the null, and slides the windows over the stream exactly as
//! the engine does. Whitened coordinates and novelty scores of the rows are those that leave the row
//! itself out: in-sample ones are too small and would promise too much.
//!
//! What is drawn are units: single events, or whole sessions or blocks where events resemble their
//! neighbours. With a rhythm, each unit of the reference's own timetable is replaced by one of the
//! same phase, so that the simulated stream keeps the clock.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::expectation::{Columns, Expectation, ExpectationSums, Expected};
use super::linear::axpy;
use super::sketch::Sketch;
use super::statistics::{Direction, STATISTICS, Statistics};

/// Evaluations that one path contributes. Short paths mean more resampled references.
const EVALUATIONS_PER_PATH: usize = 80;

/// More rows than this are not drawn for one resampled reference. Values are standardised by the
/// drawn reference's own leverage, so that a larger one need not be drawn whole.
const MAX_REFERENCE_DRAWS: usize = 10_000;

/// A phase with fewer units than this draws from all of them.
const MIN_PHASE_UNITS: usize = 8;

/// One row's features and where it stands in time.
#[derive(Debug, Clone)]
pub struct Row {
    /// Laid out as [`Columns`] say, whitened coordinates included.
    pub features: Vec<f32>,
    /// Its cell of the codebook.
    pub cell: usize,
    /// The rhythm's functions at its time.
    pub basis: Vec<f64>,
    /// Rows of one phase are interchangeable without drift.
    pub phase: usize,
}

/// What is resampled.
#[derive(Debug)]
pub struct Population<'a> {
    rows: Vec<&'a Row>,
    columns: Columns,
    cells: usize,
    /// Row indices that are drawn together, in the order of time.
    units: Vec<Vec<usize>>,
    /// Units by phase.
    phases: BTreeMap<usize, Vec<usize>>,
    /// ‖x‖² and the whitened ‖·‖² of each row.
    norms: Vec<(f64, f64)>,
}

impl<'a> Population<'a> {
    /// The population of `rows`, drawn in `units` of row indices, which are in the order of time.
    pub fn new(rows: Vec<&'a Row>, units: Vec<Vec<usize>>, columns: Columns, cells: usize) -> Self {
        let units: Vec<Vec<usize>> = units.into_iter().filter(|unit| !unit.is_empty()).collect();
        let mut phases: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (u, unit) in units.iter().enumerate() {
            phases.entry(rows[unit[0]].phase).or_default().push(u);
        }
        let all: Vec<usize> = (0..units.len()).collect();
        for units in phases.values_mut().filter(|units| units.len() < MIN_PHASE_UNITS) {
            units.clone_from(&all);
        }
        let whitened = columns.dim + columns.phi..columns.dim + columns.phi + columns.whitened;
        let norms = rows
            .iter()
            .map(|row| {
                let x = super::linear::norm_sq(&row.features[..columns.dim]);
                (x, super::linear::norm_sq(&row.features[whitened.clone()]))
            })
            .collect();
        Self { rows, columns, cells, units, phases, norms }
    }

    /// Mean number of rows in a unit.
    pub fn mean_unit(&self) -> f64 {
        self.rows.len() as f64 / self.units.len().max(1) as f64
    }

    /// The units with their rows renamed by `position`, without those that it has no place for.
    pub fn units_of(&self, position: impl Fn(usize) -> Option<usize>) -> Vec<Vec<usize>> {
        let renamed = |unit: &Vec<usize>| unit.iter().filter_map(|&row| position(row)).collect();
        self.units.iter().map(renamed).collect()
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The expectation of the rows `drawn`, which come in runs; the cells are counted on the share
    /// `counted` of them, spread evenly, runs whole.
    pub(super) fn expect<'r>(
        &self,
        drawn: impl Iterator<Item = &'r [usize]>,
        counted: f64,
    ) -> Option<Expectation> {
        let functions = self.rows.first()?.basis.len();
        let mut sums = ExpectationSums::new(self.columns, functions, self.cells);
        // A row that was drawn several times is added once, and rows in the order of memory.
        let mut times = vec![0u32; self.rows.len()];
        let mut due = 0.0;
        for run in drawn {
            let length = run.len() as f64;
            due += counted * length;
            let is_counted = due >= length;
            if is_counted {
                due -= length;
            }
            for &index in run {
                times[index] += 1;
                let row = self.rows[index];
                if is_counted {
                    sums.add_cell(&row.basis, row.cell);
                }
            }
        }
        for ((row, norms), &times) in self.rows.iter().zip(&self.norms).zip(&times) {
            if times > 0 {
                sums.add_times(f64::from(times), &row.basis, &row.features, norms.0, norms.1);
            }
        }
        sums.finish()
    }

    /// A random unit of the same phase as unit `slot` of the timetable.
    fn replacement(&self, slot: usize, rng: &mut ChaCha8Rng) -> &[usize] {
        let phase = self.rows[self.units[slot][0]].phase;
        let units = &self.phases[&phase];
        &self.units[units[rng.random_range(0..units.len())]]
    }

    fn empty(&self) -> Sums {
        let Columns { dim, phi, whitened } = self.columns;
        let functions = self.rows.first().map_or(1, |row| row.basis.len());
        Sums {
            sketch: Sketch::empty(dim, phi, self.cells, functions),
            whitened: vec![0.0; whitened],
        }
    }

    /// The sums of the next `events` of `rows`; `None` when they end before.
    fn bucket(&self, rows: &mut impl Iterator<Item = usize>, events: usize) -> Option<Sums> {
        let mut sums = self.empty();
        for _ in 0..events {
            self.add(rows.next()?, &mut sums);
        }
        Some(sums)
    }

    fn add(&self, index: usize, sums: &mut Sums) {
        let (row, Columns { dim, phi, whitened }) = (self.rows[index], self.columns);
        let (x, rest) = row.features.split_at(dim);
        let (features, rest) = rest.split_at(phi);
        let (z, novelty) = rest.split_at(whitened);
        let sketch = &mut sums.sketch;
        sketch.n += 1.0;
        axpy(&mut sketch.sum_x, 1.0, x);
        sketch.sum_x_sq += self.norms[index].0;
        axpy(&mut sketch.sum_phi, 1.0, features);
        sketch.cells[row.cell] += 1.0;
        sketch.novelty += f64::from(novelty[0]);
        sketch.phase.iter_mut().zip(&row.basis).for_each(|(sum, b)| *sum += b);
        axpy(&mut sums.whitened, 1.0, z);
    }
}

/// A sketch, and the whitened coordinates' sum beside it.
#[derive(Debug, Clone)]
struct Sums {
    sketch: Sketch,
    whitened: Vec<f64>,
}

impl Sums {
    fn add(&mut self, other: &Self, sign: f64) {
        if sign > 0.0 {
            self.sketch += &other.sketch;
        } else {
            self.sketch -= &other.sketch;
        }
        self.whitened.iter_mut().zip(&other.whitened).for_each(|(a, b)| *a += sign * b);
    }

    fn statistics(&self, reference: &Expectation, direction: Direction) -> Statistics {
        let n = self.sketch.n;
        let phase: Vec<f64> = self.sketch.phase.iter().map(|sum| sum / n).collect();
        let expected = reference.at(&phase);
        let whitened =
            (!self.whitened.is_empty()).then(|| self.whitened_shift(&expected, direction));
        let (residual, sd) = (reference.residual_whitened, reference.novelty_sd);
        Statistics::of(&self.sketch, &expected, whitened, residual, sd, direction)
    }

    fn whitened_shift(&self, expected: &Expected, direction: Direction) -> f64 {
        let n = self.sketch.n;
        let pairs = self.whitened.iter().zip(&expected.whitened);
        pairs.map(|(sum, mean)| direction.part(sum / n - mean).powi(2)).sum()
    }
}

/// A window in units of buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimulatedWindow {
    /// Length in buckets.
    pub buckets: usize,
    /// Buckets between two evaluations.
    pub stride: usize,
}

/// What is simulated.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Events per bucket.
    pub bucket_events: usize,
    /// The windows, all over the same buckets.
    pub windows: Vec<SimulatedWindow>,
    /// Rows of the real reference.
    pub n_ref: usize,
    /// The share of them that its codebook histogram was counted on.
    pub counted: f64,
    /// Whether that share was taken by whole units, whose rows are alike: it is known less well then.
    pub counted_by_unit: bool,
    /// Evaluations to simulate, over all paths; rounded up to whole paths.
    pub evaluations: usize,
    /// The shifts that count.
    pub direction: Direction,
    /// The seed.
    pub seed: u64,
}

impl Plan {
    /// Length of the longest window, in buckets.
    pub(super) fn longest(&self) -> usize {
        self.windows.iter().map(|w| w.buckets).max().unwrap_or(1)
    }
}

/// One simulated path: per evaluation a row of [`STATISTICS`] standardised values for each window.
pub type Path = Vec<Vec<f64>>;

/// Simulates `plan` on `population`; the same arguments give the same paths on any number of
/// threads. `progress` is called with the share of paths done.
///
/// O(paths · (N · functions + evaluations · bucket) · columns).
pub fn simulate(
    population: &Population<'_>,
    plan: &Plan,
    progress: &(dyn Fn(f64) + Sync),
) -> Vec<Path> {
    let paths = plan.evaluations.div_ceil(EVALUATIONS_PER_PATH).max(1);
    let done = std::sync::atomic::AtomicUsize::new(0);
    (0..paths)
        .into_par_iter()
        .filter_map(|index| {
            let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
            rng.set_stream(index as u64 + 1);
            let reference = draw_reference(population, plan, &mut rng);
            let path = reference.map(|reference| {
                let mut stream = Stream::new(population, rng);
                let rows = std::iter::from_fn(|| Some(stream.next_row()));
                slide(population, plan, &reference, rows, plan.longest())
                    .take(EVALUATIONS_PER_PATH)
                    .collect()
            });
            let finished = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            progress(finished as f64 / paths as f64);
            path
        })
        .collect()
}

/// A reference of about the real size.
pub(super) fn draw_reference(
    population: &Population<'_>,
    plan: &Plan,
    rng: &mut ChaCha8Rng,
) -> Option<Expectation> {
    let wanted = plan.n_ref.min(MAX_REFERENCE_DRAWS);
    let slots = population.units.len();
    let mut runs: Vec<&[usize]> = Vec::new();
    let mut left = wanted;
    while left > 0 {
        let slot = rng.random_range(0..slots);
        let unit = population.replacement(slot, rng);
        let run = &unit[..unit.len().min(left)];
        left -= run.len();
        runs.push(run);
    }
    let together = |run: &[usize]| if plan.counted_by_unit { run.len() } else { 1 };
    let runs = runs.into_iter().flat_map(|run| run.chunks(together(run)));
    population.expect(runs, plan.counted)
}

/// A stream of rows along the reference's timetable.
pub(super) struct Stream<'a> {
    population: &'a Population<'a>,
    rng: ChaCha8Rng,
    slot: usize,
    unit: &'a [usize],
}

impl<'a> Stream<'a> {
    pub(super) fn new(population: &'a Population<'a>, mut rng: ChaCha8Rng) -> Self {
        let slot = rng.random_range(0..population.units.len());
        Self { population, rng, slot, unit: &[] }
    }

    pub(super) fn next_row(&mut self) -> usize {
        loop {
            if let Some((first, rest)) = self.unit.split_first() {
                self.unit = rest;
                return *first;
            }
            self.unit = self.population.replacement(self.slot, &mut self.rng);
            self.slot = (self.slot + 1) % self.population.units.len();
        }
    }
}

/// The evaluations of the windows of `plan` as they slide over `rows`, from bucket `from` on; a window
/// that is not full yet has −∞ in its columns. It ends with the rows.
pub fn slide<'a>(
    population: &'a Population<'a>,
    plan: &'a Plan,
    reference: &'a Expectation,
    mut rows: impl Iterator<Item = usize> + 'a,
    from: usize,
) -> impl Iterator<Item = Vec<f64>> + 'a {
    let longest = plan.longest();
    let mut buckets: Vec<Sums> = Vec::new();
    let mut windows: Vec<Sums> = plan.windows.iter().map(|_| population.empty()).collect();
    let mut latest = vec![f64::NEG_INFINITY; plan.windows.len() * STATISTICS];
    let mut count = 0;
    std::iter::from_fn(move || {
        loop {
            let bucket = population.bucket(&mut rows, plan.bucket_events)?;
            count += 1;
            let mut due = false;
            for (w, spec) in plan.windows.iter().enumerate() {
                windows[w].add(&bucket, 1.0);
                if count > spec.buckets {
                    windows[w].add(&buckets[(count - 1 - spec.buckets) % longest], -1.0);
                }
                if count >= spec.buckets && count % spec.stride == 0 {
                    due = true;
                    let values = windows[w].statistics(reference, plan.direction).standardised();
                    latest[w * STATISTICS..(w + 1) * STATISTICS].copy_from_slice(&values);
                }
            }
            if buckets.len() < longest {
                buckets.push(bucket);
            } else {
                buckets[(count - 1) % longest] = bucket;
            }
            if due && count >= from {
                return Some(latest.clone());
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns { dim: 1, phi: 2, whitened: 1 };

    fn rows(n: usize, phases: usize) -> Vec<Row> {
        (0..n)
            .map(|i| {
                let (s, c) = (i as f32).sin_cos();
                let phase = i % phases;
                Row {
                    features: vec![s, s, c, s, 0.5 + 0.1 * c],
                    cell: i % 3,
                    basis: vec![1.0],
                    phase,
                }
            })
            .collect()
    }

    fn plan() -> Plan {
        let windows = [(4, 1), (10, 2)];
        let window = |(buckets, stride)| SimulatedWindow { buckets, stride };
        Plan {
            bucket_events: 10,
            windows: windows.map(window).to_vec(),
            n_ref: 400,
            counted: 0.5,
            counted_by_unit: false,
            evaluations: 1600,
            direction: Direction::Either,
            seed: 3,
        }
    }

    fn population(rows: &[Row]) -> Population<'_> {
        let units = (0..rows.len()).map(|i| vec![i]).collect();
        Population::new(rows.iter().collect(), units, COLUMNS, 3)
    }

    #[test]
    fn without_drift_squared_distances_have_mean_zero() {
        let rows = rows(400, 1);
        let paths = simulate(&population(&rows), &plan(), &|_| ());
        assert_eq!(paths.iter().map(Vec::len).sum::<usize>(), 1600);
        for window in 0..2 {
            for statistic in 0..STATISTICS {
                let column = window * STATISTICS + statistic;
                let values: Vec<f64> = paths.iter().flatten().map(|row| row[column]).collect();
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>()
                    / values.len() as f64)
                    .sqrt();
                // Paths share their reference and windows overlap: about 80 independent values.
                assert!(mean.abs() < 0.4 * sd, "{statistic}: {mean} ± {sd}");
            }
        }
    }

    #[test]
    fn cells_counted_by_units_are_known_as_well_as_the_units_are_many() {
        let mut rows = rows(800, 1);
        // Both rows of a unit lie in one cell.
        rows.iter_mut().enumerate().for_each(|(i, row)| row.cell = i / 2 % 2);
        let units = (0..400).map(|u| vec![2 * u, 2 * u + 1]).collect();
        let population = Population::new(rows.iter().collect(), units, COLUMNS, 2);
        let variance = |counted_by_unit: bool| {
            let plan = Plan { n_ref: 800, counted_by_unit, ..plan() };
            let counts: Vec<f64> = (0..400)
                .map(|seed| {
                    let mut rng = ChaCha8Rng::seed_from_u64(seed);
                    let drawn = draw_reference(&population, &plan, &mut rng).unwrap();
                    assert!((drawn.n_cells - 400.0).abs() < 3.0, "{}", drawn.n_cells);
                    drawn.cell_counts[0]
                })
                .collect();
            counts.iter().map(|count| (count - 200.0).powi(2)).sum::<f64>() / 400.0
        };
        // 400 rows of as many units, or of half as many: 400/4, and twice that.
        let (by_row, by_unit) = (variance(false), variance(true));
        assert!((by_row / 100.0 - 1.0).abs() < 0.3, "{by_row}");
        assert!((by_unit / 200.0 - 1.0).abs() < 0.3, "{by_unit}");
    }

    #[test]
    fn the_seed_decides_everything() {
        let rows = rows(60, 4);
        let paths = || simulate(&population(&rows), &plan(), &|_| ());
        assert_eq!(paths(), paths());
    }

    #[test]
    fn a_unit_is_replaced_by_one_of_its_phase() {
        let rows = rows(80, 4);
        let population = population(&rows);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for slot in 0..80 {
            for _ in 0..10 {
                assert_eq!(population.replacement(slot, &mut rng)[0] % 4, slot % 4);
            }
        }
    }
}
