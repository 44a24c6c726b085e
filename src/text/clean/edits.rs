//! What a step would change in a text: replacements of byte ranges, in order.

use std::ops::Range;

/// One replacement: `old` in the text becomes `new` of the buffer.
#[derive(Debug, Clone)]
struct Edit {
    old: Range<usize>,
    new: Range<usize>,
}

/// Replacements in ascending order that do not overlap; their texts share one buffer.
#[derive(Debug, Default)]
pub(super) struct Edits {
    list: Vec<Edit>,
    buffer: String,
}

impl Edits {
    /// Replaces `old` by `new`. Ranges come in ascending order and are not empty.
    pub(super) fn replace(&mut self, old: Range<usize>, new: &str) {
        self.replace_with(old, |buffer| buffer.push_str(new));
    }

    /// Replaces `old` by what `write` appends to the buffer.
    pub(super) fn replace_with(&mut self, old: Range<usize>, write: impl FnOnce(&mut String)) {
        debug_assert!(old.start < old.end && self.end() <= old.start);
        let from = self.buffer.len();
        write(&mut self.buffer);
        self.list.push(Edit { old, new: from..self.buffer.len() });
    }

    /// Removes `old`; what touches the removal before it grows by it.
    pub(super) fn remove(&mut self, old: Range<usize>) {
        match self.list.last_mut() {
            Some(last) if last.old.end == old.start && last.new.is_empty() => {
                last.old.end = old.end;
            }
            _ => self.replace(old, ""),
        }
    }

    /// Where the last replacement ends in the text.
    pub(super) fn end(&self) -> usize {
        self.list.last().map_or(0, |edit| edit.old.end)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The replaced ranges, each with the length of its replacement.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (Range<usize>, usize)> {
        self.list.iter().map(|edit| (edit.old.clone(), edit.new.len()))
    }

    /// `text` with the replacements made.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + self.buffer.len());
        let mut at = 0;
        for edit in &self.list {
            out.push_str(text.get(at..edit.old.start).unwrap_or_default());
            out.push_str(self.buffer.get(edit.new.clone()).unwrap_or_default());
            at = edit.old.end;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_apply_in_order_and_removals_grow() {
        let mut edits = Edits::default();
        edits.remove(0..1);
        edits.remove(1..2);
        edits.replace(3..4, "xyz");
        assert_eq!((edits.len(), edits.end()), (2, 4));
        assert_eq!(edits.apply("abcdef"), "cxyzef");
    }
}
