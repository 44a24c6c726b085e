//! Which windows of a part are simulated, and how.

use crate::detect::freeze::FreezeError;
use crate::detect::grid::{Grid, Unit};
use crate::model::monitor::{MonitorSpec, ThresholdPolicy, WindowSpec};
use crate::stats::simulate::SimulatedWindow;

/// What is simulated of one part.
pub(super) struct Plan {
    /// Events of the part in the reference.
    pub(super) n: usize,
    /// The same per day.
    pub(super) events_per_day: f64,
    /// Its windows.
    pub(super) windows: Vec<WindowSpec>,
    /// Those that the reference is long enough for, by grid.
    pub(super) grids: Vec<PlannedGrid>,
}

impl Plan {
    /// Events in the middle one of the windows.
    pub(super) fn middle_window(&self) -> usize {
        let mut sizes: Vec<usize> =
            self.grids.iter().flat_map(|grid| grid.windows.iter().map(|w| w.events)).collect();
        sizes.sort_unstable();
        sizes.get(sizes.len() / 2).copied().unwrap_or(512)
    }
}

/// One window of a grid as it is simulated.
pub(super) struct PlannedWindow {
    pub(super) name: String,
    pub(super) events: usize,
    pub(super) simulated: SimulatedWindow,
}

/// A grid as it is simulated.
pub(super) struct PlannedGrid {
    pub(super) bucket_events: usize,
    pub(super) windows: Vec<PlannedWindow>,
}

impl PlannedGrid {
    /// Events between two evaluations.
    pub(super) fn stride_events(&self) -> usize {
        let stride = self.windows.iter().map(|w| w.simulated.stride).min().unwrap_or(1);
        self.bucket_events * stride
    }
}

/// The grids of `windows` without those that are longer than a third of the `n` events.
pub(super) fn grids(windows: &[WindowSpec], n: usize, events_per_day: f64) -> Vec<PlannedGrid> {
    let mut planned = Vec::new();
    for grid in Grid::of(windows) {
        let bucket_events = match grid.unit {
            Unit::Events => grid.width as usize,
            Unit::Minutes => {
                ((events_per_day * f64::from(grid.width) / 1440.0).round() as usize).max(1)
            }
        };
        let windows: Vec<PlannedWindow> = grid
            .windows
            .iter()
            .map(|window| PlannedWindow {
                name: window.name.clone(),
                events: bucket_events * window.buckets as usize,
                simulated: SimulatedWindow {
                    buckets: window.buckets as usize,
                    stride: window.stride as usize,
                },
            })
            .filter(|window| 3 * window.events <= n)
            .collect();
        if !windows.is_empty() {
            planned.push(PlannedGrid { bucket_events, windows });
        }
    }
    planned
}

/// The grids of the whole, with a warning for each window that is too long or nearly so.
pub(super) fn usable_grids(
    spec: &MonitorSpec,
    n_ref: usize,
    events_per_day: f64,
    warnings: &mut Vec<String>,
) -> Result<Vec<PlannedGrid>, FreezeError> {
    let fixed = matches!(spec.thresholds, ThresholdPolicy::Fixed(_));
    let mut shortest = usize::MAX;
    // A reference that is three times as long as any window shows them all.
    for window in grids(&spec.windows, usize::MAX, events_per_day).iter().flat_map(|g| &g.windows) {
        let (name, events) = (&window.name, window.events);
        shortest = shortest.min(events);
        if events > n_ref / 3 {
            let what =
                if fixed { "it has no p-values" } else { "it is computed without a threshold" };
            warnings.push(format!(
                "window {name}: {events} events need a reference of {} and this one has {n_ref}; {what}",
                3 * events
            ));
        } else if events > n_ref / 10 {
            warnings.push(format!(
                "window {name}: {events} events are more than a tenth of the reference's {n_ref}; its false-alarm rate varies between references"
            ));
        }
    }
    let planned = grids(&spec.windows, n_ref, events_per_day);
    if planned.is_empty() && !fixed {
        return Err(FreezeError::WindowsTooLong { needed: 3 * shortest, got: n_ref });
    }
    Ok(planned)
}
