//! Whether one series moves before another: cross-correlation of their changes.
//!
//! With Δa and Δb the first differences of two series over equal steps, r(k) is the correlation of
//! Δa(t) and Δb(t + k): k above 0 means that a moves first. The lag of the largest |r| is a maximum
//! over many, so its p-value compares it with the same maximum where b is put together from blocks
//! drawn at random times, which keeps what either series does by itself and breaks what they do
//! together. The interval of r comes from drawing blocks of pairs (moving block bootstrap: Künsch,
//! "The Jackknife and the Bootstrap for General Stationary Observations", Ann. Statist. 17, 1989).
//!
//! It tells of moving together, never of a cause.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Steps below which nothing is said.
pub const MIN_STEPS: usize = 30;

/// Resamples behind a p-value and an interval.
const RESAMPLES: usize = 999;

/// How two series move together.
#[derive(Debug, Clone, PartialEq)]
pub struct LeadLag {
    /// Steps by which the second series follows the first where they agree most; below 0 it leads.
    pub lag: i64,
    /// The correlation of the changes at that lag, in −1…1.
    pub correlation: f64,
    /// Lower end of its interval, which holds it in 95 of 100 cases.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
    /// How often series that have nothing to do with each other agree as much at any lag.
    pub p_value: f64,
    /// The correlation at each lag, from the smallest on.
    pub by_lag: Vec<(i64, f64)>,
}

/// How `b` moves with `a`, at lags up to `max_lag` steps either way; `None` where the series are of
/// different lengths, too short, or do not change. Deterministic in `seed`. O(lags · steps · 1000).
pub fn lead_lag(a: &[f64], b: &[f64], max_lag: usize, seed: u64) -> Option<LeadLag> {
    if a.len() != b.len() || a.len() < MIN_STEPS {
        return None;
    }
    let (a, b) = (differences(a), differences(b));
    let max_lag = max_lag.min(a.len() / 3);
    let by_lag = correlations(&a, &b, max_lag)?;
    let (lag, correlation) = strongest(&by_lag)?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let block = (a.len() as f64).cbrt().ceil() as usize;
    let as_strong = (0..RESAMPLES)
        .filter(|_| {
            let other = shuffled(&b, block, &mut rng);
            let found = correlations(&a, &other, max_lag).and_then(|all| strongest(&all));
            found.is_some_and(|(_, r)| r.abs() >= correlation.abs())
        })
        .count();
    let (low, high) = interval(&a, &b, lag, block, &mut rng);
    let p_value = (1 + as_strong) as f64 / (1 + RESAMPLES) as f64;
    Some(LeadLag { lag, correlation, low, high, p_value, by_lag })
}

fn differences(series: &[f64]) -> Vec<f64> {
    series.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn correlations(a: &[f64], b: &[f64], max_lag: usize) -> Option<Vec<(i64, f64)>> {
    let max_lag = max_lag as i64;
    let all: Vec<(i64, f64)> = (-max_lag..=max_lag)
        .filter_map(|lag| {
            let (a, b) = paired(a, b, lag);
            Some((lag, correlation(a, b)?))
        })
        .collect();
    (!all.is_empty()).then_some(all)
}

/// The lag with the largest |r|; of equal ones the shortest.
fn strongest(by_lag: &[(i64, f64)]) -> Option<(i64, f64)> {
    let better = |x: &&(i64, f64), y: &&(i64, f64)| {
        x.1.abs().total_cmp(&y.1.abs()).then(y.0.abs().cmp(&x.0.abs()))
    };
    by_lag.iter().max_by(better).copied()
}

/// a(t) beside b(t + lag), where both are there.
fn paired<'a>(a: &'a [f64], b: &'a [f64], lag: i64) -> (&'a [f64], &'a [f64]) {
    let shift = lag.unsigned_abs() as usize;
    let n = a.len().saturating_sub(shift);
    if lag >= 0 { (&a[..n], &b[shift..]) } else { (&a[shift..], &b[..n]) }
}

fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    let scale = (aa * bb).sqrt();
    (scale > 1e-12).then(|| ab / scale)
}

/// A series of the same length from blocks of `series` that begin anywhere, the end joined to the
/// beginning.
fn shuffled(series: &[f64], block: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let n = series.len();
    let mut drawn = Vec::with_capacity(n + block);
    while drawn.len() < n {
        let start = rng.random_range(0..n);
        drawn.extend((start..start + block).map(|i| series[i % n]));
    }
    drawn.truncate(n);
    drawn
}

/// The middle 95 % of the correlation over resampled blocks of pairs.
fn interval(a: &[f64], b: &[f64], lag: i64, block: usize, rng: &mut ChaCha8Rng) -> (f64, f64) {
    let (a, b) = paired(a, b, lag);
    let n = a.len();
    let mut drawn: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            let mut order = Vec::with_capacity(n + block);
            while order.len() < n {
                let start = rng.random_range(0..n);
                order.extend((start..start + block).map(|i| i % n));
            }
            let pick = |series: &[f64]| order[..n].iter().map(|&i| series[i]).collect::<Vec<_>>();
            correlation(&pick(a), &pick(b))
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let rank = (share * drawn.len().saturating_sub(1) as f64).round() as usize;
        drawn.get(rank).copied().unwrap_or(0.0)
    };
    (at(0.025), at(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
        (0..n).map(|_| (0..12).map(|_| rng.random_range(-0.5..0.5)).sum()).collect()
    }

    /// Sums of the series, so that its differences are the series again.
    fn walk(steps: &[f64]) -> Vec<f64> {
        let sums = steps.iter().scan(0.0, |sum, step| {
            *sum += step;
            Some(*sum)
        });
        std::iter::once(0.0).chain(sums).collect()
    }

    #[test]
    fn a_planted_lag_is_found_either_way() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let steps = noise(120, &mut rng);
        let other = noise(120, &mut rng);
        let follows: Vec<f64> = (0..120)
            .map(|t| if t < 3 { other[t] } else { -0.9 * steps[t - 3] + 0.4 * other[t] })
            .collect();
        let found = lead_lag(&walk(&steps), &walk(&follows), 14, 1).unwrap();
        assert_eq!(found.lag, 3);
        assert!(found.correlation < -0.8 && found.p_value <= 0.001, "{found:?}");
        assert!(
            found.low < found.correlation && found.correlation < found.high && found.high < -0.6
        );
        let back = lead_lag(&walk(&follows), &walk(&steps), 14, 1).unwrap();
        assert_eq!((back.lag, back.by_lag.len()), (-3, 29));
    }

    #[test]
    fn series_that_have_nothing_in_common_are_found_at_the_nominal_rate() {
        let found = (0..200)
            .filter(|seed| {
                let mut rng = ChaCha8Rng::seed_from_u64(1000 + seed);
                let (a, b) = (walk(&noise(60, &mut rng)), walk(&noise(60, &mut rng)));
                lead_lag(&a, &b, 10, *seed).unwrap().p_value <= 0.05
            })
            .count();
        // 200 trials at 5 %: more than 20 have the probability 0.001.
        assert!(found <= 20, "{found} of 200");
    }

    #[test]
    fn too_little_says_nothing() {
        let series: Vec<f64> = (0..29).map(f64::from).collect();
        assert_eq!(lead_lag(&series, &series, 5, 1), None);
        let flat = vec![1.0; 50];
        assert_eq!(lead_lag(&flat, &flat, 5, 1), None);
        assert_eq!(lead_lag(&flat, &flat[..40], 5, 1), None);
    }

    #[test]
    fn the_correlation_is_pearsons() {
        let r = correlation(&[1.0, 2.0, 3.0, 5.0], &[2.0, 1.0, 4.0, 6.0]).unwrap();
        // `statistics.correlation` of Python
        assert!((r - 0.902_243_638_678).abs() < 1e-9, "{r}");
    }
}
