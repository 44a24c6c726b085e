//! A sample seen as one Gaussian: its mean and a covariance, and the divergence of two of them.

use nalgebra::{DMatrix, DVector};

/// Mean and covariance of a multivariate normal law.
#[derive(Debug, Clone, PartialEq)]
pub struct Gaussian {
    /// μ, of p coordinates.
    pub mean: DVector<f64>,
    /// Σ, p × p, symmetric and without negative eigenvalues.
    pub covariance: DMatrix<f64>,
}

impl Gaussian {
    /// KL(self ‖ other) in nats, for p coordinates (Kullback, *Information Theory and Statistics*,
    /// Wiley 1959, chapter 9):
    ///
    /// ½ [tr(Σ₂⁻¹Σ₁) + (μ₂−μ₁)ᵀ Σ₂⁻¹ (μ₂−μ₁) − p + ln det Σ₂ − ln det Σ₁]
    ///
    /// +∞ when one of the covariances is singular: a sample that has collapsed onto fewer
    /// dimensions, which a shrunk covariance has only where all rows are equal. O(p³).
    pub fn kl(&self, other: &Self) -> f64 {
        let factors = (self.covariance.clone().cholesky(), other.covariance.clone().cholesky());
        let (Some(mine), Some(theirs)) = factors else { return f64::INFINITY };
        let shift = &other.mean - &self.mean;
        let trace = theirs.solve(&self.covariance).trace();
        let distance = shift.dot(&theirs.solve(&shift));
        let log_ratio = theirs.ln_determinant() - mine.ln_determinant();
        0.5 * (trace + distance - self.mean.len() as f64 + log_ratio)
    }
}

/// The mean of `rows`, and the rows less their mean as the columns of a p × n matrix; `None` for
/// no rows.
pub(super) fn centred<T: Copy + Into<f64>>(rows: &[&[T]]) -> Option<(DVector<f64>, DMatrix<f64>)> {
    let dim = rows.first()?.len();
    let values = rows.iter().flat_map(|row| row.iter().map(|&v| v.into()));
    let mut columns = DMatrix::from_iterator(dim, rows.len(), values);
    let mean = columns.column_mean();
    columns.column_iter_mut().for_each(|mut column| column -= &mean);
    Some((mean, columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(mean: f64, variance: f64) -> Gaussian {
        let covariance = DMatrix::from_element(1, 1, variance);
        Gaussian { mean: DVector::from_element(1, mean), covariance }
    }

    #[test]
    fn one_dimension_by_hand() {
        let (p, q) = (scalar(1.0, 4.0), scalar(0.0, 1.0));
        assert!((p.kl(&q) - 0.5 * (4.0 + 1.0 - 1.0 - 4.0f64.ln())).abs() < 1e-14);
        assert!(p.kl(&p).abs() < 1e-14);
    }

    #[test]
    fn a_collapsed_sample_is_infinitely_far() {
        assert!(scalar(0.0, 0.0).kl(&scalar(0.0, 1.0)).is_infinite());
        assert!(scalar(0.0, 1.0).kl(&scalar(0.0, 0.0)).is_infinite());
    }

    #[test]
    fn rows_less_their_mean() {
        let (mean, columns) = centred::<f32>(&[&[1.0, 5.0], &[3.0, 7.0]]).unwrap();
        assert_eq!(mean.as_slice(), [2.0, 6.0]);
        assert_eq!(columns.as_slice(), [-1.0, -1.0, 1.0, 1.0]);
        assert!(centred::<f32>(&[]).is_none());
    }
}
