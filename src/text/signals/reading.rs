//! A text taken apart once, for every check to look at.

use std::ops::Range;

/// A text with its words.
pub(in super::super) struct Reading<'a> {
    /// As it came.
    pub(in super::super) text: &'a str,
    /// In lower case, with every character where it is in `text`.
    pub(in super::super) lower: String,
    /// Where the words are: from the first letter or digit to the last one between white space. A
    /// character of a script without spaces is a word of its own.
    pub(in super::super) words: Vec<Range<usize>>,
    /// The ASCII characters that occur, each as one bit.
    ascii: u128,
    /// The [`kind`]s that occur.
    kinds: u8,
}

/// Kinds of characters outside ASCII that only some checks look for, each as one bit.
pub(super) mod kind {
    /// U+FFFD and the controls C1.
    pub(in super::super) const DAMAGE: u8 = 1;
    /// Those that stand for the first byte of a character of UTF-8 in Latin-1.
    pub(in super::super) const LEAD: u8 = 2;
    /// Greek and Cyrillic.
    pub(in super::super) const ALIKE: u8 = 4;
    /// Characters that show nothing.
    pub(in super::super) const HIDDEN: u8 = 8;
    /// Symbols that stand in damaged words.
    pub(in super::super) const SYMBOL: u8 = 16;
}

fn kind_of(c: char) -> u8 {
    match c {
        '\u{80}'..='\u{9f}' | '\u{fffd}' => kind::DAMAGE,
        '\u{c2}'..='\u{f4}' => kind::LEAD,
        '\u{370}'..='\u{52f}' => kind::ALIKE,
        '¦' | '§' | '¬' | '¤' | '•' => kind::SYMBOL,
        '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e01ef}' => kind::HIDDEN,
        _ => 0,
    }
}

impl<'a> Reading<'a> {
    pub(in super::super) fn new(text: &'a str) -> Self {
        let ascii = text.bytes().filter(u8::is_ascii).fold(0, |seen, byte| seen | 1 << byte);
        let kinds = text.chars().filter(|c| !c.is_ascii()).fold(0, |seen, c| seen | kind_of(c));
        Self { text, lower: lower_case(text), words: words(text), ascii, kinds }
    }

    /// Whether a character of any of these [`kind`]s occurs.
    pub(super) fn has_kind(&self, kinds: u8) -> bool {
        self.kinds & kinds != 0
    }

    /// Whether any of these ASCII characters occurs.
    pub(super) fn has_any(&self, characters: &str) -> bool {
        characters.bytes().any(|byte| byte.is_ascii() && self.ascii & (1 << byte) != 0)
    }

    /// Whether a control of ASCII occurs other than those of white space.
    pub(super) fn has_control(&self) -> bool {
        // U+0000 to U+0008, U+000E to U+001F and U+007F.
        self.ascii & (0x1ff | 0xffff_c000 | 1 << 127) != 0
    }

    /// The words in lower case.
    pub(in super::super) fn lower_words(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.words.iter().map(|word| &self.lower[word.clone()])
    }

    /// Everything but white space at the ends.
    pub(super) fn trimmed(&self) -> Range<usize> {
        let start = self.text.len() - self.text.trim_start().len();
        start..start + self.text.trim().len()
    }
}

/// `text` in lower case at the same byte offsets: a character whose lower case has another length
/// stays as it is.
pub(super) fn lower_case(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().map(lower).collect()
}

fn lower(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    if !may_have_case(c) {
        return c;
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) if single.len_utf8() == c.len_utf8() => single,
        _ => c,
    }
}

/// Whether `c` is of a script with capital letters, or of a block that has some; a table of ranges,
/// as those of the standard library are slow.
pub(super) fn may_have_case(c: char) -> bool {
    !matches!(c, '\u{300}'..='\u{36f}' | '\u{590}'..='\u{109f}' | '\u{1100}'..='\u{139f}'
        | '\u{1400}'..='\u{1c7f}' | '\u{2000}'..='\u{20ff}' | '\u{2e00}'..='\u{a63f}'
        | '\u{ac00}'..='\u{faff}')
}

fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::with_capacity(text.len() / 6 + 1);
    let mut word: Option<Range<usize>> = None;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if is_unspaced(c) {
            words.extend(word.take());
            words.push(at..end);
        } else if is_word_character(c) {
            word.get_or_insert(at..end).end = end;
        } else if is_space(c) {
            words.extend(word.take());
        } else if is_accent(c)
            && let Some(word) = &mut word
        {
            word.end = end;
        }
    }
    words.extend(word);
    words
}

pub(super) fn is_word_character(c: char) -> bool {
    match c {
        '\0'..='\u{7f}' => c.is_ascii_alphanumeric(),
        // Blocks of letters, for speed: Latin, Cyrillic, Arabic, Ethiopic, Hangul.
        '\u{c0}'..='\u{24f}' => !matches!(c, '×' | '÷'),
        '\u{300}'..='\u{36f}' => false,
        '\u{400}'..='\u{481}'
        | '\u{48a}'..='\u{52f}'
        | '\u{620}'..='\u{657}'
        | '\u{1200}'..='\u{135a}'
        | '\u{1e00}'..='\u{1eff}'
        | '\u{ac00}'..='\u{d7a3}' => true,
        _ => c.is_alphanumeric(),
    }
}

/// Combining accents are no letters, but a part of the word that they end.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// White space and the Ethiopic word separator.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{1361}'
}

/// Letters of the scripts that do not separate words: Thai, Lao, Burmese, Khmer, kana and Han.
pub(in super::super) fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e01}'..='\u{e3a}' | '\u{e40}'..='\u{e4e}' | '\u{e81}'..='\u{ecd}'
        | '\u{edc}'..='\u{edf}' | '\u{1000}'..='\u{103f}' | '\u{1780}'..='\u{17d3}'
        | '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        Reading::new(text).lower_words().map(str::to_owned).collect()
    }

    #[test]
    fn words_lose_case_and_outer_punctuation() {
        assert_eq!(words("(Hello), WORLD! -- it's £4.50…"), ["hello", "world", "it's", "4.50"]);
        assert_eq!(words("Ọjọ́ ÉTÉ"), ["ọjọ́", "été"]);
        assert_eq!(words("ውሃ፡ዋጋ 我要 APP"), ["ውሃ", "ዋጋ", "我", "要", "app"]);
        assert!(words(" .. 🙂 ").is_empty());
    }

    #[test]
    fn the_characters_that_occur_are_known() {
        let reading = Reading::new("a{b");
        assert!(reading.has_any("}{") && !reading.has_any("}A"));
        assert_eq!(Reading::new(" ab ").trimmed(), 1..3);
        assert_eq!(Reading::new("  ").trimmed(), 2..2);
    }

    proptest! {
        #[test]
        fn letters_without_case_have_none(c in any::<char>()) {
            prop_assert!(may_have_case(c) || (!c.is_uppercase() && c.to_lowercase().eq([c])));
        }

        #[test]
        fn lower_case_keeps_the_places(text in "[\\PCİßẞΣǅ]*") {
            let reading = Reading::new(&text);
            prop_assert!(text.char_indices().map(|(at, _)| at)
                .eq(reading.lower.char_indices().map(|(at, _)| at)));
            prop_assert!(reading.words.windows(2).all(|pair| pair[0].end <= pair[1].start));
            prop_assert!(text.get(reading.trimmed()) == Some(text.trim()));
        }
    }
}
