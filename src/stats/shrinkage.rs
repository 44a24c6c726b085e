//! The covariance of few rows in many dimensions: shrunk towards a multiple of the identity.
//!
//! With p coordinates and n rows the sample covariance has an error of order p/n: its small
//! eigenvalues are too small, its large ones too large, and beyond p = n it is singular. The
//! estimate of Ledoit and Wolf ("A well-conditioned estimator for large-dimensional covariance
//! matrices", J. Multivariate Analysis 88, 2004) mixes it with μI in the proportion that minimises
//! the expected squared error, and needs no tuning.

use nalgebra::DMatrix;

use super::gaussian::{Gaussian, centred};

/// A Gaussian with shrunk covariance, and how much it was shrunk.
#[derive(Debug, Clone, PartialEq)]
pub struct Shrunk {
    /// Mean and shrunk covariance.
    pub gaussian: Gaussian,
    /// The share of μI in the covariance, in 0…1.
    pub shrinkage: f64,
}

/// Mean and covariance of `rows` after Ledoit and Wolf (2004), lemma 3.3 and equation 14:
///
/// Σ* = (1 − b²/d²)·S + (b²/d²)·μI,   S = Σ(xᵢ−x̄)(xᵢ−x̄)ᵀ/n,   μ = tr S / p
/// d² = ‖S − μI‖²,   b² = min(d², Σ‖(xᵢ−x̄)(xᵢ−x̄)ᵀ − S‖² / n²)
///
/// in the Frobenius norm. S divides by n, not by n − 1. One coordinate is not shrunk. O(n·p²).
/// `None` for fewer than two rows.
pub fn ledoit_wolf<T: Copy + Into<f64>>(rows: &[&[T]]) -> Option<Shrunk> {
    if rows.len() < 2 {
        return None;
    }
    let (mean, columns) = centred(rows)?;
    let (p, n) = (mean.len() as f64, rows.len() as f64);
    let sample = &columns * columns.transpose() / n;
    let scale = sample.trace() / p;
    let square = sample.norm_squared();
    // Σ‖xxᵀ − S‖² = Σ‖x‖⁴ − n‖S‖², since Σxxᵀ = nS.
    let fourth: f64 = columns.column_iter().map(|x| x.norm_squared().powi(2)).sum();
    let distance = square - p * scale * scale;
    let error = (fourth / n - square) / n;
    let shrinkage = if mean.len() == 1 || distance <= 0.0 || error <= 0.0 {
        0.0
    } else {
        (error / distance).min(1.0)
    };
    let identity = DMatrix::from_diagonal_element(mean.len(), mean.len(), shrinkage * scale);
    let covariance = sample * (1.0 - shrinkage) + identity;
    Some(Shrunk { gaussian: Gaussian { mean, covariance }, shrinkage })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn trace_is_kept_and_fewer_rows_than_dimensions_are_invertible(
            points in prop::collection::vec(prop::collection::vec(-2.0f64..2.0, 6), 3..5),
        ) {
            let rows: Vec<&[f64]> = points.iter().map(Vec::as_slice).collect();
            let Shrunk { gaussian, shrinkage } = ledoit_wolf(&rows).unwrap();
            prop_assert!((0.0..=1.0).contains(&shrinkage));
            let (_, columns) = centred(&rows).unwrap();
            let trace = columns.norm_squared() / rows.len() as f64;
            prop_assert!((gaussian.covariance.trace() - trace).abs() < 1e-9);
            prop_assume!(shrinkage > 1e-6);
            prop_assert!(gaussian.covariance.cholesky().is_some());
        }
    }

    #[test]
    fn one_coordinate_is_not_shrunk() {
        let one = ledoit_wolf::<f64>(&[&[1.0], &[3.0]]).unwrap();
        assert!(one.shrinkage == 0.0 && (one.gaussian.covariance[0] - 1.0).abs() < 1e-15);
        assert_eq!(ledoit_wolf::<f64>(&[&[1.0]]), None);
    }

    #[test]
    fn equal_rows_have_no_covariance() {
        let flat = ledoit_wolf::<f64>(&[&[1.0, 2.0], &[1.0, 2.0]]).unwrap();
        assert!(flat.gaussian.covariance.norm() == 0.0);
    }
}
