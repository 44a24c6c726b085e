//! A codebook: the cells over which the KL divergence counts.
//!
//! Fitted by k-means with k-means++ seeds (Arthur & Vassilvitskii, SODA 2007) on one part of the
//! reference and counted on the other: a histogram of the rows that the cells were fitted to is
//! too regular and makes fresh data look drifted.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::linear::panels::Panels;
use super::linear::{distance_sq, dot};

const ITERATIONS: usize = 15;

/// K centroids; a point belongs to the nearest one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Codebook {
    dim: usize,
    /// Row-major K × dim.
    centroids: Vec<f32>,
    /// ½‖c‖², so that the nearest centroid is argmax x·c − ½‖c‖².
    half_norms: Vec<f32>,
    /// The centroids again, to be multiplied with.
    panels: Panels,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    dim: usize,
    centroids: Vec<f32>,
}

impl From<Stored> for Codebook {
    fn from(Stored { dim, centroids }: Stored) -> Self {
        Self::with_centroids(dim.max(1), centroids)
    }
}

impl From<Codebook> for Stored {
    fn from(book: Codebook) -> Self {
        Self { dim: book.dim, centroids: book.centroids }
    }
}

impl Codebook {
    /// Fits at most `k` cells to `rows`; fewer when the rows have fewer distinct values.
    /// O(iterations · rows · k · dim).
    pub fn fit(rows: &[&[f32]], k: usize, seed: u64) -> Self {
        let dim = rows.first().map_or(1, |row| row.len());
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut book = Self::with_centroids(dim, seed_centroids(rows, k, &mut rng));
        for _ in 0..ITERATIONS {
            let next = book.recentred(rows);
            if next == book {
                break;
            }
            book = next;
        }
        book
    }

    /// A codebook with the given row-major centroids.
    pub fn with_centroids(dim: usize, centroids: Vec<f32>) -> Self {
        let half_norms = centroids.chunks_exact(dim).map(|c| 0.5 * dot(c, c)).collect();
        Self { dim, panels: Panels::new(&centroids, dim), centroids, half_norms }
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.half_norms.len()
    }

    /// The centroids, row-major.
    pub fn centroids(&self) -> &[f32] {
        &self.centroids
    }

    /// The centroid of `cell`, which must be one.
    pub fn centroid(&self, cell: usize) -> &[f32] {
        &self.centroids[cell * self.dim..(cell + 1) * self.dim]
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.half_norms.is_empty()
    }

    /// The cell of `x`: its nearest centroid, the first of equals.
    pub fn assign(&self, x: &[f32]) -> usize {
        self.nearest(&[x], |_| true)[0]
    }

    /// The cell of each of `points`: the same as one by one, but the centroids are read once for all.
    pub fn assign_all(&self, points: &[&[f32]]) -> Vec<usize> {
        self.nearest(points, |_| true)
    }

    /// The cell of `x` if there were no cell `other`.
    pub fn assign_without(&self, x: &[f32], other: usize) -> usize {
        self.nearest(&[x], |cell| cell != other)[0]
    }

    fn nearest(&self, points: &[&[f32]], allowed: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut along = vec![0.0; self.len() * points.len()];
        self.panels.products(points, &mut along);
        let cell = |along: &[f32]| {
            let mut best = (0, f32::NEG_INFINITY);
            for (k, (along, half)) in along.iter().zip(&self.half_norms).enumerate() {
                let score = along - half;
                if score > best.1 && allowed(k) {
                    best = (k, score);
                }
            }
            best.0
        };
        along.chunks_exact(self.len().max(1)).map(cell).collect()
    }

    /// How many of `rows` fall into each cell.
    pub fn histogram(&self, rows: &[&[f32]]) -> Vec<f64> {
        let mut counts = vec![0.0; self.len()];
        for cell in self.assign_all(rows) {
            counts[cell] += 1.0;
        }
        counts
    }

    fn recentred(&self, rows: &[&[f32]]) -> Self {
        let mut sums = vec![0.0f64; self.centroids.len()];
        let mut counts = vec![0.0f64; self.len()];
        for (row, cell) in rows.iter().zip(self.assign_all(rows)) {
            counts[cell] += 1.0;
            super::linear::add(&mut sums[cell * self.dim..(cell + 1) * self.dim], row);
        }
        let mut centroids = self.centroids.clone();
        for (cell, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0.0) {
            for i in cell * self.dim..(cell + 1) * self.dim {
                centroids[i] = (sums[i] / count) as f32;
            }
        }
        Self::with_centroids(self.dim, centroids)
    }
}

/// k-means++: each next seed is drawn with probability proportional to its squared distance to the
/// nearest seed so far.
fn seed_centroids(rows: &[&[f32]], k: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    if rows.is_empty() {
        return Vec::new();
    }
    let mut centroids = rows[rng.random_range(0..rows.len())].to_vec();
    let mut nearest: Vec<f64> = rows.iter().map(|row| distance_sq(row, &centroids)).collect();
    for _ in 1..k {
        let total: f64 = nearest.iter().sum();
        if total <= 1e-12 {
            break;
        }
        let mut left = rng.random_range(0.0..total);
        let pick = nearest
            .iter()
            .position(|d| {
                left -= d;
                left < 0.0
            })
            .unwrap_or(rows.len() - 1);
        for (distance, row) in nearest.iter_mut().zip(rows) {
            *distance = distance.min(distance_sq(row, rows[pick]));
        }
        centroids.extend_from_slice(rows[pick]);
    }
    centroids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separate_clusters_get_separate_cells() {
        let points: Vec<Vec<f32>> = (0..60)
            .map(|i| {
                let centre = (i % 3) as f32 * 10.0;
                vec![centre + (i as f32).sin() * 0.1, centre]
            })
            .collect();
        let rows: Vec<&[f32]> = points.iter().map(Vec::as_slice).collect();
        let book = Codebook::fit(&rows, 3, 1);
        assert_eq!(book.histogram(&rows), vec![20.0; 3]);
        assert_eq!(book, Codebook::fit(&rows, 3, 1));
    }

    #[test]
    fn few_distinct_points_give_few_cells() {
        let rows: Vec<&[f32]> = vec![&[1.0], &[1.0], &[2.0]];
        assert_eq!(Codebook::fit(&rows, 8, 1).len(), 2);
    }
}
