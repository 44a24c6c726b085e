//! One space for each run of spaces and tabs, one line ending, at most one empty line.

use super::edits::Edits;

pub(super) fn edits(text: &str) -> Edits {
    let mut edits = Edits::default();
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        if !c.is_whitespace() {
            continue;
        }
        let mut breaks = Breaks::default();
        breaks.see(c);
        let mut end = start + c.len_utf8();
        while let Some((at, c)) = chars.next_if(|&(_, c)| c.is_whitespace()) {
            breaks.see(c);
            end = at + c.len_utf8();
        }
        let at_edge = start == 0 || end == text.len();
        let canonical = if at_edge { "" } else { breaks.canonical() };
        if text.get(start..end) != Some(canonical) {
            edits.replace(start..end, canonical);
        }
    }
    edits
}

/// Line breaks of one run of white space.
#[derive(Default)]
struct Breaks {
    count: usize,
    after_return: bool,
}

impl Breaks {
    fn see(&mut self, c: char) {
        let is_break = matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let ends_pair = c == '\n' && self.after_return;
        self.count += usize::from(is_break && !ends_pair);
        self.after_return = c == '\r';
    }

    fn canonical(&self) -> &'static str {
        match self.count {
            0 => " ",
            1 => "\n",
            _ => "\n\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        edits(text).apply(text)
    }

    #[test]
    fn runs_become_one() {
        assert_eq!(clean(" a \t b\u{a0}c\u{3000}d  "), "a b c d");
        assert_eq!(clean("a \r\n b\rc\u{2028}d\u{b}e"), "a\nb\nc\nd\ne");
        assert_eq!(clean("a\r\n\r\nb\n \n\n\nc"), "a\n\nb\n\nc");
        assert_eq!(clean(" \n\t "), "");
        assert!(edits("a b\nc\n\nd").is_empty());
    }
}
