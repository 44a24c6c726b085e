//! How hurried thumbs turn a sentence into a chat message: typos, shorthand, no full stops.

use rand::Rng;
use rand::seq::IndexedRandom;

/// The rows of the keyboard, for slips to a neighbouring key.
const KEY_ROWS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// Short forms that people type for common words.
const SHORTHAND: &[(&str, &str)] = &[
    ("please", "pls"),
    ("you", "u"),
    ("your", "ur"),
    ("are", "r"),
    ("thanks", "thx"),
    ("because", "coz"),
    ("tomorrow", "2moro"),
    ("don't", "dont"),
    ("can't", "cant"),
    ("it's", "its"),
    ("number", "nr"),
    ("minutes", "min"),
    ("what's", "whats"),
    ("people", "ppl"),
];

/// A word shorter than this is typed right.
const SHORTEST_MISTYPED: usize = 4;

/// How one customer types; the same through a conversation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    lower_case: bool,
    shorthand: bool,
    ends_sentences: bool,
    /// Probability that a word of four letters or more is mistyped.
    typo_rate: f64,
}

impl Style {
    /// Draws the habits of a customer.
    pub(crate) fn draw(rng: &mut impl Rng) -> Self {
        let careless = rng.random_bool(0.3);
        Self {
            lower_case: rng.random_bool(0.3),
            shorthand: rng.random_bool(0.25),
            ends_sentences: rng.random_bool(0.65),
            typo_rate: if careless { 0.05 } else { 0.008 },
        }
    }

    /// The text as this customer sends it.
    pub(crate) fn apply(self, text: &str, rng: &mut impl Rng) -> String {
        let words: Vec<String> = text.split(' ').map(|word| self.word(word, rng)).collect();
        let mut typed = words.join(" ");
        if !self.ends_sentences {
            typed.truncate(typed.trim_end_matches(['?', '.', '!']).len());
        }
        if self.lower_case { typed.to_lowercase() } else { typed }
    }

    fn word(self, word: &str, rng: &mut impl Rng) -> String {
        let short = SHORTHAND.iter().find(|(long, _)| *long == word);
        if let Some((_, short)) = short.filter(|_| self.shorthand) {
            return (*short).to_owned();
        }
        let plain =
            word.len() >= SHORTEST_MISTYPED && word.bytes().all(|b| b.is_ascii_alphabetic());
        if plain && rng.random_bool(self.typo_rate) { mistype(word, rng) } else { word.to_owned() }
    }
}

/// One slip of the thumb in a word of ASCII letters; its first letter stays.
fn mistype(word: &str, rng: &mut impl Rng) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let at = rng.random_range(1..letters.len());
    match rng.random_range(0..4) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        2 => letters.swap(at - 1, at),
        _ => letters[at] = neighbour(letters[at], rng),
    }
    letters.into_iter().collect()
}

/// The key left or right of a letter's.
fn neighbour(letter: char, rng: &mut impl Rng) -> char {
    let around = KEY_ROWS.iter().find_map(|row| {
        let at = row.find(letter.to_ascii_lowercase())?;
        Some(&row[at.saturating_sub(1)..(at + 2).min(row.len())])
    });
    let keys: Vec<char> = around.unwrap_or_default().chars().filter(|key| *key != letter).collect();
    keys.choose(rng).copied().unwrap_or(letter)
}
