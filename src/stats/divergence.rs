//! Divergences of two histograms over the same cells.

/// Smoothing added to each cell: half a count (Jeffreys' prior).
pub const SMOOTHING: f64 = 0.5;

/// Smoothed cell probabilities p_k = (c_k + α)/(n + αK).
pub fn probabilities(counts: &[f64], alpha: f64) -> Vec<f64> {
    let total = counts.iter().sum::<f64>() + alpha * counts.len() as f64;
    counts.iter().map(|c| (c + alpha) / total).collect()
}

/// KL(p ‖ q) = Σ p_k ln(p_k/q_k) in nats; cells with p_k = 0 contribute nothing, and a cell with
/// q_k = 0 < p_k makes it infinite.
pub fn kl(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).filter(|(p, _)| **p > 0.0).map(|(p, q)| p * (p / q).ln()).sum()
}

/// KL(window ‖ reference) of smoothed histograms minus its expectation without drift, in nats:
///
/// bias ≈ (K−1)/(2n) · (1 + n/N)
///
/// the first-order mean of the plug-in estimate (2n·KL is χ² with K−1 degrees of freedom; the
/// second factor is the reference's own sampling error). The direction window ‖ reference weighs
/// new mass, which is what a monitor looks for. `None` when a histogram is empty.
pub fn kl_corrected(window: &[f64], reference: &[f64]) -> Option<f64> {
    let (n, big_n) = (window.iter().sum::<f64>(), reference.iter().sum::<f64>());
    if n <= 0.0 || big_n <= 0.0 {
        return None;
    }
    let plain = kl(&probabilities(window, SMOOTHING), &probabilities(reference, SMOOTHING));
    let bias = (window.len() as f64 - 1.0) / (2.0 * n) * (1.0 + n / big_n);
    Some(plain - bias)
}

/// Jensen–Shannon divergence in nats: bounded by ln 2, for display.
pub fn jensen_shannon(p: &[f64], q: &[f64]) -> f64 {
    let middle: Vec<f64> = p.iter().zip(q).map(|(a, b)| f64::midpoint(*a, *b)).collect();
    f64::midpoint(kl(p, &middle), kl(q, &middle))
}

/// Population stability index Σ (p_k − q_k) ln(p_k/q_k): KL in both directions added.
pub fn psi(p: &[f64], q: &[f64]) -> f64 {
    kl(p, q) + kl(q, p)
}

/// Total variation ½ Σ|p_k − q_k|: the share of mass that would have to move.
pub fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    0.5 * p.iter().zip(q).map(|(a, b)| (a - b).abs()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn divergences_are_non_negative_and_zero_on_equals(
            counts in prop::collection::vec(0.0f64..50.0, 2..12),
            seed in prop::collection::vec(0.0f64..50.0, 12),
        ) {
            let p = probabilities(&counts, SMOOTHING);
            let q = probabilities(&seed[..counts.len()], SMOOTHING);
            prop_assert!(kl(&p, &q) > -1e-12 && jensen_shannon(&p, &q) > -1e-12);
            prop_assert!(psi(&p, &q) > -1e-12);
            prop_assert!(jensen_shannon(&p, &q) <= std::f64::consts::LN_2 + 1e-12);
            prop_assert!((0.0..=1.0).contains(&total_variation(&p, &q)));
            prop_assert!(kl(&p, &p).abs() < 1e-12 && total_variation(&p, &p) < 1e-12);
        }
    }

    #[test]
    fn an_empty_histogram_is_not_judged() {
        assert_eq!(kl_corrected(&[0.0, 0.0], &[1.0, 2.0]), None);
    }
}
