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

/// The languages of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Languages {
    /// That of the most of it.
    pub whole: Language,
    /// The share of its words, in 0..=1, that stand in stretches of another language:
    /// code-switching. A stretch counts from three words on, and only if its language is certain
    /// when it is read alone (see [`Language::is_confident`]). 0 where nothing can be told. Of
    /// scripts without spaces two letters are a word.
    pub switched: f32,
}

/// The languages of `text`; only the first 2,000 characters are read.
///
/// The whole is [`UNDETERMINED`] for a text without letters, in an unknown script, or that looks
/// like none of the languages.
pub fn read(text: &str) -> Languages {
    let words = Reading::of(text);
    let whole = words.whole.language();
    Languages { whole, switched: switching::share(&words, whole) }
}

/// The language of the most of `text`: [`read`]'s `whole`.
pub fn identify(text: &str) -> Language {
    Reading::of(text).whole.language()
}

/// What the words of a text say.
#[derive(Debug)]
struct Reading {
    words: Vec<Letters>,
    /// What each word in a shared script says for each class, one after the other.
    sums: Vec<i32>,
    whole: Evidence,
}

/// The letters of a word.
#[derive(Debug, Clone, Copy)]
enum Letters {
    /// So many of a script that several languages share; where the word's sums begin.
    Shared(u32, usize),
    /// So many of a script that settles the language, by its place in [`SETTLED`].
    Settled(usize, u32),
    /// So many of another script.
    Unknown(u32),
}

impl Reading {
    fn of(text: &str) -> Self {
        let mut features = Features::new(model());
        let mut new = Self { words: Vec::new(), sums: Vec::new(), whole: Evidence::new() };
        for_each_word(text, |word| {
            let letters = match word {
                Word::Shared(chars) => {
                    let start = new.sums.len();
                    let sums = features.word(chars);
                    new.sums.extend_from_slice(sums);
                    new.whole.add(sums);
                    Letters::Shared(chars.len() as u32, start)
                }
                Word::Settled(place, letters) => Letters::Settled(place, letters),
                Word::Unknown(letters) => Letters::Unknown(letters),
            };
            new.whole.count(letters);
            new.words.push(letters);
        });
        new
    }

    /// What a word in a shared script says for each class, by where its sums begin.
    fn sums(&self, start: usize) -> &[i32] {
        self.sums.get(start..start + model().codes().len()).unwrap_or_default()
    }

    /// What these of its words say.
    fn together(&self, words: &[Letters]) -> Evidence {
        let mut evidence = Evidence::new();
        for word in words {
            if let Letters::Shared(_, start) = *word {
                evidence.add(self.sums(start));
            }
            evidence.count(*word);
        }
        evidence
    }
}

/// What a unit of the sums is worth in a stretch of so many letters, as the logarithm of a
/// probability. Neighbouring letters tell much the same, so that what they say together grows with
/// the root of their number.
fn scale(letters: f32) -> f32 {
    model().scale() / letters.sqrt()
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
    fn count(&mut self, word: Letters) {
        match word {
            Letters::Shared(letters, _) => self.shared += letters,
            Letters::Unknown(letters) => self.unknown += letters,
            Letters::Settled(place, letters) => {
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

    /// The classes of the model with their scores.
    fn scores(&self) -> impl Iterator<Item = (&'static str, f32)> {
        let scale = scale(self.shared.max(1) as f32);
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
        let named = self.scores().filter(|(code, _)| *code != UNDETERMINED);
        let (code, best) = named.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((UNDETERMINED, 0.0));
        let total: f32 = self.scores().map(|(_, score)| (score - best).exp()).sum();
        (code, 1.0 / total.max(f32::MIN_POSITIVE))
    }
}

#[cfg(test)]
mod tests;
