//! Squared maximum mean discrepancy between two samples.
//!
//! MMD²(P, Q) = ‖μ_P − μ_Q‖² in the kernel's feature space (Gretton et al., JMLR 13, 2012). The
//! unbiased estimate is zero on average when P = Q, whatever the sample sizes; it can be negative.

use super::kernel::rbf;
use super::linear::{distance_sq, dot_f64};

/// Exact unbiased MMD² of Gretton et al. (2012), eq. 3, with the RBF kernel:
///
/// MMD²ᵤ = Σ_{i≠j} k(xᵢ,xⱼ)/(m(m−1)) + Σ_{i≠j} k(yᵢ,yⱼ)/(n(n−1)) − 2 Σ_{ij} k(xᵢ,yⱼ)/(mn)
///
/// O((m+n)²·d) time, O(1) memory. `None` when a sample has fewer than two rows.
pub fn mmd2_unbiased<T: Copy + Into<f64>>(x: &[&[T]], y: &[&[T]], gamma: f64) -> Option<f64> {
    if x.len() < 2 || y.len() < 2 {
        return None;
    }
    let pairs = |n: usize| (n * (n - 1)) as f64;
    Some(
        2.0 * within(x, gamma) / pairs(x.len()) + 2.0 * within(y, gamma) / pairs(y.len())
            - 2.0 * across(x, y, gamma) / (x.len() * y.len()) as f64,
    )
}

/// Exact biased MMD² (V-statistic, diagonals included): ≥ 0, and on average above zero even
/// without drift; never to be alarmed on.
///
/// `None` when a sample is empty.
pub fn mmd2_biased<T: Copy + Into<f64>>(x: &[&[T]], y: &[&[T]], gamma: f64) -> Option<f64> {
    if x.is_empty() || y.is_empty() {
        return None;
    }
    let (m, n) = (x.len() as f64, y.len() as f64);
    Some(
        (m + 2.0 * within(x, gamma)) / (m * m) + (n + 2.0 * within(y, gamma)) / (n * n)
            - 2.0 * across(x, y, gamma) / (m * n),
    )
}

/// Σ_{i<j} k(xᵢ, xⱼ).
fn within<T: Copy + Into<f64>>(x: &[&[T]], gamma: f64) -> f64 {
    x.iter()
        .enumerate()
        .map(|(i, a)| x[i + 1..].iter().map(|b| rbf(gamma, distance_sq(a, b))).sum::<f64>())
        .sum()
}

/// Σᵢⱼ k(xᵢ, yⱼ).
fn across<T: Copy + Into<f64>>(x: &[&[T]], y: &[&[T]], gamma: f64) -> f64 {
    x.iter().map(|a| y.iter().map(|b| rbf(gamma, distance_sq(a, b))).sum::<f64>()).sum()
}

/// A sample as sums: n, S = Σφ(xᵢ) and Q = Σ‖φ(xᵢ)‖².
#[derive(Debug, Clone, Copy)]
pub struct MeanSums<'a> {
    /// Number of rows.
    pub n: f64,
    /// Σφ(xᵢ).
    pub sum: &'a [f64],
    /// Σ‖φ(xᵢ)‖².
    pub sum_sq: f64,
}

/// Unbiased squared distance of two means from their sums:
///
/// (‖S_w‖²−Q_w)/(n(n−1)) + (‖S_r‖²−Q_r)/(N(N−1)) − 2 S_w·S_r/(nN)
///
/// With φ = random Fourier features it is MMD²ᵤ of the kernel φ·φ, which approximates the RBF
/// kernel; with φ = x it is the centroid distance. Subtracting Q removes each row's product with
/// itself, which is what makes the estimate zero on average without drift. O(dimension).
///
/// `None` when a sample has fewer than two rows.
pub fn squared_distance_unbiased(window: MeanSums<'_>, reference: MeanSums<'_>) -> Option<f64> {
    if window.n < 2.0 || reference.n < 2.0 {
        return None;
    }
    let own = |s: MeanSums<'_>| (dot_f64(s.sum, s.sum) - s.sum_sq) / (s.n * (s.n - 1.0));
    let cross = 2.0 * dot_f64(window.sum, reference.sum) / (window.n * reference.n);
    Some(own(window) + own(reference) - cross)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(points: &[Vec<f32>]) -> Vec<&[f32]> {
        points.iter().map(Vec::as_slice).collect()
    }

    fn sample(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Vec<f32>>> {
        prop::collection::vec(prop::collection::vec(-2.0f32..2.0, 3), n)
    }

    proptest! {
        #[test]
        fn symmetric_and_blind_to_order(x in sample(2..9), mut y in sample(2..9)) {
            let forward = mmd2_unbiased(&rows(&x), &rows(&y), 0.7).unwrap();
            let backward = mmd2_unbiased(&rows(&y), &rows(&x), 0.7).unwrap();
            prop_assert!((forward - backward).abs() < 1e-12);
            y.reverse();
            let reversed = mmd2_unbiased(&rows(&x), &rows(&y), 0.7).unwrap();
            prop_assert!((forward - reversed).abs() < 1e-12);
        }

        #[test]
        fn biased_is_never_negative_and_zero_on_equal_samples(x in sample(1..9), y in sample(1..9)) {
            prop_assert!(mmd2_biased(&rows(&x), &rows(&y), 0.7).unwrap() > -1e-12);
            prop_assert!(mmd2_biased(&rows(&x), &rows(&x), 0.7).unwrap().abs() < 1e-12);
        }

        #[test]
        fn sums_give_the_linear_kernel_statistic(x in sample(2..9), y in sample(2..9)) {
            let linear = |a: &[Vec<f32>], b: &[Vec<f32>], skip: bool| -> f64 {
                a.iter().enumerate().map(|(i, p)| b.iter().enumerate()
                    .filter(|&(j, _)| !(skip && i == j))
                    .map(|(_, q)| p.iter().zip(q).map(|(&u, &v)| f64::from(u) * f64::from(v)).sum::<f64>())
                    .sum::<f64>()).sum()
            };
            let (m, n) = (x.len() as f64, y.len() as f64);
            let plain = linear(&x, &x, true) / (m * (m - 1.0)) + linear(&y, &y, true) / (n * (n - 1.0))
                - 2.0 * linear(&x, &y, false) / (m * n);
            let sums = |a: &[Vec<f32>]| {
                let mut sum = vec![0.0; 3];
                a.iter().for_each(|row| super::super::linear::add(&mut sum, row));
                (sum, a.iter().map(|row| super::super::linear::norm_sq(row)).sum::<f64>())
            };
            let ((sx, qx), (sy, qy)) = (sums(&x), sums(&y));
            let fast = squared_distance_unbiased(
                MeanSums { n, sum: &sy, sum_sq: qy },
                MeanSums { n: m, sum: &sx, sum_sq: qx },
            ).unwrap();
            prop_assert!((fast - plain).abs() < 1e-10);
        }
    }
}
