//! Code-switching: how much of a text is in another language than the whole.

use super::model::model;
use super::script::{SETTLED, is_unspaced};
use super::{Language, Letters, Reading, UNDETERMINED, scale};

/// Letters of the stretch that a word is taken to stand in, when it is weighed alone.
const STRETCH_LETTERS: f32 = 25.0;

/// What a letter of a script that settles its language says for it: about what one of a shared
/// script says for the right language.
const SETTLED_WEIGHT: f32 = 1.5;

/// What a change of language costs, as the logarithm of a probability.
const CHANGE: f32 = 6.0;

/// Words of the shortest stretch that is believed.
const MIN_WORDS: u32 = 3;

/// The share of the words of `text` that stand in stretches of another language than `whole`.
///
/// The likeliest sequence of languages over the words is found (Viterbi's algorithm). O(words).
pub(super) fn share(text: &Reading, whole: Language) -> f32 {
    let all = count(&text.words);
    if whole.code == UNDETERMINED || all < 2 * MIN_WORDS || !can_change(text, whole) {
        return 0.0;
    }
    let path = likeliest_path(text);
    let mut rest = text.words.as_slice();
    let mut switched = 0;
    for stretch in path.chunk_by(|a, b| a == b) {
        let (stretch, after) = rest.split_at_checked(stretch.len()).unwrap_or((rest, &[]));
        rest = after;
        if is_switched(text, stretch, whole) {
            switched += count(stretch);
        }
    }
    switched as f32 / all as f32
}

fn count(words: &[Letters]) -> u32 {
    let words = words.iter().map(|word| match *word {
        Letters::Settled(place, letters) if is_unspaced(place) => letters.div_ceil(2),
        _ => 1,
    });
    words.sum()
}

fn is_switched(text: &Reading, stretch: &[Letters], whole: Language) -> bool {
    let language = text.together(stretch).language();
    count(stretch) >= MIN_WORDS && language.is_confident() && language.code != whole.code
}

/// Whether a sequence with a change in it can be likelier than the whole's language throughout: not
/// if the best language of each word together does not make up for one change. Most texts of one
/// language end here.
fn can_change(text: &Reading, whole: Language) -> bool {
    let place = model().codes().iter().position(|code| *code == whole.code);
    let Some(place) = place else { return true };
    let gain: f32 = text.words.iter().map(|word| gain(text, *word, place)).sum();
    gain > CHANGE
}

/// What a word says for its best language beyond what it says for the class at `place`.
fn gain(text: &Reading, word: Letters, place: usize) -> f32 {
    match word {
        Letters::Shared(_, start) => {
            let sums = text.sums(start);
            let best = sums.iter().copied().max().unwrap_or_default().max(0);
            let own = sums.get(place).copied().unwrap_or_default();
            (best - own) as f32 * scale(STRETCH_LETTERS)
        }
        Letters::Settled(_, letters) => letters as f32 * settled_weight(),
        Letters::Unknown(_) => 0.0,
    }
}

fn settled_weight() -> f32 {
    SETTLED_WEIGHT / STRETCH_LETTERS.sqrt()
}

/// For each word the language of the likeliest sequence: as its place among the classes of the
/// model, with the languages that have a script of their own behind them.
fn likeliest_path(text: &Reading) -> Vec<usize> {
    let classes = model().codes().len();
    let mut totals = vec![0.0_f32; classes + SETTLED.len()];
    // For each word: the best language before it, and which languages do better to come from it.
    let mut steps = Vec::with_capacity(text.words.len());
    for word in &text.words {
        let before = best(&totals);
        let changed = totals.get(before).map_or(0.0, |total| total - CHANGE);
        let changes: Vec<bool> = totals.iter().map(|&total| total < changed).collect();
        totals.iter_mut().for_each(|total| *total = total.max(changed));
        match *word {
            Letters::Shared(_, start) => {
                let sums = text.sums(start).iter();
                let scores = sums.map(|&sum| sum as f32 * scale(STRETCH_LETTERS));
                totals.iter_mut().zip(scores).for_each(|(total, score)| *total += score);
            }
            Letters::Settled(place, letters) => {
                if let Some(total) = totals.get_mut(classes + place) {
                    *total += letters as f32 * settled_weight();
                }
            }
            Letters::Unknown(_) => {}
        }
        steps.push((before, changes));
    }
    let mut at = best(&totals);
    let mut path = vec![0; text.words.len()];
    for (language, (before, changes)) in path.iter_mut().zip(&steps).rev() {
        *language = at;
        if changes.get(at).is_some_and(|&changed| changed) {
            at = *before;
        }
    }
    path
}

fn best(totals: &[f32]) -> usize {
    let places = totals.iter().enumerate();
    places.max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(place, _)| place)
}
