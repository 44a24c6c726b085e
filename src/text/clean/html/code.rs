//! Code spans of Markdown: text between runs of as many backticks.

use std::collections::HashMap;
use std::ops::Range;

/// The code spans of `text` in ascending order, backticks included (CommonMark 6.1: a run of
/// backticks opens a span if a run of equal length follows).
pub(super) fn spans(text: &str) -> Vec<Range<usize>> {
    let runs = runs(text);
    let mut last: HashMap<usize, usize> = HashMap::new();
    let mut next = vec![None; runs.len()];
    for (index, run) in runs.iter().enumerate().rev() {
        if let Some(slot) = next.get_mut(index) {
            *slot = last.insert(run.len(), index);
        }
    }
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (run, closing) in runs.iter().zip(next) {
        let is_free = spans.last().is_none_or(|span| span.end <= run.start);
        if let Some(closing) = closing.and_then(|index| runs.get(index))
            && is_free
        {
            spans.push(run.start..closing.end);
        }
    }
    spans
}

fn runs(text: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices('`') {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// The end of the span that holds `at`, or `at` where none does.
pub(super) fn skip(spans: &[Range<usize>], at: usize) -> usize {
    let index = spans.partition_point(|span| span.end <= at);
    spans.get(index).filter(|span| span.start <= at).map_or(at, |span| span.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_equal_length_pair() {
        assert_eq!(spans("a `b` ``c`d`` `e"), [2..5, 6..13]);
        assert_eq!(spans("``` no ``end` x"), [] as [Range<usize>; 0]);
        let spans = spans("a `b` c");
        assert_eq!((skip(&spans, 1), skip(&spans, 3), skip(&spans, 5)), (1, 5, 5));
    }
}
