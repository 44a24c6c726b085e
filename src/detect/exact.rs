//! The exact MMD² of a window, on demand: to hold the sketch's figure beside other tools'.

use crate::detect::values::value;
use crate::model::interaction::Event;
use crate::model::stream::Stream;
use crate::stats::mmd::mmd2_unbiased;

/// Reference rows that are compared; of a larger reference an even selection.
pub const MAX_REFERENCE_ROWS: usize = 2000;

/// An exact statistic and what it was computed on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exact {
    /// Unbiased MMD² with the RBF kernel of the reference's bandwidth.
    pub mmd2: f64,
    /// Reference rows used.
    pub n_ref: usize,
    /// Window rows used.
    pub n_window: usize,
}

/// The exact unbiased MMD² of `window` against `reference` in `stream`, at bandwidth `gamma`.
///
/// O((n + N)²·dim), N at most [`MAX_REFERENCE_ROWS`]: about a second for 384 dimensions. `None`
/// when a side has fewer than two values.
pub fn mmd2(reference: &[Event], window: &[Event], stream: Stream, gamma: f64) -> Option<Exact> {
    let values = |events: &[Event]| -> Vec<Vec<f32>> {
        events.iter().filter_map(|event| value(event, stream)).collect()
    };
    let (all, current) = (values(reference), values(window));
    let step = all.len().div_ceil(MAX_REFERENCE_ROWS).max(1);
    let reference: Vec<&[f32]> = all.iter().step_by(step).map(Vec::as_slice).collect();
    let window: Vec<&[f32]> = current.iter().map(Vec::as_slice).collect();
    let mmd2 = mmd2_unbiased(&reference, &window, gamma)?;
    Some(Exact { mmd2, n_ref: reference.len(), n_window: window.len() })
}
