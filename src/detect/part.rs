//! The windows of one part of a monitor's traffic: of all of it, or of one segment.

mod explain;

use crate::clock::Timestamp;
use crate::detect::compare::{Comparator, Window};
use crate::detect::examples::Recent;
use crate::detect::grid::{Grid, Unit};
use crate::detect::lens::Seen;
use crate::detect::profile::Part;
use crate::detect::segments::Segment;
use crate::detect::state::PartMemory;
use crate::model::interaction::{Attributes, Event};
use crate::model::monitor::MonitorSpec;
use crate::model::report::Example;
use crate::model::stream::Stream;
use crate::model::verdict::Verdict;

/// Buckets and windows of one part.
#[derive(Debug)]
pub(super) struct PartWindows {
    /// The part's name in stored state: "" for the whole.
    pub(super) name: String,
    /// Index among the profile's segments, and the segment.
    segment: Option<(usize, Segment)>,
    pub(super) grids: Vec<Grid>,
}

impl PartWindows {
    pub(super) fn new(segment: Option<(usize, Segment)>, grids: Vec<Grid>) -> Self {
        let name = segment.as_ref().map_or_else(String::new, |(_, segment)| segment.name());
        Self { name, segment, grids }
    }

    pub(super) fn holds(&self, attributes: &Attributes) -> bool {
        self.segment.as_ref().is_none_or(|(_, segment)| segment.holds(attributes))
    }

    /// Whether the event is of this part and not behind bucket `last`: time windows close late, when
    /// events of later buckets are there already.
    fn is_in(&self, grid: &Grid, last: i64, event: &Event) -> bool {
        let in_time = match grid.unit {
            Unit::Events => true,
            Unit::Minutes => event.occurred_at < grid.end_of(last),
        };
        in_time && self.holds(&event.attributes)
    }

    pub(super) fn labels(&self) -> Attributes {
        self.segment.as_ref().map(|(_, segment)| segment.labels()).unwrap_or_default()
    }

    /// The grid's name in the stores.
    pub(super) fn grid_name(&self, g: usize) -> String {
        let unit = self.grids[g].unit.name();
        if self.name.is_empty() { unit.to_owned() } else { format!("{unit}:{}", self.name) }
    }

    /// The grid of that name, if it is one of this part.
    pub(super) fn grid_mut(&mut self, name: &str) -> Option<&mut Grid> {
        let g = (0..self.grids.len()).find(|&g| self.grid_name(g) == name)?;
        self.grids.get_mut(g)
    }

    /// Adds the `seen`-th event of the part.
    pub(super) fn add(
        &mut self,
        g: usize,
        seen: i64,
        time: Timestamp,
        values: &[(Stream, Seen)],
        comparator: &Comparator,
    ) {
        let grid = &mut self.grids[g];
        let key = grid.key(seen, time);
        let bucket = grid.bucket_mut(key, time);
        for (stream, value) in values {
            let Some(lens) = comparator.lens(*stream) else { continue };
            bucket
                .streams
                .entry(*stream)
                .or_insert_with(|| lens.empty_sketch())
                .add(&value.observation());
        }
    }

    /// The buckets that the event just added closes, in order. Time buckets that end before
    /// `certain` get no more events.
    pub(super) fn closed_buckets(
        &self,
        g: usize,
        memory: &mut PartMemory,
        watermark: Timestamp,
        certain: Timestamp,
    ) -> Vec<i64> {
        let grid = &self.grids[g];
        match grid.unit {
            Unit::Events => {
                let complete = (memory.seen + 1) % i64::from(grid.width) == 0;
                complete.then(|| grid.key(memory.seen, watermark)).into_iter().collect()
            }
            Unit::Minutes => {
                let open = grid.key(0, certain);
                let Some(first) = grid.buckets.keys().next().copied() else { return Vec::new() };
                let from = memory.open_from.unwrap_or(first);
                memory.open_from = Some(from.max(open));
                let newest = grid.buckets.range(..open).next_back().map_or(from, |(key, _)| *key);
                // After a long silence the empty windows in the middle say nothing new.
                (from..open.min(newest + grid.longest() + 1)).collect()
            }
        }
    }

    /// Judges the windows that are due with bucket `last`; `None` when none is.
    pub(super) fn judge(
        &self,
        g: usize,
        last: i64,
        memory: &mut PartMemory,
        spec: &MonitorSpec,
        comparator: &Comparator,
        per_30d: f64,
    ) -> Option<Vec<Verdict>> {
        let (grid, part) = (&self.grids[g], self.part(comparator));
        let intensity = match grid.unit {
            Unit::Events => memory.intensity(part.events_per_day),
            // Evaluations by the clock come equally often whatever the traffic.
            Unit::Minutes => 1.0,
        };
        let rate_factor = per_30d / comparator.profile().per_30d / intensity;
        let mut verdicts = Vec::new();
        for window in grid.windows.iter().filter(|window| (last + 1) % window.stride == 0) {
            let complete = match grid.unit {
                Unit::Events => last + 1 >= window.buckets,
                Unit::Minutes => true,
            };
            for &stream in &spec.streams {
                let sum = grid.window_sum(window, last, stream);
                let min_events = match grid.unit {
                    // Where few events carry a value of the stream, half a window is enough.
                    Unit::Events => window.min_events / 2,
                    Unit::Minutes => window.min_events,
                };
                let (name, sum) = (window.name.as_str(), sum.as_ref());
                let window_now = Window { name, sum, complete, min_events, rate_factor };
                let judged = comparator.judge(spec, part, stream, &window_now);
                memory.remember(stream, &window.name, &judged);
                verdicts.extend(judged);
            }
        }
        (!verdicts.is_empty()).then_some(verdicts)
    }

    /// Examples for each drifted stream, from its most drifted window.
    pub(super) fn examples(
        &self,
        g: usize,
        last: i64,
        verdicts: &[Verdict],
        spec: &MonitorSpec,
        comparator: &Comparator,
        recent: &Recent,
    ) -> Vec<Example> {
        let grid = &self.grids[g];
        let mut examples = Vec::new();
        for &stream in &spec.streams {
            let worst = verdicts
                .iter()
                .filter(|v| v.stream == stream && v.is_drift)
                .max_by(|a, b| a.ratio().unwrap_or(0.0).total_cmp(&b.ratio().unwrap_or(0.0)));
            let Some(worst) = worst else { continue };
            let window = grid.windows.iter().find(|window| window.name == worst.window);
            let sum = window.and_then(|window| grid.window_sum(window, last, stream));
            let expected = self.part(comparator).streams.get(&stream);
            let (Some(sum), Some(reference)) = (sum, expected) else { continue };
            let phase: Vec<f64> = sum.phase.iter().map(|total| total / sum.n).collect();
            let mean = reference.expectation.at(&phase).x;
            let direction: Vec<f32> =
                sum.sum_x.iter().zip(&mean).map(|(w, m)| (w / sum.n - m) as f32).collect();
            let belongs = |event: &Event| self.is_in(grid, last, event);
            let n = worst.n_window as usize;
            examples.extend(recent.most_drifted(stream, &direction, n, belongs));
        }
        examples
    }

    /// Forgets the buckets that no window needs after `last`; returns what to close in the store.
    pub(super) fn prune(&mut self, g: usize, last: i64) -> Vec<(String, i64)> {
        let name = self.grid_name(g);
        self.grids[g].prune(last).into_iter().map(|key| (name.clone(), key)).collect()
    }

    fn part<'a>(&self, comparator: &'a Comparator) -> &'a Part {
        let profile = comparator.profile();
        match &self.segment {
            Some((index, _)) => &profile.segments[*index],
            None => &profile.whole,
        }
    }
}
