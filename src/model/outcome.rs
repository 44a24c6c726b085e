//! Business outcomes: what became of an interaction, a conversation or a person, told by the caller.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::interaction::{Attributes, Event, EventOutcome};
use crate::model::signals::Signals;
use crate::stats::delay::DelayCurve;

/// How long before an outcome an interaction may lie that it is put down to, where nobody says.
pub const DEFAULT_WINDOW_DAYS: u32 = 7;
/// The longest such time.
pub const MAX_WINDOW_DAYS: u32 = 90;
/// Good values of a category at most.
pub const MAX_GOOD: usize = 50;
/// Bytes of a category.
pub const CATEGORY_BYTES: usize = 64;
/// Bytes of an outcome's name.
pub const NAME_BYTES: usize = 64;

/// Whoever used the application, as the caller names them. Never stored, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    /// The subject that the caller calls `name`.
    pub const fn new(name: String) -> Self {
        Self(name)
    }

    /// The caller's name of it, to be turned into a pseudonym.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What is stored of a subject: 32 hexadecimal digits that only the daemon's key leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pseudonym(pub String);

/// What an outcome is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One interaction, by the caller's id.
    Interaction(String),
    /// A conversation: its latest interaction at the time of the outcome.
    Session(String),
    /// A person: their latest interaction at the time of the outcome.
    Subject(Pseudonym),
}

impl Target {
    /// The kind's name in the stores.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Interaction(_) => "interaction",
            Self::Session(_) => "session",
            Self::Subject(_) => "subject",
        }
    }

    /// Which one.
    pub fn id(&self) -> &str {
        match self {
            Self::Interaction(id) | Self::Session(id) | Self::Subject(Pseudonym(id)) => id,
        }
    }
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A finite number.
    Number(f64),
    /// One of several words.
    Category(String),
}

impl Value {
    /// The number that is stored; none of a category.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Flag(flag) => Some(f64::from(u8::from(*flag))),
            Self::Number(number) => Some(*number),
            Self::Category(_) => None,
        }
    }

    /// The category, where it is one.
    pub fn category(&self) -> Option<&str> {
        match self {
            Self::Category(text) => Some(text),
            Self::Flag(_) | Self::Number(_) => None,
        }
    }
}

/// An outcome that was received and checked, not yet stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOutcome {
    /// What it is about.
    pub target: Target,
    /// What was measured.
    pub name: String,
    /// What came out.
    pub value: Value,
    /// When, by the caller's clock.
    pub occurred_at: Timestamp,
    /// The idempotency key within the project.
    pub key: [u8; 32],
    /// SHA-256 of the content as received: the same key with another content is a conflict.
    pub content_hash: [u8; 32],
}

/// Technical figures of an interaction, each an outcome that comes along with it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    /// How long the answer took, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Tokens read and written.
    pub tokens: Option<f64>,
    /// What it cost, in a currency of the caller's.
    pub cost: Option<f64>,
    /// Whether it failed.
    pub error: Option<bool>,
}

impl Figures {
    /// Those that are there, as outcomes' names and values.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let number = |name, value: Option<f64>| value.map(|value| (name, Value::Number(value)));
        [
            number("latency_ms", self.latency_ms),
            number("tokens", self.tokens),
            number("cost", self.cost),
            self.error.map(|error| ("error", Value::Flag(error))),
        ]
        .into_iter()
        .flatten()
    }

    /// The kind that the figure called `name` always has; none of another name.
    pub fn kind_of(name: &str) -> Option<OutcomeKind> {
        match name {
            "latency_ms" => Some(OutcomeKind::Duration),
            "tokens" | "cost" => Some(OutcomeKind::Number),
            "error" => Some(OutcomeKind::Binary),
            _ => None,
        }
    }
}

/// What values an outcome has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// True or false; 1 and 0 are read as such.
    Binary,
    /// Any finite number.
    Number,
    /// A number that is not negative, in a unit of the caller's.
    Duration,
    /// A word.
    Category,
}

impl OutcomeKind {
    /// The kind that a first value of `name` speaks for.
    pub fn of(name: &str, value: &Value) -> Self {
        Figures::kind_of(name).unwrap_or(match value {
            Value::Flag(_) => Self::Binary,
            Value::Number(_) => Self::Number,
            Value::Category(_) => Self::Category,
        })
    }

    /// What is wrong with `value` as one of this kind, and the remedy.
    pub fn problem(self, value: &Value) -> Option<&'static str> {
        match (self, value) {
            (Self::Binary, Value::Flag(_))
            | (Self::Number, Value::Number(_))
            | (Self::Category, Value::Category(_)) => None,
            (Self::Binary, Value::Number(number)) if [0.0, 1.0].contains(number) => None,
            (Self::Duration, Value::Number(number)) if *number >= 0.0 => None,
            (Self::Binary, _) => Some("must be true or false: outcomes of this name are binary"),
            (Self::Number, _) => Some("must be a number: outcomes of this name are numbers"),
            (Self::Duration, _) => {
                Some("must be a number from 0 on: outcomes of this name are durations")
            }
            (Self::Category, _) => Some("must be a text: outcomes of this name are categories"),
        }
    }
}

/// Which way is better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Good {
    /// More, or less.
    Direction(Direction),
    /// Of a category: these values.
    Values(Vec<String>),
}

impl Good {
    /// The way that is better of a number called `name`, where nobody says.
    pub fn usual(name: &str) -> Self {
        Self::Direction(match name {
            "escalated" | "refund" | "churned" | "latency_ms" | "tokens" | "cost" | "error" => {
                Direction::Down
            }
            _ => Direction::Up,
        })
    }
}

/// Which way of a number is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is better.
    Up,
    /// Less is better.
    Down,
}

/// What outcomes of one name mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OutcomeDefinition {
    /// The project.
    #[serde(skip)]
    pub project_id: ProjectId,
    /// The outcomes' name.
    pub name: String,
    /// What values they have.
    pub kind: OutcomeKind,
    /// Which way is better: `up`, `down`, or the good values of a category.
    pub good: Good,
    /// How many days before an outcome the interaction may lie that it is put down to.
    pub attribution_window_days: u32,
    /// Whether it was made for the first outcome of its name, by no one.
    pub automatic: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl OutcomeDefinition {
    /// The definition for a first outcome called `name` of this `value`.
    pub fn automatic(project_id: ProjectId, name: &str, value: &Value, now: Timestamp) -> Self {
        let kind = OutcomeKind::of(name, value);
        let good = match kind {
            // Nobody can guess which words are good.
            OutcomeKind::Category => Good::Values(Vec::new()),
            _ => Good::usual(name),
        };
        Self {
            project_id,
            name: name.to_owned(),
            kind,
            good,
            attribution_window_days: DEFAULT_WINDOW_DAYS,
            automatic: true,
            created_at: now,
            updated_at: now,
        }
    }

    /// Everything that does not hold together, as (JSON pointer, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if !is_name(&self.name) {
            let detail = format!(
                "a name holds 1 to {NAME_BYTES} of the letters a-z and A-Z, digits, _, - and ."
            );
            problems.push(("/name", detail));
        }
        match (&self.good, self.kind) {
            (Good::Values(values), OutcomeKind::Category) => {
                let sound = |value: &String| (1..=CATEGORY_BYTES).contains(&value.len());
                if values.len() > MAX_GOOD || !values.iter().all(sound) {
                    let detail =
                        format!("at most {MAX_GOOD} values of 1 to {CATEGORY_BYTES} bytes");
                    problems.push(("/good", detail));
                }
            }
            (Good::Direction(_), OutcomeKind::Category) => {
                problems.push(("/good", "must be the list of a category's good values".to_owned()));
            }
            (Good::Values(_), _) => {
                problems.push(("/good", "must be \"up\" or \"down\"".to_owned()));
            }
            (Good::Direction(_), _) => {}
        }
        if Figures::kind_of(&self.name).is_some_and(|kind| kind != self.kind) {
            problems
                .push(("/kind", "is fixed for a figure that comes with interactions".to_owned()));
        }
        if !(1..=MAX_WINDOW_DAYS).contains(&self.attribution_window_days) {
            let detail = format!("must be 1 to {MAX_WINDOW_DAYS} days");
            problems.push(("/attribution_window_days", detail));
        }
        problems
    }

    /// The number that an outcome counts as: its value, or 1 for a good category and 0 for others.
    pub fn worth(&self, value: Option<f64>, category: Option<&str>) -> Option<f64> {
        match (self.kind, value, category) {
            (OutcomeKind::Category, _, Some(category)) => {
                Some(f64::from(u8::from(self.good_values().iter().any(|good| good == category))))
            }
            // The kind was another one when it came.
            (OutcomeKind::Category, _, None) => None,
            (_, value, _) => value,
        }
    }

    /// After how long an interaction has had the time for nine of ten outcomes, by how long they have
    /// taken; the attribution window while that is not known.
    pub fn matures_after(&self, delays: Option<&DelayCurve>) -> Duration {
        let window = Duration::from_hours(24 * u64::from(self.attribution_window_days));
        let learned = delays.map(|curve| Duration::try_from_secs_f64(curve.quantile(0.9)));
        learned.and_then(Result::ok).unwrap_or(window)
    }

    /// The good values of a category; none of another kind.
    pub fn good_values(&self) -> &[String] {
        match &self.good {
            Good::Values(values) => values,
            Good::Direction(_) => &[],
        }
    }
}

/// Whether `name` can be an outcome's.
pub fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// An interaction that is old enough for its outcomes to have come, with those that have.
#[derive(Debug, Clone, PartialEq)]
pub struct OutcomeEvent {
    /// Gap-free order of embedding within the project: what a cursor counts.
    pub position: i64,
    /// The caller's id of the interaction.
    pub interaction_id: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The conversation it belongs to.
    pub session_id: Option<String>,
    /// Labels for segments.
    pub attributes: Attributes,
    /// Unit vector of the query, of the embedding model that was asked for.
    pub query: Option<Vec<f32>>,
    /// Its outcomes by name, the last one of each.
    pub outcomes: Vec<EventOutcome>,
    /// Those that came after the interaction was handed out for the first time; in no figure.
    pub late: Vec<EventOutcome>,
}

impl OutcomeEvent {
    /// The interaction as the detectors see it.
    pub fn into_event(self) -> Event {
        Event {
            position: self.position,
            interaction_id: self.interaction_id,
            occurred_at: self.occurred_at,
            session_id: self.session_id,
            attributes: self.attributes,
            query: self.query,
            response: None,
            hashes: None,
            signals: Signals::default(),
            outcomes: self.outcomes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(name: &str, value: &Value) -> OutcomeDefinition {
        let mut rng: rand_chacha::ChaCha8Rng = rand::SeedableRng::seed_from_u64(1);
        let now = Timestamp::from_micros(0);
        OutcomeDefinition::automatic(ProjectId::new(now, &mut rng), name, value, now)
    }

    #[test]
    fn known_names_have_their_direction_and_figures_their_kind() {
        let (up, down) = (Good::Direction(Direction::Up), Good::Direction(Direction::Down));
        assert_eq!(definition("resolved", &Value::Flag(true)).good, up);
        assert_eq!(definition("anything", &Value::Number(1.0)).good, up);
        assert_eq!(definition("refund", &Value::Number(12.5)).kind, OutcomeKind::Number);
        assert_eq!(definition("refund", &Value::Number(12.5)).good, down);
        assert_eq!(definition("latency_ms", &Value::Flag(true)).kind, OutcomeKind::Duration);
        let category = definition("reason", &Value::Category("x".to_owned()));
        assert_eq!((category.kind, category.good), (OutcomeKind::Category, Good::Values(vec![])));
    }

    #[test]
    fn what_is_made_automatically_holds_together_and_what_does_not_is_named() {
        let sound = definition("csat", &Value::Number(4.0));
        assert_eq!(sound.problems(), []);
        let wrong = OutcomeDefinition {
            name: "a b".to_owned(),
            good: Good::Values(vec![]),
            attribution_window_days: 0,
            ..sound
        };
        let pointers: Vec<_> = wrong.problems().into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, ["/name", "/good", "/attribution_window_days"]);
    }

    #[test]
    fn values_fit_their_kind_or_say_why_not() {
        let one = Value::Number(1.0);
        assert_eq!(OutcomeKind::Binary.problem(&one), None);
        assert!(OutcomeKind::Binary.problem(&Value::Number(0.5)).is_some());
        assert!(OutcomeKind::Duration.problem(&Value::Number(-1.0)).is_some());
        assert!(OutcomeKind::Number.problem(&Value::Flag(true)).is_some());
        assert!(OutcomeKind::Category.problem(&one).is_some());
    }

    #[test]
    fn a_subject_is_never_shown() {
        assert_eq!(format!("{:?}", Subject::new("+27821234567".to_owned())), "[redacted]");
    }
}
