//! A response that repeats the query.

use super::super::hash::runs;
use super::reading::is_word_character;

/// Overlap from which on a response is an echo.
const ECHO: f32 = 0.8;
/// Characters of a run that is compared.
const RUN: usize = 4;
/// Letters and digits that are compared; the rest is left out.
const MAX_CHARS: usize = 4_000;
/// Letters and digits that both texts must have: "yes" may answer "Yes?".
const MIN_CHARS: usize = 12;

/// Whether most of `response` is `query`, both in lower case.
pub(super) fn is_echo(query: &str, response: &str) -> bool {
    overlap(query, response).is_some_and(|overlap| overlap > ECHO)
}

/// Dice's coefficient of the texts' runs of four letters or digits, counted as often as they
/// occur, in [0, 1]; `None` for short texts, and where their lengths alone keep it at or below the
/// threshold.
fn overlap(query: &str, response: &str) -> Option<f32> {
    let (query, response) = (letters(query), letters(response));
    let (shorter, longer) = (query.len().min(response.len()), query.len().max(response.len()));
    if shorter < MIN_CHARS || 2.0 * (shorter as f32) <= ECHO * (shorter + longer) as f32 {
        return None;
    }
    let total = query.len() + response.len() - 2 * (RUN - 1);
    Some(2.0 * shared(&query, &response) as f32 / total as f32)
}

fn letters(lower: &str) -> Vec<char> {
    lower.chars().filter(|&c| is_word_character(c)).take(MAX_CHARS).collect()
}

/// How many runs two texts share, counted as often as both have them. Runs that differ are taken
/// for one where their hashes share a slot: at most 1 in 16.
fn shared(a: &[char], b: &[char]) -> usize {
    let slots = (16 * a.len()).next_power_of_two();
    let mut counts = vec![0_u16; slots];
    let slot = |hash: u64| hash as usize & (slots - 1);
    runs(a, RUN).for_each(|hash| counts[slot(hash)] += 1);
    let mut shared = 0;
    for hash in runs(b, RUN) {
        let count = &mut counts[slot(hash)];
        shared += usize::from(*count > 0);
        *count = count.saturating_sub(1);
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echoes(query: &str, response: &str) -> bool {
        is_echo(&query.to_lowercase(), &response.to_lowercase())
    }

    #[test]
    fn a_repeated_question_is_an_echo() {
        let query = "Where can I collect my new card?";
        assert!(echoes(query, query));
        assert!(echoes(query, "“WHERE can I collect my new card”. Ok"));
        assert!(!echoes(query, "You can collect your new card at any branch."));
        assert!(!echoes(query, "Where?"));
        assert!(!echoes("Yes?", "Yes."));
        assert!(echoes("我的新卡在哪里可以领取呢请告诉我", "我的新卡在哪里可以领取呢请告诉我。"));
    }

    #[test]
    fn shared_runs_are_counted_as_often_as_both_have_them() {
        let of = |a: &str, b: &str| {
            shared(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>())
        };
        assert_eq!(of("abcdabcd", "abcdxxxx"), 1);
        assert_eq!(of("abcdabcd", "abcdabcdabcd"), 5);
        assert_eq!(of("abcd", "efgh"), 0);
    }
}
