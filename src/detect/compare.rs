//! Reference profile + window sketch → verdicts.

use std::collections::BTreeMap;

use crate::detect::lens::{Lens, Seen};
use crate::detect::profile::{Part, ReferenceProfile, Spread, StreamPart};
use crate::detect::repeats::{ALARMING_SHARE, WINDOW};
use crate::detect::segments::Segment;
use crate::detect::values::value;
use crate::model::interaction::Event;
use crate::model::monitor::{MonitorSpec, ThresholdPolicy};
use crate::model::stream::{Stream, Values};
use crate::model::verdict::{DetectorKind, Verdict, VerdictStatus};
use crate::stats::centroid::cosine_distance;
use crate::stats::divergence::{probabilities, total_variation};
use crate::stats::expectation::Expected;
use crate::stats::features::FourierFeatures;
use crate::stats::sketch::Sketch;
use crate::stats::statistics::{Direction, Statistics};

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
    /// How many times as often per evaluation as calibrated an alarm may be false: fewer where
    /// traffic is denser or the budget smaller.
    pub rate_factor: f64,
}

/// A reference profile with its feature maps drawn: what windows are judged with.
#[derive(Debug)]
pub struct Comparator {
    profile: ReferenceProfile,
    features: BTreeMap<Stream, FourierFeatures>,
}

/// An event's values through the lenses, by stream.
pub type SeenEvent = Vec<(Stream, Seen)>;

impl Comparator {
    /// Draws the feature maps of `profile` again from their seeds.
    pub fn new(profile: ReferenceProfile) -> Self {
        let features = profile.lenses.iter().map(|(s, lens)| (*s, lens.features())).collect();
        Self { profile, features }
    }

    /// The profile.
    pub fn profile(&self) -> &ReferenceProfile {
        &self.profile
    }

    /// A stream's lens.
    pub fn lens(&self, stream: Stream) -> Option<&Lens> {
        self.profile.lenses.get(&stream)
    }

    /// Looks at the values of `events`; the same numbers whatever events stand together, but several
    /// at once share the reading of the maps.
    pub fn look(&self, events: &[&Event]) -> Vec<SeenEvent> {
        let mut seen: Vec<SeenEvent> = vec![Vec::new(); events.len()];
        for (stream, lens) in &self.profile.lenses {
            let mut values = Vec::new();
            let mut owners = Vec::new();
            for (i, event) in events.iter().enumerate() {
                if let Some(x) = value(event, *stream).filter(|x| x.len() == lens.dim) {
                    values.push(x);
                    owners.push(i);
                }
            }
            let points: Vec<&[f32]> = values.iter().map(Vec::as_slice).collect();
            let at: Vec<i64> = owners.iter().map(|&i| events[i].occurred_at.as_micros()).collect();
            let found = lens.look(&self.features[stream], &points, &at);
            owners.into_iter().zip(found).for_each(|(i, one)| seen[i].push((*stream, one)));
        }
        seen
    }

    /// Judges one window of one stream of `part` by every detector of `spec`.
    pub fn judge(
        &self,
        spec: &MonitorSpec,
        part: &Part,
        stream: Stream,
        window: &Window<'_>,
    ) -> Vec<Verdict> {
        let (Some(own), Some(lens)) = (part.streams.get(&stream), self.lens(stream)) else {
            return Vec::new();
        };
        let n = window.sum.map_or(0.0, |sum| sum.n);
        let enough = window.complete && n >= f64::from(window.min_events.max(2));
        let judged = window
            .sum
            .filter(|_| enough)
            .map(|sum| Measured::of(lens, own, sum, direction(stream)));
        let segment = part.segment.as_ref().map(Segment::labels).unwrap_or_default();
        spec.detectors
            .iter()
            .filter(|detector| detector.judges(stream.values()) && has_map(lens, **detector))
            .map(|&detector| {
                let n_ref = match detector {
                    DetectorKind::Kl => own.expectation.n_cells,
                    _ => own.expectation.n,
                };
                let verdict = Verdict {
                    segment: segment.clone(),
                    n_ref: n_ref as u64,
                    n_window: n as u64,
                    ..Verdict::unjudged(stream, window.name, detector)
                };
                match &judged {
                    Some(measured) => decide(verdict, spec, own, measured, window),
                    None => verdict,
                }
            })
            .collect()
    }

    /// Judges the share of repeats among the last interactions.
    pub fn judge_repeats(&self, spec: &MonitorSpec, repeats: usize, among: usize) -> Verdict {
        let threshold = match &spec.thresholds {
            ThresholdPolicy::Fixed(fixed) => fixed.repeats,
            _ => Some(ALARMING_SHARE),
        };
        let mut verdict = Verdict {
            n_ref: self.profile.n,
            n_window: among as u64,
            ..Verdict::unjudged(Stream::Duplicates, "recent", DetectorKind::Repeats)
        };
        if among < WINDOW {
            return verdict;
        }
        let share = repeats as f64 / among as f64;
        verdict.statistic = Some(share);
        verdict.effect_size = Some(share);
        verdict.threshold = threshold;
        settle(&mut verdict);
        verdict
    }
}

/// The shifts that are drift in `stream`.
pub(in crate::detect) const fn direction(stream: Stream) -> Direction {
    match stream.values() {
        Values::Rises => Direction::Up,
        _ => Direction::Either,
    }
}

/// Whether the lens has what the detector looks through: values that hardly vary are not whitened.
fn has_map(lens: &Lens, detector: DetectorKind) -> bool {
    match detector {
        DetectorKind::Whitened => lens.whitening.is_some(),
        DetectorKind::Novelty => lens.landmarks.is_some(),
        _ => true,
    }
}

/// A window's statistics and what they were taken against.
struct Measured<'a> {
    sum: &'a Sketch,
    expected: Expected,
    statistics: Statistics,
}

impl<'a> Measured<'a> {
    fn of(lens: &Lens, part: &StreamPart, sum: &'a Sketch, direction: Direction) -> Self {
        let phase: Vec<f64> = sum.phase.iter().map(|total| total / sum.n).collect();
        let expected = part.expectation.at(&phase);
        let whitened = lens.whitening.as_ref().map(|whitening| {
            let shifts = sum.sum_x.iter().zip(&expected.x).map(|(s, m)| s / sum.n - m);
            let shift: Vec<f64> = shifts.map(|shift| direction.part(shift)).collect();
            whitening.norm_sq(&shift)
        });
        let novelty_sd = if lens.landmarks.is_some() { part.expectation.novelty_sd } else { 0.0 };
        let residual = part.expectation.residual_whitened;
        let statistics = Statistics::of(sum, &expected, whitened, residual, novelty_sd, direction);
        Self { sum, expected, statistics }
    }
}

fn decide(
    mut verdict: Verdict,
    spec: &MonitorSpec,
    part: &StreamPart,
    measured: &Measured<'_>,
    window: &Window<'_>,
) -> Verdict {
    let detector = verdict.detector;
    let index = detector as usize;
    let (statistic, scale) = (measured.statistics.values[index], measured.statistics.scales[index]);
    if !statistic.is_finite() {
        return verdict;
    }
    verdict.statistic = Some(statistic);
    verdict.effect_size = Some(effect_size(detector, statistic, &part.spread, measured));
    if detector == DetectorKind::Centroid && verdict.stream.values() == Values::Embedding {
        verdict.cosine_distance = cosine_distance(&measured.sum.sum_x, &measured.expected.x);
    }
    let calibrated = part.windows.get(window.name).and_then(|w| w.detectors.get(&detector));
    if let Some(calibration) = calibrated {
        let may_alarm = calibration.alpha > 0.0;
        verdict.threshold = may_alarm.then(|| calibration.threshold(window.rate_factor) * scale);
        verdict.p_value = Some(calibration.null.p_value(statistic / scale));
    }
    if let ThresholdPolicy::Fixed(fixed) = &spec.thresholds {
        verdict.threshold = fixed.of(detector);
    }
    settle(&mut verdict);
    verdict
}

/// What a verdict comes to, once its numbers are there.
pub(in crate::detect) fn settle(verdict: &mut Verdict) {
    verdict.is_drift = verdict.ratio().is_some_and(|ratio| ratio > 1.0);
    verdict.status = match (verdict.threshold, verdict.is_drift) {
        (None, _) => VerdictStatus::Uncalibrated,
        (Some(_), true) => VerdictStatus::Drift,
        (Some(_), false) => VerdictStatus::Stable,
    };
}

/// A size that users can read, in 0..=1: for squared distances the share of traffic that would have
/// to be replaced by the reference's most different half to move as far, √(distance ÷ spread); for
/// `kl` the total variation of the cells, the share of mass that moved; for `novelty` the share that
/// would have to be as novel as the reference's most novel hundredth.
fn effect_size(
    detector: DetectorKind,
    statistic: f64,
    spread: &Spread,
    measured: &Measured<'_>,
) -> f64 {
    let share = |of: f64, yardstick: f64| {
        if yardstick > 0.0 { (of.max(0.0) / yardstick).min(1.0) } else { 0.0 }
    };
    match detector {
        DetectorKind::Mmd => share(statistic, spread.kernel).sqrt(),
        DetectorKind::Centroid => share(statistic, spread.linear).sqrt(),
        DetectorKind::Whitened => share(statistic, spread.whitened).sqrt(),
        DetectorKind::Novelty => share(statistic, spread.novelty),
        DetectorKind::Kl => total_variation(
            &probabilities(&measured.sum.cells, 0.0),
            &measured.expected.cells.iter().map(|share| share.max(0.0)).collect::<Vec<_>>(),
        ),
        DetectorKind::Repeats | DetectorKind::Drop => statistic,
    }
}
