//! Freezing outcomes: what the reference's were, and thresholds calibrated on resampled traffic.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::collections::{HashMap, VecDeque};

use crate::detect::budget::run_evaluations;
use crate::detect::lens::Lens;
use crate::detect::outcomes::norm::{Norm, OutcomeProfile};
use crate::detect::outcomes::score::{columns, score};
use crate::detect::outcomes::sums::{Groups, Sums};
use crate::detect::profile::DetectorCalibration;
use crate::detect::segments::Segment;
use crate::detect::values::value;
use crate::model::interaction::{Event, EventOutcome};
use crate::model::monitor::{WindowLength, WindowSpec};
use crate::model::stream::Stream;
use crate::stats::calibrate::{Calibration, calibrate};
use crate::stats::dependence::{block_length, design_effect};
use crate::stats::leader::radius_limits;
use crate::stats::linear::distance_sq;
use crate::stats::null::Scale;
use crate::stats::sequential::Trigger;
use crate::stats::simulate::Path;

/// An outcome with fewer values in the reference is not watched.
const MIN_OUTCOMES: usize = 100;

/// The share of outcomes that have come when an interaction's are looked at.
pub const MATURE: f64 = 0.9;

/// Interactions between two evaluations.
const STRIDE: usize = 50;

/// Length of the simulation in evaluations, and of one path of it.
const EVALUATIONS: (usize, usize) = (8_000, 200);

/// What is known of the outcomes of one name before any is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct OutcomeSpec {
    /// The name.
    pub name: String,
    /// Whether more is better.
    pub is_good_up: bool,
    /// Seconds after which most outcomes have come.
    pub matures_after_seconds: f64,
}

/// What the outcomes of a reference are frozen with.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The outcomes.
    pub specs: &'a [OutcomeSpec],
    /// The segments that are watched apart.
    pub segments: &'a [Segment],
    /// The lens of the queries, whose cells are topics.
    pub lens: Option<&'a Lens>,
    /// The monitor's windows: those by count are used.
    pub windows: &'a [WindowSpec],
    /// Interactions a day.
    pub events_per_day: f64,
    /// Expected false alarms in 30 days.
    pub per_30d: f64,
    /// When ratios make an alarm.
    pub trigger: Trigger,
    /// The seed.
    pub seed: u64,
}

/// The events that are old enough, beside the newest one, for their outcomes to have come.
pub fn matured<'a>(events: &[&'a Event], specs: &[OutcomeSpec]) -> Vec<&'a Event> {
    let wait = specs.iter().map(|spec| spec.matures_after_seconds).fold(0.0, f64::max);
    let newest = events.iter().map(|event| event.occurred_at).max().unwrap_or_default();
    let age = |event: &Event| newest.since(event.occurred_at).as_secs_f64();
    events.iter().copied().filter(|event| age(event) >= wait).collect()
}

/// Whether [`freeze`] has something to freeze.
pub fn are_enough(events: &[&Event], specs: &[OutcomeSpec], windows: &[WindowSpec]) -> bool {
    !self::windows(windows, events.len()).is_empty()
        && specs.iter().any(|spec| norm(spec, events).is_some())
}

/// Freezes the outcomes of `events`, which are in the order of time; `None` where too few have one,
/// or no window fits.
///
/// The thresholds come from resampling: on each path a reference of as many interactions is drawn with
/// replacement, and traffic beside it; sessions, or neighbours where they resemble each other,
/// are drawn together. O(evaluations · groups).
pub fn freeze(events: &[&Event], plan: &Plan<'_>) -> Option<OutcomeProfile> {
    let norms: Vec<Norm> = plan.specs.iter().filter_map(|spec| norm(spec, events)).collect();
    let windows = windows(plan.windows, events.len());
    if norms.is_empty() || windows.is_empty() {
        return None;
    }
    let groups = Groups {
        names: norms.len(),
        segments: plan.segments.len(),
        topics: plan.lens.map_or(0, |lens| lens.codebook.len() + 1),
    };
    let radius_limits = plan.lens.map_or_else(Vec::new, |lens| limits(events, lens));
    let mut profile = OutcomeProfile {
        norms,
        sums: Sums::empty(groups),
        segments: plan.segments.to_vec(),
        radius_limits,
        windows,
        stride: STRIDE as u64,
        events_per_day: plan.events_per_day,
        per_30d: plan.per_30d,
        columns: Vec::new(),
    };
    let rows: Vec<Row> = events.iter().map(|event| Row::of(event, &profile, plan.lens)).collect();
    rows.iter().for_each(|row| row.add_to(&mut profile.sums));
    let means: Vec<f64> = (0..groups.names).map(|name| mean(&rows, name)).collect();
    for (name, norm) in profile.norms.iter_mut().enumerate() {
        norm.variance = variance(&rows, name, means[name]);
    }
    let units = units(events, &rows, &means);
    let paths = simulate(&rows, &units, &profile, plan.seed);
    let weights = vec![1.0; columns(groups.names, profile.windows.len()).len()];
    let run = run_evaluations(plan.per_30d, plan.events_per_day / STRIDE as f64);
    let calibration = calibrate(&paths, &weights, run, &plan.trigger, Scale::Plain)?;
    profile.columns = (0..weights.len()).map(|column| detector(&calibration, column)).collect();
    Some(profile)
}

fn detector(calibration: &Calibration, column: usize) -> Option<DetectorCalibration> {
    Some(DetectorCalibration {
        alpha: calibration.alphas[column],
        null: calibration.nulls[column].clone()?,
        own_run_evaluations: calibration.own_run_evaluations[column],
        extrapolated: calibration.extrapolated,
    })
}

/// The outcomes of a name that came in time, in the range where nearly all lie; its variance follows.
fn norm(spec: &OutcomeSpec, events: &[&Event]) -> Option<Norm> {
    let in_time = |outcome: &&EventOutcome| {
        outcome.name == spec.name && outcome.after_seconds <= spec.matures_after_seconds
    };
    let mut values: Vec<f64> = events
        .iter()
        .filter_map(|event| event.outcomes.iter().find(in_time))
        .map(|outcome| outcome.value)
        .filter(|value| value.is_finite())
        .collect();
    if values.len() < MIN_OUTCOMES {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let is_binary = values.iter().all(|value| value.abs() <= 0.0 || (value - 1.0).abs() <= 0.0);
    let last = values.len() - 1;
    let (low, high) =
        if is_binary { (0.0, 1.0) } else { (values[last / 100], values[last - last / 100]) };
    (low < high).then(|| Norm {
        name: spec.name.clone(),
        is_good_up: spec.is_good_up,
        is_binary,
        matures_after_seconds: spec.matures_after_seconds,
        low,
        high,
        variance: 0.0,
    })
}

/// The windows by count that the reference is three times as long as, shortest first.
fn windows(specs: &[WindowSpec], events: usize) -> Vec<(String, u64)> {
    let mut windows: Vec<(String, u64)> = specs
        .iter()
        .filter_map(|window| match window.length {
            WindowLength::Count { events, .. } => {
                let strides = u64::from(events).div_ceil(STRIDE as u64);
                Some((window.name.clone(), strides * STRIDE as u64))
            }
            WindowLength::Time { .. } => None,
        })
        .filter(|(_, length)| 3 * *length <= events as u64)
        .collect();
    windows.sort_by_key(|(_, events)| *events);
    windows
}

/// An interaction as the sums see it.
struct Row {
    segments: Vec<usize>,
    topic: Option<usize>,
    values: Vec<Option<f64>>,
}

impl Row {
    fn of(event: &Event, profile: &OutcomeProfile, lens: Option<&Lens>) -> Self {
        Self {
            segments: profile.segments_of(&event.attributes),
            topic: topic(event, lens, &profile.radius_limits),
            values: profile.values(&event.outcomes),
        }
    }

    fn add_to(&self, sums: &mut Sums) {
        sums.add(&self.segments, self.topic, &self.values);
    }
}

/// The topic of the query: its cell, or the number of cells where it lies outside of it.
pub(in crate::detect) fn topic(
    event: &Event,
    lens: Option<&Lens>,
    radius_limits: &[f64],
) -> Option<usize> {
    let lens = lens?;
    let (cell, distance) = placed(event, lens)?;
    let is_within = radius_limits.get(cell).is_none_or(|limit| distance <= *limit);
    Some(if is_within { cell } else { lens.codebook.len() })
}

/// The cell of the query and the distance to its centroid.
fn placed(event: &Event, lens: &Lens) -> Option<(usize, f64)> {
    let query = value(event, Stream::Query).filter(|query| query.len() == lens.dim)?;
    let cell = lens.codebook.assign(&query);
    Some((cell, distance_sq(&query, lens.codebook.centroid(cell)).sqrt()))
}

fn limits(events: &[&Event], lens: &Lens) -> Vec<f64> {
    let distances: Vec<(usize, f64)> =
        events.iter().filter_map(|event| placed(event, lens)).collect();
    radius_limits(&distances, lens.codebook.len())
}

fn mean(rows: &[Row], name: usize) -> f64 {
    let values = || rows.iter().filter_map(|row| row.values[name]);
    values().sum::<f64>() / values().count().max(1) as f64
}

fn variance(rows: &[Row], name: usize, mean: f64) -> f64 {
    let values = || rows.iter().filter_map(|row| row.values[name]);
    values().map(|value| (value - mean).powi(2)).sum::<f64>() / values().count().max(1) as f64
}

/// Rows that are drawn together: sessions, or blocks of neighbours that resemble each other.
fn units(events: &[&Event], rows: &[Row], means: &[f64]) -> Vec<Vec<usize>> {
    let mut sessions: HashMap<&str, usize> = HashMap::new();
    let mut units: Vec<Vec<usize>> = Vec::new();
    for (row, event) in events.iter().enumerate() {
        match event.session_id.as_deref() {
            Some(session) => {
                let unit = *sessions.entry(session).or_insert_with(|| {
                    units.push(Vec::new());
                    units.len() - 1
                });
                units[unit].push(row);
            }
            None => units.push(vec![row]),
        }
    }
    if units.len() < rows.len() {
        return units;
    }
    let residual = |row: &Row| -> Vec<f32> {
        let of = |(value, mean): (&Option<f64>, &f64)| value.map_or(0.0, |v| (v - mean) as f32);
        row.values.iter().zip(means).map(of).collect()
    };
    let residuals: Vec<Vec<f32>> = rows.iter().map(residual).collect();
    let length = block_length(design_effect(&residuals), rows.len());
    let all: Vec<usize> = (0..rows.len()).collect();
    all.chunks(length).map(<[usize]>::to_vec).collect()
}

/// Paths of the statistics when nothing changes; a statistic that too few outcomes are there for is 0.
fn simulate(rows: &[Row], units: &[Vec<usize>], profile: &OutcomeProfile, seed: u64) -> Vec<Path> {
    let paths = EVALUATIONS.0.div_ceil(EVALUATIONS.1);
    let columns = columns(profile.norms.len(), profile.windows.len());
    (0..paths)
        .into_par_iter()
        .map(|path| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(path as u64 + 1);
            let mut drawn = Drawn { units, rng, left: &[] };
            let mut then = Sums::empty(profile.sums.groups());
            (0..rows.len()).for_each(|_| rows[drawn.next_row()].add_to(&mut then));
            let mut sliding = Sliding::new(profile);
            let longest = profile.windows.last().map_or(0, |(_, events)| *events as usize);
            (0..longest - STRIDE).for_each(|_| sliding.add(&rows[drawn.next_row()]));
            (0..EVALUATIONS.1)
                .map(|_| {
                    (0..STRIDE).for_each(|_| sliding.add(&rows[drawn.next_row()]));
                    let one = |column: &(usize, _)| {
                        let norm = &profile.norms[column.0];
                        score(norm, &then, &sliding.sums, *column).map_or(0.0, |(z, _)| z)
                    };
                    columns.iter().map(one).collect()
                })
                .collect()
        })
        .collect()
}

/// Rows drawn with replacement, unit by unit.
struct Drawn<'a> {
    units: &'a [Vec<usize>],
    rng: ChaCha8Rng,
    left: &'a [usize],
}

impl Drawn<'_> {
    fn next_row(&mut self) -> usize {
        loop {
            if let Some((first, rest)) = self.left.split_first() {
                self.left = rest;
                return *first;
            }
            self.left = &self.units[self.rng.random_range(0..self.units.len())];
        }
    }
}

/// The sums of all windows over a stream of rows.
struct Sliding {
    lengths: Vec<usize>,
    sums: Vec<Sums>,
    /// Buckets of one stride, the open one last.
    buckets: VecDeque<Sums>,
    groups: Groups,
    seen: usize,
}

impl Sliding {
    fn new(profile: &OutcomeProfile) -> Self {
        let groups = profile.sums.groups();
        Self {
            lengths: profile.windows.iter().map(|(_, events)| *events as usize / STRIDE).collect(),
            sums: vec![Sums::empty(groups); profile.windows.len()],
            buckets: VecDeque::new(),
            groups,
            seen: 0,
        }
    }

    fn add(&mut self, row: &Row) {
        if self.seen.is_multiple_of(STRIDE) {
            self.buckets.push_back(Sums::empty(self.groups));
        }
        if let Some(open) = self.buckets.back_mut() {
            row.add_to(open);
        }
        self.seen += 1;
        if self.seen.is_multiple_of(STRIDE) {
            self.close();
        }
    }

    /// Moves every window on by the bucket that is full.
    fn close(&mut self) {
        let newest = self.buckets.len() - 1;
        for (sum, length) in self.sums.iter_mut().zip(&self.lengths) {
            *sum += &self.buckets[newest];
            if let Some(gone) = newest.checked_sub(*length) {
                *sum -= &self.buckets[gone];
            }
        }
        if self.buckets.len() > self.lengths.iter().copied().max().unwrap_or(0) {
            self.buckets.pop_front();
        }
    }
}
