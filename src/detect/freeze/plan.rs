//! Which windows of a part are simulated, and how.

use crate::detect::freeze::FreezeError;
use crate::detect::grid::{Grid, Unit};
use crate::model::monitor::{MonitorSpec, ThresholdPolicy, WindowSpec};
use crate::stats::sequential::Trigger;
use crate::stats::simulate::SimulatedWindow;

/// Events that a simulated bucket has at least: of fewer, rounding would be felt.
const MIN_BUCKET_EVENTS: f64 = 5.0;

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
#[derive(Debug)]
pub(super) struct PlannedWindow {
    pub(super) name: String,
    pub(super) events: usize,
    pub(super) simulated: SimulatedWindow,
}

/// A grid as it is simulated.
#[derive(Debug)]
pub(super) struct PlannedGrid {
    pub(super) bucket_events: usize,
    /// Evaluations a day of the real grid; those by the clock come however few events there are.
    pub(super) evaluations_per_day: f64,
    pub(super) windows: Vec<PlannedWindow>,
    /// Evaluations of the real grid for a simulated one.
    together: f64,
}

impl PlannedGrid {
    /// The alert's rule in simulated evaluations: fewer in a row where one stands for several.
    pub(super) fn trigger(&self, rule: Trigger) -> Trigger {
        let simulated = |evaluations: u32| ((f64::from(evaluations) / self.together) as u32).max(1);
        Trigger {
            for_evaluations: simulated(rule.for_evaluations),
            keep_firing_evaluations: simulated(rule.keep_firing_evaluations),
            ..rule
        }
    }

    /// The names of its windows.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.windows.iter().map(|window| window.name.as_str())
    }
}

/// The buckets of a grid as they are simulated.
struct Buckets {
    events: usize,
    /// Buckets of the real grid that are simulated as one. An evaluation by the clock then moves the
    /// window by less than a simulated one does, and alarms more rarely, not more often.
    together: f64,
    per_day: f64,
}

impl Buckets {
    fn of(grid: &Grid, events_per_day: f64) -> Self {
        let width = f64::from(grid.width);
        match grid.unit {
            Unit::Events => {
                Self { events: grid.width as usize, together: 1.0, per_day: events_per_day / width }
            }
            Unit::Minutes => {
                let per_day = 1440.0 / width;
                let each = events_per_day / per_day;
                let together = (MIN_BUCKET_EVENTS / each).ceil().max(1.0);
                Self { events: (each * together).round() as usize, together, per_day }
            }
        }
    }

    fn simulated(&self, buckets: i64) -> usize {
        ((buckets as f64 / self.together).round() as usize).max(1)
    }
}

/// The grids of `windows` without those that are longer than a third of the `n` events.
pub(super) fn grids(windows: &[WindowSpec], n: usize, events_per_day: f64) -> Vec<PlannedGrid> {
    let mut planned = Vec::new();
    for grid in Grid::of(windows) {
        let buckets = Buckets::of(&grid, events_per_day);
        let (windows, strides): (Vec<PlannedWindow>, Vec<i64>) = grid
            .windows
            .iter()
            .map(|window| {
                let simulated = SimulatedWindow {
                    buckets: buckets.simulated(window.buckets),
                    stride: buckets.simulated(window.stride),
                };
                let events = buckets.events * simulated.buckets;
                let name = window.name.clone();
                (PlannedWindow { name, events, simulated }, window.stride)
            })
            .filter(|(window, _)| 3 * window.events <= n)
            .unzip();
        let stride = strides.into_iter().min().unwrap_or(1);
        if !windows.is_empty() {
            let evaluations_per_day = buckets.per_day / stride as f64;
            planned.push(PlannedGrid {
                bucket_events: buckets.events,
                evaluations_per_day,
                windows,
                together: buckets.together,
            });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::monitor::WindowLength;

    fn of_a_day(stride_minutes: u32, events_per_day: f64) -> PlannedGrid {
        let length = WindowLength::Time { minutes: 1440, stride_minutes, min_events: 20 };
        let windows = [WindowSpec { name: "day".into(), length }];
        grids(&windows, 10_000, events_per_day).remove(0)
    }

    #[test]
    fn few_events_make_the_windows_neither_fuller_nor_the_evaluations_fewer() {
        for (stride, events_per_day) in [(5, 100.0), (5, 432.0), (60, 30.0), (60, 3000.0)] {
            let grid = of_a_day(stride, events_per_day);
            let events = grid.windows[0].events as f64;
            assert!((events / events_per_day - 1.0).abs() < 0.1, "{stride}: {events}");
            assert!((grid.evaluations_per_day - 1440.0 / f64::from(stride)).abs() < 1e-9);
        }
    }

    #[test]
    fn a_streak_is_as_long_in_time_as_it_is() {
        let rule = Trigger { for_evaluations: 30, keep_firing_evaluations: 4, resolve_ratio: 0.9 };
        let sparse = of_a_day(5, 100.0).trigger(rule);
        assert_eq!((sparse.for_evaluations, sparse.keep_firing_evaluations), (2, 1));
        assert_eq!(of_a_day(60, 3000.0).trigger(rule), rule);
    }

    #[test]
    fn windows_of_counts_are_simulated_as_they_are() {
        let windows = [WindowSpec::count("short", 200, 50), WindowSpec::count("long", 900, 75)];
        let grid = grids(&windows, 10_000, 500.0).remove(0);
        let lengths: Vec<_> = grid
            .windows
            .iter()
            .map(|w| (w.events, w.simulated.buckets, w.simulated.stride))
            .collect();
        assert_eq!((grid.bucket_events, lengths), (25, vec![(200, 8, 2), (900, 36, 3)]));
        assert!((grid.evaluations_per_day - 10.0).abs() < 1e-9);
    }

    #[test]
    fn windows_that_are_long_for_the_reference_are_told() {
        let mut spec = MonitorSpec::named("m");
        spec.windows = vec![WindowSpec::count("short", 50, 50), WindowSpec::count("long", 400, 50)];
        let mut warnings = Vec::new();
        let planned = usable_grids(&spec, 3000, 500.0, &mut warnings).unwrap();
        assert_eq!(planned[0].windows.len(), 2);
        assert!(warnings[0].starts_with("window long: 400 events are more than a tenth"));
        warnings.clear();
        let planned = usable_grids(&spec, 1000, 500.0, &mut warnings).unwrap();
        assert_eq!(
            planned[0].windows.iter().map(|w| w.name.as_str()).collect::<Vec<_>>(),
            ["short"]
        );
        assert!(warnings[0].contains("need a reference of 1200"), "{warnings:?}");
        let refused = usable_grids(&spec, 140, 500.0, &mut warnings).unwrap_err();
        assert_eq!(refused, FreezeError::WindowsTooLong { needed: 150, got: 140 });
    }
}
