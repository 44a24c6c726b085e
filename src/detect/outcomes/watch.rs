//! Slides windows over interactions whose outcomes have had time to come.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::detect::compare::settle;
use crate::detect::outcomes::link::links;
use crate::detect::outcomes::norm::{Norm, OutcomeProfile};
use crate::detect::outcomes::score::{Scope, baseline, columns, score};
use crate::detect::outcomes::sums::{Group, Groups, Sums};
use crate::detect::state::intensity;
use crate::model::explanation::OutcomeLink;
use crate::model::interaction::{Attributes, Event};
use crate::model::report::Example;
use crate::model::stream::Stream;
use crate::model::verdict::{DetectorKind, OutcomeFigures, Verdict};

/// Bad interactions that are remembered for examples.
const REMEMBERED: usize = 60;

/// Examples that are shown.
const EXAMPLES: usize = 5;

/// Where the thresholds come from.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// False alarms in 30 days that are in force.
    Per30d(f64),
    /// The user; `None` where none was set.
    Fixed(Option<f64>),
}

/// What is remembered between two interactions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OutcomeMemory {
    /// Position of the last interaction that was looked at.
    pub position: i64,
    /// Interactions looked at.
    seen: u64,
    first_at: Option<Timestamp>,
    newest_at: Timestamp,
    /// The open bucket last.
    buckets: VecDeque<Sums>,
    /// Interactions with a bad outcome, the newest last.
    bad: VecDeque<Bad>,
    /// Largest statistic ÷ threshold when it was last judged.
    pub ratio: Option<f64>,
}

/// An interaction with a bad outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Bad {
    id: String,
    name: usize,
    topic: Option<usize>,
    segments: Vec<usize>,
    value: f64,
}

/// One look at the outcomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// One verdict for each statistic.
    pub verdicts: Vec<Verdict>,
    /// Interactions with the outcome that became worse.
    pub examples: Vec<Example>,
}

impl OutcomeMemory {
    /// Looks at the next interaction; a judgement where one is due. `rule` gives the thresholds.
    /// `topic` is the cell of its query.
    pub fn observe(
        &mut self,
        profile: &OutcomeProfile,
        matured: &Event,
        topic: Option<usize>,
        rule: Rule,
    ) -> Option<Judgement> {
        let segments = profile.segments_of(&matured.attributes);
        let values = profile.values(&matured.outcomes);
        let groups = profile.sums.groups();
        if self.seen.is_multiple_of(profile.stride) {
            self.buckets.push_back(Sums::empty(groups));
        }
        if let Some(open) = self.buckets.back_mut() {
            open.add(&segments, topic, &values);
        }
        self.remember_bad(profile, (&matured.interaction_id, topic, &segments), &values);
        self.position = matured.position;
        self.first_at.get_or_insert(matured.occurred_at);
        self.newest_at = self.newest_at.max(matured.occurred_at);
        self.seen += 1;
        let longest = profile.windows.last().map_or(0, |(_, events)| events / profile.stride);
        while self.buckets.len() as u64 > longest {
            self.buckets.pop_front();
        }
        self.seen.is_multiple_of(profile.stride).then(|| self.judge(profile, groups, rule))
    }

    fn remember_bad(
        &mut self,
        profile: &OutcomeProfile,
        (id, topic, segments): (&str, Option<usize>, &[usize]),
        values: &[Option<f64>],
    ) {
        for (name, (norm, value)) in profile.norms.iter().zip(values).enumerate() {
            let Some(value) = value.filter(|value| norm.is_bad(*value)) else { continue };
            if self.bad.len() == REMEMBERED {
                self.bad.pop_front();
            }
            self.bad.push_back(Bad {
                id: id.to_owned(),
                name,
                topic,
                segments: segments.to_vec(),
                value,
            });
        }
    }

    fn judge(&mut self, profile: &OutcomeProfile, groups: Groups, rule: Rule) -> Judgement {
        let windows = self.windows(profile, groups);
        let intensity = self.intensity(profile.events_per_day);
        let mut worst: Option<(f64, (usize, Group))> = None;
        let mut verdicts = Vec::new();
        let all = columns(profile.norms.len(), profile.windows.len());
        for (column, calibration) in all.into_iter().zip(&profile.columns) {
            let norm = &profile.norms[column.0];
            let window = match column.1 {
                Scope::Whole(window) => window,
                Scope::Segments | Scope::Topics => profile.windows.len() - 1,
            };
            let mut verdict =
                Verdict::unjudged(Stream::Outcome, &profile.windows[window].0, DetectorKind::Drop);
            let full = self.seen >= profile.windows[window].1;
            let found = full.then(|| score(norm, &profile.sums, &windows, column)).flatten();
            if let Some((z, group)) = found {
                let name = column.0;
                describe(&mut verdict, profile, &windows[window], norm, (name, group));
                verdict.statistic = Some(z);
                verdict.p_value = calibration.as_ref().map(|own| own.null.p_value(z));
                verdict.threshold = match rule {
                    Rule::Fixed(threshold) => threshold,
                    Rule::Per30d(per_30d) => calibration
                        .as_ref()
                        .map(|own| own.threshold(per_30d / profile.per_30d / intensity)),
                };
                settle(&mut verdict);
                let ratio = verdict.ratio().unwrap_or(f64::NEG_INFINITY);
                if worst.is_none_or(|(most, _)| ratio > most) {
                    worst = Some((ratio, (name, group)));
                }
            }
            verdicts.push(verdict);
        }
        let ratio = verdicts.iter().filter_map(Verdict::ratio).reduce(f64::max);
        self.ratio = ratio.or(self.ratio);
        let examples = match worst {
            Some((ratio, place)) if ratio > 1.0 => self.examples(place),
            _ => Vec::new(),
        };
        Judgement { verdicts, examples }
    }

    /// The outcomes of the topics that `drifted` beside the rest, in the longest window.
    pub fn links(&self, profile: &OutcomeProfile, drifted: &[usize]) -> Vec<OutcomeLink> {
        let windows = self.windows(profile, profile.sums.groups());
        let per_day = profile.events_per_day * self.intensity(profile.events_per_day);
        windows.last().map_or_else(Vec::new, |window| links(profile, window, drifted, per_day))
    }

    /// The sums of each window, shortest first.
    fn windows(&self, profile: &OutcomeProfile, groups: Groups) -> Vec<Sums> {
        let sum = |(_, events): &(String, u64)| {
            let mut sum = Sums::empty(groups);
            let buckets = (events / profile.stride) as usize;
            self.buckets.iter().rev().take(buckets).for_each(|bucket| sum += bucket);
            sum
        };
        profile.windows.iter().map(sum).collect()
    }

    fn intensity(&self, events_per_day: f64) -> f64 {
        intensity(self.seen as f64, self.first_at, self.newest_at, events_per_day)
    }

    fn examples(&self, (name, group): (usize, Group)) -> Vec<Example> {
        let is_of = |bad: &&Bad| {
            bad.name == name
                && match group {
                    Group::Whole => true,
                    Group::Segment(segment) => bad.segments.contains(&segment),
                    Group::Topic(topic) => bad.topic == Some(topic),
                }
        };
        let example = |bad: &Bad| Example {
            stream: Stream::Outcome,
            interaction_id: bad.id.clone(),
            score: bad.value,
        };
        self.bad.iter().rev().filter(is_of).take(EXAMPLES).map(example).collect()
    }
}

/// Puts the figures of a group into its verdict.
fn describe(
    verdict: &mut Verdict,
    profile: &OutcomeProfile,
    window: &Sums,
    norm: &Norm,
    (name, group): (usize, Group),
) {
    let (then, now) = (baseline(&profile.sums, name, group), window.of(name, group));
    let difference = norm.difference(now, then);
    verdict.n_ref = then.n as u64;
    verdict.n_window = now.n as u64;
    let (segment, topic) = match group {
        Group::Whole => (Attributes::new(), None),
        Group::Segment(segment) => (profile.segments[segment].labels(), None),
        Group::Topic(topic) => (Attributes::new(), Some(topic as u32)),
    };
    let Some(difference) = difference else { return };
    let range = norm.high - norm.low;
    verdict.effect_size = Some((difference.estimate.abs() / range).min(1.0));
    verdict.outcome = Some(OutcomeFigures {
        name: norm.name.clone(),
        segment,
        topic,
        then: then.mean(),
        now: now.mean(),
        low: difference.low,
        high: difference.high,
    });
}
