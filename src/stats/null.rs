//! The distribution of a statistic without drift, as simulated: its upper quantiles and p-values.

use serde::{Deserialize, Serialize};

/// Exceedances that an empirical quantile must rest on; beyond, the tail is extrapolated.
const MIN_EXCEEDANCES: f64 = 20.0;

/// Upper quantiles on a logarithmic grid of probabilities, with an exponential tail.
///
/// The exponential law is the light-tailed member of the generalised Pareto family that
/// exceedances over a high level follow (Pickands, Ann. Statist. 3, 1975). The statistics here are
/// quadratic forms, whose tails are exponential; measured on embeddings the fit errs on the side of
/// fewer alarms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NullTable {
    /// (α, level exceeded with probability α), α falling.
    levels: Vec<(f64, f64)>,
    /// Mean excess over a high level: the tail's scale.
    tail_scale: f64,
}

impl NullTable {
    /// Summarises simulated `values`; `None` when there are fewer than 100 finite ones.
    pub fn fit(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
        if sorted.len() < 100 {
            return None;
        }
        sorted.sort_by(|a, b| b.total_cmp(a));
        let n = sorted.len() as f64;
        let mut levels = Vec::new();
        let mut alpha = 0.99;
        while alpha * n >= MIN_EXCEEDANCES {
            let rank = ((alpha * n) as usize).min(sorted.len() - 1);
            levels.push((alpha, sorted[rank]));
            alpha *= 0.9;
        }
        let exceeding = ((0.03 * n) as usize).max(30);
        let over = sorted[exceeding];
        let mean_excess =
            sorted[..exceeding].iter().map(|v| v - over).sum::<f64>() / exceeding as f64;
        Some(Self { levels, tail_scale: mean_excess.max(f64::MIN_POSITIVE) })
    }

    /// The level that is exceeded with probability `alpha` in (0, 1).
    pub fn upper_quantile(&self, alpha: f64) -> f64 {
        let i = self.levels.partition_point(|(a, _)| *a > alpha);
        let (low, high) = match (i.checked_sub(1).map(|j| self.levels[j]), self.levels.get(i)) {
            (None, Some(first)) => return first.1,
            (Some(last), None) => return last.1 + self.tail_scale * (last.0 / alpha).ln(),
            (Some(low), Some(high)) => (low, *high),
            (None, None) => return f64::INFINITY,
        };
        let share = (low.0 / alpha).ln() / (low.0 / high.0).ln();
        low.1 + share * (high.1 - low.1)
    }

    /// Probability of a value of at least `value` without drift, in (0, 1].
    pub fn p_value(&self, value: f64) -> f64 {
        let i = self.levels.partition_point(|(_, level)| *level <= value);
        let (low, high) = match (i.checked_sub(1).map(|j| self.levels[j]), self.levels.get(i)) {
            (None, _) => return 1.0,
            (Some(last), None) => {
                let p = last.0 * (-(value - last.1) / self.tail_scale).exp();
                return p.max(f64::MIN_POSITIVE);
            }
            (Some(low), Some(high)) => (low, *high),
        };
        let share = if high.1 > low.1 { (value - low.1) / (high.1 - low.1) } else { 0.0 };
        low.0 * (high.0 / low.0).powf(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exponential(n: usize) -> NullTable {
        NullTable::fit((0..n).map(|i| -((i as f64 + 0.5) / n as f64).ln())).unwrap()
    }

    #[test]
    fn quantiles_of_a_known_law_inside_and_beyond_the_sample() {
        let table = exponential(20_000);
        for alpha in [0.5, 0.1, 0.01, 1e-3, 1e-5] {
            let exact = -f64::ln(alpha);
            let got = table.upper_quantile(alpha);
            assert!((got - exact).abs() < 0.05 * exact.max(1.0), "{alpha}: {got} vs {exact}");
            assert!((table.p_value(exact) / alpha).ln().abs() < 0.1);
        }
    }

    #[test]
    fn p_values_fall_as_values_rise() {
        let table = exponential(1_000);
        let ps: Vec<f64> = (0..100).map(|i| table.p_value(f64::from(i) * 0.2)).collect();
        assert!(ps.windows(2).all(|w| w[0] >= w[1]) && ps.iter().all(|p| *p > 0.0 && *p <= 1.0));
    }

    #[test]
    fn too_few_values_are_refused() {
        assert_eq!(NullTable::fit((0..99).map(f64::from)), None);
    }
}
