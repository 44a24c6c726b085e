//! Thresholds that keep a promised false-alarm rate, for several statistics together.
//!
//! All statistics of a stream share one level α, times their weights: each threshold is the
//! αw-quantile of its own null, and α is solved so that alarm episodes — any statistic above its
//! threshold, through the same `for`, hysteresis and merging as the live alert — come as rarely as
//! promised on simulated paths. Calibrating each statistic alone would alarm several times too often,
//! dividing α by their number several times too seldom, since the statistics are strongly dependent.

use serde::{Deserialize, Serialize};

use super::null::{NullTable, Scale};
use super::sequential::{Trigger, count_episodes};
use super::simulate::Path;

/// Episodes that the rate is read from; for rarer promises α is extrapolated in proportion.
const MIN_EPISODES: f64 = 24.0;

/// Thresholds of one set of windows, and how they came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The level of each statistic: it exceeds its threshold with this probability; 0 for one that
    /// may not alarm.
    pub alphas: Vec<f64>,
    /// One threshold per statistic, in the order of the simulated rows.
    pub thresholds: Vec<f64>,
    /// The simulated null of each statistic; `None` for one that the windows do not have.
    pub nulls: Vec<Option<NullTable>>,
    /// Evaluations between two false alarms of all statistics together, as promised.
    pub expected_run_evaluations: f64,
    /// The same of each statistic alone at its threshold; `None` where it never alarmed.
    pub own_run_evaluations: Vec<Option<f64>>,
    /// Simulated evaluations.
    pub evaluations: usize,
    /// False-alarm episodes on the simulated paths at these thresholds.
    pub episodes: usize,
    /// Whether the promise is rarer than the simulation is long, so that the tail was extrapolated.
    pub extrapolated: bool,
}

/// Solves the thresholds for one false alarm in `expected_run` evaluations.
///
/// `weights` are those of the columns: 0 keeps one from alarming. `scale` says what their values are. `None` when the paths are too
/// short to say anything, or no column may alarm.
pub fn calibrate(
    paths: &[Path],
    weights: &[f64],
    expected_run: f64,
    trigger: &Trigger,
    scale: Scale,
) -> Option<Calibration> {
    let evaluations: usize = paths.iter().map(Vec::len).sum();
    let nulls: Vec<Option<NullTable>> = (0..weights.len())
        .map(|column| NullTable::fit(paths.iter().flatten().map(|row| row[column]), scale))
        .collect();
    let weight = |column: usize| if nulls[column].is_some() { weights[column] } else { 0.0 };
    let heaviest = (0..weights.len()).map(weight).fold(0.0, f64::max);
    if heaviest <= 0.0 {
        return None;
    }
    let thresholds = |alpha: f64| -> Vec<f64> {
        (0..weights.len())
            .map(|column| match &nulls[column] {
                Some(null) if weights[column] > 0.0 => {
                    level(null, alpha * weights[column] / heaviest)
                }
                _ => f64::INFINITY,
            })
            .collect()
    };
    let wanted = evaluations as f64 / expected_run;
    let readable = wanted.max(MIN_EPISODES);
    let readable_alpha = solve(readable, |alpha| count(paths, &thresholds(alpha), trigger) as f64);
    let alpha = readable_alpha * (wanted / readable);
    let own_run_evaluations = own_runs(paths, &thresholds(readable_alpha), trigger)
        .into_iter()
        .map(|run| run.map(|run| run * readable / wanted))
        .collect();
    let thresholds = thresholds(alpha);
    Some(Calibration {
        alphas: (0..weights.len()).map(|c| alpha * weight(c) / heaviest).collect(),
        episodes: count(paths, &thresholds, trigger),
        thresholds,
        nulls,
        expected_run_evaluations: expected_run,
        own_run_evaluations,
        evaluations,
        extrapolated: wanted < MIN_EPISODES,
    })
}

/// Evaluations per episode of each column alone; `None` where there is none.
fn own_runs(paths: &[Path], thresholds: &[f64], trigger: &Trigger) -> Vec<Option<f64>> {
    let evaluations: usize = paths.iter().map(Vec::len).sum();
    (0..thresholds.len())
        .map(|column| {
            let threshold = thresholds[column];
            let episodes: usize = paths
                .iter()
                .map(|path| count_episodes(trigger, path.iter().map(|row| row[column] / threshold)))
                .sum();
            (episodes > 0).then(|| evaluations as f64 / episodes as f64)
        })
        .collect()
}

/// A threshold is positive, so that "statistic ÷ threshold" keeps its meaning.
fn level(null: &NullTable, alpha: f64) -> f64 {
    null.upper_quantile(alpha).max(f64::MIN_POSITIVE)
}

/// Alarm episodes on `paths` at `thresholds`, one a column.
pub(super) fn count(paths: &[Path], thresholds: &[f64], trigger: &Trigger) -> usize {
    paths
        .iter()
        .map(|path| count_episodes(trigger, path.iter().map(|row| ratio(row, thresholds))))
        .sum()
}

/// The largest of the values over their thresholds.
pub(super) fn ratio(values: &[f64], thresholds: &[f64]) -> f64 {
    values.iter().zip(thresholds).map(|(v, t)| v / t).fold(f64::NEG_INFINITY, f64::max)
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
        let used = [1.0; 3];
        let calibration =
            calibrate(&paths(100, 200, 1), &used, 100.0, &TRIGGER, Scale::Plain).unwrap();
        let fresh = paths(100, 200, 2);
        let episodes = count(&fresh, &calibration.thresholds, &TRIGGER) as f64;
        // 200 expected episodes: ± 4 standard deviations of calibration and of counting.
        assert!((episodes / 200.0 - 1.0).abs() < 0.4, "{episodes}");
        assert!(!calibration.extrapolated);
    }

    #[test]
    fn a_rarer_promise_gives_higher_thresholds() {
        let paths = paths(20, 200, 1);
        let used = [1.0; 3];
        let often = calibrate(&paths, &used, 50.0, &TRIGGER, Scale::Plain).unwrap();
        let rare = calibrate(&paths, &used, 100_000.0, &TRIGGER, Scale::Plain).unwrap();
        assert!(rare.extrapolated && rare.episodes <= 1 && often.episodes > 20);
        assert!(often.thresholds.iter().zip(&rare.thresholds).all(|(a, b)| a < b));
    }

    #[test]
    fn an_unused_statistic_does_not_spend_the_budget() {
        let paths = paths(50, 200, 1);
        let all = calibrate(&paths, &[1.0; 3], 100.0, &TRIGGER, Scale::Plain).unwrap();
        let one = calibrate(&paths, &[1.0, 0.0, 0.0], 100.0, &TRIGGER, Scale::Plain).unwrap();
        assert!(one.alphas[0] > 2.0 * all.alphas[0]);
        assert_eq!(one.alphas[1..], [0.0; 2]);
        let alone = one.own_run_evaluations[0].unwrap();
        assert!((alone / 100.0 - 1.0).abs() < 0.3, "it has the whole budget: {alone}");
    }

    #[test]
    fn a_heavier_statistic_gets_more_of_the_budget() {
        let paths = paths(50, 200, 1);
        let calibration =
            calibrate(&paths, &[2.0, 1.0, 1.0], 100.0, &TRIGGER, Scale::Plain).unwrap();
        assert!((calibration.alphas[0] / calibration.alphas[1] - 2.0).abs() < 1e-9);
        assert!(calibration.thresholds[0] < calibration.thresholds[1]);
        let runs: Vec<f64> = calibration.own_run_evaluations.iter().map(|r| r.unwrap()).collect();
        assert!(runs[0] < runs[1] && runs[0] < runs[2]);
    }
}
