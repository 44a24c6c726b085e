//! Outcomes from a file, for `replay`: joined with their interactions by id.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::BufRead;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

use crate::app::files::{self, Faults};
use crate::clock::Timestamp;
use crate::detect::outcomes::freeze::{MATURE, OutcomeSpec};
use crate::model::interaction::{Event, EventOutcome};
use crate::model::outcome::{Direction, Good};
use crate::stats::delay::{DelayCurve, Observed};

/// One line.
#[derive(Deserialize)]
struct Line {
    interaction_id: String,
    #[serde(alias = "ts")]
    occurred_at: Timestamp,
    name: String,
    value: Value,
}

/// The outcomes of a file, by interaction.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    by_id: HashMap<String, Vec<Outcome>>,
    /// Lines read.
    pub(super) count: u64,
}

#[derive(Debug, Clone)]
struct Outcome {
    name: String,
    value: f64,
    occurred_at: Timestamp,
}

impl Outcomes {
    /// Reads the file at `path`; bad lines are counted in `faults`.
    pub(super) fn read(path: &Path, faults: &mut Faults) -> anyhow::Result<Self> {
        let mut outcomes = Self::default();
        for (index, line) in files::open(path)?.lines().enumerate() {
            let line = line.with_context(|| format!("cannot read {}", path.display()))?;
            if line.trim().is_empty() {
                continue;
            }
            outcomes.count += 1;
            match parse(&line) {
                Ok((id, outcome)) => outcomes.by_id.entry(id).or_default().push(outcome),
                Err(problem) => faults.add(index, &problem),
            }
        }
        Ok(outcomes)
    }

    /// Gives each of `events` the outcomes that had come by `until`.
    pub(super) fn attach(&self, events: &mut [Event], until: Timestamp) {
        for event in events {
            event.outcomes = self.of(event, until);
        }
    }

    fn of(&self, event: &Event, until: Timestamp) -> Vec<EventOutcome> {
        let all = self.by_id.get(&event.interaction_id).map_or(&[][..], Vec::as_slice);
        all.iter()
            .filter(|outcome| outcome.occurred_at <= until)
            .map(|outcome| EventOutcome {
                name: outcome.name.clone(),
                value: outcome.value,
                after_seconds: outcome.occurred_at.since(event.occurred_at).as_secs_f64(),
            })
            .collect()
    }
}

fn parse(line: &str) -> Result<(String, Outcome), String> {
    let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let value = match &line.value {
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        _ => return Err("/value must be true, false or a number".to_owned()),
    };
    let Line { interaction_id, occurred_at, name, .. } = line;
    Ok((interaction_id, Outcome { name, value, occurred_at }))
}

/// What is known of the outcomes of a reference's events: which way is better, and how long they take.
pub(super) fn specs(events: &[Event]) -> Vec<OutcomeSpec> {
    let newest = events.iter().map(|event| event.occurred_at).max().unwrap_or_default();
    let mut delays: BTreeMap<&str, Vec<Observed>> = BTreeMap::new();
    for event in events {
        let age = newest.since(event.occurred_at).as_secs_f64();
        for outcome in &event.outcomes {
            let observed = Observed { delay: outcome.after_seconds, age };
            delays.entry(&outcome.name).or_default().push(observed);
        }
    }
    let spec = |(name, observed): (&str, Vec<Observed>)| {
        Some(OutcomeSpec {
            name: name.to_owned(),
            is_good_up: Good::usual(name) == Good::Direction(Direction::Up),
            matures_after_seconds: DelayCurve::learn(&observed)?.quantile(MATURE),
        })
    };
    delays.into_iter().filter_map(spec).collect()
}

/// Events that wait for their outcomes.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    events: VecDeque<Event>,
    newest: Timestamp,
}

impl Waiting {
    /// Adds an event; gives back those that have waited for `wait` by then, with their outcomes.
    pub(super) fn next(
        &mut self,
        event: &Event,
        wait: Duration,
        outcomes: &Outcomes,
    ) -> Vec<Event> {
        self.newest = self.newest.max(event.occurred_at);
        self.events.push_back(event.clone());
        let mut matured = Vec::new();
        while let Some(first) = self.events.front()
            && first.occurred_at.plus(wait) <= self.newest
        {
            let Some(mut event) = self.events.pop_front() else { break };
            event.outcomes = outcomes.of(&event, event.occurred_at.plus(wait));
            matured.push(event);
        }
        matured
    }
}
