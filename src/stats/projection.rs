//! A fixed view of the reference in two dimensions.
//!
//! Principal component analysis (Pearson, Phil. Mag. 2, 1901). The axes are the reference's, so that
//! a point stands at the same place in every report, unlike in t-SNE and UMAP. Found by orthogonal
//! iteration with Rayleigh–Ritz (Golub, Van Loan, *Matrix Computations*, §8.2.4): a decomposition of
//! the whole covariance would cost d³ for two of its d axes.

use nalgebra::{DMatrix, SymmetricEigen};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Rows from which the axes are taken at most: an even selection of them.
const MAX_ROWS: usize = 4_000;

/// Directions that are iterated: more than two, so that a third axis nearly as long as the second
/// does not slow them down.
const BLOCK: usize = 8;

const MAX_ITERATIONS: usize = 300;

/// The mean of a set of vectors and its two longest principal axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Projection {
    mean: Vec<f32>,
    axes: [Vec<f32>; 2],
    explained: [f64; 2],
}

impl Projection {
    /// The axes of `rows`; `None` without rows. An axis along which nothing varies is zero. The
    /// result depends on the rows and their order alone: each axis points to where its largest
    /// coordinate is positive. O(min(rows, 4,000) · d²).
    pub fn fit(rows: &[&[f32]]) -> Option<Self> {
        let step = rows.len().div_ceil(MAX_ROWS).max(1);
        let rows: Vec<&[f32]> = rows.iter().step_by(step).copied().collect();
        let (n, dim) = (rows.len(), rows.first()?.len());
        let mut centred = DMatrix::from_fn(n, dim, |i, j| f64::from(rows[i][j]));
        let mean = centred.row_mean();
        centred.row_iter_mut().for_each(|mut row| row -= &mean);
        // Unlike `tr_mul`, a product goes through the fast kernel.
        let covariance = centred.transpose() * &centred / n as f64;
        let (values, vectors) = leading(&covariance);
        let trace = covariance.trace();
        let axis = |i: usize| -> (Vec<f32>, f64) {
            match values.get(i) {
                Some(&value) if value > 1e-12 && value > 1e-9 * trace => {
                    (oriented(vectors.column(i).as_slice()), value / trace)
                }
                _ => (vec![0.0; dim], 0.0),
            }
        };
        let ((first, share_first), (second, share_second)) = (axis(0), axis(1));
        Some(Self {
            mean: mean.iter().map(|&v| v as f32).collect(),
            axes: [first, second],
            explained: [share_first, share_second],
        })
    }

    /// Where `x` stands on the two axes.
    pub fn project(&self, x: &[f32]) -> [f32; 2] {
        let along = |axis: &[f32]| -> f64 {
            let centred = x.iter().zip(&self.mean).map(|(a, b)| f64::from(*a) - f64::from(*b));
            centred.zip(axis).map(|(c, a)| c * f64::from(*a)).sum()
        };
        [along(&self.axes[0]) as f32, along(&self.axes[1]) as f32]
    }

    /// The two axes, unit vectors.
    pub fn axes(&self) -> [&[f32]; 2] {
        [&self.axes[0], &self.axes[1]]
    }

    /// The shares of the variance along each axis.
    pub fn explained(&self) -> [f64; 2] {
        self.explained
    }
}

/// The leading eigenvalues of a covariance and their vectors, largest first.
fn leading(covariance: &DMatrix<f64>) -> (Vec<f64>, DMatrix<f64>) {
    let dim = covariance.nrows();
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let block = DMatrix::from_fn(dim, BLOCK.min(dim), |_, _| rng.random_range(-1.0..1.0));
    let mut basis = block.qr().q();
    let mut values = vec![0.0; basis.ncols()];
    for _ in 0..MAX_ITERATIONS {
        let image = covariance * &basis;
        let small = SymmetricEigen::new(basis.tr_mul(&image));
        let mut order: Vec<usize> = (0..basis.ncols()).collect();
        order.sort_by(|&a, &b| small.eigenvalues[b].total_cmp(&small.eigenvalues[a]));
        values = order.iter().map(|&i| small.eigenvalues[i]).collect();
        let rotation = small.eigenvectors.select_columns(&order);
        let vectors = &basis * &rotation;
        let image = image * rotation;
        // ‖Cv − λv‖ for the two axes that are wanted.
        let residual = (0..vectors.ncols().min(2))
            .map(|i| (image.column(i) - vectors.column(i) * values[i]).norm())
            .fold(0.0, f64::max);
        if residual <= 1e-9 * covariance.trace() {
            return (values, vectors);
        }
        basis = image.qr().q();
    }
    (values, basis)
}

/// `axis` or its opposite: the one whose largest coordinate, the first of equals, is positive.
fn oriented(axis: &[f64]) -> Vec<f32> {
    let largest =
        axis.iter().fold(0.0, |best: f64, v| if v.abs() > best.abs() { *v } else { best });
    axis.iter().map(|v| (v * largest.signum()) as f32).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::Rng;

    use super::*;

    /// Rows whose spread along coordinate j, in a turned basis, is 0.9^j.
    fn rows(n: usize, dim: usize, seed: u64) -> Vec<Vec<f32>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let turn = DMatrix::from_fn(dim, dim, |_, _| rng.random_range(-1.0..1.0)).qr().q();
        (0..n)
            .map(|_| {
                let raw: Vec<f64> =
                    (0..dim).map(|j| rng.random_range(-1.0..1.0) * 0.9f64.powi(j as i32)).collect();
                (&turn * nalgebra::DVector::from_vec(raw)).iter().map(|v| *v as f32).collect()
            })
            .collect()
    }

    fn fit(rows: &[Vec<f32>]) -> Projection {
        Projection::fit(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap()
    }

    fn dot(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    }

    #[test]
    fn the_axes_are_the_leading_eigenvectors() {
        let rows = rows(400, 40, 7);
        let ours = fit(&rows);
        let centred = DMatrix::from_fn(400, 40, |i, j| f64::from(rows[i][j]));
        let mean = centred.row_mean();
        let centred = DMatrix::from_fn(400, 40, |i, j| centred[(i, j)] - mean[j]);
        let whole = SymmetricEigen::new(centred.tr_mul(&centred) / 400.0);
        let mut order: Vec<usize> = (0..40).collect();
        order.sort_by(|&a, &b| whole.eigenvalues[b].total_cmp(&whole.eigenvalues[a]));
        for (axis, &i) in order[..2].iter().enumerate() {
            let theirs: Vec<f32> = whole.eigenvectors.column(i).iter().map(|v| *v as f32).collect();
            assert!(dot(&theirs, ours.axes()[axis]).abs() > 1.0 - 1e-5);
            let share = whole.eigenvalues[i] / whole.eigenvalues.sum();
            assert!((ours.explained()[axis] - share).abs() < 1e-9);
        }
    }

    #[test]
    fn what_does_not_vary_has_no_axis() {
        let constant = fit(&vec![vec![0.6, 0.8]; 5]);
        assert_eq!((constant.project(&[0.0, 1.0]), constant.explained()), ([0.0; 2], [0.0; 2]));
        let scalar = fit(&[vec![0.1], vec![0.5]]);
        assert!((scalar.project(&[0.5])[0] - 0.2).abs() < 1e-6);
        assert_eq!((scalar.project(&[0.9])[1], scalar.explained()), (0.0, [1.0, 0.0]));
        assert_eq!(Projection::fit(&[]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn axes_are_orthonormal_and_ordered(seed in 0u64..1_000, n in 3usize..60, dim in 2usize..12) {
            let projection = fit(&rows(n, dim, seed));
            let [first, second] = projection.axes();
            prop_assert!((dot(first, first) - 1.0).abs() < 1e-5);
            prop_assert!(dot(first, second).abs() < 1e-5);
            let [a, b] = projection.explained();
            prop_assert!(a >= b && b >= 0.0 && a + b <= 1.0 + 1e-9);
        }

        #[test]
        fn it_repeats_and_survives_storage(seed in 0u64..1_000) {
            let rows = rows(30, 6, seed);
            let projection = fit(&rows);
            prop_assert_eq!(&projection, &fit(&rows));
            let text = serde_json::to_string(&projection).unwrap();
            prop_assert_eq!(serde_json::from_str::<Projection>(&text).unwrap(), projection);
        }

        #[test]
        fn the_centre_is_the_mean(seed in 0u64..1_000) {
            let rows = rows(20, 5, seed);
            let projection = fit(&rows);
            let sum = rows.iter().map(|row| projection.project(row))
                .fold([0.0f64; 2], |s, p| [s[0] + f64::from(p[0]), s[1] + f64::from(p[1])]);
            prop_assert!(sum.iter().all(|s| s.abs() < 1e-4));
        }
    }
}
