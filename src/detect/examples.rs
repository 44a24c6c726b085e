//! Which interactions show the drift best.

use std::collections::VecDeque;

use crate::detect::values::value;
use crate::model::interaction::Event;
use crate::model::report::Example;
use crate::model::stream::{Stream, Values};
use crate::stats::linear::dot;
use crate::text::hashes::Hashes;

/// Examples per drifted stream.
const EXAMPLES: usize = 5;

/// Events remembered at most, whatever the window's length.
const MAX_RECENT: usize = 2000;

/// The latest events, for examples.
#[derive(Debug)]
pub struct Recent {
    events: VecDeque<Event>,
    limit: usize,
}

impl Recent {
    /// Remembers as many events as the longest window holds, if it says, up to a bound.
    pub fn new(longest_window: Option<usize>) -> Self {
        let limit = longest_window.unwrap_or(MAX_RECENT).min(MAX_RECENT);
        Self { events: VecDeque::with_capacity(limit), limit }
    }

    /// How many events are remembered at most.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Remembers `event`, forgetting the oldest one when full.
    pub fn push(&mut self, event: &Event) {
        if self.events.len() == self.limit {
            self.events.pop_front();
        }
        self.events.push_back(event.clone());
    }

    /// The events, newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().rev()
    }

    /// An interaction with the text of `hashes` or nearly, as an example of its repetition.
    pub fn example_of(&self, hashes: Hashes, score: f64) -> Option<Example> {
        let is_near = |event: &&Event| event.hashes.is_some_and(|other| hashes.are_near(other));
        let found = self.events.iter().rev().find(is_near)?;
        let interaction_id = found.interaction_id.clone();
        Some(Example { stream: Stream::Duplicates, interaction_id, score })
    }

    /// The events among the newest `n` that `belongs` accepts that lie farthest along `direction` =
    /// μ_window − μ_reference, best first, near-duplicates left out.
    ///
    /// x·(μ_w − μ_r) is the witness function of the linear-kernel MMD (Gretton et al. 2012, §2.3):
    /// large where the window has more mass than the reference.
    pub fn most_drifted(
        &self,
        stream: Stream,
        direction: &[f32],
        n: usize,
        belongs: impl Fn(&Event) -> bool,
    ) -> Vec<Example> {
        let mut scored: Vec<(f32, &str, Vec<f32>)> = self
            .events
            .iter()
            .rev()
            .filter(|event| belongs(event))
            .take(n)
            .filter_map(|event| {
                let x = value(event, stream)?;
                Some((dot(&x, direction), event.interaction_id.as_str(), x))
            })
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        let mut kept: Vec<&(f32, &str, Vec<f32>)> = Vec::new();
        for candidate in &scored {
            let repeats = |other: &&(f32, &str, Vec<f32>)| {
                stream.values() == Values::Embedding && dot(&candidate.2, &other.2) > 0.98
            };
            if kept.len() < EXAMPLES && !kept.iter().any(repeats) {
                kept.push(candidate);
            }
        }
        kept.into_iter()
            .map(|(score, id, _)| Example {
                stream,
                interaction_id: (*id).to_owned(),
                score: f64::from(*score),
            })
            .collect()
    }
}
