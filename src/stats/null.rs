//! The distribution of a statistic without drift, as simulated: its upper quantiles and p-values.

use serde::{Deserialize, Serialize};

/// Exceedances that an empirical quantile must rest on; beyond, the tail is extrapolated.
const MIN_EXCEEDANCES: f64 = 20.0;

/// Share of the values whose excesses the tail is fitted to.
const TAIL_SHARE: f64 = 0.03;

/// A shape above this would come of a handful of values; it also keeps the mean finite.
const MAX_SHAPE: f64 = 0.5;

/// The law of the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// The generalised Pareto law with the fitted shape: the values' tail is heavier than exponential.
    GeneralisedPareto,
    /// The exponential law, where the fitted shape is not above 0: the safe one of the two.
    Exponential,
    /// The exponential law of the values' roots: the safe one for squares of counts.
    ExponentialOfRoot,
}

/// What the values are, which says on what scale their tail is like others'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Sums over many coordinates, none of which decides alone, or scores.
    Plain,
    /// Squares of how far counts moved: as the tail of a count is about exponential, that of its square is
    /// heavier than that.
    Squares,
}

impl Tail {
    /// The law's name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GeneralisedPareto => "generalised_pareto",
            Self::Exponential => "exponential",
            Self::ExponentialOfRoot => "exponential_of_root",
        }
    }
}

/// Upper quantiles on a logarithmic grid of probabilities, with a fitted tail.
///
/// Exceedances over a high level follow a generalised Pareto law (Pickands, Ann. Statist. 3, 1975),
/// fitted by probability-weighted moments (Hosking & Wallis, Technometrics 29, 1987). A bounded tail
/// (shape below 0) is never believed: the exponential law then stands in for it, which errs on the
/// side of fewer alarms. Of squares of counts ([`Scale::Squares`]) a level is at least the one at which the
/// roots have an exponential tail: where few of the simulated values are independent the fitted shape is
/// mostly noise, and those that come out too light make levels that Poisson numbers exceed 7 to 60 times as
/// often as they should, on average over references.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NullTable {
    /// (α, level exceeded with probability α), α falling.
    levels: Vec<(f64, f64)>,
    /// Scale of the tail at the last level.
    tail_scale: f64,
    /// Shape of the tail, 0 for exponential.
    tail_shape: f64,
    /// Scale of the exponential tail of the roots, for squares of counts.
    root_scale: Option<f64>,
}

impl NullTable {
    /// Summarises simulated `values`; `None` when there are fewer than 100 finite ones.
    pub fn fit(values: impl IntoIterator<Item = f64>, scale: Scale) -> Option<Self> {
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
        let exceeding = ((TAIL_SHARE * n) as usize).max(30);
        let over = sorted[exceeding];
        let beyond = sorted[..exceeding].iter().rev();
        let excesses: Vec<f64> = beyond.clone().map(|v| v - over).collect();
        let (fitted, tail_shape) = pareto(&excesses);
        // Of a generalised Pareto tail, the part beyond a higher level is one again.
        let last = levels.last().map_or(over, |(_, level)| *level);
        let tail_scale = (fitted + tail_shape * (last - over).max(0.0)).max(f64::MIN_POSITIVE);
        let of_roots = || mean(beyond.map(|v| root(*v) - root(over)));
        let root_scale = (scale == Scale::Squares).then(of_roots);
        Some(Self { levels, tail_scale, tail_shape, root_scale })
    }

    /// The law of the tail.
    pub fn tail(&self) -> Tail {
        match self.root_scale {
            _ if self.tail_shape > 0.0 => Tail::GeneralisedPareto,
            Some(_) => Tail::ExponentialOfRoot,
            None => Tail::Exponential,
        }
    }

    /// The level that is exceeded with probability `alpha` in (0, 1).
    pub fn upper_quantile(&self, alpha: f64) -> f64 {
        let i = self.levels.partition_point(|(a, _)| *a > alpha);
        let (low, high) = match (i.checked_sub(1).map(|j| self.levels[j]), self.levels.get(i)) {
            (None, Some(first)) => return first.1,
            (Some(last), None) => return self.beyond_last(last.1, alpha / last.0),
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
                return (last.0 * self.beyond(last.1, value)).max(f64::MIN_POSITIVE);
            }
            (Some(low), Some(high)) => (low, *high),
        };
        let share = if high.1 > low.1 { (value - low.1) / (high.1 - low.1) } else { 0.0 };
        low.0 * (high.0 / low.0).powf(share)
    }

    /// The level that is exceeded with probability `p` once the level `last` is.
    fn beyond_last(&self, last: f64, p: f64) -> f64 {
        let excess = if self.tail_shape > 0.0 {
            self.tail_scale * (p.powf(-self.tail_shape) - 1.0) / self.tail_shape
        } else {
            -self.tail_scale * p.ln()
        };
        let of_roots = |scale: f64| (root(last) - scale * p.ln()).powi(2);
        self.root_scale.map_or(0.0, of_roots).max(last + excess)
    }

    /// Probability of more than `value` once the level `last` is exceeded.
    fn beyond(&self, last: f64, value: f64) -> f64 {
        let excess = (value - last) / self.tail_scale;
        let p = if self.tail_shape > 0.0 {
            (1.0 + self.tail_shape * excess).powf(-1.0 / self.tail_shape)
        } else {
            (-excess).exp()
        };
        let of_roots = |scale: f64| (-(root(value) - root(last)) / scale).exp();
        self.root_scale.map_or(0.0, of_roots).max(p)
    }
}

fn root(value: f64) -> f64 {
    value.max(0.0).sqrt()
}

/// The mean, above 0, of as many numbers as there are.
fn mean(numbers: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = numbers.len() as f64;
    (numbers.sum::<f64>() / n).max(f64::MIN_POSITIVE)
}

/// (scale, shape) of a generalised Pareto law by probability-weighted moments of rising `excesses`;
/// the exponential law where the shape would not be above 0.
fn pareto(excesses: &[f64]) -> (f64, f64) {
    let n = excesses.len() as f64;
    let mean = excesses.iter().sum::<f64>() / n;
    let weighted =
        excesses.iter().enumerate().map(|(i, y)| (1.0 - (i as f64 + 0.65) / n) * y).sum::<f64>()
            / n;
    let spread = mean - 2.0 * weighted;
    let shape = if spread > 0.0 { 2.0 - mean / spread } else { 0.0 };
    if shape > 0.0 {
        let shape = shape.min(MAX_SHAPE);
        (mean * (1.0 - shape), shape)
    } else {
        (mean.max(f64::MIN_POSITIVE), 0.0)
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn grid(n: usize) -> impl Iterator<Item = f64> {
        (0..n).map(move |i| (i as f64 + 0.5) / n as f64)
    }

    fn of_exponential(n: usize) -> NullTable {
        NullTable::fit(grid(n).map(|u| -u.ln()), Scale::Plain).unwrap()
    }

    #[test]
    fn quantiles_of_a_known_law_inside_and_beyond_the_sample() {
        let table = of_exponential(20_000);
        for alpha in [0.5, 0.1, 0.01, 1e-3, 1e-5] {
            let exact = -f64::ln(alpha);
            let got = table.upper_quantile(alpha);
            assert!((got - exact).abs() < 0.05 * exact.max(1.0), "{alpha}: {got} vs {exact}");
            assert!((table.p_value(exact) / alpha).ln().abs() < 0.15);
        }
    }

    #[test]
    fn a_heavy_tail_is_seen_and_a_bounded_one_is_not_believed() {
        // P(X > x) = (1 + 0.3x)^(−1/0.3)
        let heavy =
            NullTable::fit(grid(20_000).map(|u| (u.powf(-0.3) - 1.0) / 0.3), Scale::Plain).unwrap();
        assert_eq!(heavy.tail(), Tail::GeneralisedPareto);
        let exact = (1e-5f64.powf(-0.3) - 1.0) / 0.3;
        assert!((heavy.upper_quantile(1e-5) / exact - 1.0).abs() < 0.1);
        let bounded = NullTable::fit(grid(20_000), Scale::Plain).unwrap();
        assert_eq!(bounded.tail(), Tail::Exponential);
        assert!(bounded.upper_quantile(1e-6) > 1.0, "beyond every value that was seen");
    }

    /// The value of a Poisson number that is exceeded with a probability of at most `p`.
    fn poisson_quantile(mean: f64, p: f64) -> f64 {
        let (mut term, mut below, mut count) = ((-mean).exp(), 0.0, 0.0);
        while 1.0 - below - term > p {
            below += term;
            count += 1.0;
            term *= mean / count;
        }
        count
    }

    #[test]
    fn squares_of_counts_are_not_undervalued_where_few_are_independent() {
        for mean in [0.5, 3.0, 10.0, 100.0] {
            let exact = poisson_quantile(mean, 1e-7) - mean;
            let reach = |seed: u64, scale| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                let mut square = |_| (poisson_quantile(mean, rng.random::<f64>()) - mean).powi(2);
                // Windows that overlap repeat what they hold.
                let drawn = (0..800).map(&mut square).flat_map(|v| std::iter::repeat_n(v, 20));
                NullTable::fit(drawn, scale).unwrap().upper_quantile(1e-7).sqrt() / exact
            };
            let far_too_low = |scale| (0..100).filter(|&seed| reach(seed, scale) < 0.85).count();
            let (plain, squares) = (far_too_low(Scale::Plain), far_too_low(Scale::Squares));
            assert!(squares <= 2, "{mean}: {squares} of 100, {plain} without");
        }
        let table = NullTable::fit(grid(5_000).map(|u| u.ln().powi(2)), Scale::Squares).unwrap();
        assert!(table.upper_quantile(1e-7).sqrt() > -f64::ln(1e-7) * 0.97);
    }

    #[test]
    fn levels_and_probabilities_are_inverse_of_each_other() {
        let heavy = grid(5_000).map(|u| (u.powf(-0.2) - 1.0) / 0.2);
        let heavy = NullTable::fit(heavy, Scale::Plain).unwrap();
        let squares = NullTable::fit(grid(5_000).map(|u| u.ln().powi(2)), Scale::Squares).unwrap();
        for table in [of_exponential(5_000), heavy, squares] {
            for alpha in [0.3, 0.02, 1e-4, 1e-7] {
                let back = table.p_value(table.upper_quantile(alpha));
                assert!((back / alpha).ln().abs() < 1e-6, "{alpha} {back}");
            }
        }
    }

    #[test]
    fn p_values_fall_as_values_rise() {
        let table = of_exponential(1_000);
        let ps: Vec<f64> = (0..100).map(|i| table.p_value(f64::from(i) * 0.2)).collect();
        assert!(ps.windows(2).all(|w| w[0] >= w[1]) && ps.iter().all(|p| *p > 0.0 && *p <= 1.0));
    }

    #[test]
    fn too_few_values_are_refused() {
        assert_eq!(NullTable::fit((0..99).map(f64::from), Scale::Plain), None);
    }
}
