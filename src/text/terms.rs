//! The terms of a text in any language, without a dictionary: its words, and pieces of them.
//!
//! Words are those of Unicode's text segmentation (UAX #29), lower-cased, with their accents and
//! tone marks. Pieces are runs of 3 to 5 characters (grapheme clusters) within a word: where a
//! language builds long words from a stem, they show the stem that the words share. Scripts that
//! do not separate words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) have no words here; UAX #29
//! cuts them into single characters, and the pieces are runs of 2 to 5 of these.

use std::ops::RangeInclusive;

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// Stands for every number, and for every word with more than four digits: identifiers would
/// otherwise each be a term of its own.
pub const NUMBER: &str = "#";

/// Characters of a text that are read; the rest is left out.
const MAX_CHARS: usize = 8_000;

/// Characters of the longest word that counts: longer ones are keys, paths or encoded data.
const MAX_WORD: usize = 40;

/// Bytes of the longest term, so that characters under heaps of marks do not count either.
const MAX_BYTES: usize = 160;

const MAX_DIGITS: usize = 4;

const PIECES: RangeInclusive<usize> = 3..=5;

/// Most Chinese words have two characters.
const PIECES_UNSEPARATED: RangeInclusive<usize> = 2..=5;

/// The distinct terms of one text, each list sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms<'a> {
    pub(super) words: Vec<&'a str>,
    pub(super) pieces: Vec<&'a str>,
}

/// `text` as its terms are taken from it: NFKC, lower-case, of bounded length.
pub(super) fn normalised(text: &str) -> String {
    text.nfkc().take(MAX_CHARS).collect::<String>().to_lowercase()
}

/// The terms of a [`normalised`] text.
pub(super) fn terms(text: &str) -> Terms<'_> {
    let mut words = Vec::new();
    let mut pieces = Vec::new();
    // A run of single characters that touch each other is a text in a script without spaces.
    let mut run = 0..0;
    for (start, segment) in text.unicode_word_indices() {
        let end = start + segment.len();
        let single = segment.graphemes(true).nth(1).is_none();
        if single && segment.starts_with(char::is_alphabetic) {
            if run.end != start {
                add_run(&text[run], &mut words, &mut pieces);
                run = start..start;
            }
            run.end = end;
        } else {
            words.extend(word(segment));
        }
    }
    add_run(&text[run], &mut words, &mut pieces);
    distinct(&mut words);
    for word in &words {
        // A word of this length is a piece itself: what it would add is the word again.
        let shorter = *PIECES.start()..=(word.graphemes(true).count() - 1).min(*PIECES.end());
        add_pieces(word, shorter, &mut pieces);
    }
    distinct(&mut pieces);
    Terms { words, pieces }
}

fn distinct(terms: &mut Vec<&str>) {
    terms.sort_unstable();
    terms.dedup();
}

/// The term of a segment; `None` where it is too long for one.
fn word(segment: &str) -> Option<&str> {
    let digits = segment.chars().filter(|c| c.is_numeric()).count();
    if digits > MAX_DIGITS || !segment.contains(char::is_alphabetic) {
        return Some(NUMBER);
    }
    let fits = segment.len() <= MAX_BYTES && segment.graphemes(true).count() <= MAX_WORD;
    fits.then_some(segment)
}

fn add_run<'a>(run: &'a str, words: &mut Vec<&'a str>, pieces: &mut Vec<&'a str>) {
    if run.graphemes(true).nth(1).is_some() {
        add_pieces(run, PIECES_UNSEPARATED, pieces);
    } else if !run.is_empty() && run.len() <= MAX_BYTES {
        words.push(run);
    }
}

/// All runs of `lengths` characters of `word` that are letters throughout.
fn add_pieces<'a>(word: &'a str, lengths: RangeInclusive<usize>, pieces: &mut Vec<&'a str>) {
    let clusters: Vec<(usize, &str)> = word.grapheme_indices(true).collect();
    for length in lengths {
        for piece in clusters.windows(length) {
            let (start, last) = (piece[0].0, piece[length - 1]);
            let letters = piece.iter().all(|(_, cluster)| cluster.starts_with(char::is_alphabetic));
            let end = last.0 + last.1.len();
            if letters && end - start <= MAX_BYTES {
                pieces.push(&word[start..end]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        terms(&normalised(text)).words.into_iter().map(str::to_owned).collect()
    }

    fn pieces(text: &str) -> Vec<String> {
        terms(&normalised(text)).pieces.into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn words_keep_their_accents_and_lose_their_case() {
        assert_eq!(words("Ẹ káàárọ̀, Ọjọ́ DÁRA!"), ["dára", "káàárọ̀", "ẹ", "ọjọ́"]);
        assert_eq!(words("o\u{323}jo\u{323}\u{301}"), words("ọjọ́"), "composed or not");
        assert_eq!(words("ውሃ፡ዋጋ"), ["ዋጋ", "ውሃ"]);
        assert_eq!(words("l'eau wi-fi"), ["fi", "l'eau", "wi"]);
    }

    #[test]
    fn numbers_are_one_term() {
        assert_eq!(words("1,000.50 naira, +234 803, ٣٤"), ["#", "naira"]);
        assert_eq!(words("4G or 5g, order A12345678"), ["#", "4g", "5g", "or", "order"]);
    }

    #[test]
    fn long_words_show_their_stem() {
        let shared: Vec<String> = pieces("ngiyathanda")
            .into_iter()
            .filter(|p| pieces("siyathandana").contains(p) && p.chars().count() == 5)
            .collect();
        assert_eq!(shared, ["athan", "handa", "iyath", "thand", "yatha"]);
        assert_eq!(pieces("data"), ["ata", "dat"]);
        assert!(pieces("the").is_empty(), "the word itself");
        assert!(!pieces("www.example.com").iter().any(|p| p.contains('.')));
    }

    #[test]
    fn scripts_without_spaces_give_pieces() {
        assert!(words("我要退款").is_empty());
        assert_eq!(pieces("我要退款"), ["我要", "我要退", "我要退款", "要退", "要退款", "退款"]);
        assert_eq!(pieces("退款，退款"), ["退款"]);
        assert_eq!(words("APP 茶"), ["app", "茶"]);
        assert!(pieces("ขอคืนเงิน").contains(&"คืน".to_owned()));
        assert!(pieces("払い戻しアプリ").contains(&"戻し".to_owned()));
    }

    proptest! {
        #[test]
        fn terms_are_distinct_bounded_parts(text in "\\PC{0,80}") {
            let text = normalised(&text);
            let Terms { words, pieces } = terms(&text);
            for list in [&words, &pieces] {
                prop_assert!(list.windows(2).all(|pair| pair[0] < pair[1]));
                prop_assert!(list.iter().all(|t| !t.is_empty() && t.len() <= MAX_BYTES));
                prop_assert!(list.iter().all(|t| *t == NUMBER || text.contains(t)));
            }
        }
    }

    #[test]
    fn huge_and_hostile_texts_are_bounded() {
        assert!(words(&"x".repeat(50_000)).is_empty());
        assert_eq!(words(&"ab ".repeat(50_000)), ["ab"]);
        assert!(words(&format!("a{}", "\u{301}".repeat(500))).is_empty());
        assert!(normalised(&"\u{fdfa}".repeat(9_000)).chars().count() <= MAX_CHARS);
        assert!(pieces(&"退".repeat(9_000)).len() == 4);
    }
}
