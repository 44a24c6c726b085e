//! The words of a reference, and which of them lie one slip away from another.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{VERSION, words};
use crate::text::hash::hash;

/// Texts of a reference that share a word at least: what stands in fewer may be a slip itself.
const TEXTS: u32 = 3;
/// Words that are kept, the most frequent ones.
const WORDS: usize = 20_000;
/// Letters of a word that is looked at.
pub(super) const LETTERS: std::ops::RangeInclusive<usize> = 3..=32;

/// What was learned of a reference's words, to be stored.
///
/// Words that the model knows are written out; of all others, among them names, only hashes are
/// kept. At most 20,000 words: some 400 kB of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary {
    version: u32,
    /// Words that may be put in the place of a slip, with the texts that hold them.
    targets: BTreeMap<String, u32>,
    /// Hashes of the other words; they are no slips.
    others: BTreeSet<u64>,
}

impl Vocabulary {
    /// Learns the words that stand in three or more different texts; `is_word` says whether the
    /// model knows a word in lower case.
    pub fn learn<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        is_word: impl Fn(&str) -> bool,
    ) -> Self {
        let texts: HashSet<&str> = texts.into_iter().collect();
        let mut counts: HashMap<String, u32> = HashMap::new();
        for text in texts {
            let own: HashSet<String> =
                words::of(text).map(|(_, word)| word.to_lowercase()).collect();
            for word in own {
                *counts.entry(word).or_default() += 1;
            }
        }
        let mut words: Vec<(String, u32)> =
            counts.into_iter().filter(|&(_, texts)| texts >= TEXTS).collect();
        words.sort_unstable_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
        words.truncate(WORDS);
        let (targets, others): (Vec<_>, Vec<_>) = words.into_iter().partition(|(word, _)| {
            word.chars().all(char::is_alphabetic)
                && LETTERS.contains(&word.chars().count())
                && is_word(word)
        });
        let others = others.iter().map(|(word, _)| hash(word.as_bytes())).collect();
        Self { version: VERSION, targets: targets.into_iter().collect(), others }
    }

    /// Words in all.
    pub fn len(&self) -> usize {
        self.targets.len() + self.others.len()
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it was learned by this version of the repair.
    pub(super) fn is_current(&self) -> bool {
        self.version == VERSION
    }
}

/// A vocabulary with a symmetric-delete index (after Garbe's SymSpell): two words that are one
/// insertion, deletion, substitution or transposition apart become equal when each of them loses
/// one letter or none. A look-up takes one search for each letter. 16 bytes a letter: about
/// 3 MB for 20,000 words.
#[derive(Debug)]
pub(super) struct Index {
    targets: Vec<(Vec<char>, u32)>,
    numbers: HashMap<String, u32>,
    others: HashSet<u64>,
    /// The hash of what is left of a target, and the target; sorted.
    remains: Vec<(u64, u32)>,
}

impl Index {
    pub(super) fn new(vocabulary: &Vocabulary) -> Self {
        let spelt = |(word, &texts): (&String, &u32)| (word.chars().collect::<Vec<_>>(), texts);
        let targets: Vec<(Vec<char>, u32)> = vocabulary.targets.iter().map(spelt).collect();
        let mut remains: Vec<(u64, u32)> = (0..)
            .zip(&targets)
            .flat_map(|(number, (word, _))| remains(word).map(move |rest| (rest, number)))
            .collect();
        remains.sort_unstable();
        remains.dedup();
        let numbers = vocabulary.targets.keys().cloned().zip(0..).collect();
        Self { targets, numbers, others: vocabulary.others.iter().copied().collect(), remains }
    }

    /// Whether the reference has `word`.
    pub(super) fn contains(&self, word: &str) -> bool {
        self.numbers.contains_key(word) || self.others.contains(&hash(word.as_bytes()))
    }

    /// The number of `word` among the targets.
    pub(super) fn target(&self, word: &str) -> Option<u32> {
        self.numbers.get(word).copied()
    }

    /// The target with a number.
    pub(super) fn word(&self, number: u32) -> &[char] {
        self.targets.get(number as usize).map_or(&[], |(word, _)| word)
    }

    /// How many texts hold it.
    pub(super) fn texts(&self, number: u32) -> u32 {
        self.targets.get(number as usize).map_or(0, |&(_, texts)| texts)
    }

    /// The targets that may be one edit away; more than those where hashes are equal by chance.
    pub(super) fn near(&self, word: &[char]) -> BTreeSet<u32> {
        let of = |rest: u64| {
            let from = self.remains.partition_point(|&(other, _)| other < rest);
            self.remains[from..].iter().take_while(move |&&(other, _)| other == rest)
        };
        remains(word).flat_map(of).map(|&(_, number)| number).collect()
    }
}

/// The hashes of `word` and of what is left when it loses any one letter.
fn remains(word: &[char]) -> impl Iterator<Item = u64> {
    (0..=word.len()).map(move |lost| {
        let kept = word.iter().enumerate().filter(move |&(at, _)| at != lost);
        hash(kept.map(|(_, c)| c).collect::<String>().as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_three_texts_are_learned_and_names_only_as_hashes() {
        let texts = ["pay Thandeka", "pay thandeka now", "please pay THANDEKA", "pay Thandeka"];
        let learned = Vocabulary::learn(texts, |word| word != "thandeka");
        assert_eq!(
            learned.targets,
            BTreeMap::from([("pay".to_owned(), 3)]),
            "equal texts count once"
        );
        assert_eq!(learned.len(), 2);
        let json = serde_json::to_string(&learned).unwrap();
        assert!(!json.to_lowercase().contains("thandeka"), "{json}");
        assert_eq!(serde_json::from_str::<Vocabulary>(&json).unwrap(), learned);
        let index = Index::new(&learned);
        assert!(index.contains("thandeka") && index.contains("pay") && !index.contains("now"));
    }

    #[test]
    fn the_most_frequent_words_are_kept() {
        let word = |i: usize| format!("w{i:05}");
        let mut texts: Vec<String> = Vec::new();
        for n in 0..3 {
            let line: Vec<String> = (0..WORDS + 100).map(word).collect();
            texts.push(format!("{n} {}", line.join(" ")));
        }
        texts.push(format!("again {}", word(WORDS + 50)));
        let learned = Vocabulary::learn(texts.iter().map(String::as_str), |_| false);
        assert_eq!(learned.len(), WORDS);
        assert!(Index::new(&learned).contains(&word(WORDS + 50)));
    }

    #[test]
    fn every_word_one_edit_away_is_found() {
        let words = ["transfer", "transfers", "card"];
        let texts: Vec<String> = (0..3).map(|i| format!("{} {i}", words.join(" "))).collect();
        let index = Index::new(&Vocabulary::learn(texts.iter().map(String::as_str), |_| true));
        for written in ["trnasfer", "tranfer", "transfeer", "trancfer"] {
            let near = index.near(&written.chars().collect::<Vec<_>>());
            let found: Vec<String> = near.iter().map(|&n| index.word(n).iter().collect()).collect();
            assert!(found.contains(&"transfer".to_owned()), "{written}: {found:?}");
        }
    }
}
