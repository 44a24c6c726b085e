//! Reference profile + window sketch → verdicts.

use std::collections::BTreeMap;

use crate::detect::profile::{ReferenceProfile, StreamProfile, WindowCalibration};
use crate::model::monitor::{MonitorSpec, ThresholdPolicy};
use crate::model::stream::Stream;
use crate::model::verdict::{DetectorKind, Verdict, VerdictStatus};
use crate::stats::centroid::cosine_distance;
use crate::stats::divergence::{SMOOTHING, kl_corrected, probabilities, total_variation};
use crate::stats::features::FourierFeatures;
use crate::stats::mmd::squared_distance_unbiased;
use crate::stats::sketch::Sketch;

/// A window to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its sketch; `None` without an event.
    pub sum: Option<&'a Sketch>,
    /// Whether it has its full length.
    pub complete: bool,
    /// With fewer events than this it is not judged.
    pub min_events: u32,
    /// How many times as dense as the reference's the traffic is.
    pub intensity: f64,
}

/// A reference profile with its feature maps drawn: what windows are judged with.
#[derive(Debug)]
pub struct Comparator {
    profile: ReferenceProfile,
    features: BTreeMap<Stream, FourierFeatures>,
}

impl Comparator {
    /// Draws the feature maps of `profile` again from their seeds.
    pub fn new(profile: ReferenceProfile) -> Self {
        let features = profile.streams.iter().map(|(s, p)| (*s, p.features())).collect();
        Self { profile, features }
    }

    /// The profile.
    pub fn profile(&self) -> &ReferenceProfile {
        &self.profile
    }

    /// A stream's profile and feature map.
    pub fn stream(&self, stream: Stream) -> Option<(&StreamProfile, &FourierFeatures)> {
        Some((self.profile.streams.get(&stream)?, self.features.get(&stream)?))
    }

    /// Judges one window of one stream by every detector of `spec`.
    pub fn judge(&self, spec: &MonitorSpec, stream: Stream, window: &Window<'_>) -> Vec<Verdict> {
        let Some(reference) = self.profile.streams.get(&stream) else { return Vec::new() };
        let n = window.sum.map_or(0.0, |sum| sum.n);
        let enough = window.complete && n >= f64::from(window.min_events.max(2));
        let judged = window.sum.filter(|_| enough);
        let base = |detector| Verdict {
            stream,
            window: window.name.to_owned(),
            detector,
            status: VerdictStatus::InsufficientData,
            is_drift: false,
            statistic: None,
            threshold: None,
            p_value: None,
            effect_size: None,
            cosine_distance: None,
            n_ref: n_ref(detector, reference) as u64,
            n_window: n as u64,
        };
        spec.detectors
            .iter()
            .map(|&detector| match judged {
                None => base(detector),
                Some(sum) => {
                    let calibration = reference.windows.get(window.name);
                    decide(base(detector), spec, reference, calibration, sum, window.intensity)
                }
            })
            .collect()
    }
}

fn decide(
    mut verdict: Verdict,
    spec: &MonitorSpec,
    reference: &StreamProfile,
    calibration: Option<&WindowCalibration>,
    sum: &Sketch,
    intensity: f64,
) -> Verdict {
    let Some(statistic) = statistic(verdict.detector, reference, sum) else { return verdict };
    verdict.statistic = Some(statistic);
    verdict.effect_size = Some(effect_size(verdict.detector, statistic, reference, sum));
    if verdict.detector == DetectorKind::Centroid && reference.dim() > 1 {
        verdict.cosine_distance = cosine_distance(&sum.sum_x, &reference.sketch.sum_x);
    }
    let calibrated =
        calibration.and_then(|c| Some((c.n as f64, c.detectors.get(&verdict.detector)?)));
    if let Some((n, detector)) = calibrated {
        let n_ref = n_ref(verdict.detector, reference);
        let scale = null_scale(sum.n, n_ref) / null_scale(n, n_ref);
        verdict.threshold = Some(detector.threshold(intensity) * scale);
        verdict.p_value = Some(detector.null.p_value(statistic / scale));
    }
    if let ThresholdPolicy::Fixed(fixed) = &spec.thresholds {
        verdict.threshold = fixed.of(verdict.detector);
    }
    verdict.is_drift = verdict.ratio().is_some_and(|ratio| ratio > 1.0);
    verdict.status = match (verdict.threshold, verdict.is_drift) {
        (None, _) => VerdictStatus::Uncalibrated,
        (Some(_), true) => VerdictStatus::Drift,
        (Some(_), false) => VerdictStatus::Stable,
    };
    verdict
}

/// Reference rows behind a detector: `kl` counts only those that its cells were not fitted on.
fn n_ref(detector: DetectorKind, reference: &StreamProfile) -> f64 {
    match detector {
        DetectorKind::Kl => reference.sketch.cells.iter().sum(),
        DetectorKind::Mmd | DetectorKind::Centroid => reference.sketch.n,
    }
}

/// Without drift every statistic here scales with 1/n + 1/N, so a null simulated at one window
/// size serves a window that holds a few events more or fewer.
fn null_scale(n: f64, n_ref: f64) -> f64 {
    1.0 / n + 1.0 / n_ref
}

/// The detector's statistic of `window` against `reference`.
pub fn statistic(
    detector: DetectorKind,
    reference: &StreamProfile,
    window: &Sketch,
) -> Option<f64> {
    match detector {
        DetectorKind::Mmd => squared_distance_unbiased(window.kernel(), reference.sketch.kernel()),
        DetectorKind::Centroid => {
            squared_distance_unbiased(window.linear(), reference.sketch.linear())
        }
        DetectorKind::Kl => kl_corrected(&window.cells, &reference.sketch.cells),
    }
}

/// A size that users can read, in 0..=1: for `mmd` and `centroid` the share of traffic that would
/// have to be replaced by the reference's most different half to move as far, √(distance ÷ spread);
/// for `kl` the total variation of the cells, the share of mass that moved.
fn effect_size(
    detector: DetectorKind,
    statistic: f64,
    reference: &StreamProfile,
    window: &Sketch,
) -> f64 {
    let share = |spread: f64| {
        if spread > 0.0 { (statistic.max(0.0) / spread).sqrt().min(1.0) } else { 0.0 }
    };
    match detector {
        DetectorKind::Mmd => share(reference.spread.kernel),
        DetectorKind::Centroid => share(reference.spread.linear),
        DetectorKind::Kl => total_variation(
            &probabilities(&window.cells, SMOOTHING),
            &probabilities(&reference.sketch.cells, SMOOTHING),
        ),
    }
}
