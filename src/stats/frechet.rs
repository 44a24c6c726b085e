//! The Fréchet distance of two Gaussians: what FID computes on features of images.

use nalgebra::{DMatrix, SVD, SymmetricEigen};

use super::gaussian::Gaussian;

/// Rounds allowed per dimension until an eigenvalue has converged; two are usual.
const ROUNDS: usize = 100;

/// The *squared* Fréchet (2-Wasserstein) distance of two Gaussians (Dowson, Landau, "The Fréchet
/// distance between multivariate normal distributions", J. Multivariate Analysis 12, 1982), the
/// form that FID gives (Heusel et al., NIPS 2017):
///
/// d² = ‖μ₁ − μ₂‖² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁^½ Σ₂ Σ₁^½)^½
///
/// The last trace is the sum of the singular values of A₁ᵀA₂ for any factors Σ = AAᵀ: one root
/// fewer to lose digits in, and singular covariances are no special case.
///
/// The estimate from samples is biased upwards by about p/n, whatever the covariance: read it beside
/// its value without drift. O(p³). `None` when an eigenvalue does not converge, which finite
/// covariances do not do.
pub fn frechet_distance(a: &Gaussian, b: &Gaussian) -> Option<f64> {
    let product = factor(&a.covariance)?.tr_mul(&factor(&b.covariance)?);
    let rounds = ROUNDS * product.nrows();
    let overlap = SVD::try_new(product, false, false, f64::EPSILON, rounds)?.singular_values.sum();
    let means = (&a.mean - &b.mean).norm_squared();
    Some((means + a.covariance.trace() + b.covariance.trace() - 2.0 * overlap).max(0.0))
}

/// A with AAᵀ = `covariance`: eigenvectors times the roots of eigenvalues. What is within rounding
/// of zero is zero: its root would be eight digits larger.
fn factor(covariance: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let rounds = ROUNDS * covariance.nrows();
    let eigen = SymmetricEigen::try_new(covariance.clone(), f64::EPSILON, rounds)?;
    let negligible = f64::EPSILON * covariance.nrows() as f64 * eigen.eigenvalues.amax();
    let mut vectors = eigen.eigenvectors;
    for (mut vector, value) in vectors.column_iter_mut().zip(eigen.eigenvalues.iter()) {
        vector *= if *value > negligible { value.sqrt() } else { 0.0 };
    }
    Some(vectors)
}

#[cfg(test)]
mod tests {
    use nalgebra::DVector;
    use proptest::prelude::*;

    use super::super::shrinkage::ledoit_wolf;
    use super::*;

    fn fitted(points: &[Vec<f64>]) -> Gaussian {
        let rows: Vec<&[f64]> = points.iter().map(Vec::as_slice).collect();
        ledoit_wolf(&rows).unwrap().gaussian
    }

    fn sample() -> impl Strategy<Value = Vec<Vec<f64>>> {
        prop::collection::vec(prop::collection::vec(-2.0f64..2.0, 4), 2..12)
    }

    proptest! {
        #[test]
        fn symmetric_zero_on_equals_and_blind_to_a_common_shift(x in sample(), y in sample()) {
            let (a, b) = (fitted(&x), fitted(&y));
            let there = frechet_distance(&a, &b).unwrap();
            prop_assert!((there - frechet_distance(&b, &a).unwrap()).abs() < 1e-9);
            prop_assert!(frechet_distance(&a, &a).unwrap() < 1e-9);
            let moved = |g: &Gaussian| Gaussian {
                mean: g.mean.add_scalar(3.0),
                covariance: g.covariance.clone(),
            };
            prop_assert!((there - frechet_distance(&moved(&a), &moved(&b)).unwrap()).abs() < 1e-9);
        }

        #[test]
        fn scaling_both_samples_scales_the_square(x in sample(), y in sample(), c in 0.1f64..5.0) {
            let scaled = |points: &[Vec<f64>]| -> Vec<Vec<f64>> {
                points.iter().map(|row| row.iter().map(|v| v * c).collect()).collect()
            };
            let plain = frechet_distance(&fitted(&x), &fitted(&y)).unwrap();
            let large = frechet_distance(&fitted(&scaled(&x)), &fitted(&scaled(&y))).unwrap();
            prop_assert!((large - c * c * plain).abs() < 1e-8 * (1.0 + c * c * plain));
        }
    }

    #[test]
    fn one_dimension_by_hand() {
        let law = |mean: f64, variance: f64| Gaussian {
            mean: DVector::from_element(1, mean),
            covariance: DMatrix::from_element(1, 1, variance),
        };
        // (μ₁ − μ₂)² + (σ₁ − σ₂)²
        let distance = frechet_distance(&law(1.0, 4.0), &law(3.0, 9.0)).unwrap();
        assert!((distance - 5.0).abs() < 1e-12);
        let point = frechet_distance(&law(0.0, 0.0), &law(0.0, 9.0)).unwrap();
        assert!((point - 9.0).abs() < 1e-12);
    }
}
