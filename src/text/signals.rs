//! Signals of the quality of one text, without a reference and mostly without a language: what is
//! wrong with it as it stands.
//!
//! A flag says that a check failed; its rate over many texts, against that of a reference, is what
//! tells a change. Reading is linear in the text.

mod damage;
mod echo;
mod encoding;
mod errors;
mod flags;
mod function_words;
mod invisible;
pub(super) mod keyboard;
mod markup;
mod mixed_script;
mod phrases;
pub(super) mod placeholder;
pub(super) mod reading;
mod refusal;
mod repetition;
mod shouting;
mod slots;
#[cfg(test)]
mod tests;
mod truncated;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use flags::{Flag, Flags};
use reading::Reading;

/// What one text is like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Signals {
    /// The checks that it failed.
    pub flags: Flags,
    /// Characters.
    pub chars: u32,
    /// Words between white space; a character of a script without spaces is one.
    pub words: u32,
    /// The share of words with digits or symbols inside, in [0, 1].
    pub digits_in_words: f32,
    /// The share of runs of three words that the text has before, in [0, 1]; 0 below 12 words.
    pub repetition: f32,
    /// The share of function words, in [0, 1]; `None` where the language is not known or has no
    /// list, and below three words.
    pub function_words: Option<f32>,
}

impl Signals {
    /// ln(1 + characters): lengths spread over orders of magnitude.
    pub fn log_chars(&self) -> f64 {
        f64::from(self.chars).ln_1p()
    }
}

/// The signals of `text`. Some need its `language` (ISO 639-1, such as "en"): keywords, and words
/// that a sentence does not end with.
pub fn of(text: &str, language: Option<&str>) -> Signals {
    measure(&Reading::new(text), language)
}

/// The signals of `response`, with whether it repeats `query`.
pub fn of_pair(query: &str, response: &str, language: Option<&str>) -> Signals {
    let reading = Reading::new(response);
    let mut signals = measure(&reading, language);
    if echo::is_echo(&reading::lower_case(query), &reading.lower) {
        signals.flags.insert(Flag::Echo);
    }
    signals
}

/// Whether `text` begins with a phrase that refuses to help.
pub fn is_refusal(text: &str) -> bool {
    refusal::find(&Reading::new(text)).is_some()
}

/// Where in `text` each of its flags is raised first, as bytes. [`Flag::Echo`] is never among them.
pub fn explain(text: &str, language: Option<&str>) -> Vec<(Flag, Range<usize>)> {
    let reading = Reading::new(text);
    places(&reading, &Numbers::of(&reading, language), language)
}

/// What is measured before the flags are.
struct Numbers {
    damage: damage::Damage,
    repetition: f32,
    function_words: Option<f32>,
}

impl Numbers {
    fn of(reading: &Reading, language: Option<&str>) -> Self {
        Self {
            damage: damage::measure(reading),
            repetition: repetition::share(reading),
            function_words: language.and_then(|known| function_words::share(reading, known)),
        }
    }
}

fn measure(reading: &Reading, language: Option<&str>) -> Signals {
    let numbers = Numbers::of(reading, language);
    let flags = places(reading, &numbers, language).into_iter().map(|(flag, _)| flag).collect();
    let words = reading.words.len();
    Signals {
        flags,
        chars: count(reading.text.chars().count()),
        words: count(words),
        digits_in_words: numbers.damage.count as f32 / words.max(1) as f32,
        repetition: numbers.repetition,
        function_words: numbers.function_words,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn places(
    reading: &Reading,
    numbers: &Numbers,
    language: Option<&str>,
) -> Vec<(Flag, Range<usize>)> {
    if super::is_blank(reading.text) {
        return vec![(Flag::Blank, 0..reading.text.len())];
    }
    let found = [
        (Flag::Placeholder, placeholder::find(reading)),
        (Flag::Truncated, truncated::find(reading, language)),
        (Flag::TemplateSlot, slots::find(reading)),
        (Flag::Encoding, encoding::find(reading)),
        (Flag::Invisible, invisible::find(reading)),
        (Flag::MixedScript, mixed_script::find(reading)),
        (Flag::Markup, markup::find(reading)),
        (Flag::DigitsInWords, numbers.damage.first.clone()),
        (Flag::Repetition, repetition::find(reading, numbers.repetition)),
        (Flag::Shouting, shouting::find(reading)),
        (Flag::ErrorText, errors::find(reading)),
        (Flag::Refusal, refusal::find(reading)),
        (Flag::Keywords, function_words::find(reading, numbers.function_words)),
    ];
    found.into_iter().filter_map(|(flag, place)| Some((flag, place?))).collect()
}
