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
/// A step depends on the events, the specification and the seed alone: what is kept of one freeze
/// may be used in another with the same arguments, and gives the same profile.
pub trait Steps: Sync {
    /// What was kept of `step`.
    fn done(&self, step: Step) -> Option<StreamPart>;

    /// Keeps what came of `step`.
    fn keep(&self, step: Step, result: &StreamPart);
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
