//! Lines that many texts of a reference share: greetings, signatures, disclaimers.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::edits::Edits;

/// Words that a line has at least, so that "Thank you" and headings stay.
const WORDS: usize = 3;
/// Texts of a reference that share a line at least, however few texts there are.
const TEXTS: usize = 5;

/// A learned set of lines, kept as hashes of their letters: a line is known again in other case,
/// with other digits and other punctuation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Boilerplate {
    lines: BTreeSet<u64>,
}

impl Boilerplate {
    /// Learns the lines of three or more words that stand in more than 1 % of `texts`, and in five
    /// at least, each time as one of several lines. Give it texts as the other steps leave them.
    pub fn learn<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut counts: HashMap<u64, usize> = HashMap::new();
        let mut total = 0_usize;
        for text in texts {
            total += 1;
            if text.lines().filter(|line| holds_word(line)).nth(1).is_some() {
                let lines: BTreeSet<u64> = text.lines().filter_map(key).collect();
                lines.into_iter().for_each(|line| *counts.entry(line).or_default() += 1);
            }
        }
        let is_shared = |count: usize| count >= TEXTS && count * 100 > total;
        let lines = counts.into_iter().filter(|&(_, count)| is_shared(count)).map(|(line, _)| line);
        Self { lines: lines.collect() }
    }

    /// How many lines were learned.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether no line was learned.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Removes the learned lines where a line with a letter or digit remains.
    pub(super) fn edits(&self, text: &str) -> Edits {
        let mut edits = Edits::default();
        if self.is_empty() || !text.contains('\n') {
            return edits;
        }
        let mut remains = false;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let end = at + line.len();
            if key(line).is_some_and(|key| self.lines.contains(&key)) {
                edits.remove(at..end);
            } else {
                remains |= holds_word(line);
            }
            at = end;
        }
        if remains { edits } else { Edits::default() }
    }
}

fn holds_word(line: &str) -> bool {
    line.chars().any(char::is_alphanumeric)
}

/// The hash of a line that is long enough to be learned: FNV-1a over its letters in lower case.
/// Whoever makes a line collide gets no more than that line of their own removed.
fn key(line: &str) -> Option<u64> {
    let words = line.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic));
    if words.take(WORDS).count() < WORDS {
        return None;
    }
    let letters = line.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase);
    let mix = |hash: u64, c: char| (hash ^ u64::from(u32::from(c))).wrapping_mul(0x100_0000_01b3);
    Some(letters.fold(0xcbf2_9ce4_8422_2325, mix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference() -> Vec<String> {
        let question = |i: usize| format!("Question number {}?", "x".repeat(i + 1));
        let signed = |i| format!("{}\nSent from my phone 12\nBest wishes", question(i));
        (0..200).map(|i| if i < 6 { signed(i) } else { question(i) }).collect()
    }

    fn learned() -> Boilerplate {
        Boilerplate::learn(reference().iter().map(String::as_str))
    }

    #[test]
    fn shared_lines_are_learned() {
        let learned = learned();
        assert_eq!(learned.len(), 1, "'Best wishes' is too short");
        let text = "Where is it?\nSENT from my phone 7.\nThanks";
        assert_eq!(learned.edits(text).apply(text), "Where is it?\nThanks");
    }

    #[test]
    fn rare_lines_and_lines_that_stand_alone_are_not_learned() {
        let alone = vec!["how do I pay"; 50];
        assert!(Boilerplate::learn(alone).is_empty());
        let few = ["a\nsent from my phone"; 4];
        assert!(Boilerplate::learn(few).is_empty());
        let rare = (0..500).map(|i| if i < 5 { "a\nsent from my phone" } else { "b" });
        assert!(Boilerplate::learn(rare).is_empty(), "5 of 500 is not more than 1 %");
    }

    #[test]
    fn a_text_of_nothing_else_is_kept() {
        for text in ["Sent from my phone", "Sent from my phone\n", "Sent from my phone\n--\n"] {
            assert!(learned().edits(text).is_empty(), "{text:?}");
        }
    }

    #[test]
    fn what_was_learned_survives_storage() {
        let json = serde_json::to_string(&learned()).unwrap();
        assert_eq!(serde_json::from_str::<Boilerplate>(&json).unwrap(), learned());
    }
}
