//! What holds for cleaning any text, and for what is measured of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::text::clean::{Boilerplate, Cleaner, Steps};
use crate::text::irrelevant::{Filter, Rules};
use crate::text::writing::Writing;
use crate::text::{counts, fingerprint, is_blank, language, shorten, signals, simhash};

static LINES: LazyLock<Boilerplate> =
    LazyLock::new(|| Boilerplate::learn(["where is it\nsent from my phone"; 10]));

static WRITING: LazyLock<Writing> = LazyLock::new(|| {
    let texts: Vec<String> =
        (0..200).map(|i| format!("where is my order number {i}, please")).collect();
    Writing::fit(texts.iter().map(String::as_str)).expect("enough texts")
});

static FILTER: LazyLock<Filter> =
    LazyLock::new(|| Filter::new(Rules { greeting: true, ..Rules::default() }).expect("rules"));

/// The first two bytes choose the steps and the language, the rest is the text.
pub fn check(data: &[u8]) {
    let Some((&[first, second], rest)) = data.split_first_chunk() else { return };
    let bit = |at: u32| (u16::from_le_bytes([first, second]) >> at) & 1 == 1;
    let steps = match second >> 6 {
        0 => Steps::default(),
        1 => Steps::all(),
        _ => Steps {
            encoding: bit(0),
            unicode: bit(1),
            invisible: bit(2),
            html: bit(3),
            white_space: bit(4),
            punctuation: bit(5),
            boilerplate: bit(6),
            numbers: bit(7),
            dates: bit(8),
        },
    };
    let known = [None, Some("en"), Some("fr"), Some("ar"), Some("zu"), Some("??")];
    let text = String::from_utf8_lossy(rest);
    let cleaner = Cleaner::new(steps, LINES.clone());
    check_cleaning(&cleaner, &text);
    check_measures(&text, known[usize::from(first) % known.len()]);
}

/// What every cleaning keeps to.
///
/// # Panics
/// Where something does not hold.
pub fn check_cleaning(cleaner: &Cleaner, text: &str) {
    let cleaned = cleaner.clean(text);
    let again = cleaner.clean(&cleaned.text);
    assert_eq!(again.text, cleaned.text, "cleaning again changes it");
    assert!(matches!(again.text, Cow::Borrowed(_)));
    assert!(cleaned.settled || (cleaned.text == text && cleaned.changes.is_empty()));
    assert!(cleaned.text.len() <= 3 * text.len());
    let words = text.chars().any(|c| c.is_alphanumeric() && !is_filler(c));
    assert!(!words || !is_blank(&cleaned.text), "nothing is left");
    assert_eq!(cleaned.changes.is_empty(), cleaned.text == text);
    assert!(cleaned.changes.is_sorted_by_key(|change| change.step));
    for change in &cleaned.changes {
        assert_eq!(change.spans.len(), change.count.min(3));
        assert!(change.spans.iter().all(|span| text.get(span.clone()).is_some()), "{change:?}");
    }
    let mut last = 0..0;
    for (at, c) in cleaned.text.char_indices() {
        let range = cleaned.original_range(at..at + c.len_utf8());
        assert!(text.get(range.clone()).is_some() && !range.is_empty(), "{range:?}");
        assert!(range == last || range.start >= last.end, "{range:?} after {last:?}");
        last = range;
    }
    // Ranges that do not fit are brought to ones that do.
    for range in [0..usize::MAX, usize::MAX..usize::MAX, 1..2, 3..3] {
        assert!(text.get(cleaned.original_range(range)).is_some());
    }
}

/// Letters by Unicode that leave no mark on the page.
fn is_filler(c: char) -> bool {
    matches!(c, '\u{3164}' | '\u{ffa0}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
}

/// What is measured of a text is in its range and the same each time.
///
/// # Panics
/// Where something does not hold.
pub fn check_measures(text: &str, known: Option<&str>) {
    let measured = signals::of(text, known);
    assert_eq!(measured.chars as usize, text.chars().count());
    let shares = [measured.digits_in_words, measured.repetition];
    for share in shares.into_iter().chain(measured.function_words) {
        assert!((0.0..=1.0).contains(&share), "{measured:?}");
    }
    let places = signals::explain(text, known);
    for (flag, place) in &places {
        assert!(text.get(place.clone()).is_some(), "{flag:?} at {place:?}");
    }
    assert_eq!(places.iter().map(|(flag, _)| *flag).collect::<signals::Flags>(), measured.flags);
    signals::of_pair(text, text, known);

    let told = language::identify(text);
    assert!(language::CODES.contains(&told.code) && (0.0..=1.0).contains(&told.confidence));
    let languages = language::read(text);
    assert!((0.0..=1.0).contains(&languages.switched));
    assert_eq!(languages.whole, language::identify(text));

    assert!(WRITING.oddness(text).is_none_or(f64::is_finite));
    assert_eq!(simhash::simhash(text), simhash::simhash(text));
    assert_eq!(fingerprint::fingerprint(text), fingerprint::fingerprint(text));
    assert!(shorten(text, 20).chars().count() <= 20);
    FILTER.excluded(text, &BTreeMap::from([("user_agent".to_owned(), text.to_owned())]));
    let mut terms = counts::TermCounts::new(100);
    terms.observe(text);
    assert_eq!(terms.texts(), 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checks_hold_for_what_is_usual() {
        for text in include_str!("../seeds.txt").lines() {
            for choice in [[0, 0], [1, 0x40], [0xff, 0x80], [0x0c, 0x81]] {
                check(&[&choice, text.as_bytes()].concat());
            }
        }
    }
}
