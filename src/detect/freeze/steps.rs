//! What of a calibration is done, so that an interrupted one need not begin anew.

use crate::detect::profile::StreamPart;
use crate::model::stream::Stream;

/// One stream of one part, which is calibrated at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step {
    /// The stream.
    pub stream: Stream,
    /// The part: 0 for all of the traffic, then the segments in their order.
    pub part: usize,
}

/// Where calibrated parts are kept while others are calibrated.
///
/// A step depends on the events, the specification, the seed and its own rate of false alarms alone:
/// what is kept of one freeze may be used in another with the same arguments, and gives the same
/// profile. What was kept for another rate is calibrated again.
pub trait Steps: Sync {
    /// What was kept of `step`.
    fn done(&self, step: Step) -> Option<StreamPart>;

    /// Keeps what came of `step`.
    fn keep(&self, step: Step, result: &StreamPart);
}

/// What was kept of `step` for the rate `per_30d`; else what `calibrate` gives, which is kept.
pub(super) fn done_or(
    steps: &dyn Steps,
    step: Step,
    per_30d: f64,
    calibrate: impl FnOnce() -> Option<StreamPart>,
) -> Option<StreamPart> {
    // Whether outcomes are watched changes the shares, and more of them come every day.
    let is_of_rate = |kept: &StreamPart| kept.per_30d.to_bits() == per_30d.to_bits();
    steps.done(step).filter(is_of_rate).or_else(|| {
        let calibrated = calibrate()?;
        steps.keep(step, &calibrated);
        Some(calibrated)
    })
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoSteps;

impl Steps for NoSteps {
    fn done(&self, _: Step) -> Option<StreamPart> {
        None
    }

    fn keep(&self, _: Step, _: &StreamPart) {}
}
