//! How long outcomes take to come, learned from those that have come.
//!
//! A delay is known only where the outcome has come, so the delays of young interactions that are
//! known are short ones: they had no time for long ones (right truncation). Turned around in time
//! this is left truncation, which the product-limit estimate can deal with: the hazard of a delay u
//! is the share of u among the delays up to u of interactions that are at least u old.
//!
//! *Source:* Lagakos, Barraj and De Gruttola, "Nonparametric Analysis of Truncated Survival Data, with
//! Application to AIDS", Biometrika 75, 1988.

/// Below so many interactions nothing is said of their delays, nor of a delay that fewer of them
/// are old enough for: one at the far end would otherwise move the whole curve.
pub const MIN_OBSERVED: usize = 20;

/// A delay that has been seen, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observed {
    /// From the interaction to its outcome.
    pub delay: f64,
    /// From the interaction to now: a longer delay could not have been seen.
    pub age: f64,
}

/// The distribution of delays, of those up to the horizon.
#[derive(Debug, Clone, PartialEq)]
pub struct DelayCurve {
    /// Delays with the share of outcomes that have come by then, both ascending; it ends at 1.
    steps: Vec<(f64, f64)>,
    horizon: f64,
    n: usize,
}

impl DelayCurve {
    /// The distribution that `observed` tells of; `None` where they are too few.
    pub fn learn(observed: &[Observed]) -> Option<Self> {
        let mut ages: Vec<f64> = observed.iter().map(age).collect();
        ages.sort_by(f64::total_cmp);
        let horizon = *ages.get(ages.len().checked_sub(MIN_OBSERVED)?)?;
        Self::up_to(observed, horizon)
    }

    /// The distribution where no outcome takes any time.
    pub fn immediate() -> Self {
        Self { steps: vec![(0.0, 1.0)], horizon: f64::INFINITY, n: 0 }
    }

    /// The distribution of the delays that are at most `horizon`.
    fn up_to(observed: &[Observed], horizon: f64) -> Option<Self> {
        let within: Vec<_> = observed.iter().filter(|o| o.delay <= horizon).collect();
        let mut delays: Vec<f64> = within.iter().map(|o| o.delay.max(0.0)).collect();
        let mut ages: Vec<f64> = within.iter().map(|o| age(o).min(horizon)).collect();
        delays.sort_by(f64::total_cmp);
        ages.sort_by(f64::total_cmp);
        let (mut share, mut steps) = (1.0, Vec::new());
        let (mut up_to, mut younger) = (delays.len(), ages.len());
        // From the longest delay down: the share below it is the product of what the hazards leave.
        while let Some(&delay) = up_to.checked_sub(1).and_then(|last| delays.get(last)) {
            let equal = delays[..up_to].iter().rev().take_while(|d| **d >= delay).count();
            younger -= ages[..younger].iter().rev().take_while(|age| **age >= delay).count();
            steps.push((delay, share));
            share *= 1.0 - equal as f64 / (up_to - younger) as f64;
            up_to -= equal;
        }
        steps.reverse();
        (!steps.is_empty()).then_some(Self { steps, horizon, n: within.len() })
    }

    /// The share of outcomes that have come `delay` seconds after their interactions.
    pub fn share_by(&self, delay: f64) -> f64 {
        let known = self.steps.partition_point(|(at, _)| *at <= delay);
        known.checked_sub(1).map_or(0.0, |last| self.steps[last].1)
    }

    /// The shortest delay by which the share `q` of outcomes has come, in seconds.
    pub fn quantile(&self, q: f64) -> f64 {
        // The products above are exact to some last digits only.
        let below = self.steps.partition_point(|(_, share)| *share < q - 1e-9);
        self.steps[below.min(self.steps.len() - 1)].0
    }

    /// The longest delay that anything is known of, in seconds: what comes later is in no share.
    pub const fn horizon(&self) -> f64 {
        self.horizon
    }

    /// Outcomes that the curve was learned from.
    pub const fn n(&self) -> usize {
        self.n
    }
}

/// A clock that runs ahead makes an outcome older than its interaction's age.
fn age(observed: &Observed) -> f64 {
    observed.age.max(observed.delay).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(pairs: &[(f64, f64)]) -> Vec<Observed> {
        pairs.iter().map(|(delay, age)| Observed { delay: *delay, age: *age }).collect()
    }

    /// `SurvfuncRight(18 - delay, entry=18 - age)` of statsmodels 0.15, time turned around.
    #[test]
    fn the_curve_agrees_with_statsmodels() {
        let delays = [1, 2, 2, 3, 5, 5, 8, 13, 1, 4, 6, 2, 9, 3, 7].map(f64::from);
        let ages = [20, 4, 9, 3, 12, 6, 30, 18, 2, 15, 7, 40, 10, 16, 25].map(f64::from);
        let pairs: Vec<_> = delays.into_iter().zip(ages).collect();
        let curve = DelayCurve::up_to(&observed(&pairs), 18.0).unwrap();
        for (below, share) in [
            (2.0, 0.081_018_518_518_518_5),
            (3.0, 0.202_546_296_296_296_3),
            (4.0, 0.303_819_444_444_444_4),
            (5.0, 0.364_583_333_333_333_3),
            (6.0, 0.510_416_666_666_666_6),
            (7.0, 0.583_333_333_333_333_4),
            (8.0, 0.666_666_666_666_666_6),
            (9.0, 0.761_904_761_904_761_9),
            (13.0, 0.857_142_857_142_857_2),
        ] {
            let got = curve.share_by(below - 0.5);
            assert!((got - share).abs() < 1e-12, "below {below}: {got}, not {share}");
        }
        assert!(curve.share_by(0.5).abs() < 1e-12);
        assert!((curve.share_by(13.0) - 1.0).abs() < f64::EPSILON);
        assert!((curve.quantile(0.5) - 5.0).abs() < f64::EPSILON);
    }

    #[test]
    fn where_all_are_old_it_is_the_share_itself() {
        let pairs: Vec<_> = (1..=100).map(|i| (f64::from(i), 1e6)).collect();
        let curve = DelayCurve::learn(&observed(&pairs)).unwrap();
        assert!((curve.share_by(25.0) - 0.25).abs() < 1e-9);
        assert!((curve.quantile(0.9) - 90.0).abs() < f64::EPSILON);
        assert_eq!(curve.n(), 100);
    }

    /// Delays are even over 0 … 100 and interactions come at an even rate: half of the delays that
    /// are seen at age 100 belong to the young, and the plain median is about 30.
    #[test]
    fn the_young_do_not_shorten_the_delays() {
        let mut pairs = Vec::new();
        for i in 0..4000 {
            let (age, delay) = (f64::from(i) / 4000.0 * 100.0, f64::from((i * 37) % 101));
            if delay <= age {
                pairs.push((delay, age));
            }
        }
        let mut plain: Vec<f64> = pairs.iter().map(|(delay, _)| *delay).collect();
        plain.sort_by(f64::total_cmp);
        assert!(plain[plain.len() / 2] < 35.0);
        let curve = DelayCurve::learn(&observed(&pairs)).unwrap();
        assert!((curve.quantile(0.5) - 50.0).abs() < 5.0, "{}", curve.quantile(0.5));
        assert!((curve.quantile(0.9) - 90.0).abs() < 5.0, "{}", curve.quantile(0.9));
    }

    #[test]
    fn one_very_old_interaction_moves_nothing() {
        let mut pairs: Vec<_> = (1..=200).map(|i| (f64::from(i % 10), 1000.0)).collect();
        pairs.push((90_000.0, 100_000.0));
        let curve = DelayCurve::learn(&observed(&pairs)).unwrap();
        assert!(curve.quantile(0.99) < 10.0 && curve.horizon() <= 1000.0);
    }

    #[test]
    fn of_too_few_nothing_is_said() {
        assert_eq!(DelayCurve::learn(&[]), None);
        assert_eq!(DelayCurve::learn(&observed(&[(1.0, 2.0); MIN_OBSERVED - 1])), None);
        let clock_ahead = observed(&[(-5.0, -7.0); MIN_OBSERVED]);
        let curve = DelayCurve::learn(&clock_ahead).unwrap();
        assert!(curve.quantile(0.9).abs() < f64::EPSILON);
    }
}
