//! How the assistant picks an answer among those of an intent: by the words that it shares with
//! the question, so that most answers fit and a few miss, as those of real assistants do.

use rand::Rng;
use rand::seq::IndexedRandom;

/// Words shorter than this say nothing of the subject.
const SHORTEST_SUBJECT: usize = 3;

/// Words are compared by their first letters, so that "cancelled" meets "cancel".
const STEM: usize = 5;

/// How much one shared word outweighs none.
const SHARED_WEIGHT: usize = 12;

/// Words that say nothing of the subject, as far as they are compared.
const EMPTY: &[&str] = &[
    "your", "with", "that", "this", "have", "from", "what", "when", "they", "will", "umoya",
    "pleas", "then", "after", "until", "month", "does", "must", "the", "and", "you", "how", "for",
    "can", "not", "are", "was", "its", "but", "who", "why", "our", "has", "any", "get", "did",
    "says", "all", "one", "now", "out", "put", "see", "use", "let", "per", "here", "want",
];

/// One of the answers to a question, both still templates; `None` when there are none.
pub(crate) fn choose(
    query: &str,
    responses: &'static [&'static str],
    rng: &mut impl Rng,
) -> Option<&'static str> {
    let asked: Vec<String> = subjects(query).collect();
    let weight = |response: &&str| {
        let mut shared: Vec<String> =
            subjects(response).filter(|word| asked.contains(word)).collect();
        shared.sort_unstable();
        shared.dedup();
        1 + SHARED_WEIGHT * shared.len().pow(3)
    };
    responses.choose_weighted(rng, weight).ok().copied()
}

/// The stems of a text's subject words; a slot's name is one of them.
fn subjects(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_alphabetic())
        .filter(|word| word.len() >= SHORTEST_SUBJECT)
        .map(|word| word.chars().take(STEM).collect::<String>().to_lowercase())
        .filter(|stem| !EMPTY.contains(&stem.as_str()))
}
