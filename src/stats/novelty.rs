//! Novelty: how far a text lies from what the reference holds.
//!
//! The score of a unit vector is its mean Euclidean distance to the five nearest of a sample of
//! reference rows, the landmarks. The mean score of a window rises when texts come that are like
//! nothing before, although they may pull the centroid in no common direction. A row of the
//! reference is scored without itself and without what belongs to it, so that reference and fresh
//! rows are scored alike (leave one out).
//! *Source:* the k-nearest-neighbour distance as a measure of novelty: Loftsgaarden, Quesenberry,
//! "A Nonparametric Estimate of a Multivariate Density Function", Ann. Math. Statist. 36, 1965.

use serde::{Deserialize, Serialize};

use super::whole::Rows;

/// Neighbours that are averaged.
const NEIGHBOURS: usize = 5;

/// Rows of the sample. With a quarter of them a tenth of unknown intents of a known domain took
/// twice as long to be found.
pub const LANDMARKS: usize = 4096;

/// Points that are looked at together: their products with all landmarks stay in the second cache.
const TOGETHER: usize = 32;

/// Coordinates are kept as whole numbers of 1/8192: products of unit vectors are then exact in 32
/// bits, four times as fast as in floating point, and the same on every processor. The rounding moves
/// a cosine by less than 1e-4.
const UNIT: f32 = 8192.0;

/// A sample of reference rows, unit vectors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Landmarks {
    dim: usize,
    #[serde(with = "super::base64::whole")]
    rows: Vec<i16>,
}

impl Landmarks {
    /// The landmarks `rows`, unit vectors; at least five.
    pub fn new(rows: &[&[f32]]) -> Self {
        let dim = rows.first().map_or(1, |row| row.len());
        Self { dim, rows: rows.iter().flat_map(|row| whole(row)).collect() }
    }

    /// Number of landmarks.
    pub fn len(&self) -> usize {
        self.rows.len() / self.dim
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The score of each point, in 0..=2; `excluded(p, landmark)` leaves a landmark out for point p.
    ///
    /// O(points · landmarks · dim).
    pub fn scores(&self, points: &[&[f32]], excluded: impl Fn(usize, usize) -> bool) -> Vec<f32> {
        let count = self.len();
        let mut cosines = vec![0; count * TOGETHER.min(points.len())];
        let mut scores = Vec::with_capacity(points.len());
        for points in points.chunks(TOGETHER) {
            let whole: Vec<Vec<i16>> = points.iter().map(|x| whole(x).collect()).collect();
            Rows::new(&self.rows, self.dim).products(&whole, &mut cosines[..count * points.len()]);
            let first = scores.len();
            for (p, cosines) in cosines.chunks_exact(count).take(points.len()).enumerate() {
                let mut nearest = [i32::MIN; NEIGHBOURS];
                for (landmark, &cosine) in cosines.iter().enumerate() {
                    if cosine > nearest[NEIGHBOURS - 1] && !excluded(first + p, landmark) {
                        insert(&mut nearest, cosine);
                    }
                }
                scores.push(mean_distance(&nearest));
            }
        }
        scores
    }
}

/// The coordinates of a unit vector as whole numbers.
fn whole(x: &[f32]) -> impl Iterator<Item = i16> {
    x.iter().map(|v| (v * UNIT).round() as i16)
}

/// Keeps `nearest` falling.
fn insert(nearest: &mut [i32; NEIGHBOURS], cosine: i32) {
    let mut at = NEIGHBOURS - 1;
    while at > 0 && nearest[at - 1] < cosine {
        nearest[at] = nearest[at - 1];
        at -= 1;
    }
    nearest[at] = cosine;
}

/// Mean of ‖x − y‖ = √(2 − 2 cos) over the neighbours that there are.
fn mean_distance(nearest: &[i32; NEIGHBOURS]) -> f32 {
    let found = nearest.iter().filter(|cosine| **cosine > i32::MIN);
    let (sum, count) = found.fold((0.0, 0.0), |(sum, count), cosine| {
        let cosine = *cosine as f32 / (UNIT * UNIT);
        (sum + (2.0 - 2.0 * cosine).max(0.0).sqrt(), count + 1.0)
    });
    if count > 0.0 { sum / count } else { 2.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::linear::distance_sq;
    use super::*;

    fn unit(mut v: Vec<f32>) -> Vec<f32> {
        let norm = v.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-6);
        v.iter_mut().for_each(|x| *x /= norm);
        v
    }

    fn points(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Vec<f32>>> {
        prop::collection::vec(prop::collection::vec(0.01f32..1.0, 4).prop_map(unit), n)
    }

    proptest! {
        #[test]
        fn it_is_the_mean_of_the_five_smallest_distances(rows in points(5..40), x in points(1..2)) {
            let landmarks = Landmarks::new(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let mut distances: Vec<f64> =
                rows.iter().map(|row| distance_sq(row, &x[0]).sqrt()).collect();
            distances.sort_by(f64::total_cmp);
            let want = distances[..5].iter().sum::<f64>() / 5.0;
            let got = landmarks.scores(&[&x[0]], |_, _| false)[0];
            // √(2 − 2cos) loses half of the digits near 0.
            prop_assert!((f64::from(got) - want).abs() < 0.02);
        }
    }

    #[test]
    fn a_row_is_scored_without_itself() {
        let rows: Vec<Vec<f32>> = (0..6).map(|i| unit(vec![1.0, i as f32 * 0.2])).collect();
        let slices: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let landmarks = Landmarks::new(&slices);
        let with = landmarks.scores(&slices, |_, _| false);
        let without = landmarks.scores(&slices, |point, landmark| point == landmark);
        assert!(with.iter().zip(&without).all(|(a, b)| a < b));
    }
}
