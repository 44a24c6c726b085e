//! A tokenized text as windows of the model's length, and where in them each word is read.

use std::collections::BTreeMap;
use std::ops::Range;

use tokenizers::Encoding;
use unicode_normalization::char::is_combining_mark;

/// A text's windows and words.
#[derive(Debug)]
pub(super) struct Windows {
    /// The token ids of each window, special tokens included.
    pub(super) ids: Vec<Vec<u32>>,
    /// Its words, in order.
    pub(super) words: Vec<Word>,
}

/// A word: what the tokenizer split the text into before it looked for tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// Bytes of the text, as the tokenizer has them.
    pub(super) span: Range<usize>,
    /// The window in which it is read.
    pub(super) window: usize,
    /// The place there of its first token.
    pub(super) token: usize,
    /// Tokens between it and the nearest end of the window that is not one of the text.
    margin: usize,
}

impl Windows {
    /// Of an encoding with those of the rest of the text, which overlap.
    pub(super) fn of(encoding: &Encoding) -> Self {
        let rest = encoding.get_overflowing();
        let windows: Vec<&Encoding> = std::iter::once(encoding).chain(rest).collect();
        let mut words = BTreeMap::new();
        for (at, window) in windows.iter().enumerate() {
            note(window, at, at + 1 == windows.len(), &mut words);
        }
        let ids = windows.iter().map(|window| window.get_ids().to_vec()).collect();
        Self { ids, words: words.into_values().collect() }
    }
}

/// Notes the words of one window. A word that is in several is read where its margin is largest: at the
/// ends of a window the model does not see what stands beside it, or not even the whole word.
fn note(window: &Encoding, at: usize, is_last: bool, words: &mut BTreeMap<u32, Word>) {
    let (ids, spans) = (window.get_word_ids(), window.get_offsets());
    let is_special = window.get_special_tokens_mask();
    let tokens: Vec<(usize, u32)> = (0..ids.len())
        .filter(|&token| is_special[token] == 0)
        .filter_map(|token| Some((token, ids[token]?)))
        .collect();
    for (nth, &(token, id)) in tokens.iter().enumerate() {
        let (start, end) = spans[token];
        let before = if at == 0 { usize::MAX } else { nth };
        let after = if is_last { usize::MAX } else { tokens.len() - 1 - nth };
        let margin = before.min(after);
        let is_first = nth == 0 || tokens[nth - 1].1 != id;
        let new = Word { span: start..end, window: at, token, margin };
        let word = words.entry(id).or_insert_with(|| new.clone());
        let span = word.span.start.min(start)..word.span.end.max(end);
        if is_first && margin > word.margin {
            *word = new;
        }
        word.span = span;
    }
}

/// The span without blanks around it, with the marks that belong to its last letter, at borders of
/// characters.
pub(super) fn tidy(text: &str, span: &Range<usize>) -> Range<usize> {
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = span.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    let (value, rest) = (&text[start..end], &text[end..]);
    let marks: usize = rest.chars().take_while(|&c| is_combining_mark(c)).map(char::len_utf8).sum();
    let head = start + value.len() - value.trim_start().len();
    if value.trim().is_empty() || value.ends_with(char::is_whitespace) {
        return head..head + value.trim().len();
    }
    head..end + marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_tidied() {
        assert_eq!(tidy("a  Zoë b", &(1..7)), 3..7);
        assert_eq!(tidy("Zoë ", &(0..5)), 0..4);
        // "é" of two characters, of which the tokenizer kept one; and offsets within a character.
        assert_eq!(tidy("Jose\u{301} x", &(0..4)), 0..6);
        assert_eq!(tidy("Zoë x", &(0..3)), 0..4);
        assert_eq!(tidy("ë", &(1..9)), 0..2);
        assert_eq!(tidy("a   b", &(1..3)), 3..3);
    }
}
