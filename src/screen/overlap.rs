//! Which of several candidates for the same characters stays.

use std::collections::BTreeMap;
use std::ops::Range;

/// For each candidate whether it stays: of two that overlap the one with the higher score, then the
/// longer, then the earlier in the list.
pub(super) fn resolve<T>(
    candidates: &[T],
    span: impl Fn(&T) -> Range<usize>,
    score: impl Fn(&T) -> f32,
) -> Vec<bool> {
    let mut order: Vec<(usize, &T)> = candidates.iter().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| {
        let by_score = score(b).total_cmp(&score(a));
        by_score.then_with(|| span(b).len().cmp(&span(a).len()))
    });
    let mut stays = vec![false; candidates.len()];
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, candidate) in order {
        let Range { start, end } = span(candidate);
        let before = taken.range(..end).next_back();
        if start < end && before.is_none_or(|(_, end)| *end <= start) {
            taken.insert(start, end);
            if let Some(stays) = stays.get_mut(at) {
                *stays = true;
            }
        }
    }
    stays
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn score_then_length_then_order() {
        let candidates = [(0..4, 0.5), (2..6, 0.9), (6..8, 0.5), (6..9, 0.5), (6..9, 0.5)];
        let stays = resolve(&candidates, |c| c.0.clone(), |c| c.1);
        assert_eq!(stays, [false, true, false, true, false]);
    }

    proptest! {
        #[test]
        fn what_stays_never_overlaps(spans in prop::collection::vec((0_usize..40, 1_usize..10, 0_u8..4), 0..30)) {
            let candidates: Vec<(Range<usize>, f32)> =
                spans.iter().map(|(s, l, score)| (*s..s + l, f32::from(*score))).collect();
            let stays = resolve(&candidates, |c| c.0.clone(), |c| c.1);
            let mut kept: Vec<_> = candidates.iter().zip(stays).filter(|(_, s)| *s).map(|(c, _)| c.0.clone()).collect();
            kept.sort_by_key(|span| span.start);
            prop_assert!(kept.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }
    }
}
