//! Thresholds that keep a promised false-alarm rate, for several statistics together.
//!
//! All statistics of a stream share one level α: each threshold is the α-quantile of its own null,
//! and α is solved so that alarm episodes — any statistic above its threshold, through the same
//! `for`, hysteresis and merging as the live alert — come as rarely as promised on simulated paths.
//! Calibrating each statistic alone would alarm several times too often, dividing α by their number
//! several times too seldom, since the statistics are strongly dependent.

use serde::{Deserialize, Serialize};

use super::null::NullTable;
use super::sequential::{Trigger, count_episodes};
use super::simulate::Path;

/// Episodes that the rate is read from; for rarer promises α is extrapolated in proportion.
const MIN_EPISODES: f64 = 12.0;

/// Thresholds of one set of windows, and how they came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The common level: each statistic exceeds its threshold with this probability.
    pub alpha: f64,
    /// One threshold per statistic, in the order of the simulated rows.
    pub thresholds: Vec<f64>,
    /// The simulated null of each statistic.
    pub nulls: Vec<NullTable>,
    /// Promised evaluations between two false alarms.
    pub expected_run_evaluations: f64,
    /// Simulated evaluations.
    pub evaluations: usize,
    /// False-alarm episodes on the simulated paths at these thresholds.
    pub episodes: usize,
    /// Whether the promise is rarer than the simulation is long, so that the tail was extrapolated.
    pub extrapolated: bool,
}

/// Solves the thresholds for one false alarm in `expected_run` evaluations.
///
/// `used` says which columns may alarm; the others get a threshold of +∞ in the search and their
/// α-quantile in the answer. `None` when the paths are too short to say anything.
pub fn calibrate(
    paths: &[Path],
    used: &[bool],
    expected_run: f64,
    trigger: &Trigger,
) -> Option<Calibration> {
    let evaluations: usize = paths.iter().map(Vec::len).sum();
    let nulls = (0..used.len())
        .map(|column| NullTable::fit(paths.iter().flatten().map(|row| row[column])))
        .collect::<Option<Vec<_>>>()?;
    let episodes_at = |alpha: f64| {
        let thresholds: Vec<f64> = nulls
            .iter()
            .zip(used)
            .map(|(null, used)| if *used { level(null, alpha) } else { f64::INFINITY })
            .collect();
        count(paths, &thresholds, trigger)
    };
    let wanted = evaluations as f64 / expected_run;
    let readable = wanted.max(MIN_EPISODES);
    let alpha = solve(readable, |alpha| episodes_at(alpha) as f64) * (wanted / readable);
    Some(Calibration {
        alpha,
        thresholds: nulls.iter().map(|null| level(null, alpha)).collect(),
        episodes: episodes_at(alpha),
        nulls,
        expected_run_evaluations: expected_run,
        evaluations,
        extrapolated: wanted < MIN_EPISODES,
    })
}

/// A threshold is positive, so that "statistic ÷ threshold" keeps its meaning.
fn level(null: &NullTable, alpha: f64) -> f64 {
    null.upper_quantile(alpha).max(f64::MIN_POSITIVE)
}

fn count(paths: &[Path], thresholds: &[f64], trigger: &Trigger) -> usize {
    paths
        .iter()
        .map(|path| {
            let ratios = path.iter().map(|row| {
                row.iter().zip(thresholds).map(|(v, t)| v / t).fold(f64::NEG_INFINITY, f64::max)
            });
            count_episodes(trigger, ratios)
        })
        .sum()
}

/// The largest α at which `episodes(α)` does not exceed `wanted`, by bisection of ln α.
fn solve(wanted: f64, episodes: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (1e-7f64.ln(), 0.2f64.ln());
    for _ in 0..30 {
        let middle = f64::midpoint(low, high);
        if episodes(middle.exp()) > wanted {
            high = middle;
        } else {
            low = middle;
        }
    }
    low.exp()
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Independent exponential statistics: episodes are then exceedances, nearly.
    fn paths(count: usize, length: usize, seed: u64) -> Vec<Path> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut value = move || -rng.random_range(f64::MIN_POSITIVE..1.0).ln();
        (0..count)
            .map(|_| (0..length).map(|_| (0..3).map(|_| value()).collect()).collect())
            .collect()
    }

    const TRIGGER: Trigger =
        Trigger { for_evaluations: 1, keep_firing_evaluations: 1, resolve_ratio: 1.0 };

    #[test]
    fn the_promised_rate_holds_on_fresh_paths() {
        let used = [true; 3];
        let calibration = calibrate(&paths(100, 200, 1), &used, 100.0, &TRIGGER).unwrap();
        let fresh = paths(100, 200, 2);
        let episodes = count(&fresh, &calibration.thresholds, &TRIGGER) as f64;
        // 200 expected episodes: ± 4 standard deviations of calibration and of counting.
        assert!((episodes / 200.0 - 1.0).abs() < 0.4, "{episodes}");
        assert!(!calibration.extrapolated);
    }

    #[test]
    fn a_rarer_promise_gives_higher_thresholds() {
        let paths = paths(20, 200, 1);
        let used = [true; 3];
        let often = calibrate(&paths, &used, 50.0, &TRIGGER).unwrap();
        let rare = calibrate(&paths, &used, 100_000.0, &TRIGGER).unwrap();
        assert!(rare.extrapolated && rare.episodes <= 1 && often.episodes > 20);
        assert!(often.thresholds.iter().zip(&rare.thresholds).all(|(a, b)| a < b));
    }

    #[test]
    fn an_unused_statistic_does_not_spend_the_budget() {
        let paths = paths(50, 200, 1);
        let all = calibrate(&paths, &[true; 3], 100.0, &TRIGGER).unwrap();
        let one = calibrate(&paths, &[true, false, false], 100.0, &TRIGGER).unwrap();
        assert!(one.alpha > 2.0 * all.alpha);
    }
}
