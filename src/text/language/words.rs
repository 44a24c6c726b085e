//! A text cut into words, as the weights were trained on.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc_quick};

use super::script::{CHINESE, JAPANESE, Part, part};

/// Characters of a text that are read.
const MAX_CHARS: usize = 2_000;

/// A word, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// In a script that several languages share.
    Shared(&'a [char]),
    /// So many letters of a script that settles the language, by its place in `SETTLED`.
    Settled(usize, u32),
    /// So many letters of another script.
    Unknown(u32),
}

/// Calls `visit` with each word of `text` in order. Addresses of pages, e-mail and people are left
/// out: they are of no language.
pub(super) fn for_each_word(text: &str, visit: impl FnMut(Word)) {
    let text = normalised(text);
    let han = if is_japanese(&text) { JAPANESE } else { CHINESE };
    let mut cutter = Cutter { visit, word: Vec::with_capacity(32), run: NO_RUN };
    for token in text.split_whitespace().filter(|token| !is_address(token)) {
        let mut previous = ' ';
        for c in token.chars() {
            match part(c) {
                Part::Skipped => continue,
                Part::Shared | Part::InWord => cutter.shared(c),
                // The vowel of Fon, Ewe and others, often typed as the Greek letter.
                Part::Settled(_) if c == 'ε' && takes_epsilon(previous) => cutter.shared('ɛ'),
                Part::Settled(place) => cutter.other(Word::Settled(place, 1)),
                Part::Han => cutter.other(Word::Settled(han, 1)),
                Part::Kana => cutter.other(Word::Settled(JAPANESE, 1)),
                Part::Unknown => cutter.other(Word::Unknown(1)),
                Part::Separator => cutter.end(),
            }
            previous = c;
        }
        cutter.end();
    }
}

const NO_RUN: Word = Word::Unknown(0);

/// Collects the characters of words.
struct Cutter<F> {
    visit: F,
    /// Of a script that several languages share.
    word: Vec<char>,
    /// Of another script.
    run: Word<'static>,
}

impl<F: FnMut(Word)> Cutter<F> {
    fn shared(&mut self, c: char) {
        self.end_run();
        self.word.push(if matches!(c, '’' | 'ʼ' | '‘' | '`') { '\'' } else { c });
    }

    fn other(&mut self, letter: Word<'static>) {
        self.end_word();
        self.run = match (self.run, letter) {
            (Word::Settled(a, n), Word::Settled(b, one)) if a == b => Word::Settled(a, n + one),
            (Word::Unknown(n), Word::Unknown(one)) => Word::Unknown(n + one),
            _ => {
                self.end_run();
                letter
            }
        };
    }

    fn end(&mut self) {
        self.end_word();
        self.end_run();
    }

    /// Hands over the word without apostrophes around it, unless it has no letters.
    fn end_word(&mut self) {
        let start = self.word.iter().position(|&c| c != '\'').unwrap_or_default();
        let end = self.word.iter().rposition(|&c| c != '\'').map_or(start, |last| last + 1);
        let word = self.word.get(start..end).unwrap_or_default();
        if word.iter().any(|c| !c.is_ascii_digit() && *c != '\'') {
            (self.visit)(Word::Shared(word));
        }
        self.word.clear();
    }

    fn end_run(&mut self) {
        if self.run != NO_RUN {
            (self.visit)(self.run);
        }
        self.run = NO_RUN;
    }
}

/// The part of `text` that is read, in NFC and lower case.
fn normalised(text: &str) -> Cow<'_, str> {
    let end = text.char_indices().nth(MAX_CHARS).map_or(text.len(), |(at, _)| at);
    let text = text.get(..end).unwrap_or_default();
    if text.is_ascii() {
        return text.to_ascii_lowercase().into();
    }
    match is_nfc_quick(text.chars()) {
        unicode_normalization::IsNormalized::Yes => text.to_lowercase().into(),
        _ => text.nfc().collect::<String>().to_lowercase().into(),
    }
}

fn is_address(token: &str) -> bool {
    token.contains('@') || token.contains("://") || token.starts_with("www.")
}

/// Whether Kana stands beside the Han: a tenth of them is less than any Japanese sentence has.
fn is_japanese(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let (mut han, mut kana) = (0_u32, 0_u32);
    for c in text.chars() {
        match part(c) {
            Part::Han => han += 1,
            Part::Kana => kana += 1,
            _ => {}
        }
    }
    kana * 10 >= han + kana
}

fn takes_epsilon(previous: char) -> bool {
    matches!(previous, 'a'..='z' | 'ɔ' | '\u{300}'..='\u{36f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        for_each_word(text, |word| {
            words.push(match word {
                Word::Shared(chars) => chars.iter().collect(),
                other => format!("{other:?}"),
            });
        });
        words
    }

    #[test]
    fn words_are_cut_at_all_but_letters_digits_and_apostrophes() {
        assert_eq!(
            words("It’s \"3la\" no. 5, 'yar O\u{301}ṣun-ẹ̀!"),
            ["it's", "3la", "no", "yar", "óṣun", "ẹ̀"]
        );
        assert_eq!(words("كَتَـب\u{200c}ها x@y.z http://a.b www.c.d"), ["كتبها"]);
        assert_eq!(words("Mε dŏ αβγ"), ["mɛ", "dŏ", "Settled(1, 3)"]);
    }

    #[test]
    fn other_scripts_are_counted_in_runs() {
        assert_eq!(words("ab東京c"), ["ab", "Settled(19, 2)", "c"]);
        assert_eq!(words("東京へ"), ["Settled(5, 3)"]);
        assert_eq!(words("ⵣⵣ אב"), ["Unknown(2)", "Settled(3, 2)"]);
        assert!(words("'' 12 ’ ...").is_empty());
    }
}
