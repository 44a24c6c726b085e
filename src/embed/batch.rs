//! Batches of texts of like length, so that little is computed on padding.

use std::ops::Range;

/// Splits `lengths`, sorted from long to short, into runs whose padded size — texts × longest —
/// stays within `budget` tokens; a text over the budget is a batch of its own.
pub(super) fn batches(lengths: &[usize], budget: usize) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    let mut start = 0;
    while start < lengths.len() {
        let fits = (budget / lengths[start].max(1)).max(1);
        let end = (start + fits).min(lengths.len());
        all.push(start..end);
        start = end;
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn batches_cover_every_text_once_within_the_budget(
            mut lengths in prop::collection::vec(1_usize..300, 0..200),
            budget in 1_usize..4000,
        ) {
            lengths.sort_unstable_by(|a, b| b.cmp(a));
            let all = batches(&lengths, budget);
            let mut next = 0;
            for batch in all {
                prop_assert_eq!(batch.start, next);
                next = batch.end;
                prop_assert!(batch.len() == 1 || batch.len() * lengths[batch.start] <= budget);
            }
            prop_assert_eq!(next, lengths.len());
        }
    }
}
