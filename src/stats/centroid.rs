//! Where the centre of a sample lies, and how far it moved.

use super::linear::dot_f64;

/// Cosine distance 1 − cos of two mean vectors given as sums; `None` when one is zero.
///
/// A length-free companion of the squared centroid distance (`mmd::squared_distance_unbiased` with
/// φ = x), for display: it is not corrected for sample size.
pub fn cosine_distance(sum_a: &[f64], sum_b: &[f64]) -> Option<f64> {
    let norms = (dot_f64(sum_a, sum_a) * dot_f64(sum_b, sum_b)).sqrt();
    (norms > 0.0).then(|| 1.0 - dot_f64(sum_a, sum_b) / norms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_alone_counts() {
        assert!(cosine_distance(&[2.0, 0.0], &[5.0, 0.0]).unwrap().abs() < 1e-15);
        assert!((cosine_distance(&[1.0, 0.0], &[0.0, 3.0]).unwrap() - 1.0).abs() < 1e-15);
        assert_eq!(cosine_distance(&[0.0, 0.0], &[1.0, 0.0]), None);
    }
}
