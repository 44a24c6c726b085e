//! Whitening: coordinates in which the reference varies equally in every direction.
//!
//! With S the covariance of the reference and m the mean of its eigenvalues, M = S + ε·m·I and
//! M = LLᵀ. The squared distance ‖L⁻¹δ‖² = δᵀM⁻¹δ gives weight to directions in which the reference
//! hardly varies, where a new topic stands out although it moves the mean by little. ε keeps
//! directions without any variance from deciding alone (spectral regularisation: Hagrass,
//! Sriperumbudur, Li, "Spectral Regularized Kernel Two-Sample Tests", Ann. Statist. 52, 2024).
//!
//! A factor fitted on rows makes those same rows look smaller than fresh ones, by 13 % at 5,000 rows
//! of 384 coordinates. Rows that calibrate must therefore be whitened by a factor that has not seen
//! them: [`Whitening::out_of_fold`].

use nalgebra::{Cholesky, DMatrix, DVector};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// ε: share of the mean eigenvalue that is added to each.
const RIDGE: f64 = 0.5;

/// Parts of the reference that are whitened by the factor of the others.
pub const FOLDS: usize = 5;

/// What is taken of the covariance of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covariance {
    /// All of it.
    Full,
    /// The variances alone: each coordinate is measured in its own standard deviation, so that a rise
    /// stays a rise.
    Diagonal,
}

/// The mean and the inverse factor of a reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Whitening {
    mean: Vec<f64>,
    /// L⁻¹, the rows of its lower triangle one after another, in single precision.
    #[serde(with = "super::base64")]
    inverse: Vec<f32>,
}

impl Whitening {
    /// The factor of all `rows`, and each row whitened by the factor of the folds that it is not in.
    ///
    /// `fold[i]` in `0..FOLDS` is the fold of row i; rows that belong together share one. `None` when
    /// the rows do not vary. O(rows · dim² + dim³).
    pub fn out_of_fold(
        rows: &[&[f32]],
        fold: &[usize],
        covariance: Covariance,
    ) -> Option<(Self, Vec<f32>)> {
        let dim = rows.first()?.len();
        let parts: Vec<Moments> = (0..FOLDS)
            .into_par_iter()
            .map(|f| {
                let own = rows.iter().zip(fold).filter(|(_, of)| **of == f);
                Moments::of(own.map(|(row, _)| *row))
            })
            .collect();
        let mut total = Moments::new(dim);
        parts.iter().for_each(|part| total.add(part, 1.0));
        let whole = total.whitening(covariance)?;
        let others = parts
            .iter()
            .map(|part| {
                let mut rest = total.clone();
                rest.add(part, -1.0);
                rest.whitening(covariance).unwrap_or_else(|| whole.clone())
            })
            .collect::<Vec<_>>();
        let mut whitened = vec![0.0; rows.len() * dim];
        whitened
            .par_chunks_exact_mut(dim)
            .zip(rows.par_iter().zip(fold))
            .for_each(|(out, (row, fold))| others[*fold].whiten(row, out));
        Some((whole, whitened))
    }

    /// L⁻¹(x − μ), into `out`.
    pub fn whiten(&self, x: &[f32], out: &mut [f32]) {
        let centred: Vec<f32> =
            x.iter().zip(&self.mean).map(|(&x, m)| (f64::from(x) - m) as f32).collect();
        let mut at = 0;
        for (i, out) in out.iter_mut().enumerate() {
            *out = super::linear::dot(&self.inverse[at..=at + i], &centred[..=i]);
            at += i + 1;
        }
    }

    /// ‖L⁻¹δ‖² of a difference δ of means. O(dim²).
    pub fn norm_sq(&self, delta: &[f64]) -> f64 {
        let delta: Vec<f32> = delta.iter().map(|&d| d as f32).collect();
        let mut at = 0;
        (0..delta.len())
            .map(|i| {
                let product = super::linear::dot(&self.inverse[at..=at + i], &delta[..=i]);
                at += i + 1;
                f64::from(product) * f64::from(product)
            })
            .sum()
    }
}

/// Sums of rows and of their outer products.
#[derive(Clone)]
struct Moments {
    n: f64,
    sum: DVector<f64>,
    outer: DMatrix<f64>,
}

impl Moments {
    fn new(dim: usize) -> Self {
        Self { n: 0.0, sum: DVector::zeros(dim), outer: DMatrix::zeros(dim, dim) }
    }

    fn of<'a>(rows: impl Iterator<Item = &'a [f32]>) -> Self {
        let rows: Vec<&[f32]> = rows.collect();
        let dim = rows.first().map_or(0, |row| row.len());
        let mut moments = Self::new(dim);
        for block in rows.chunks(512) {
            let values = block.iter().flat_map(|row| row.iter().map(|&v| f64::from(v)));
            let columns = DMatrix::from_iterator(dim, block.len(), values);
            moments.n += block.len() as f64;
            moments.sum += columns.column_sum();
            moments.outer.gemm(1.0, &columns, &columns.transpose(), 1.0);
        }
        moments
    }

    fn add(&mut self, other: &Self, sign: f64) {
        if other.n > 0.0 {
            self.n += sign * other.n;
            self.sum += &other.sum * sign;
            self.outer += &other.outer * sign;
        }
    }

    fn whitening(&self, taken: Covariance) -> Option<Whitening> {
        if self.n < 2.0 {
            return None;
        }
        let dim = self.sum.len();
        let mean = &self.sum / self.n;
        let mut covariance = (&self.outer - (&self.sum * mean.transpose())) / (self.n - 1.0);
        if taken == Covariance::Diagonal {
            covariance = DMatrix::from_diagonal(&covariance.diagonal());
        }
        let ridge = RIDGE * covariance.trace() / dim as f64;
        if ridge <= 1e-12 {
            return None;
        }
        for i in 0..dim {
            covariance[(i, i)] += ridge;
        }
        let lower = Cholesky::new(covariance)?.unpack();
        let inverse = lower.solve_lower_triangular(&DMatrix::identity(dim, dim))?;
        let packed =
            (0..dim).flat_map(|i| (0..=i).map(move |j| (i, j))).map(|at| inverse[at] as f32);
        Some(Whitening { mean: mean.iter().copied().collect(), inverse: packed.collect() })
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::linear::norm_sq;
    use super::*;

    fn rows(n: usize, dim: usize, seed: u64) -> Vec<Vec<f32>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n)
            .map(|_| (0..dim).map(|i| rng.random_range(-1.0..1.0) / (1 + i) as f32).collect())
            .collect()
    }

    fn slices(rows: &[Vec<f32>]) -> Vec<&[f32]> {
        rows.iter().map(Vec::as_slice).collect()
    }

    fn mean_norm(rows: &[f32], dim: usize) -> f64 {
        rows.chunks_exact(dim).map(norm_sq).sum::<f64>() / (rows.len() / dim) as f64
    }

    #[test]
    fn the_quadratic_form_is_that_of_the_regularised_inverse() {
        let rows = rows(400, 6, 1);
        let (whitening, _) =
            Whitening::out_of_fold(&slices(&rows), &[0; 400], Covariance::Full).unwrap();
        let n = rows.len() as f64;
        let mean: Vec<f64> =
            (0..6).map(|j| rows.iter().map(|r| f64::from(r[j])).sum::<f64>() / n).collect();
        let mut m = DMatrix::from_fn(6, 6, |i, j| {
            let product = |r: &Vec<f32>| (f64::from(r[i]) - mean[i]) * (f64::from(r[j]) - mean[j]);
            rows.iter().map(product).sum::<f64>() / (n - 1.0)
        });
        let ridge = RIDGE * m.trace() / 6.0;
        (0..6).for_each(|i| m[(i, i)] += ridge);
        let delta = [0.1, -0.2, 0.05, 0.3, 0.0, -0.1];
        let d = DVector::from_row_slice(&delta);
        let want = (d.transpose() * m.try_inverse().unwrap() * &d)[(0, 0)];
        assert!((whitening.norm_sq(&delta) / want - 1.0).abs() < 1e-5);
    }

    #[test]
    fn rows_out_of_their_fold_are_as_large_as_fresh_ones() {
        let dim = 40;
        let (reference, fresh) = (rows(200, dim, 1), rows(4000, dim, 2));
        let fold: Vec<usize> = (0..reference.len()).map(|i| i % FOLDS).collect();
        let (whole, out) =
            Whitening::out_of_fold(&slices(&reference), &fold, Covariance::Full).unwrap();
        let whiten = |rows: &[Vec<f32>]| {
            let mut all = vec![0.0; rows.len() * dim];
            for (row, out) in rows.iter().zip(all.chunks_exact_mut(dim)) {
                whole.whiten(row, out);
            }
            mean_norm(&all, dim)
        };
        let (inside, outside, fresh) = (whiten(&reference), mean_norm(&out, dim), whiten(&fresh));
        assert!(inside < 0.98 * fresh, "in-sample rows look too small: {inside} {fresh}");
        assert!((outside / fresh - 1.0).abs() < 0.08, "{outside} {fresh}");
    }

    #[test]
    fn the_diagonal_measures_each_coordinate_in_its_own_deviations() {
        let rows = rows(300, 4, 5);
        let (whitening, _) =
            Whitening::out_of_fold(&slices(&rows), &[0; 300], Covariance::Diagonal).unwrap();
        let n = rows.len() as f64;
        let variance = |j: usize| {
            let mean = rows.iter().map(|r| f64::from(r[j])).sum::<f64>() / n;
            rows.iter().map(|r| (f64::from(r[j]) - mean).powi(2)).sum::<f64>() / (n - 1.0)
        };
        let ridge = RIDGE * (0..4).map(variance).sum::<f64>() / 4.0;
        for j in 0..4 {
            let delta: Vec<f64> = (0..4).map(|i| if i == j { 0.3 } else { 0.0 }).collect();
            let want = 0.3f64.powi(2) / (variance(j) + ridge);
            assert!((whitening.norm_sq(&delta) / want - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn rows_without_variance_are_refused() {
        let same: [&[f32]; 3] = [&[1.0, 2.0]; 3];
        assert!(Whitening::out_of_fold(&same, &[0, 1, 2], Covariance::Full).is_none());
    }
}
