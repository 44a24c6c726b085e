//! How many texts hold each term: additive, of bounded size, and honest about what was forgotten.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::terms::{Terms, normalised, terms};

/// Pieces that are kept for each word that is kept: a word of eight letters has fifteen.
const PIECES_PER_WORD: usize = 4;

/// Counts of the terms of a set of texts. A text counts once for each term that it holds, however
/// often it repeats it, so that one long text cannot make a topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TermCounts {
    limit: usize,
    texts: u64,
    words: Vocabulary,
    pieces: Vocabulary,
}

impl TermCounts {
    /// Counts of no texts that keep at least the `limit` most frequent words and four times as many
    /// pieces: when there are twice as many, the rarest are forgotten (see [`Vocabulary::lost`]).
    pub fn new(limit: usize) -> Self {
        let (words, pieces) = Default::default();
        Self { limit: limit.max(1), texts: 0, words, pieces }
    }

    /// Adds one text.
    pub fn observe(&mut self, text: &str) {
        let text = normalised(text);
        let Terms { words, pieces } = terms(&text);
        self.texts += 1;
        words.into_iter().for_each(|word| self.words.add(word, 1));
        pieces.into_iter().for_each(|piece| self.pieces.add(piece, 1));
        self.keep_within(2);
    }

    /// Adds the texts of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.texts += other.texts;
        self.words.merge(&other.words);
        self.pieces.merge(&other.pieces);
        self.keep_within(2);
    }

    /// Forgets all but the `limit` most frequent words and four times as many pieces, of equals the
    /// later in alphabetical order; `limit` holds from now on.
    pub fn shrink(&mut self, limit: usize) {
        self.limit = limit.max(1);
        self.keep_within(1);
    }

    /// Number of texts.
    pub fn texts(&self) -> u64 {
        self.texts
    }

    /// The words.
    pub fn words(&self) -> &Vocabulary {
        &self.words
    }

    /// The pieces of words: runs of characters.
    pub fn pieces(&self) -> &Vocabulary {
        &self.pieces
    }

    /// Shrinks each vocabulary that has more than `slack` times its limit, so that a new term costs
    /// no sorting.
    fn keep_within(&mut self, slack: usize) {
        let pieces = self.limit.saturating_mul(PIECES_PER_WORD);
        for (vocabulary, limit) in [(&mut self.words, self.limit), (&mut self.pieces, pieces)] {
            if vocabulary.counts.len() > limit.saturating_mul(slack) {
                vocabulary.shrink(limit);
            }
        }
    }
}

/// Terms of one kind with their counts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Vocabulary {
    total: u64,
    lost: u64,
    counts: BTreeMap<String, u64>,
}

impl Vocabulary {
    /// Sum of the counts of all terms, forgotten ones too.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// By how much a count can be too low at most: 0 until terms were forgotten. At each shrinking
    /// a term loses at most the largest count that was forgotten then.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The count of `term`, 0 for one that is not there; the true count lies between this and
    /// this + [`Vocabulary::lost`].
    pub fn count(&self, term: &str) -> u64 {
        self.counts.get(term).copied().unwrap_or(0)
    }

    /// The terms with their counts, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts.iter().map(|(term, count)| (term.as_str(), *count))
    }

    fn add(&mut self, term: &str, count: u64) {
        self.total += count;
        self.keep(term, count);
    }

    fn keep(&mut self, term: &str, count: u64) {
        match self.counts.get_mut(term) {
            Some(known) => *known += count,
            None => drop(self.counts.insert(term.to_owned(), count)),
        }
    }

    fn merge(&mut self, other: &Self) {
        self.total += other.total;
        self.lost += other.lost;
        other.iter().for_each(|(term, count)| self.keep(term, count));
    }

    fn shrink(&mut self, limit: usize) {
        let mut ranked: Vec<(String, u64)> = std::mem::take(&mut self.counts).into_iter().collect();
        ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        self.lost += ranked.get(limit).map_or(0, |(_, count)| *count);
        ranked.truncate(limit);
        self.counts = ranked.into_iter().collect();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(texts: &[String], limit: usize) -> TermCounts {
        let mut counts = TermCounts::new(limit);
        texts.iter().for_each(|text| counts.observe(text));
        counts
    }

    fn texts() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("([a-f]{1,4} ){0,6}", 0..12)
    }

    #[test]
    fn a_text_counts_once_for_a_term() {
        let counts = counted(&["help help HELP".to_owned(), "help me".to_owned()], 10);
        assert_eq!((counts.texts(), counts.words().count("help")), (2, 2));
        assert_eq!((counts.words().total(), counts.words().lost()), (3, 0));
        assert_eq!(counts.pieces().count("elp"), 2);
    }

    #[test]
    fn the_rarest_are_forgotten_first() {
        let mut counts = counted(&["b a c".to_owned(), "c d".to_owned(), "c a".to_owned()], 10);
        counts.shrink(2);
        assert_eq!(counts.words().iter().collect::<Vec<_>>(), [("a", 2), ("c", 3)]);
        assert_eq!((counts.words().total(), counts.words().lost()), (7, 1));
    }

    proptest! {
        #[test]
        fn merging_is_counting_the_union(a in texts(), b in texts()) {
            let mut merged = counted(&a, 1_000);
            merged.merge(&counted(&b, 1_000));
            let union: Vec<String> = b.into_iter().chain(a).collect();
            prop_assert_eq!(merged, counted(&union, 1_000));
        }

        #[test]
        fn what_was_forgotten_is_bounded(a in texts(), b in texts(), limit in 1usize..6) {
            let mut small = counted(&a, limit);
            small.merge(&counted(&b, limit));
            let exact = counted(&a.into_iter().chain(b).collect::<Vec<_>>(), 1_000);
            for (small, exact, limit) in [
                (small.words(), exact.words(), limit),
                (small.pieces(), exact.pieces(), limit * PIECES_PER_WORD),
            ] {
                prop_assert!(small.counts.len() <= 2 * limit);
                prop_assert_eq!(small.total(), exact.total());
                for (term, count) in exact.iter() {
                    let known = small.count(term);
                    prop_assert!(known <= count && count <= known + small.lost());
                }
            }
        }

        #[test]
        fn it_survives_storage(a in texts()) {
            let counts = counted(&a, 3);
            let text = serde_json::to_string(&counts).unwrap();
            prop_assert_eq!(serde_json::from_str::<TermCounts>(&text).unwrap(), counts);
        }
    }
}
