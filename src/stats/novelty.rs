//! Novelty: how far a text lies from what the reference holds.
//!
//! The score of a unit vector is its mean Euclidean distance to the five nearest of a sample of
//! reference rows, the landmarks. The mean score of a window rises when texts come that are like
//! nothing before, although they may pull the centroid in no common direction. A row of the
//! reference is scored without itself and without what belongs to it, so that reference and fresh
//! rows are scored alike (leave one out).
//! *Source:* the k-nearest-neighbour distance as a measure of novelty: Loftsgaarden, Quesenberry,
//! "A Nonparametric Estimate of a Multivariate Density Function", Ann. Math. Statist. 36, 1965.

use pulp::{Simd, WithSimd};
use serde::{Deserialize, Serialize};

use super::whole::Rows;

/// Neighbours that are averaged.
const NEIGHBOURS: usize = 5;

/// Rows of the sample. With a quarter of them a tenth of unknown intents of a known domain took
/// twice as long to be found.
pub const LANDMARKS: usize = 4096;

/// Points that are looked at together: their products with all landmarks stay in the second cache.
const TOGETHER: usize = 32;

/// Landmarks of which none is looked at where the nearest of them is no nearer than those found.
const STRIP: usize = 64;

/// Numbers that are compared at once.
const LANES: usize = 16;

/// A sample of reference rows, by their directions.
///
/// Coordinates are kept as bytes, the largest of a row as ±127: products are then exact in 32 bits,
/// eight times as fast as in floating point, and the same on every processor. The cosine is taken of
/// the rounded vectors, so that equal texts are at distance 0; the rounding moves it by some 6e-4 at
/// 384 coordinates, where the scores of texts differ by 0.1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Landmarks {
    bytes: Vec<i8>,
    dim: usize,
    rows: Rows,
    /// 1/‖row‖ of the rounded rows.
    inverse_norms: Vec<f32>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    dim: usize,
    #[serde(with = "super::base64::bytes")]
    rows: Vec<i8>,
}

impl From<Stored> for Landmarks {
    fn from(Stored { dim, rows: bytes }: Stored) -> Self {
        let dim = dim.max(1);
        let inverse_norms = bytes.chunks_exact(dim).map(inverse_norm).collect();
        Self { dim, rows: Rows::new(&bytes, dim), inverse_norms, bytes }
    }
}

impl From<Landmarks> for Stored {
    fn from(landmarks: Landmarks) -> Self {
        Self { dim: landmarks.dim, rows: landmarks.bytes }
    }
}

impl Landmarks {
    /// The landmarks `rows`, unit vectors; at least five.
    pub fn new(rows: &[&[f32]]) -> Self {
        let dim = rows.first().map_or(1, |row| row.len());
        Stored { dim, rows: rows.iter().flat_map(|row| rounded(row)).collect() }.into()
    }

    /// Number of landmarks.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The score of each point, in 0..=2; `excluded(p, landmark)` leaves a landmark out for point p.
    ///
    /// O(points · landmarks · dim).
    pub fn scores(&self, points: &[&[f32]], excluded: impl Fn(usize, usize) -> bool) -> Vec<f32> {
        let count = self.len();
        let mut products = vec![0; count * TOGETHER.min(points.len())];
        let mut scores = Vec::with_capacity(points.len());
        for points in points.chunks(TOGETHER) {
            let bytes: Vec<Vec<i8>> = points.iter().map(|x| rounded(x)).collect();
            self.rows.products(&bytes, &mut products[..count * points.len()]);
            let first = scores.len();
            for (p, (products, x)) in products.chunks_exact(count).zip(&bytes).enumerate() {
                let inverse_norms = &self.inverse_norms;
                let excluded = |landmark| excluded(first + p, landmark);
                let nearest = Nearest { products, inverse_norms, excluded };
                let along = pulp::Arch::new().dispatch(nearest);
                scores.push(mean_distance(&along.map(|along| along * inverse_norm(x))));
            }
        }
        scores
    }
}

/// The coordinates as bytes, the largest of them as ±127.
fn rounded(x: &[f32]) -> Vec<i8> {
    pulp::Arch::new().dispatch(Rounded(x))
}

struct Rounded<'a>(&'a [f32]);

impl WithSimd for Rounded<'_> {
    type Output = Vec<i8>;

    #[expect(clippy::inline_always, reason = "else it is compiled without vector instructions")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<i8> {
        let (whole, rest) = self.0.as_chunks::<LANES>();
        let mut most = [0.0; LANES];
        for x in whole {
            most.iter_mut().zip(x).for_each(|(most, v)| *most = larger(v.abs(), *most));
        }
        let largest = rest.iter().chain(&most).fold(0.0, |most, v| larger(v.abs(), most));
        let scale = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        let mut bytes = vec![0; self.0.len()];
        for (byte, v) in bytes.iter_mut().zip(self.0) {
            // To the nearest, halves away from zero.
            *byte = (v * scale + 0.5f32.copysign(*v)) as i8;
        }
        bytes
    }
}

/// Unlike `f32::max` without a rule for what is no number, which takes a second comparison.
#[expect(clippy::inline_always, reason = "else it is compiled without the caller's instructions")]
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

fn inverse_norm(row: &[i8]) -> f32 {
    let squared: i32 = row.iter().map(|&v| i32::from(v) * i32::from(v)).sum();
    if squared > 0 { 1.0 / (squared as f32).sqrt() } else { 0.0 }
}

/// The largest products, each divided by its landmark's length, falling; −∞ where there are too few.
struct Nearest<'a, F> {
    products: &'a [i32],
    inverse_norms: &'a [f32],
    excluded: F,
}

impl<F: Fn(usize) -> bool> Nearest<'_, F> {
    /// Takes in what lies `along`, from landmark `first` on.
    fn take(
        &self,
        nearest: &mut [f32; NEIGHBOURS],
        first: usize,
        along: impl IntoIterator<Item = f32>,
    ) {
        for (i, along) in along.into_iter().enumerate() {
            if along > nearest[NEIGHBOURS - 1] && !(self.excluded)(first + i) {
                insert(nearest, along);
            }
        }
    }
}

impl<F: Fn(usize) -> bool> WithSimd for Nearest<'_, F> {
    type Output = [f32; NEIGHBOURS];

    #[expect(clippy::inline_always, reason = "else it is compiled without vector instructions")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        let mut nearest = [f32::NEG_INFINITY; NEIGHBOURS];
        let (strips, rest) = self.products.as_chunks::<STRIP>();
        let (norms, last_norms) = self.inverse_norms.as_chunks::<STRIP>();
        for (strip, (products, inverse_norms)) in strips.iter().zip(norms).enumerate() {
            let mut along = [0.0; STRIP];
            let mut most = [f32::NEG_INFINITY; LANES];
            for first in (0..STRIP).step_by(LANES) {
                for (lane, most) in most.iter_mut().enumerate() {
                    let value = products[first + lane] as f32 * inverse_norms[first + lane];
                    along[first + lane] = value;
                    *most = larger(value, *most);
                }
            }
            let worst = nearest[NEIGHBOURS - 1];
            // Counting takes no branch for each.
            if most.into_iter().filter(|most| *most > worst).count() > 0 {
                self.take(&mut nearest, strip * STRIP, along);
            }
        }
        let along = rest.iter().zip(last_norms).map(|(product, inverse)| *product as f32 * inverse);
        self.take(&mut nearest, strips.len() * STRIP, along);
        nearest
    }
}

/// Keeps `nearest` falling.
fn insert(nearest: &mut [f32; NEIGHBOURS], cosine: f32) {
    let mut at = NEIGHBOURS - 1;
    while at > 0 && nearest[at - 1] < cosine {
        nearest[at] = nearest[at - 1];
        at -= 1;
    }
    nearest[at] = cosine;
}

/// Mean of ‖x − y‖ = √(2 − 2 cos) over the neighbours that there are.
fn mean_distance(nearest: &[f32; NEIGHBOURS]) -> f32 {
    let found = nearest.iter().filter(|cosine| cosine.is_finite());
    let (sum, count) = found.fold((0.0, 0.0), |(sum, count), cosine| {
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
            prop_assert!((f64::from(got) - want).abs() < 0.03, "{} {}", got, want);
        }
    }

    #[test]
    fn equal_texts_are_at_no_distance_and_rounding_hardly_moves_a_score() {
        let value = |i: usize, j: usize| ((i * 384 + j) as f32 * 0.7).sin() + (j as f32).cos();
        let rows: Vec<Vec<f32>> =
            (0..40).map(|i| unit((0..384).map(|j| value(i, j)).collect())).collect();
        let slices: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let same: Vec<&[f32]> = vec![slices[0]; 5];
        assert!(Landmarks::new(&same).scores(&[slices[0]], |_, _| false)[0] < 1e-3);
        let landmarks = Landmarks::new(&slices[..30]);
        for (x, got) in slices[30..].iter().zip(landmarks.scores(&slices[30..], |_, _| false)) {
            let mut distances: Vec<f64> =
                slices[..30].iter().map(|row| distance_sq(row, x).sqrt()).collect();
            distances.sort_by(f64::total_cmp);
            let want = distances[..5].iter().sum::<f64>() / 5.0;
            assert!((f64::from(got) - want).abs() < 2e-3, "{got} {want}");
        }
    }

    #[test]
    fn stored_landmarks_score_as_before() {
        let rows: Vec<Vec<f32>> = (0..9).map(|i| unit(vec![1.0, i as f32 * 0.2, -0.3])).collect();
        let landmarks = Landmarks::new(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let text = serde_json::to_string(&landmarks).unwrap();
        assert_eq!(serde_json::from_str::<Landmarks>(&text).unwrap(), landmarks);
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
