//! Which language a short text is in, by its script and its letters: in microseconds, and with an
//! honest "cannot tell".
//!
//! Scripts that only one of the languages uses settle it. For the others a log-linear model weighs
//! every run of up to five letters and every word (`models/language.md` says what it was trained
//! on and how often it is right).

mod features;
mod model;
mod script;
mod switching;
mod words;

pub use switching::switched_share;

use features::Features;
use model::model;
use script::{SETTLED, is_unspaced};
use words::{Word, for_each_word};

/// What [`identify`] can answer, in alphabetical order: ISO 639-1, else ISO 639-3.
pub const CODES: [&str; 77] = [
    "af", "am", "ar", "ary", "bem", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "fa",
    "fi", "fon", "fr", "gu", "ha", "he", "hi", "hu", "hy", "id", "ig", "it", "ja", "ka", "km",
    "kn", "ko", "lg", "lo", "ml", "mr", "mt", "my", "ne", "nl", "no", "nr", "nso", "ny", "om",
    "or", "pa", "pcm", "pl", "pt", "ro", "ru", "rw", "si", "so", "ss", "st", "sv", "sw", "ta",
    "te", "th", "ti", "tn", "tr", "ts", "tw", "uk", "und", "ur", "ve", "vi", "wo", "xh", "yo",
    "zh", "zu",
];

/// The code of "cannot tell".
pub const UNDETERMINED: &str = "und";

/// From this confidence on an answer can be relied on; see `models/language.md` for how often such
/// an answer is wrong.
pub const CONFIDENT: f32 = 0.97;

/// Below this confidence there is no answer.
const FLOOR: f32 = 0.25;

/// The language of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Language {
    /// One of [`CODES`].
    pub code: &'static str,
    /// The probability that the best guess is right, in 0..=1, rounded to thousandths; for
    /// [`UNDETERMINED`] that of the guess which was not worth naming.
    pub confidence: f32,
}

impl Language {
    const NONE: Self = Self { code: UNDETERMINED, confidence: 0.0 };

    fn guess(code: &'static str, probability: f32) -> Self {
        let confidence = (1000.0 * probability).round().clamp(0.0, 1000.0) / 1000.0;
        Self { code: if confidence < FLOOR { UNDETERMINED } else { code }, confidence }
    }

    /// Whether the answer can be relied on: its confidence is at least [`CONFIDENT`].
    pub fn is_confident(&self) -> bool {
        self.code != UNDETERMINED && self.confidence >= CONFIDENT
    }
}

/// The language of `text`; only the first 2,000 characters are read.
///
/// [`UNDETERMINED`] for a text without letters, in an unknown script, or that looks like none of
/// the languages. A text of two languages is taken for the one that has more of it.
pub fn identify(text: &str) -> Language {
    let mut features = Features::new(model());
    let mut evidence = Evidence::new();
    for_each_word(text, |word| {
        if let Word::Shared(chars) = word {
            features.word(chars);
        }
        evidence.count(word);
    });
    evidence.add(features.sums());
    evidence.language()
}

/// What the words of a stretch of text say for each language.
#[derive(Debug, Clone)]
struct Evidence {
    /// Sums of the model's weights.
    sums: Vec<i32>,
    /// Letters in scripts that several languages share.
    shared: u32,
    /// Letters in each script that settles its language.
    settled: [u32; SETTLED.len()],
    /// Letters in scripts of which nothing is known.
    unknown: u32,
}

impl Evidence {
    fn new() -> Self {
        let sums = vec![0; model().codes().len()];
        Self { sums, shared: 0, settled: [0; SETTLED.len()], unknown: 0 }
    }

    /// Counts the letters of a word.
    fn count(&mut self, word: Word) {
        match word {
            Word::Shared(chars) => self.shared += chars.len() as u32,
            Word::Unknown(letters) => self.unknown += letters,
            Word::Settled(place, letters) => {
                // A character of Chinese says what two letters say elsewhere.
                let weight = if is_unspaced(place) { 2 } else { 1 };
                if let Some(count) = self.settled.get_mut(place) {
                    *count += letters * weight;
                }
            }
        }
    }

    /// Adds the weights of words.
    fn add(&mut self, sums: &[i32]) {
        self.sums.iter_mut().zip(sums).for_each(|(sum, more)| *sum += more);
    }

    /// Adds the words of `other`.
    fn merge(&mut self, other: &Self) {
        self.add(&other.sums);
        self.shared += other.shared;
        self.settled.iter_mut().zip(other.settled).for_each(|(sum, more)| *sum += more);
        self.unknown += other.unknown;
    }

    /// The classes of the model with their scores in a text of so many letters: logarithms of a
    /// probability but for a constant. Neighbouring letters tell much the same, so that what they
    /// say together grows with the root of their number.
    fn scores(&self, letters: f32) -> impl Iterator<Item = (&'static str, f32)> {
        let scale = model().scale() / letters.sqrt();
        let scores = self.sums.iter().map(move |&sum| sum as f32 * scale);
        model().codes().iter().copied().zip(scores)
    }

    /// The script with most letters decides, then the model where it leaves a choice.
    fn language(&self) -> Language {
        let most = self.settled.iter().zip(SETTLED).max_by_key(|(letters, _)| **letters);
        let (letters, settled) = most.map_or((0, UNDETERMINED), |(letters, code)| (*letters, code));
        let all = self.shared + self.settled.iter().sum::<u32>() + self.unknown;
        let share = |letters: u32| letters as f32 / all.max(1) as f32;
        if self.unknown >= self.shared.max(letters) {
            Language::NONE
        } else if letters > self.shared {
            Language::guess(settled, share(letters))
        } else {
            let (code, probability) = self.likeliest();
            Language::guess(code, probability * share(self.shared))
        }
    }

    /// The model's best guess with its probability.
    fn likeliest(&self) -> (&'static str, f32) {
        let scores = || self.scores(self.shared.max(1) as f32);
        let named = scores().filter(|(code, _)| *code != UNDETERMINED);
        let (code, best) = named.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((UNDETERMINED, 0.0));
        let total: f32 = scores().map(|(_, score)| (score - best).exp()).sum();
        (code, 1.0 / total.max(f32::MIN_POSITIVE))
    }
}

#[cfg(test)]
mod tests;
