//! Shares of a count, and differences of two shares, with intervals that hold for small counts too.

use statrs::distribution::{ContinuousCDF, Normal};

/// An estimate with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// A share and Wilson's score interval, which holds it with the probability `confidence`; `None` of
/// no trials.
///
/// *Source:* Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 1927.
pub fn wilson(successes: u64, trials: u64, confidence: f64) -> Option<Interval> {
    if trials == 0 {
        return None;
    }
    let (n, z) = (trials as f64, quantile_of_both_sides(confidence));
    let estimate = successes.min(trials) as f64 / n;
    let centre = (estimate + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half =
        z / (1.0 + z * z / n) * (estimate * (1.0 - estimate) / n + z * z / (4.0 * n * n)).sqrt();
    // Rounding must not put the bounds beside an estimate of 0 or 1.
    let (low, high) = ((centre - half).max(0.0), (centre + half).min(1.0));
    Some(Interval { estimate, low: low.min(estimate), high: high.max(estimate) })
}

/// The first share less the second, with Newcombe's hybrid score interval; `None` where one of
/// them is of no trials. Shares are (successes, trials).
///
/// *Source:* Newcombe, "Interval Estimation for the Difference between Independent Proportions",
/// Statistics in Medicine 17, 1998, method 10.
pub fn newcombe(first: (u64, u64), second: (u64, u64), confidence: f64) -> Option<Interval> {
    let a = wilson(first.0, first.1, confidence)?;
    let b = wilson(second.0, second.1, confidence)?;
    let estimate = a.estimate - b.estimate;
    let below = (a.estimate - a.low).hypot(b.high - b.estimate);
    let above = (a.high - a.estimate).hypot(b.estimate - b.low);
    Some(Interval { estimate, low: estimate - below, high: estimate + above })
}

/// A mean and its normal interval, from the sum of `n` values and the sum of their squares; `None`
/// of fewer than two values, whose spread nothing is known of.
pub fn mean(n: u64, sum: f64, squares: f64, confidence: f64) -> Option<Interval> {
    if n < 2 {
        return None;
    }
    let count = n as f64;
    let estimate = sum / count;
    let variance = ((squares - count * estimate * estimate) / (count - 1.0)).max(0.0);
    let half = quantile_of_both_sides(confidence) * (variance / count).sqrt();
    Some(Interval { estimate, low: estimate - half, high: estimate + half })
}

/// How many standard deviations on both sides of the mean hold `confidence` of a normal law.
fn quantile_of_both_sides(confidence: f64) -> f64 {
    Normal::standard().inverse_cdf(0.5 + confidence / 2.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(interval: Interval, low: f64, high: f64) {
        let far = (interval.low - low).abs().max((interval.high - high).abs());
        assert!(far < 1e-9, "{interval:?} is not {low} to {high}");
    }

    /// `proportion_confint(k, n, alpha, method="wilson")` of statsmodels 0.15.
    #[test]
    fn wilson_agrees_with_statsmodels() {
        for (k, n, low, high) in [
            (0, 10, 0.0, 0.277_532_799_863),
            (3, 10, 0.107_791_267_406, 0.603_221_852_539),
            (10, 10, 0.722_467_200_137, 1.0),
            (81, 263, 0.255_288_519_878, 0.366_209_576_983),
            (1, 1, 0.206_549_314_377, 1.0),
            (5000, 10_000, 0.490_202_061_815, 0.509_797_938_185),
        ] {
            near(wilson(k, n, 0.95).unwrap(), low, high);
        }
        near(wilson(15, 148, 0.99).unwrap(), 0.053_644_869_614, 0.183_267_350_113);
        assert_eq!(wilson(0, 0, 0.95), None);
    }

    /// `confint_proportions_2indep(method="newcomb", compare="diff")` of statsmodels 0.15; the
    /// first four are among the examples of Newcombe's paper.
    #[test]
    fn newcombe_agrees_with_statsmodels() {
        for (first, second, low, high) in [
            ((56, 70), (48, 80), 0.052_431_472_402, 0.333_872_654_037),
            ((9, 10), (3, 10), 0.170_522_723_935, 0.809_017_973_535),
            ((6, 7), (2, 7), 0.058_227_927_482, 0.806_249_637_524),
            ((5, 56), (0, 29), -0.038_137_147_904, 0.192_560_013_855),
            ((0, 10), (0, 20), -0.161_125_158_053, 0.277_532_799_863),
            ((10, 10), (0, 20), 0.679_086_037_142, 1.0),
        ] {
            near(newcombe(first, second, 0.95).unwrap(), low, high);
        }
        assert_eq!(newcombe((0, 0), (1, 2), 0.95), None);
    }

    #[test]
    fn the_mean_has_the_interval_of_the_textbook() {
        // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, variance 32/7.
        near(mean(8, 40.0, 232.0, 0.95).unwrap(), 3.518_406_490_933, 6.481_593_509_067);
    }

    proptest! {
        #[test]
        fn bounds_are_shares_around_the_estimate(n in 1_u64..100_000, part in 0.0..=1.0_f64) {
            let k = (part * n as f64) as u64;
            let interval = wilson(k, n, 0.95).unwrap();
            prop_assert!(0.0 <= interval.low && interval.low <= interval.estimate);
            prop_assert!(interval.estimate <= interval.high && interval.high <= 1.0);
        }
    }
}
