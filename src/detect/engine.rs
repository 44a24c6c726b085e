//! Slides a monitor's windows over its events and judges them.
//!
//! The engine is a function of the reference and of the events in their order; what it remembers
//! can be stored between any two events and restored to go on with the same numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::detect::compare::{Comparator, Window};
use crate::detect::examples::Recent;
use crate::detect::grid::{Grid, Unit};
use crate::detect::state::{Changes, Memory, RestoreError, SavedBucket};
use crate::detect::values::value;
use crate::model::interaction::Event;
use crate::model::monitor::MonitorSpec;
use crate::model::report::Example;
use crate::model::stream::Stream;
use crate::model::verdict::Verdict;
use crate::stats::sketch::Sketch;

/// One evaluation: every window that was due.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Event time.
    pub at: Timestamp,
    /// Position of the last event that was observed.
    pub position: i64,
    /// The verdicts of the windows that were due.
    pub verdicts: Vec<Verdict>,
    /// Largest statistic ÷ threshold of each stream over the latest verdict of *every* window;
    /// `None` where no window of the stream could be judged yet.
    pub ratios: BTreeMap<Stream, Option<f64>>,
    /// The most drifted interactions of each drifted stream.
    pub examples: Vec<Example>,
    /// Events left out so far because they came too late.
    pub late_events: i64,
}

/// The windows of one monitor.
#[derive(Debug)]
pub struct Engine {
    spec: MonitorSpec,
    comparator: Arc<Comparator>,
    memory: Memory,
    grids: Vec<Grid>,
    recent: Recent,
    /// Buckets that no window needs any more since changes were last taken.
    dropped: Vec<(String, i64)>,
    scratch: Vec<f32>,
}

impl Engine {
    /// An engine that has seen nothing yet.
    pub fn new(spec: MonitorSpec, comparator: Arc<Comparator>) -> Self {
        let grids = Grid::of(&spec.windows);
        let longest = grids
            .iter()
            .filter(|grid| grid.unit == Unit::Events)
            .map(|grid| grid.longest() as usize * grid.width as usize)
            .max();
        let recent = Recent::new(longest);
        let memory = Memory::default();
        Self { spec, comparator, memory, grids, recent, dropped: Vec::new(), scratch: Vec::new() }
    }

    /// An engine that goes on where the saved one stopped. The latest events may then be given to
    /// [`Engine::recall`], so that examples reach back as far.
    pub fn restore(
        spec: MonitorSpec,
        comparator: Arc<Comparator>,
        memory: &[u8],
        buckets: &[SavedBucket],
    ) -> Result<Self, RestoreError> {
        let mut engine = Self::new(spec, comparator);
        engine.memory = Memory::from_bytes(memory)?;
        for saved in buckets {
            let grid = engine
                .grids
                .iter_mut()
                .find(|grid| grid.unit.name() == saved.grid)
                .ok_or_else(|| RestoreError::UnknownGrid { grid: saved.grid.clone() })?;
            grid.buckets.insert(saved.key, saved.to_bucket()?);
        }
        Ok(engine)
    }

    /// How many of the latest events [`Engine::recall`] can use.
    pub fn recall_limit(&self) -> usize {
        self.recent.limit()
    }

    /// Reminds the engine of events that it has observed before, oldest first.
    pub fn recall<'a>(&mut self, events: impl IntoIterator<Item = &'a Event>) {
        for event in events {
            if self.spec.covers(&event.attributes) {
                self.recent.push(event);
            }
        }
    }

    /// The specification that the engine works by.
    pub fn spec(&self) -> &MonitorSpec {
        &self.spec
    }

    /// Observes the next event; returns the evaluations that it made due.
    pub fn observe(&mut self, event: &Event) -> Vec<Evaluation> {
        if !self.spec.covers(&event.attributes) {
            return Vec::new();
        }
        if event.occurred_at < self.memory.watermark.minus(self.spec.lateness()) {
            self.memory.late += 1;
            return Vec::new();
        }
        self.memory.watermark = self.memory.watermark.max(event.occurred_at);
        self.memory.first_at.get_or_insert(event.occurred_at);
        self.recent.push(event);
        let values: Vec<(Stream, Vec<f32>)> = self
            .spec
            .streams
            .iter()
            .filter_map(|&stream| Some((stream, value(event, stream)?)))
            .collect();
        let mut evaluations = Vec::new();
        for g in 0..self.grids.len() {
            self.add(g, event.occurred_at, &values);
            for last in self.closed_buckets(g) {
                evaluations.extend(self.evaluate(g, last, event));
                self.prune(g, last);
            }
        }
        self.memory.seen += 1;
        evaluations
    }

    /// What has to be stored so that a restored engine goes on from here; forgets that it changed.
    pub fn take_changes(&mut self) -> Changes {
        let mut upserts = Vec::new();
        for grid in &mut self.grids {
            let name = grid.unit.name();
            for (key, bucket) in grid.buckets.iter_mut().filter(|(_, bucket)| bucket.dirty) {
                bucket.dirty = false;
                upserts.push(SavedBucket::of(name, *key, bucket));
            }
        }
        Changes {
            memory: self.memory.to_bytes(),
            upserts,
            closed: std::mem::take(&mut self.dropped),
        }
    }

    /// Events left out so far because they came too late.
    pub fn late_events(&self) -> i64 {
        self.memory.late
    }

    fn add(&mut self, g: usize, time: Timestamp, values: &[(Stream, Vec<f32>)]) {
        let grid = &mut self.grids[g];
        let key = grid.key(self.memory.seen, time);
        let bucket = grid.bucket_mut(key, time);
        for (stream, x) in values {
            let Some((profile, features)) = self.comparator.stream(*stream) else { continue };
            self.scratch.resize(features.len(), 0.0);
            bucket.streams.entry(*stream).or_insert_with(|| profile.empty_sketch()).observe(
                x,
                features,
                &profile.codebook,
                &mut self.scratch,
            );
        }
    }

    /// The buckets that the event just added closes, in order.
    fn closed_buckets(&mut self, g: usize) -> Vec<i64> {
        let grid = &self.grids[g];
        match grid.unit {
            Unit::Events => {
                let complete = (self.memory.seen + 1) % i64::from(grid.width) == 0;
                complete
                    .then(|| grid.key(self.memory.seen, self.memory.watermark))
                    .into_iter()
                    .collect()
            }
            Unit::Minutes => {
                let certain = self.memory.watermark.minus(self.spec.lateness());
                let open = grid.key(0, certain);
                let Some(first) = grid.buckets.keys().next().copied() else { return Vec::new() };
                let from = self.memory.open_from.unwrap_or(first);
                self.memory.open_from = Some(from.max(open));
                let newest = grid.buckets.range(..open).next_back().map_or(from, |(key, _)| *key);
                // After a long silence the empty windows in the middle say nothing new.
                (from..open.min(newest + grid.longest() + 1)).collect()
            }
        }
    }

    fn evaluate(&mut self, g: usize, last: i64, event: &Event) -> Option<Evaluation> {
        let grid = &self.grids[g];
        let intensity = match grid.unit {
            Unit::Events => self.memory.intensity(self.comparator.profile().events_per_day),
            // Evaluations by the clock come equally often whatever the traffic.
            Unit::Minutes => 1.0,
        };
        let mut verdicts = Vec::new();
        for window in grid.windows.iter().filter(|window| (last + 1) % window.stride == 0) {
            let complete = match grid.unit {
                Unit::Events => last + 1 >= window.buckets,
                Unit::Minutes => true,
            };
            for &stream in &self.spec.streams {
                let sum = grid.window_sum(window, last, stream);
                let min_events = match grid.unit {
                    // Where few events carry a value of the stream, half a window is enough.
                    Unit::Events => window.min_events / 2,
                    Unit::Minutes => window.min_events,
                };
                let window_now = Window {
                    name: &window.name,
                    sum: sum.as_ref(),
                    complete,
                    min_events,
                    intensity,
                };
                let judged = self.comparator.judge(&self.spec, stream, &window_now);
                self.memory.remember(stream, &window.name, &judged);
                verdicts.extend(judged);
            }
        }
        if verdicts.is_empty() {
            return None;
        }
        let at = match grid.unit {
            Unit::Events => self.memory.watermark,
            Unit::Minutes => grid.end_of(last),
        };
        Some(Evaluation {
            at,
            position: event.position,
            examples: self.examples(g, last, &verdicts),
            ratios: self.spec.streams.iter().map(|s| (*s, self.memory.ratio(*s))).collect(),
            verdicts,
            late_events: self.memory.late,
        })
    }

    /// Examples for each drifted stream, from its most drifted window.
    fn examples(&self, g: usize, last: i64, verdicts: &[Verdict]) -> Vec<Example> {
        let grid = &self.grids[g];
        let mut examples = Vec::new();
        for &stream in &self.spec.streams {
            let worst = verdicts
                .iter()
                .filter(|v| v.stream == stream && v.is_drift)
                .max_by(|a, b| a.ratio().unwrap_or(0.0).total_cmp(&b.ratio().unwrap_or(0.0)));
            let Some(worst) = worst else { continue };
            let window = grid.windows.iter().find(|window| window.name == worst.window);
            let sum = window.and_then(|window| grid.window_sum(window, last, stream));
            let (Some(sum), Some((profile, _))) = (sum, self.comparator.stream(stream)) else {
                continue;
            };
            let direction = direction(&sum, &profile.sketch);
            examples.extend(self.recent.most_drifted(stream, &direction, worst.n_window as usize));
        }
        examples
    }

    fn prune(&mut self, g: usize, last: i64) {
        let name = self.grids[g].unit.name();
        let gone = self.grids[g].prune(last);
        self.dropped.extend(gone.into_iter().map(|key| (name.to_owned(), key)));
    }
}

/// μ_window − μ_reference.
fn direction(window: &Sketch, reference: &Sketch) -> Vec<f32> {
    window
        .sum_x
        .iter()
        .zip(&reference.sum_x)
        .map(|(w, r)| (w / window.n - r / reference.n) as f32)
        .collect()
}
