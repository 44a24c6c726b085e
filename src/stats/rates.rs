//! Counts of rare events: the rate that keeps a promise, and what a count says of its rate.

use statrs::distribution::{ContinuousCDF, Gamma};

/// The expected number at which at most `count` events are seen with probability `confidence`.
///
/// For a Poisson number X with mean λ, P(X ≤ k) = P(G > λ) with G a Gamma variable of shape k + 1,
/// so λ is a quantile of it; that also serves counts that are not whole. 1 and 0.9999 give 0.0142.
/// *Source:* Garwood, "Fiducial Limits for the Poisson Distribution", Biometrika 28, 1936.
pub fn rate_for_at_most(count: f64, confidence: f64) -> f64 {
    gamma_quantile(count + 1.0, 1.0 - confidence)
}

/// The bounds of the expected number that `count` seen events leave open, with the probability
/// `confidence` that they hold it: Garwood's exact interval.
pub fn poisson_interval(count: u64, confidence: f64) -> (f64, f64) {
    let (count, tail) = (count as f64, (1.0 - confidence) / 2.0);
    let low = if count > 0.0 { gamma_quantile(count, tail) } else { 0.0 };
    (low, gamma_quantile(count + 1.0, 1.0 - tail))
}

/// P(X ≥ `count`) for a Poisson number with mean `expected`.
pub fn probability_of_at_least(count: u64, expected: f64) -> f64 {
    if count == 0 {
        return 1.0;
    }
    Gamma::new(count as f64, 1.0).map_or(1.0, |gamma| gamma.cdf(expected.max(0.0)))
}

fn gamma_quantile(shape: f64, p: f64) -> f64 {
    Gamma::new(shape, 1.0).map_or(0.0, |gamma| gamma.inverse_cdf(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poisson_cdf(k: u64, mean: f64) -> f64 {
        (0..=k)
            .scan((-mean).exp(), |term, i| {
                let value = *term;
                *term *= mean / (i + 1) as f64;
                Some(value)
            })
            .sum()
    }

    #[test]
    fn the_rate_keeps_the_promise() {
        for (count, confidence) in [(0u64, 0.9), (1, 0.95), (1, 0.99), (5, 0.99)] {
            let rate = rate_for_at_most(count as f64, confidence);
            assert!((poisson_cdf(count, rate) - confidence).abs() < 1e-6, "{count}: {rate}");
        }
        assert!((rate_for_at_most(1.0, 0.99) - 0.1486).abs() < 1e-4);
        assert!((rate_for_at_most(1.0, 0.999) - 0.0454).abs() < 1e-4);
        assert!((rate_for_at_most(1.0, 0.9999) - 0.0142).abs() < 1e-4);
    }

    #[test]
    fn intervals_are_those_of_the_tables() {
        // Garwood's 95 % limits, as tabulated.
        for (count, low, high) in [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39)] {
            let (a, b) = poisson_interval(count, 0.95);
            assert!((a - low).abs() < 0.002 && (b - high).abs() < 0.005, "{count}: {a} {b}");
        }
    }

    #[test]
    fn tails_are_those_of_the_law() {
        for count in 1..6 {
            let want = 1.0 - poisson_cdf(count - 1, 2.5);
            assert!((probability_of_at_least(count, 2.5) - want).abs() < 1e-9);
        }
        assert!((probability_of_at_least(0, 2.5) - 1.0).abs() < f64::EPSILON);
    }
}
