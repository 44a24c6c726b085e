//! Code-switching: how much of a text is in another language than the whole.

use super::features::Features;
use super::model::model;
use super::script::is_unspaced;
use super::words::{Word, for_each_word};
use super::{Evidence, Language, UNDETERMINED};

/// Letters of the stretch that a word is taken to stand in, when it is weighed alone.
const STRETCH_LETTERS: f32 = 25.0;

/// What a letter of a script that settles its language says for it: about what one of a shared
/// script says for the right language.
const SETTLED_WEIGHT: f32 = 1.5;

/// What a change of language costs, as the logarithm of a probability.
const CHANGE: f32 = 6.0;

/// Words of the shortest stretch that is believed.
const MIN_WORDS: u32 = 3;

/// Share of the words of `text`, in 0..=1, that stand in stretches of another language than the
/// whole text's: code-switching.
///
/// The likeliest sequence of languages over the words is found (Viterbi's algorithm). A stretch
/// counts from three words on, and only if its language is certain when it is read alone (see
/// [`Language::is_confident`]). 0 where nothing can be told. Of scripts without spaces two letters
/// are a word. As in [`super::identify`] only the first 2,000 characters are read.
pub fn switched_share(text: &str) -> f32 {
    let words = read(text);
    let whole = together(&words).language();
    if whole.code == UNDETERMINED {
        return 0.0;
    }
    let path = likeliest_path(&words);
    let mut rest = words.as_slice();
    let mut switched = 0;
    for stretch in path.chunk_by(|a, b| a == b) {
        let (stretch, after) = rest.split_at_checked(stretch.len()).unwrap_or((rest, &[]));
        rest = after;
        if is_switched(stretch, whole) {
            switched += count(stretch);
        }
    }
    switched as f32 / count(&words).max(1) as f32
}

/// What one word says.
#[derive(Debug)]
struct Read {
    evidence: Evidence,
    /// Words that it stands for.
    words: u32,
}

fn read(text: &str) -> Vec<Read> {
    let mut features = Features::new(model());
    let mut read = Vec::new();
    for_each_word(text, |word| {
        let mut evidence = Evidence::new();
        evidence.count(word);
        if let Word::Shared(chars) = word {
            let before = features.sums().to_vec();
            features.word(chars);
            evidence.add(features.sums());
            evidence.sums.iter_mut().zip(before).for_each(|(sum, before)| *sum -= before);
        }
        let words = match word {
            Word::Settled(place, letters) if is_unspaced(place) => letters.div_ceil(2),
            _ => 1,
        };
        read.push(Read { evidence, words });
    });
    read
}

fn count(words: &[Read]) -> u32 {
    words.iter().map(|word| word.words).sum()
}

fn together(words: &[Read]) -> Evidence {
    words.iter().fold(Evidence::new(), |mut sum, word| {
        sum.merge(&word.evidence);
        sum
    })
}

fn is_switched(stretch: &[Read], whole: Language) -> bool {
    let language = together(stretch).language();
    count(stretch) >= MIN_WORDS && language.is_confident() && language.code != whole.code
}

/// For each word the language, as its place among the scores, of the likeliest sequence.
fn likeliest_path(words: &[Read]) -> Vec<usize> {
    let mut totals: Vec<f32> = scores(&Evidence::new()).map(|_| 0.0).collect();
    // For each word: the best language before it, and which languages do better to come from it.
    let mut steps = Vec::with_capacity(words.len());
    for word in words {
        let before = best(&totals);
        let changed = totals.get(before).map_or(0.0, |total| total - CHANGE);
        let changes: Vec<bool> = totals.iter().map(|&total| total < changed).collect();
        for (total, score) in totals.iter_mut().zip(scores(&word.evidence)) {
            *total = total.max(changed) + score;
        }
        steps.push((before, changes));
    }
    let mut at = best(&totals);
    let mut path = vec![0; words.len()];
    for (language, (before, changes)) in path.iter_mut().zip(&steps).rev() {
        *language = at;
        if changes.get(at).is_some_and(|&changed| changed) {
            at = *before;
        }
    }
    path
}

/// What a word says for each class of the model, then for each language with a script of its own.
fn scores(word: &Evidence) -> impl Iterator<Item = f32> {
    let weight = SETTLED_WEIGHT / STRETCH_LETTERS.sqrt();
    let settled = word.settled.map(|letters| letters as f32 * weight);
    word.scores(STRETCH_LETTERS).map(|(_, score)| score).chain(settled)
}

fn best(totals: &[f32]) -> usize {
    let places = totals.iter().enumerate();
    places.max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(place, _)| place)
}
