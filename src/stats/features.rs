//! Orthogonal random Fourier features: a fixed map whose inner products approximate the RBF kernel.
//!
//! φ(x) = √(1/D)·[cos(Wx), sin(Wx)] with E φ(x)·φ(y) = exp(−γ‖x−y‖²) (Rahimi & Recht, NIPS 2007).
//! The rows of W come in blocks of orthogonal directions with χ_d lengths, scaled by √(2γ) (Yu et
//! al., NIPS 2016), which lowers the error of plain random features by about a third. Pairs of
//! cosine and sine make ‖φ(x)‖ = 1 exactly. φ·φ is itself a positive-definite kernel, so a
//! calibration made with the same features is exact; the approximation costs only comparability.

use pulp::{Simd, WithSimd};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::linear::panels::Panels;
use super::trig::sin_cos;

/// A frozen feature map from `dim` coordinates to `2 × frequencies` features.
#[derive(Debug, Clone, PartialEq)]
pub struct FourierFeatures {
    weights: Panels,
    scale: f32,
}

impl FourierFeatures {
    /// Draws the map for bandwidth `gamma` from `seed`; the same arguments give the same map.
    pub fn new(dim: usize, frequencies: usize, gamma: f64, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut weights = Vec::with_capacity(frequencies * dim);
        while weights.len() < frequencies * dim {
            let block = orthogonal_block(dim, &mut rng);
            let rows = (frequencies - weights.len() / dim).min(dim);
            let scale = (2.0 * gamma).sqrt();
            weights.extend(block[..rows * dim].iter().map(|&w| (w * scale) as f32));
        }
        Self::with_weights(dim, &weights)
    }

    /// The map with the given frequencies (row-major, already scaled by √(2γ)).
    pub fn with_weights(dim: usize, weights: &[f32]) -> Self {
        let weights = Panels::new(weights, dim);
        let scale = (1.0 / weights.len() as f32).sqrt();
        Self { weights, scale }
    }

    /// Number of features: twice the number of frequencies.
    pub fn len(&self) -> usize {
        2 * self.weights.len()
    }

    /// Whether the map has no features.
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// Writes φ(x) into `out`, cosines first. `x` has `dim` coordinates, `out` has `len()`.
    pub fn map(&self, x: &[f32], out: &mut [f32]) {
        self.map_all(&[x], out);
    }

    /// Writes φ of each point into `out`, one after another: the same numbers as [`Self::map`], but
    /// the frequencies are read once for all of them.
    pub fn map_all(&self, points: &[&[f32]], out: &mut [f32]) {
        let frequencies = self.weights.len();
        let mut angles = vec![0.0; frequencies * points.len()];
        self.weights.products(points, &mut angles);
        let scale = self.scale;
        pulp::Arch::new().dispatch(SinesAndCosines { angles: &angles, frequencies, scale, out });
    }
}

/// For each point's angles scaled cosines, then scaled sines.
struct SinesAndCosines<'a> {
    angles: &'a [f32],
    frequencies: usize,
    scale: f32,
    out: &'a mut [f32],
}

impl WithSimd for SinesAndCosines<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "else it is compiled without vector instructions")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let rows = self.angles.chunks_exact(self.frequencies);
        for (angles, out) in rows.zip(self.out.chunks_exact_mut(2 * self.frequencies)) {
            let (cosines, sines) = out.split_at_mut(self.frequencies);
            for ((angle, cosine), sine) in angles.iter().zip(cosines).zip(sines) {
                let (s, c) = sin_cos(*angle);
                *cosine = self.scale * c;
                *sine = self.scale * s;
            }
        }
    }
}

/// `dim` × `dim`: random orthogonal directions, each with the length of a `dim`-dimensional normal
/// vector. Gram–Schmidt with a second pass, in double precision.
fn orthogonal_block(dim: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(dim);
    while rows.len() < dim {
        let mut row = normal_vector(dim, rng);
        for _ in 0..2 {
            for done in &rows {
                let along: f64 = row.iter().zip(done).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(done).for_each(|(a, b)| *a -= along * b);
            }
        }
        let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
        if norm > 1e-9 {
            row.iter_mut().for_each(|v| *v /= norm);
            rows.push(row);
        }
    }
    rows.iter()
        .flat_map(|row| {
            let length = normal_vector(dim, rng).iter().map(|v| v * v).sum::<f64>().sqrt();
            row.iter().map(move |v| v * length).collect::<Vec<_>>()
        })
        .collect()
}

fn normal_vector(dim: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..dim).map(|_| StandardNormal.sample(rng)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::kernel::rbf;
    use super::super::linear::{distance_sq, dot, norm_sq};
    use super::*;

    /// Sums of features are stored: the map of a seed must stay what it was.
    #[test]
    fn the_map_of_a_seed_never_changes() {
        let mut out = [0.0; 6];
        FourierFeatures::new(2, 3, 0.5, 42).map(&[0.6, 0.8], &mut out);
        let want =
            [0.303_271_9, 0.531_614_36, 0.462_065_46, 0.491_283_5, -0.225_209_86, 0.346_163_06];
        for (got, want) in out.iter().zip(want) {
            assert!((got - want).abs() < 1e-6, "{out:?}");
        }
    }

    #[test]
    fn inner_products_approximate_the_kernel() {
        let (dim, gamma) = (24, 0.4);
        let features = FourierFeatures::new(dim, 2048, gamma, 11);
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for _ in 0..20 {
            let point = |rng: &mut ChaCha8Rng| -> Vec<f32> {
                normal_vector(dim, rng).iter().map(|v| (v * 0.2) as f32).collect()
            };
            let (x, y) = (point(&mut rng), point(&mut rng));
            let (mut fx, mut fy) = (vec![0.0; features.len()], vec![0.0; features.len()]);
            features.map(&x, &mut fx);
            features.map(&y, &mut fy);
            assert!((norm_sq(&fx) - 1.0).abs() < 1e-5);
            let exact = rbf(gamma, distance_sq(&x, &y));
            assert!((f64::from(dot(&fx, &fy)) - exact).abs() < 0.06);
        }
    }

    #[test]
    fn one_dimension_and_odd_counts_work() {
        let features = FourierFeatures::new(1, 7, 2.0, 5);
        assert_eq!(features.len(), 14);
        assert_eq!(features, FourierFeatures::new(1, 7, 2.0, 5));
    }
}
