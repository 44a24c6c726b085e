//! One conversation: who writes, about what, and in which turns.

use rand::Rng;
use rand::seq::IndexedRandom;

use super::answering;
use super::corpus::places::{self, CHANNELS, PROVINCES, Province, USSD};
use super::corpus::{Intent, LAUNCH, Language, TOPICS, Topic, slots, social};
use super::typing::Style;

/// Shares of conversations with one, two, … five turns, in per cent.
const TURNS: [(usize, u32); 5] = [(1, 33), (2, 27), (3, 21), (4, 12), (5, 7)];

/// Most turns of a conversation over USSD, which times out.
const USSD_TURNS: usize = 2;

/// Probability that a customer writes in the home language where a wording exists.
const HOME_LANGUAGE: f64 = 0.4;

/// Every weight in the corpus is positive and every list is filled, so a draw can't fail.
const FILLED: &str = "the corpus has no empty list and no zero weights";

/// A query and its answer.
#[derive(Debug)]
pub(crate) struct Turn {
    /// What the customer typed.
    pub(crate) query: String,
    /// What the assistant said.
    pub(crate) response: String,
    /// Whether it is about the launched product.
    pub(crate) about_launch: bool,
}

/// A conversation without its times.
#[derive(Debug)]
pub(crate) struct Dialogue {
    /// How the customer reaches the assistant.
    pub(crate) channel: &'static str,
    /// Where the customer is.
    pub(crate) province: &'static str,
    /// One to five turns.
    pub(crate) turns: Vec<Turn>,
}

/// Draws a conversation; with `about_launch` it turns around the new product.
pub(crate) fn draw(about_launch: bool, rng: &mut impl Rng) -> Dialogue {
    let customer = Customer::draw(rng);
    let topic = TOPICS.choose_weighted(rng, |topic| topic.weight).expect(FILLED);
    let drawn = TURNS.choose_weighted(rng, |(_, weight)| *weight).expect(FILLED).0;
    let turns = if customer.channel == USSD { drawn.min(USSD_TURNS) } else { drawn };
    let topic = if about_launch { &LAUNCH } else { topic };
    let course = course(topic, turns, about_launch, rng);
    let mut said = Vec::new();
    let turns = course
        .into_iter()
        .map(|(intent, is_topic)| {
            let template = customer.choose_wording(&intent, &said, rng);
            said.push(template.text);
            let response = if about_launch {
                intent.responses.choose(rng).copied()
            } else {
                answering::choose(template.text, intent.responses, rng)
            };
            Turn {
                query: customer.type_out(template, intent.weight > 0, said.len() == 1, rng),
                response: customer.fill(response.expect(FILLED)),
                about_launch: about_launch && is_topic,
            }
        })
        .collect();
    Dialogue { channel: customer.channel, province: customer.province.name, turns }
}

/// The intents of a conversation, each with whether it belongs to the topic.
fn course(
    topic: &Topic,
    turns: usize,
    unanswered: bool,
    rng: &mut impl Rng,
) -> Vec<(Intent, bool)> {
    let mut asked: Option<Intent> = None;
    (0..turns)
        .map(|turn| {
            let framing = frame(turn, turns, unanswered, rng);
            if let Some(intent) = framing {
                return (intent, false);
            }
            let next = match asked {
                Some(_) if rng.random_bool(0.4) => return (topic.follow_up, true),
                Some(same) if rng.random_bool(0.55) => same,
                _ => *topic.intents.choose_weighted(rng, |intent| intent.weight).expect(FILLED),
            };
            asked = Some(next);
            (next, true)
        })
        .collect()
}

/// What surrounds the matter itself: a greeting first, thanks or anger last.
fn frame(turn: usize, turns: usize, unanswered: bool, rng: &mut impl Rng) -> Option<Intent> {
    let last = turn + 1 == turns;
    let (thanks, complaint) = if unanswered { (0.10, 0.14) } else { (0.30, 0.06) };
    let chance: f64 = rng.random();
    match () {
        () if turn == 0 && (turns == 1 || chance >= 0.2) => None,
        () if turn == 0 => Some(social::GREETING),
        () if !last => None,
        () if chance < thanks => Some(social::THANKS),
        () if chance < thanks + complaint => Some(social::COMPLAINT),
        () if chance < thanks + complaint + 0.05 => Some(social::HUMAN),
        () => None,
    }
}

/// A template and its language.
#[derive(Clone, Copy)]
struct Wording {
    text: &'static str,
    language: Language,
}

/// Who writes, and what stays the same through the conversation.
struct Customer {
    province: &'static Province,
    language: Language,
    channel: &'static str,
    style: Style,
    slots: Vec<(&'static str, String)>,
}

impl Customer {
    fn draw(rng: &mut impl Rng) -> Self {
        let province = PROVINCES.choose_weighted(rng, |place| place.weight).expect(FILLED);
        Self {
            province,
            language: *province.languages.choose(rng).expect(FILLED),
            channel: CHANNELS.choose_weighted(rng, |(_, weight)| *weight).expect(FILLED).0,
            style: Style::draw(rng),
            slots: draw_slots(province, rng),
        }
    }

    /// A wording that this conversation has not had, while there is one.
    fn choose_wording(&self, intent: &Intent, said: &[&str], rng: &mut impl Rng) -> Wording {
        let home = intent.queries(self.language);
        let language = match self.language {
            home_language if !home.is_empty() && rng.random_bool(HOME_LANGUAGE) => home_language,
            _ => Language::English,
        };
        let all = intent.queries(language);
        let fresh: Vec<_> = all.iter().copied().filter(|text| !said.contains(text)).collect();
        let pool = if fresh.is_empty() { all } else { &fresh };
        Wording { text: pool.choose(rng).expect(FILLED), language }
    }

    /// The message as it is sent; `opens` when it opens the conversation.
    fn type_out(&self, wording: Wording, dress: bool, opens: bool, rng: &mut impl Rng) -> String {
        let dressed = if dress && self.channel != USSD {
            self.fill(&self.dress(wording, opens, rng))
        } else {
            self.fill(wording.text)
        };
        self.style.apply(&dressed, rng)
    }

    /// Adds a courtesy before the first message, a remark or a courtesy after any, now and then.
    fn dress(&self, wording: Wording, opens: bool, rng: &mut impl Rng) -> String {
        let Wording { text, language } = wording;
        let courtesy = if rng.random_bool(HOME_LANGUAGE) { self.language } else { language };
        let mut dressed = text.to_owned();
        if opens && rng.random_bool(0.4) {
            let opener = places::openers(courtesy).choose(rng).expect(FILLED);
            let comma = if rng.random_bool(0.6) { "," } else { "" };
            dressed = format!("{opener}{comma} {}", uncapitalised(&dressed));
        }
        let end = if dressed.ends_with(['?', '.', '!']) { "" } else { "." };
        if language == Language::English && rng.random_bool(0.22) {
            let remark = places::REMARKS.choose(rng).expect(FILLED);
            dressed = format!("{dressed}{end} {remark}");
        } else if rng.random_bool(0.15) {
            let closer = places::closers(courtesy).choose(rng).expect(FILLED);
            let comma = if end.is_empty() { "" } else { "," };
            dressed = format!("{dressed}{comma} {closer}");
        }
        dressed
    }

    /// A template with this customer's values in its slots.
    fn fill(&self, template: &str) -> String {
        self.slots.iter().fold(template.to_owned(), |text, (name, value)| {
            if text.contains('{') { text.replace(&format!("{{{name}}}"), value) } else { text }
        })
    }
}

fn draw_slots(province: &Province, rng: &mut impl Rng) -> Vec<(&'static str, String)> {
    let mut slots = vec![
        ("city", (*province.places.choose(rng).expect(FILLED)).to_owned()),
        ("province_name", province.name.to_owned()),
        ("digits", format!("{:04}", rng.random_range(0..10_000))),
    ];
    for group in slots::GROUPS {
        let row = group.rows.choose(rng).expect(FILLED);
        slots
            .extend(group.names.iter().zip(*row).map(|(name, value)| (*name, (*value).to_owned())));
    }
    slots
}

/// The text without its capital, unless it opens with an abbreviation or with "I".
fn uncapitalised(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}
