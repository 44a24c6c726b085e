//! Divides the false-alarm budget: over monitors, parts of the traffic, streams, windows, detectors.
//!
//! Expected numbers add whatever the dependence, so giving each part a share of the rate keeps the
//! sum. Windows and detectors of one stream share its rate through one common level
//! (`stats::calibrate`), which their weights tilt.

use crate::detect::segments::Segment;
use crate::model::budget::Budget;
use crate::model::monitor::{MonitorSpec, ThresholdPolicy};
use crate::model::stream::Stream;
use crate::model::verdict::DetectorKind;

/// The expected false alarms in 30 days that `spec` is calibrated for. In force are those of
/// [`in_force`]; levels are scaled to them.
pub fn calibrated_per_30d(spec: &MonitorSpec) -> f64 {
    expected_per_30d(spec, &Budget::default(), 1.0)
}

/// The expected false alarms of one monitor in 30 days, where its weight is `share` of those of all
/// monitors that live on the project's `budget`.
fn expected_per_30d(spec: &MonitorSpec, budget: &Budget, share: f64) -> f64 {
    match spec.thresholds {
        ThresholdPolicy::Budget => budget.expected_per_30d() * share,
        ThresholdPolicy::FalseAlarmsPer30d(at_most) => budget.expected_for(at_most),
        // The user's thresholds decide; the null is simulated for p-values only.
        ThresholdPolicy::Fixed(_) => budget.expected_per_30d(),
    }
}

/// The expected false alarms in 30 days of `own`, one of `all` monitors of a project.
pub fn in_force<'a>(
    own: &MonitorSpec,
    all: impl IntoIterator<Item = &'a MonitorSpec>,
    budget: &Budget,
) -> f64 {
    expected_per_30d(own, budget, monitor_share(own, all))
}

/// The weight of `own` among `all` monitors that live on the budget, itself one of them.
pub fn monitor_share<'a>(own: &MonitorSpec, all: impl IntoIterator<Item = &'a MonitorSpec>) -> f64 {
    let total: f64 = all
        .into_iter()
        .filter(|spec| spec.thresholds == ThresholdPolicy::Budget && !spec.paused)
        .map(|spec| spec.weights.monitor)
        .sum();
    if total > 0.0 { (own.weights.monitor / total).min(1.0) } else { 1.0 }
}

/// The shares of a monitor's rate that the whole of its traffic has, and then each of its `segments`.
pub fn part_shares<'a>(
    spec: &MonitorSpec,
    segments: impl IntoIterator<Item = &'a Segment>,
) -> Vec<f64> {
    let weight = |s: &Segment| spec.weights.segments.get(&s.label()).copied().unwrap_or(1.0);
    let weights: Vec<f64> = segments.into_iter().map(weight).collect();
    let total: f64 = weights.iter().sum();
    let together = if total > 0.0 { spec.weights.segments_share } else { 0.0 };
    let of_segments = weights.iter().map(|weight| together * weight / total.max(f64::MIN_POSITIVE));
    std::iter::once(1.0 - together).chain(of_segments).collect()
}

/// The share of a stream's rate that the windows `own` have, which are evaluated together, of `all`.
pub fn grid_share<'a>(
    spec: &MonitorSpec,
    own: impl IntoIterator<Item = &'a str>,
    all: impl IntoIterator<Item = &'a str>,
) -> f64 {
    let weight = |name: &str| spec.weights.windows.get(name).copied().unwrap_or(1.0);
    let total: f64 = all.into_iter().map(weight).sum();
    if total > 0.0 { own.into_iter().map(weight).sum::<f64>() / total } else { 0.0 }
}

/// The share of a part's rate that `stream` gets among `streams`.
pub fn stream_share(spec: &MonitorSpec, stream: Stream, streams: &[Stream]) -> f64 {
    let weight = |stream: &Stream| {
        spec.weights.streams.get(stream).copied().unwrap_or(match stream {
            // Whole embeddings, where relevance is one number.
            Stream::Query | Stream::Response => 2.0,
            Stream::Relevance | Stream::Duplicates | Stream::Outcome => 1.0,
            // A handful of rates: what they miss for a smaller share is little.
            Stream::QueryQuality
            | Stream::ResponseQuality
            | Stream::Language
            | Stream::Privacy
            | Stream::Policy => 0.5,
        })
    };
    let total: f64 = streams.iter().map(weight).sum();
    if total > 0.0 { weight(&stream) / total } else { 0.0 }
}

/// The weight of a detector in a window; 0 for one that the monitor does not have.
pub fn detector_weight(spec: &MonitorSpec, window: &str, detector: DetectorKind) -> f64 {
    if !spec.detectors.contains(&detector) {
        return 0.0;
    }
    let of_window = spec.weights.windows.get(window).copied().unwrap_or(1.0);
    of_window
        * spec.weights.detectors.get(&detector).copied().unwrap_or(match detector {
            // It explains more than it finds: measured, it finds a change two to four times later.
            DetectorKind::Kl => 0.25,
            _ => 1.0,
        })
}

/// Evaluations between two false alarms, for `per_30d` false alarms in 30 days.
pub fn run_evaluations(per_30d: f64, evaluations_per_day: f64) -> f64 {
    (30.0 * evaluations_per_day / per_30d.max(1e-9)).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(value: &str) -> Segment {
        Segment { attribute: "channel".into(), value: Some(value.into()), but: Vec::new() }
    }

    #[test]
    fn shares_add_to_one_whatever_there_is() {
        let spec = MonitorSpec::named("m");
        for streams in [&Stream::ALL[..3], &Stream::ALL[..1], &Stream::ALL[1..3]] {
            let total: f64 = streams.iter().map(|s| stream_share(&spec, *s, streams)).sum();
            assert!((total - 1.0).abs() < 1e-12);
        }
        assert_eq!(part_shares(&spec, []), [1.0]);
        let segments = ["web", "app", "ussd"].map(segment);
        let mut weighed = spec.clone();
        weighed.weights.segments_share = 0.5;
        weighed.weights.segments =
            [("channel=web".into(), 3.0), ("channel=app".into(), 0.0)].into();
        let shares = [0.5, 0.375, 0.0, 0.125];
        for (spec, shares) in [(&spec, [0.7, 0.1, 0.1, 0.1]), (&weighed, shares)] {
            let got = part_shares(spec, &segments);
            assert!(got.iter().zip(shares).all(|(a, b)| (a - b).abs() < 1e-12), "{got:?}");
        }
        weighed.weights.segments =
            ["web", "app", "ussd"].map(|v| (format!("channel={v}"), 0.0)).into();
        assert_eq!(part_shares(&weighed, &segments), [1.0, 0.0, 0.0, 0.0]);
        weighed.weights.windows.insert("day".into(), 2.0);
        assert!((grid_share(&weighed, ["day"], ["day", "short", "long"]) - 0.5).abs() < 1e-12);
        let mut other = MonitorSpec::named("n");
        other.weights.monitor = 3.0;
        let mut apart = MonitorSpec::named("p");
        apart.thresholds = ThresholdPolicy::FalseAlarmsPer30d(2.0);
        let all = [&spec, &other, &apart];
        assert!((monitor_share(&spec, all) - 0.25).abs() < 1e-12);
        assert!((monitor_share(&other, all) - 0.75).abs() < 1e-12);
    }

    #[test]
    fn a_promise_of_at_most_one_is_an_expectation_far_below_it() {
        let spec = MonitorSpec::named("m");
        let expected = expected_per_30d(&spec, &Budget::default(), 0.5);
        assert!((expected - 0.0071).abs() < 1e-4, "{expected}");
        assert!((run_evaluations(1.0, 20.0) - 600.0).abs() < 1e-9);
    }

    #[test]
    fn weights_reach_windows_and_detectors() {
        let mut spec = MonitorSpec::named("m");
        spec.weights.windows.insert("long".into(), 2.0);
        spec.weights.detectors.insert(DetectorKind::Novelty, 3.0);
        spec.detectors = vec![DetectorKind::Mmd, DetectorKind::Novelty];
        let weight = |window, kind| detector_weight(&spec, window, kind);
        assert!((weight("long", DetectorKind::Novelty) - 6.0).abs() < 1e-12);
        assert!((weight("short", DetectorKind::Mmd) - 1.0).abs() < 1e-12);
        assert!(weight("short", DetectorKind::Kl) <= 0.0);
    }
}
