//! A profile's calibration as a report for people, and the check of its promise.

use crate::detect::profile::{Part, ReferenceProfile, StreamPart};
use crate::detect::segments::Segment;
use crate::model::calibration::{
    CalibrationReport, PartCalibration, SelfCheck, StreamCalibration, ThresholdCalibration,
};
use crate::model::monitor::ThresholdPolicy;
use crate::stats::expectation::Expectation;
use crate::stats::rates::{poisson_interval, probability_of_at_least};
use crate::stats::rhythm::Rhythm;
use crate::stats::statistics::scales;

/// The calibration of `profile` where `per_30d` false alarms in 30 days are expected.
pub fn report(profile: &ReferenceProfile, per_30d: f64) -> CalibrationReport {
    let factor = per_30d / profile.per_30d;
    let parts = std::iter::once(&profile.whole).chain(&profile.segments);
    CalibrationReport {
        expected_per_30d: per_30d,
        calibrated_per_30d: profile.per_30d,
        seed: profile.seed,
        version: profile.version,
        parts: parts.map(|part| of_part(profile, part, factor)).collect(),
        warnings: profile.warnings.clone(),
    }
}

fn of_part(profile: &ReferenceProfile, part: &Part, factor: f64) -> PartCalibration {
    let streams: Vec<StreamCalibration> = part
        .streams
        .iter()
        .map(|(stream, own)| StreamCalibration {
            stream: *stream,
            expected_per_30d: own.per_30d * factor,
            rhythm: profile.lenses.get(stream).map_or("none", |l| name(l.rhythm)).to_owned(),
            design_effect: own.design_effect,
            unit_events: own.unit_events,
            thresholds: thresholds(own, factor),
            trial: own.trial,
        })
        .collect();
    PartCalibration {
        segment: part.segment.as_ref().map(Segment::labels).unwrap_or_default(),
        n: part.n,
        events_per_day: part.events_per_day,
        expected_per_30d: streams.iter().map(|stream| stream.expected_per_30d).sum(),
        streams,
    }
}

fn name(rhythm: Rhythm) -> &'static str {
    match (rhythm.daily, rhythm.days_off_from) {
        (false, None) => "none",
        (true, None) => "daily",
        (false, Some(_)) => "weekly",
        (true, Some(_)) => "daily and weekly",
    }
}

fn thresholds(own: &StreamPart, factor: f64) -> Vec<ThresholdCalibration> {
    let mut thresholds = Vec::new();
    let Expectation { n, n_cells, .. } = own.expectation;
    for (window, calibration) in &own.windows {
        let scales = scales(calibration.n as f64, 1.0 / n, 1.0 / n_cells);
        for (detector, detector_calibration) in &calibration.detectors {
            let scale = scales[*detector as usize];
            let alpha = detector_calibration.alpha * factor;
            let days = detector_calibration
                .own_run_evaluations
                .map(|run| run / calibration.evaluations_per_day / factor);
            thresholds.push(ThresholdCalibration {
                window: window.clone(),
                n: calibration.n,
                detector: *detector,
                alpha,
                threshold: (alpha > 0.0).then(|| detector_calibration.threshold(factor) * scale),
                days_between_false_alarms: days.filter(|_| alpha > 0.0),
                tail: detector_calibration.null.tail().as_str().to_owned(),
                extrapolated: detector_calibration.extrapolated,
            });
        }
    }
    thresholds
}

/// Holds `alarms` in `days` against the promise of `per_30d` expected false alarms in 30 days; `None`
/// for thresholds set by hand, which promise nothing.
pub fn self_check(
    thresholds: &ThresholdPolicy,
    days: f64,
    alarms: u64,
    per_30d: f64,
) -> Option<SelfCheck> {
    if matches!(thresholds, ThresholdPolicy::Fixed(_)) {
        return None;
    }
    let expected = per_30d * days / 30.0;
    let (low, high) = poisson_interval(alarms, 0.95);
    let p_value = probability_of_at_least(alarms, expected);
    Some(SelfCheck { days, alarms, expected, low, high, p_value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::monitor::FixedThresholds;

    #[test]
    fn a_broken_promise_shows() {
        let budget = ThresholdPolicy::Budget;
        let kept = self_check(&budget, 60.0, 0, 0.15).unwrap();
        assert!(kept.p_value > 0.99 && kept.low <= kept.expected && kept.expected <= kept.high);
        let broken = self_check(&budget, 60.0, 6, 0.15).unwrap();
        assert!(broken.p_value < 1e-3 && broken.low > broken.expected);
        let by_hand = ThresholdPolicy::Fixed(FixedThresholds::default());
        assert_eq!(self_check(&by_hand, 60.0, 6, 0.15), None);
    }
}
