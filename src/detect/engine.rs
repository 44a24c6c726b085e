//! Slides a monitor's windows over its events and judges them.
//!
//! The engine is a function of the reference and of the events in their order; what it remembers
//! can be stored between any two events and restored to go on with the same numbers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::detect::compare::{Comparator, SeenEvent};
use crate::detect::examples::Recent;
use crate::detect::grid::{Grid, Unit};
use crate::detect::lens::Seen;
use crate::detect::notes::Texts;
use crate::detect::outcomes::OutcomeProfile;
use crate::detect::outcomes::freeze::topic;
use crate::detect::outcomes::watch::Rule;
use crate::detect::part::PartWindows;
use crate::detect::repeats::WINDOW;
use crate::detect::state::{Changes, Memory, RestoreError, SavedBucket};
use crate::model::explanation::{Explanation, OutcomeLink, Trend};
use crate::model::interaction::{Attributes, Event};
use crate::model::monitor::{MonitorSpec, ThresholdPolicy};
use crate::model::report::Example;
use crate::model::stream::Stream;
use crate::model::verdict::{DetectorKind, Verdict};

/// Arrivals between two looks at the share of repeats.
const REPEATS_STRIDE: i64 = 50;

/// One evaluation: every window of one part of the traffic that was due.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Event time.
    pub at: Timestamp,
    /// Position of the last event that was observed.
    pub position: i64,
    /// The segment as labels; empty for all of the monitor's traffic.
    pub segment: Attributes,
    /// The verdicts of the windows that were due.
    pub verdicts: Vec<Verdict>,
    /// Largest statistic ÷ threshold of each stream over the latest verdict of *every* window; `None`
    /// where no window of the stream could be judged yet, or one that was not due lies higher.
    pub ratios: BTreeMap<Stream, Option<f64>>,
    /// The most drifted interactions of each drifted stream.
    pub examples: Vec<Example>,
    /// Events left out so far because they came too late.
    pub late_events: i64,
    /// Key of the last bucket of its windows; `None` where no window was judged.
    pub(in crate::detect) bucket: Option<i64>,
}

impl Evaluation {
    /// Whether any window drifted, and there is something to explain.
    pub fn is_drift(&self) -> bool {
        self.bucket.is_some() && self.verdicts.iter().any(|verdict| verdict.is_drift)
    }
}

/// The windows of one monitor.
#[derive(Debug)]
pub struct Engine {
    spec: MonitorSpec,
    comparator: Arc<Comparator>,
    /// Expected false alarms in 30 days that are in force.
    per_30d: f64,
    memory: Memory,
    /// The whole, then the segments.
    parts: Vec<PartWindows>,
    recent: Recent,
    /// Buckets that no window needs any more since changes were last taken.
    dropped: Vec<(String, i64)>,
}

impl Engine {
    /// An engine that has seen nothing yet. `per_30d` are the expected false alarms in 30 days that
    /// its thresholds keep to.
    pub fn new(spec: MonitorSpec, comparator: Arc<Comparator>, per_30d: f64) -> Self {
        let profile = comparator.profile();
        let mut parts = vec![PartWindows::new(None, Grid::of(&spec.windows))];
        parts.extend(profile.segments.iter().enumerate().map(|(i, part)| {
            let segment = part.segment.clone().map(|segment| (i, segment));
            PartWindows::new(segment, Grid::of(&part.windows))
        }));
        let longest = parts[0]
            .grids
            .iter()
            .filter(|grid| grid.unit == Unit::Events)
            .map(|grid| grid.longest() as usize * grid.width as usize)
            .max()
            // A segment's window reaches back over many events of others.
            .filter(|_| parts.len() == 1);
        Self {
            recent: Recent::new(longest),
            memory: Memory::default(),
            dropped: Vec::new(),
            spec,
            comparator,
            per_30d,
            parts,
        }
    }

    /// An engine that goes on where the saved one stopped. The latest events may then be given to
    /// [`Engine::recall`], so that examples reach back as far.
    pub fn restore(
        spec: MonitorSpec,
        comparator: Arc<Comparator>,
        per_30d: f64,
        memory: &[u8],
        buckets: &[SavedBucket],
    ) -> Result<Self, RestoreError> {
        let mut engine = Self::new(spec, comparator, per_30d);
        engine.memory = Memory::from_bytes(memory)?;
        for saved in buckets {
            let grid = engine
                .parts
                .iter_mut()
                .find_map(|part| part.grid_mut(&saved.grid))
                .ok_or_else(|| RestoreError::UnknownGrid { grid: saved.grid.clone() })?;
            grid.buckets.insert(saved.key, saved.to_bucket()?);
        }
        Ok(engine)
    }

    /// Sets the expected false alarms in 30 days, when the budget is divided anew.
    pub fn set_per_30d(&mut self, per_30d: f64) {
        self.per_30d = per_30d;
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

    /// Notes in the signals of `event` whether its texts are written as the reference's are, and which
    /// policies they are against; to be done before it is looked at.
    pub fn read(&self, event: &mut Event, texts: Texts<'_>) {
        // Nobody else asks how texts are written, and it costs microseconds for each event.
        let asks = |stream| self.spec.streams.contains(&stream);
        if asks(Stream::QueryQuality) || asks(Stream::ResponseQuality) {
            self.comparator.profile().writings.read(event, texts);
        }
        if asks(Stream::Policy) {
            // By the policies of the reference: later ones would be compared with nothing.
            let vectors = (event.query.as_deref(), event.response.as_deref());
            event.signals.mark(&self.comparator.profile().policies, texts, vectors);
        }
    }

    /// Looks at the values of events that will be observed; what is not covered has none.
    pub fn look(&self, events: &[Event]) -> Vec<SeenEvent> {
        let covered: Vec<usize> =
            (0..events.len()).filter(|&i| self.spec.covers(&events[i].attributes)).collect();
        let mut seen = vec![SeenEvent::new(); events.len()];
        let looked = self.comparator.look(&covered.iter().map(|&i| &events[i]).collect::<Vec<_>>());
        covered.into_iter().zip(looked).for_each(|(i, one)| seen[i] = one);
        seen
    }

    /// Observes the next event; returns the evaluations that it made due.
    pub fn observe(&mut self, event: &Event) -> Vec<Evaluation> {
        let seen = self.look(std::slice::from_ref(event));
        self.observe_seen(event, seen.first().map_or(&[], Vec::as_slice))
    }

    /// Observes the next event, whose values [`Engine::look`] has looked at before.
    pub fn observe_seen(&mut self, event: &Event, seen: &[(Stream, Seen)]) -> Vec<Evaluation> {
        if !self.spec.covers(&event.attributes) {
            return Vec::new();
        }
        if event.occurred_at < self.memory.watermark.minus(self.spec.lateness()) {
            self.memory.late += 1;
            return Vec::new();
        }
        self.memory.watermark = self.memory.watermark.max(event.occurred_at);
        let mut evaluations = Vec::new();
        let repeats = self.observe_text(event, &mut evaluations);
        if repeats {
            self.memory.repeated += 1;
            return evaluations;
        }
        self.recent.push(event);
        for p in 0..self.parts.len() {
            if self.parts[p].holds(&event.attributes) {
                self.observe_part(p, event, seen, &mut evaluations);
            }
        }
        evaluations
    }

    /// How long an interaction waits for its outcomes before [`Engine::observe_matured`] is to see it;
    /// `None` where none are watched.
    pub fn matures_after(&self) -> Option<Duration> {
        self.comparator.profile().outcomes.as_ref().map(OutcomeProfile::matures_after)
    }

    /// Position of the last interaction whose outcomes were looked at.
    pub fn matured_position(&self) -> i64 {
        self.memory.outcomes.position
    }

    /// Observes an interaction again, now that its outcomes have had time to come; returns the
    /// evaluation that it made due.
    pub fn observe_matured(&mut self, event: &Event) -> Option<Evaluation> {
        let profile = self.comparator.profile();
        let outcomes = profile.outcomes.as_ref()?;
        if !self.spec.covers(&event.attributes) {
            self.memory.outcomes.position = event.position;
            return None;
        }
        let lens = profile.lenses.get(&Stream::Query);
        let topic = topic(event, lens, &outcomes.radius_limits);
        let rule = match &self.spec.thresholds {
            ThresholdPolicy::Fixed(fixed) => Rule::Fixed(fixed.of(DetectorKind::Drop)),
            _ => Rule::Per30d(self.per_30d * outcomes.per_30d / profile.per_30d),
        };
        let judgement = self.memory.outcomes.observe(outcomes, event, topic, rule)?;
        Some(Evaluation {
            at: self.memory.watermark,
            position: event.position,
            segment: Attributes::new(),
            verdicts: judgement.verdicts,
            ratios: BTreeMap::from([(Stream::Outcome, self.memory.outcomes.ratio)]),
            examples: judgement.examples,
            late_events: self.memory.late,
            bucket: None,
        })
    }

    /// What has to be stored so that a restored engine goes on from here; forgets that it changed.
    pub fn take_changes(&mut self) -> Changes {
        let mut upserts = Vec::new();
        for part in &mut self.parts {
            for g in 0..part.grids.len() {
                let name = part.grid_name(g);
                for (key, bucket) in
                    part.grids[g].buckets.iter_mut().filter(|(_, bucket)| bucket.dirty)
                {
                    bucket.dirty = false;
                    upserts.push(SavedBucket::of(&name, *key, bucket));
                }
            }
        }
        Changes {
            memory: self.memory.to_bytes(),
            upserts,
            closed: std::mem::take(&mut self.dropped),
        }
    }

    /// Why the windows of `evaluation`, the latest of its part, differ from the reference; `None`
    /// where none does. `texts` gives those of an interaction, as far as they may be shown.
    pub fn explain<'t>(
        &self,
        evaluation: &Evaluation,
        texts: &dyn Fn(&str) -> Texts<'t>,
    ) -> Option<Explanation> {
        let part = self.parts.iter().find(|part| part.labels() == evaluation.segment)?;
        let notes = &self.comparator.profile().notes;
        let mut found = part.explain(evaluation, notes, &self.comparator, &self.recent, texts)?;
        found.outcomes = self.outcomes_of(&found);
        Some(found)
    }

    /// The outcomes of what `found` says has drifted in the queries, beside the rest.
    fn outcomes_of(&self, found: &Explanation) -> Vec<OutcomeLink> {
        let Some(profile) = &self.comparator.profile().outcomes else { return Vec::new() };
        let query = found.streams.iter().find(|one| one.stream == Stream::Query);
        let Some(query) = query else { return Vec::new() };
        let grown = query.cells.iter().filter(|cell| cell.trend == Trend::Growing);
        let new = profile.sums.groups().topics.saturating_sub(1);
        let drifted: Vec<usize> = grown.map(|cell| cell.cell as usize).chain([new]).collect();
        self.memory.outcomes.links(profile, &drifted)
    }

    /// Ids of the events that an explanation can speak of.
    pub fn remembered(&self) -> Vec<String> {
        self.recent.newest().map(|event| event.interaction_id.clone()).collect()
    }

    /// Events left out so far because they came too late.
    pub fn late_events(&self) -> i64 {
        self.memory.late
    }

    /// Events left out so far because they repeat a text too often.
    pub fn repeated_events(&self) -> i64 {
        self.memory.repeated
    }

    /// Takes note of the event's text; whether it is a repeat.
    fn observe_text(&mut self, event: &Event, evaluations: &mut Vec<Evaluation>) -> bool {
        if !self.spec.streams.contains(&Stream::Duplicates) {
            return false;
        }
        let allowance = &self.comparator.profile().allowance;
        let repeat = self.memory.repeats.observe(event.hashes, allowance);
        self.memory.arrivals += 1;
        if self.memory.arrivals % REPEATS_STRIDE == 0 {
            evaluations.extend(self.evaluate_repeats(event));
        }
        repeat
    }

    /// Judges the share of repeats, unless there are none and were none.
    fn evaluate_repeats(&mut self, event: &Event) -> Option<Evaluation> {
        let (repeats, among) = self.memory.repeats.share();
        let was_quiet = self.memory.repeats_ratio.is_none_or(|ratio| ratio <= 0.0);
        if repeats == 0 && was_quiet {
            return None;
        }
        let verdict = self.comparator.judge_repeats(&self.spec, repeats, among);
        self.memory.repeats_ratio = verdict.ratio().or(self.memory.repeats_ratio);
        let worst = self.memory.repeats.worst().filter(|_| verdict.is_drift);
        let score = repeats as f64 / WINDOW as f64;
        let example = worst.and_then(|hashes| self.recent.example_of(hashes, score));
        Some(Evaluation {
            at: self.memory.watermark,
            position: event.position,
            segment: Attributes::new(),
            ratios: BTreeMap::from([(Stream::Duplicates, verdict.ratio())]),
            verdicts: vec![verdict],
            examples: example.into_iter().collect(),
            late_events: self.memory.late,
            bucket: None,
        })
    }

    fn observe_part(
        &mut self,
        p: usize,
        event: &Event,
        seen: &[(Stream, Seen)],
        evaluations: &mut Vec<Evaluation>,
    ) {
        // The whole, which stands first, has been judged on this event before its segments are.
        let whole =
            (p > 0).then(|| Some(self.memory.parts.get("")?.ratios(&self.spec.streams))).flatten();
        let part = &mut self.parts[p];
        let memory = self.memory.parts.entry(part.name.clone()).or_default();
        memory.first_at.get_or_insert(event.occurred_at);
        memory.newest_at = memory.newest_at.max(event.occurred_at);
        for g in 0..part.grids.len() {
            part.add(g, memory.seen, event.occurred_at, seen, &self.comparator);
            let certain = self.memory.watermark.minus(self.spec.lateness());
            for last in part.closed_buckets(g, memory, self.memory.watermark, certain) {
                let drawn = part.judge(g, last, memory, &self.spec, &self.comparator, self.per_30d);
                let dropped = part.prune(g, last);
                self.dropped.extend(dropped);
                if let Some(verdicts) = drawn {
                    let at = match part.grids[g].unit {
                        Unit::Events => self.memory.watermark,
                        Unit::Minutes => part.grids[g].end_of(last),
                    };
                    let examples = part.examples(
                        g,
                        last,
                        &verdicts,
                        &self.spec,
                        &self.comparator,
                        &self.recent,
                    );
                    let windows = &part.grids[g].windows;
                    let mut ratios = memory.leading_ratios(&self.spec.streams, windows);
                    if let Some(whole) = &whole {
                        yield_to_whole(&mut ratios, whole);
                    }
                    evaluations.push(Evaluation {
                        at,
                        position: event.position,
                        segment: part.labels(),
                        ratios,
                        verdicts,
                        examples,
                        late_events: self.memory.late,
                        bucket: Some(last),
                    });
                }
            }
        }
        memory.seen += 1;
    }
}

/// A segment that drifts no more than all of the traffic raises no alert beside the whole's.
fn yield_to_whole(
    ratios: &mut BTreeMap<Stream, Option<f64>>,
    whole: &BTreeMap<Stream, Option<f64>>,
) {
    for (stream, ratio) in ratios {
        let of_whole = whole.get(stream).copied().flatten().filter(|whole| *whole > 1.0);
        if ratio.zip(of_whole).is_some_and(|(own, whole)| own <= whole) {
            *ratio = None;
        }
    }
}
