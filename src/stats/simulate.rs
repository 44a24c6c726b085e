//! Simulated streams without drift: what the statistics do when nothing happens.
//!
//! Each path resamples a reference of the real size *and* a stream from the held-out half of the
//! reference, so that the reference's own sampling error is in the null, and slides the windows
//! over it exactly as the engine does. What is drawn are units: single events, or whole sessions
//! where events come in sessions, since events of one session resemble each other and an
//! independent draw would understate how much a window varies.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::codebook::Codebook;
use super::divergence::kl_corrected;
use super::features::FourierFeatures;
use super::mmd::squared_distance_unbiased;
use super::sketch::Sketch;

/// Statistics per window, in this order: MMD², KL, squared centroid distance.
pub const STATISTICS: usize = 3;

/// Evaluations that one path contributes.
const EVALUATIONS_PER_PATH: usize = 160;

/// More rows than this are not drawn for one resampled reference; its deviation is scaled instead.
const MAX_REFERENCE_DRAWS: usize = 10_000;

/// What is resampled.
pub struct Population<'a> {
    rows: Vec<&'a [f32]>,
    /// Row-major φ(x).
    phi: Vec<f32>,
    cells: Vec<usize>,
    /// Row indices that are drawn together.
    units: Vec<Vec<usize>>,
    shape: Sketch,
}

impl<'a> Population<'a> {
    /// Prepares `rows`, drawn in `units` of row indices. O(rows · features · dim), once.
    pub fn new(
        rows: Vec<&'a [f32]>,
        units: Vec<Vec<usize>>,
        features: &FourierFeatures,
        codebook: &Codebook,
    ) -> Self {
        let mut phi = vec![0.0; rows.len() * features.len()];
        phi.par_chunks_exact_mut(features.len())
            .zip(&rows)
            .for_each(|(out, row)| features.map(row, out));
        let cells = rows.iter().map(|row| codebook.assign(row)).collect();
        let dim = rows.first().map_or(0, |row| row.len());
        let shape = Sketch::empty(dim, features.len(), codebook.len());
        Self { rows, phi, cells, units, shape }
    }

    fn add(&self, row: usize, bucket: &mut Bucket) {
        let features = self.shape.sum_phi.len();
        bucket.n += 1.0;
        let x = self.rows[row];
        add_f32(&mut bucket.sum_x, x);
        bucket.sum_x_sq += super::linear::norm_sq(x);
        add_f32(&mut bucket.sum_phi, &self.phi[row * features..(row + 1) * features]);
        bucket.cells[self.cells[row]] += 1.0;
    }

    fn bucket(&self) -> Bucket {
        Bucket {
            n: 0.0,
            sum_x: vec![0.0; self.shape.sum_x.len()],
            sum_x_sq: 0.0,
            sum_phi: vec![0.0; self.shape.sum_phi.len()],
            cells: vec![0.0; self.shape.cells.len()],
        }
    }
}

/// A bucket's sums in single precision: at most a few hundred events, added millions of times.
struct Bucket {
    n: f64,
    sum_x: Vec<f32>,
    sum_x_sq: f64,
    sum_phi: Vec<f32>,
    cells: Vec<f64>,
}

impl Bucket {
    fn into_sketch(self) -> Sketch {
        let wide = |v: Vec<f32>| v.into_iter().map(f64::from).collect();
        Sketch {
            n: self.n,
            sum_x: wide(self.sum_x),
            sum_x_sq: self.sum_x_sq,
            sum_phi: wide(self.sum_phi),
            cells: self.cells,
        }
    }
}

fn add_f32(sum: &mut [f32], x: &[f32]) {
    sum.iter_mut().zip(x).for_each(|(a, b)| *a += b);
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
    /// Rows that the real reference's codebook histogram was counted on.
    pub n_ref_cells: usize,
    /// Evaluations to simulate, over all paths; rounded up to whole paths.
    pub evaluations: usize,
    /// The seed.
    pub seed: u64,
}

/// One simulated path: per evaluation a row of [`STATISTICS`] values for each window.
pub type Path = Vec<Vec<f64>>;

/// Simulates `plan` on `population`; the same arguments give the same paths on any number of
/// threads. `progress` is called with the share of paths done.
///
/// O(paths · (N + evaluations · bucket) · (features + dim)).
pub fn simulate(
    population: &Population<'_>,
    plan: &Plan,
    progress: &(dyn Fn(f64) + Sync),
) -> Vec<Path> {
    let paths = plan.evaluations.div_ceil(EVALUATIONS_PER_PATH).max(1);
    let done = std::sync::atomic::AtomicUsize::new(0);
    (0..paths)
        .into_par_iter()
        .map(|index| {
            let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
            rng.set_stream(index as u64 + 1);
            let path = Simulation::new(population, plan, rng).run();
            let finished = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            progress(finished as f64 / paths as f64);
            path
        })
        .collect()
}

struct Simulation<'a> {
    population: &'a Population<'a>,
    plan: &'a Plan,
    rng: ChaCha8Rng,
    /// The rest of the unit that is being drawn.
    queue: Vec<usize>,
    reference: Sketch,
}

impl<'a> Simulation<'a> {
    fn new(population: &'a Population<'a>, plan: &'a Plan, rng: ChaCha8Rng) -> Self {
        let reference = population.shape.clone();
        let mut simulation = Self { population, plan, rng, queue: Vec::new(), reference };
        simulation.reference = simulation.draw_reference();
        simulation
    }

    fn run(mut self) -> Path {
        let longest = self.plan.windows.iter().map(|w| w.buckets).max().unwrap_or(1);
        let mut buckets: Vec<Sketch> = Vec::new();
        let mut windows: Vec<Sketch> =
            self.plan.windows.iter().map(|_| self.population.shape.clone()).collect();
        let mut latest = vec![f64::NEG_INFINITY; self.plan.windows.len() * STATISTICS];
        let mut path = Vec::with_capacity(EVALUATIONS_PER_PATH);
        for count in 1.. {
            let bucket = self.draw(self.plan.bucket_events).into_sketch();
            let mut due = false;
            for (w, spec) in self.plan.windows.iter().enumerate() {
                windows[w] += &bucket;
                if count > spec.buckets {
                    windows[w] -= &buckets[(count - 1 - spec.buckets) % longest];
                }
                if count >= spec.buckets && count % spec.stride == 0 {
                    due = true;
                    self.evaluate(&windows[w], &mut latest[w * STATISTICS..(w + 1) * STATISTICS]);
                }
            }
            if buckets.len() < longest {
                buckets.push(bucket);
            } else {
                buckets[(count - 1) % longest] = bucket;
            }
            if due && count >= longest {
                path.push(latest.clone());
                if path.len() == EVALUATIONS_PER_PATH {
                    break;
                }
            }
        }
        path
    }

    fn evaluate(&self, window: &Sketch, out: &mut [f64]) {
        let missing = f64::NEG_INFINITY;
        out[0] =
            squared_distance_unbiased(window.kernel(), self.reference.kernel()).unwrap_or(missing);
        out[1] = kl_corrected(&window.cells, &self.reference.cells).unwrap_or(missing);
        out[2] =
            squared_distance_unbiased(window.linear(), self.reference.linear()).unwrap_or(missing);
    }

    fn draw(&mut self, events: usize) -> Bucket {
        let mut bucket = self.population.bucket();
        for _ in 0..events {
            let row = self.next_row();
            self.population.add(row, &mut bucket);
        }
        bucket
    }

    fn next_row(&mut self) -> usize {
        loop {
            if let Some(row) = self.queue.pop() {
                return row;
            }
            let unit = self.rng.random_range(0..self.population.units.len());
            self.queue.extend(self.population.units[unit].iter().rev());
        }
    }

    /// A reference of `n_ref` rows; its cells come from the first `n_ref_cells` of them.
    fn draw_reference(&mut self) -> Sketch {
        let draws = self.plan.n_ref.min(MAX_REFERENCE_DRAWS);
        let cell_draws = self.plan.n_ref_cells.min(draws);
        let mut sketch = self.population.shape.clone();
        let mut cells = vec![0.0; sketch.cells.len()];
        let mut left = draws;
        while left > 0 {
            // Small chunks keep the single-precision sums exact enough.
            let chunk = left.min(256);
            let before = draws - left;
            let part = self.draw(chunk).into_sketch();
            if before < cell_draws {
                cells.iter_mut().zip(&part.cells).for_each(|(a, b)| *a += b);
            }
            sketch += &part;
            left -= chunk;
        }
        sketch.cells = cells;
        if draws < self.plan.n_ref {
            self.enlarge(&mut sketch);
        }
        self.queue.clear();
        sketch
    }

    /// Makes a reference of `draws` rows stand for one of `n_ref`: its mean's deviation from the
    /// population shrinks by √(draws / `n_ref`).
    fn enlarge(&self, sketch: &mut Sketch) {
        let n_ref = self.plan.n_ref as f64;
        let shrink = (sketch.n / n_ref).sqrt();
        let population = self.population_sums();
        let stretch = |sum: &mut [f64], mean: &[f64], n: f64| {
            for (s, m) in sum.iter_mut().zip(mean) {
                *s = n_ref * (m / population.n + shrink * (*s / n - m / population.n));
            }
        };
        let n = sketch.n;
        stretch(&mut sketch.sum_x, &population.sum_x, n);
        stretch(&mut sketch.sum_phi, &population.sum_phi, n);
        sketch.sum_x_sq *= n_ref / n;
        let cell_total: f64 = sketch.cells.iter().sum();
        let cell_n = self.plan.n_ref_cells as f64;
        let cell_shrink = (cell_total / cell_n).sqrt();
        for (c, m) in sketch.cells.iter_mut().zip(&population.cells) {
            let mean = m / population.n;
            *c = (cell_n * (mean + cell_shrink * (*c / cell_total - mean))).max(0.0);
        }
        sketch.n = n_ref;
    }

    fn population_sums(&self) -> Sketch {
        let mut total = self.population.shape.clone();
        for start in (0..self.population.rows.len()).step_by(256) {
            let mut bucket = self.population.bucket();
            for row in start..(start + 256).min(self.population.rows.len()) {
                self.population.add(row, &mut bucket);
            }
            total += &bucket.into_sketch();
        }
        total
    }
}
