//! Topics of the reference whose share changed.

use super::{StreamInput, WindowRow, exemplars, wording};
use crate::model::explanation::{CellChange, Trend};
use crate::stats::shift::{CellShift, cell_shifts};
use crate::text::counts::TermCounts;

/// Cells that are told at most.
const CELLS: usize = 12;

/// Standard deviations of sampling that a share must have changed by.
const MIN_Z: f64 = 3.0;

/// Events that a cell must have, or be expected to have, in the window.
const MIN_EVENTS: f64 = 5.0;

/// A cell with at most this part of its former share has vanished.
const VANISHED: f64 = 0.1;

/// The cells that changed, largest contribution first, of either sign. `now` and `then` are counts by
/// cell, with the new topics behind the reference's cells ([`super::groups::set_apart`]); `all` are the
/// terms of the whole reference.
pub(super) fn changes(
    input: &StreamInput<'_>,
    now: &[f64],
    then: &[f64],
    all: &TermCounts,
) -> Vec<CellChange> {
    let n: f64 = now.iter().sum();
    let shifts = cell_shifts(now, then).unwrap_or_default();
    let mut changed: Vec<(usize, CellShift)> = shifts
        .into_iter()
        .take(input.reference.counts.len())
        .enumerate()
        .filter(|(_, s)| s.z.abs() > MIN_Z && s.now.max(s.then) * n >= MIN_EVENTS)
        .collect();
    changed.sort_by(|a, b| b.1.contribution.abs().total_cmp(&a.1.contribution.abs()));
    changed.truncate(CELLS);
    changed.into_iter().map(|(cell, shift)| change(input, all, cell, shift)).collect()
}

fn change(input: &StreamInput<'_>, all: &TermCounts, cell: usize, shift: CellShift) -> CellChange {
    let trend = if shift.z > 0.0 {
        Trend::Growing
    } else if shift.now <= VANISHED * shift.then {
        Trend::Vanished
    } else {
        Trend::Fading
    };
    let exemplars = match (trend, input.reference.centroid(cell)) {
        (Trend::Growing, Some(centroid)) => {
            let rows: Vec<WindowRow<'_>> =
                input.rows.iter().filter(|row| row.cell == cell).copied().collect();
            exemplars::typical(&rows, centroid, false)
        }
        (Trend::Growing, None) => Vec::new(),
        _ => input.reference.exemplars.get(cell).cloned().unwrap_or_default(),
    };
    let terms = input.reference.terms.get(cell).map(|terms| wording::of_cell(terms, all));
    CellChange {
        cell: cell as u32,
        trend,
        share_then: shift.then,
        share_now: shift.now,
        contribution: shift.contribution,
        z: shift.z,
        terms: terms.unwrap_or_default(),
        exemplars,
    }
}
