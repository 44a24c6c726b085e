//! Loops of words or characters, as a model makes that does not stop, or a person who leans on a
//! key.

use std::ops::Range;

use super::super::hash::{hash, join};
use super::keyboard;
use super::reading::Reading;

/// Words at the end of a text that are read.
const MAX_WORDS: usize = 4_096;
/// Runs of three words that a text must have before their share means something.
const MIN_RUNS: usize = 10;
/// Share of repeated runs from which on a text is a loop: fewer than 3 in 10 are distinct.
const LOOP: f32 = 0.7;
/// Bytes at the end of a text that are searched for a repeated unit.
const TAIL: usize = 1_024;
/// Times that a unit at the end must be repeated, and bytes that it must fill.
const REPEATS: usize = 4;
const REPEATED_BYTES: usize = 32;
/// Times that one letter must follow itself.
const LETTERS: usize = 10;

/// Where a loop is, given the text's [`share`].
pub(super) fn find(reading: &Reading, share: f32) -> Option<Range<usize>> {
    letter_run(&reading.lower)
        .or_else(|| repeated_end(&reading.lower))
        .or_else(|| (share > LOOP).then(|| reading.trimmed()))
        .or_else(|| keyboard::find(reading))
}

/// The share of the runs of three words that an earlier place has already, in [0, 1]; 0 for texts
/// of fewer than 12 words.
pub(super) fn share(reading: &Reading) -> f32 {
    let skipped = reading.words.len().saturating_sub(MAX_WORDS);
    if reading.words.len() - skipped < MIN_RUNS + 2 {
        return 0.0;
    }
    let words: Vec<u64> =
        reading.lower_words().skip(skipped).map(|word| hash(word.as_bytes())).collect();
    let mut runs: Vec<u64> = words.windows(3).map(join).collect();
    let total = runs.len();
    runs.sort_unstable();
    runs.dedup();
    1.0 - runs.len() as f32 / total as f32
}

fn letter_run(text: &str) -> Option<Range<usize>> {
    let mut run = (0, ' ', 0);
    for (at, c) in text.char_indices() {
        run = if c == run.1 { (run.0, c, run.2 + 1) } else { (at, c, 1) };
        if run.2 >= LETTERS && c.is_alphabetic() {
            return Some(run.0..at + c.len_utf8());
        }
    }
    None
}

/// The longest end of `text` that is one unit over and over, with a letter in it. The border
/// function of the reversed end (Knuth, Morris and Pratt) gives the period of each of its ends.
fn repeated_end(text: &str) -> Option<Range<usize>> {
    let text = text.trim_end();
    let tail: Vec<u8> = text.bytes().rev().take(TAIL).collect();
    if tail.len() < REPEATED_BYTES {
        return None;
    }
    let mut borders = vec![0_usize; tail.len()];
    let mut longest = 0;
    let mut border = 0;
    for i in 1..tail.len() {
        while border > 0 && tail[i] != tail[border] {
            border = borders[border - 1];
        }
        border += usize::from(tail[i] == tail[border]);
        borders[i] = border;
        let length = i + 1;
        if length >= REPEATED_BYTES && length >= REPEATS * (length - border) {
            longest = length;
        }
    }
    let start = (text.len() - longest..text.len()).find(|&at| text.is_char_boundary(at))?;
    text[start..].contains(char::is_alphabetic).then_some(start..text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Option<&str> {
        let reading = Reading::new(text);
        find(&reading, share(&reading)).and_then(|range| text.get(range))
    }

    #[test]
    fn loops_are_found() {
        let end = "is the best is the best is the best is the best";
        assert!(found(&format!("The answer {end}")).is_some_and(|loops| loops.ends_with(end)));
        assert_eq!(found("I want moneyyyyyyyyyyyyy now"), Some("yyyyyyyyyy"));
        assert!(found("我要退款我要退款我要退款我要退款我要退款").is_some());
        assert!(found(&"I cannot tell you more about this now; ".repeat(9)).is_some());
        let broken = format!("{}. The end.", "we will call you back today, ".repeat(6));
        assert!(found(&broken).is_some(), "a loop that ends");
        assert!(found("sdkfjhsdkjfh").is_some());
    }

    #[test]
    fn emphasis_tables_and_lists_are_none() {
        for text in [
            "It is sooooo slow!!!!!!!!!!!!!!!!",
            "no no no no",
            "-----------------------------------------------",
            "1000000000000000000000000000000000000",
            "| --- | --- | --- | --- | --- | --- | --- |",
            "Bring your card, your code and your phone; then bring your card again, with your code.",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn the_share_counts_what_is_repeated() {
        let of = |text: &str| share(&Reading::new(text));
        assert!(of("a b c d e f g h i j").abs() < 1e-6);
        assert!(of("a b c d e f g h i j k l").abs() < 1e-6);
        assert!((of(&"x y z ".repeat(10)) - (1.0 - 3.0 / 28.0)).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn whatever_is_repeated_often_is_a_loop(unit in "[a-zé]{3,9} [a-zé]{2,9} ", times in 12_usize..40) {
            prop_assert!(found(&unit.repeat(times)).is_some());
        }

        #[test]
        fn distinct_words_are_none(seed in 1_u32..1000) {
            let words: Vec<String> = (0..60).map(|i| format!("word{}", i * seed)).collect();
            let text = words.join(" ");
            prop_assert_eq!(found(&text), None);
        }
    }
}
