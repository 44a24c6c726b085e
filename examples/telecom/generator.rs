//! A seeded generator of what a mobile operator's support assistant is asked and answers.
//!
//! Two weeks of event time at "Umoya Mobile" with a daily rhythm; at a known moment the operator
//! launches `SkyLink`, satellite internet, of which the assistant knows nothing. But for that
//! launch the mix of topics is the same at every hour, so that drift has one cause.

mod answering;
mod corpus;
mod dialogue;
mod typing;

use chrono::{DateTime, SecondsFormat};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// South African time is two hours ahead of UTC all year.
const SAST_AHEAD: i64 = 2 * HOUR;

/// Hours from the launch until its whole share of the customers asks about it.
const RAMP_HOURS: f64 = 4.0;

/// Relative traffic by hour of the South African day.
const RHYTHM: [u32; 24] =
    [6, 3, 2, 2, 3, 8, 22, 42, 62, 74, 78, 76, 72, 70, 68, 66, 68, 74, 82, 84, 76, 58, 32, 14];

/// Traffic on Saturdays and Sundays, in per cent of a working day's.
const WEEKEND_PERCENT: u32 = 60;

/// What to generate. The same values give the same interactions, on every machine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scenario {
    /// Seed of every draw.
    pub(crate) seed: u64,
    /// How many query and response pairs.
    pub(crate) interactions: usize,
    /// Days of event time in which conversations begin; 0 counts as 1.
    pub(crate) days: u32,
    /// The launch, in days after the start; from `days` on there is none.
    pub(crate) launch_day: f64,
    /// Share of the customers, in [0, 1], who ask about the launch once the word is out.
    pub(crate) launch_share: f64,
    /// The start, in microseconds since 1970-01-01T00:00:00Z.
    pub(crate) start_micros: i64,
}

impl Default for Scenario {
    /// 6,000 interactions over two weeks from Monday 2 November 2026, South African midnight;
    /// the launch is at nine in the morning after ten whole days.
    fn default() -> Self {
        Self {
            seed: 7,
            interactions: 6_000,
            days: 14,
            launch_day: 10.375,
            launch_share: 0.3,
            start_micros: 1_793_570_400 * SECOND,
        }
    }
}

impl Scenario {
    /// The moment of the launch, in microseconds since 1970-01-01T00:00:00Z.
    pub(crate) fn launch_micros(&self) -> i64 {
        self.start_micros.saturating_add((self.launch_day * DAY as f64) as i64)
    }

    /// Probability that a conversation which begins at this moment is about the launch.
    fn launch_probability(&self, micros: i64) -> f64 {
        let hours = micros.saturating_sub(self.launch_micros()) as f64 / HOUR as f64;
        let share = if self.launch_share > 0.0 { self.launch_share.min(1.0) } else { 0.0 };
        share * (hours / RAMP_HOURS).clamp(0.0, 1.0)
    }

    /// Every hour of the scenario with its relative traffic.
    fn hours(&self) -> Vec<(i64, u32)> {
        (0..i64::from(self.days.max(1)) * 24)
            .map(|hour| {
                let start = self.start_micros.saturating_add(hour * HOUR);
                (start, traffic(start.saturating_add(SAST_AHEAD)))
            })
            .collect()
    }
}

/// Relative traffic in the hour of a local time; never zero.
fn traffic(local_micros: i64) -> u32 {
    let hour = local_micros.rem_euclid(DAY) / HOUR;
    // 1 January 1970 was a Thursday: days 2 and 3 of each seven are the week-end.
    let weekend = matches!(local_micros.div_euclid(DAY).rem_euclid(7), 2 | 3);
    RHYTHM[hour as usize] * if weekend { WEEKEND_PERCENT } else { 100 }
}

/// One query and its answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Interaction {
    /// Unique within the scenario, in order of time.
    pub(crate) id: String,
    /// When it was asked, in microseconds since 1970-01-01T00:00:00Z.
    pub(crate) occurred_at_micros: i64,
    /// What the customer typed.
    pub(crate) query: String,
    /// What the assistant answered.
    pub(crate) response: String,
    /// The conversation.
    pub(crate) session_id: String,
    /// `whatsapp`, `app`, `web` or `ussd`.
    pub(crate) channel: &'static str,
    /// The customer's province.
    pub(crate) province: &'static str,
    /// The truth: whether it is about the launch. It does not go into the JSON.
    pub(crate) about_launch: bool,
}

impl Interaction {
    /// The interaction as `POST /v1/interactions` takes it.
    pub(crate) fn to_json(&self) -> Value {
        let moment = DateTime::from_timestamp_micros(self.occurred_at_micros).unwrap_or_default();
        json!({
            "id": self.id,
            "occurred_at": moment.to_rfc3339_opts(SecondsFormat::Millis, true),
            "query": self.query,
            "response": self.response,
            "session_id": self.session_id,
            "attributes": { "channel": self.channel, "province": self.province },
            "model": "umoya-assist-3",
        })
    }
}

/// The interactions of a scenario, in order of time.
///
/// Every conversation has a random stream of its own: two scenarios that differ only in the
/// launch are equal up to it.
pub(crate) fn generate(scenario: &Scenario) -> Vec<Interaction> {
    let hours = scenario.hours();
    let mut interactions = Vec::with_capacity(scenario.interactions);
    for session in 0.. {
        let missing = scenario.interactions - interactions.len();
        if missing == 0 {
            break;
        }
        interactions.extend(conversation(scenario, &hours, session).into_iter().take(missing));
    }
    interactions.sort_by_key(|interaction| interaction.occurred_at_micros);
    for (index, interaction) in interactions.iter_mut().enumerate() {
        interaction.id = format!("umoya-{}-{index:06}", scenario.seed);
    }
    interactions
}

/// One conversation with its times; the ids come when all are in order.
fn conversation(scenario: &Scenario, hours: &[(i64, u32)], session: u64) -> Vec<Interaction> {
    let mut rng = ChaCha8Rng::seed_from_u64(scenario.seed);
    rng.set_stream(session);
    let hour =
        hours.choose_weighted(&mut rng, |(_, traffic)| *traffic).map_or(0, |(start, _)| *start);
    let mut moment = hour + rng.random_range(0..HOUR / 1_000) * 1_000;
    let about_launch = rng.random::<f64>() < scenario.launch_probability(moment);
    let dialogue = dialogue::draw(about_launch, &mut rng);
    let session_id = format!("chat-{}-{session:05}", scenario.seed);
    let mut interactions = Vec::with_capacity(dialogue.turns.len());
    for turn in dialogue.turns {
        interactions.push(Interaction {
            id: String::new(),
            occurred_at_micros: moment,
            query: turn.query,
            response: turn.response,
            session_id: session_id.clone(),
            channel: dialogue.channel,
            province: dialogue.province,
            about_launch: turn.about_launch,
        });
        moment += rng.random_range(15_000..180_000) * 1_000;
    }
    interactions
}

#[cfg(test)]
#[path = "generator_tests.rs"]
mod tests;
