//! Repairs spelling and character recognition in a text that is to be embedded, and only there.
//!
//! Conservative: better leave ten slips than change one word that was meant. A word is repaired
//! where neither the reference nor the model knows it, where exactly one word of the reference, or
//! one far more frequent than the others, lies one slip away, where the model knows that word, and
//! where the slip is a likely one. Names, new topics and other languages are thereby left as they
//! are. There is no dictionary: what is known comes from the reference and from the model.

mod slip;
mod vocabulary;
mod words;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use self::slip::Slip;
pub use self::vocabulary::Vocabulary;
use self::vocabulary::{Index, LETTERS};

/// The version of the rules: a change that makes any text come out differently raises it. A
/// vocabulary of another version is not used, so that a reference and what is compared with it are
/// repaired alike.
pub const VERSION: u32 = 1;

/// How many times as frequent as the next word the best one is at least.
const RATIO: u32 = 10;
/// Letters of a word before or after a number, as in `model5`, which is a name.
const NAMED: usize = 3;

/// Whether the model knows a word, in lower case, as one piece.
pub type IsWord = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// One repaired word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// Its bytes in the text as it was.
    pub span: Range<usize>,
    /// What it became.
    pub word: String,
}

/// Repairs texts by what a reference was learned to hold. The same text always comes out the same.
#[derive(Clone)]
pub struct Repairer {
    index: Arc<Index>,
    is_word: IsWord,
}

impl fmt::Debug for Repairer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repairer").finish_non_exhaustive()
    }
}

impl Repairer {
    /// Repairs by `vocabulary`; `None` where it is of another version, and nothing is repaired.
    pub fn new(vocabulary: &Vocabulary, is_word: IsWord) -> Option<Self> {
        let index = || Arc::new(Index::new(vocabulary));
        vocabulary.is_current().then(|| Self { index: index(), is_word })
    }

    /// The text with its slips repaired. Nothing is repaired in a text of which less than half of
    /// the words are known: it is of another topic or another language. Idempotent. Takes time
    /// linear in the text's length.
    pub fn repair<'a>(&self, text: &'a str) -> (Cow<'a, str>, Vec<Repair>) {
        let (mut all, mut known) = (0, 0);
        let mut repairs = Vec::new();
        for (span, written) in words::of(text) {
            if !written.chars().any(char::is_alphabetic) {
                continue;
            }
            all += 1;
            let word = written.to_lowercase();
            if self.index.contains(&word) {
                known += 1;
            } else if let Some(meant) = self.meant(&word)
                && let Some(word) = in_case_of(written, &meant)
            {
                known += 1;
                repairs.push(Repair { span, word });
            }
        }
        if repairs.is_empty() || known * 2 < all {
            return (Cow::Borrowed(text), Vec::new());
        }
        (Cow::Owned(applied(text, &repairs)), repairs)
    }

    /// The word that was meant by one that the reference does not have.
    fn meant(&self, word: &str) -> Option<String> {
        let spelt: Vec<char> = word.chars().collect();
        let letters = spelt.iter().filter(|c| c.is_alphabetic()).count();
        let is_quoted = word.contains(['\'', '’']);
        if !LETTERS.contains(&spelt.len()) || letters < 2 || letters * 2 < spelt.len() || is_quoted
        {
            return None;
        }
        if (self.is_word)(word) || self.is_named(word) {
            return None;
        }
        let meant = if letters < spelt.len() { self.without_digits(word) } else { None };
        let number = meant.or_else(|| self.after_one_slip(word, &spelt))?;
        Some(self.index.word(number).iter().collect())
    }

    /// Whether it is a word with a number before or after it.
    fn is_named(&self, word: &str) -> bool {
        let digit = |c: char| c.is_numeric();
        let (head, tail) = (word.trim_end_matches(digit), word.trim_start_matches(digit));
        let is_measure = tail.len() < word.len()
            && !word.starts_with(['0', '1'])
            && tail.chars().count() <= NAMED;
        let is_known = |rest: &str| {
            rest.len() < word.len()
                && rest.chars().count() >= NAMED
                && (self.index.contains(rest) || (self.is_word)(rest))
        };
        is_measure || is_known(head) || is_known(tail)
    }

    fn without_digits(&self, word: &str) -> Option<u32> {
        let targets = slip::without_digits(word).map(|letters| self.index.target(&letters));
        self.clearest(targets.into_iter().flatten())
    }

    /// Every word one slip away counts against the others, also those that are no likely slip.
    fn after_one_slip(&self, word: &str, spelt: &[char]) -> Option<u32> {
        let near =
            self.index.near(spelt).into_iter().filter_map(|number| {
                Some((number, Slip::between(spelt, self.index.word(number))?))
            });
        let mut slips: Vec<(u32, Slip)> = near.collect();
        for (meant, slip) in Slip::look_alikes(word) {
            if let Some(number) = self.index.target(&meant)
                && slips.iter().all(|&(other, _)| other != number)
            {
                slips.push((number, slip));
            }
        }
        let best = self.clearest(slips.iter().map(|&(number, _)| number))?;
        let &(_, slip) = slips.iter().find(|&&(number, _)| number == best)?;
        slip.is_likely(spelt.len().min(self.index.word(best).len())).then_some(best)
    }

    /// The only word, or the one that is far more frequent than every other.
    fn clearest(&self, numbers: impl Iterator<Item = u32>) -> Option<u32> {
        let mut numbers: Vec<u32> = numbers.collect();
        numbers
            .sort_unstable_by_key(|&number| std::cmp::Reverse((self.index.texts(number), number)));
        numbers.dedup();
        match *numbers {
            [] => None,
            [only] => Some(only),
            [best, next, ..] => {
                let (best_texts, next_texts) = (self.index.texts(best), self.index.texts(next));
                (best_texts >= next_texts.saturating_mul(RATIO)).then_some(best)
            }
        }
    }
}

/// `meant` in the case of `written`; `None` where it would not be the same word in lower case.
fn in_case_of(written: &str, meant: &str) -> Option<String> {
    let mut letters = written.chars().filter(|c| c.is_alphabetic());
    let is_first_upper = written.starts_with(char::is_uppercase);
    let cased = if is_first_upper && letters.all(char::is_uppercase) {
        meant.to_uppercase()
    } else if is_first_upper {
        let mut rest = meant.chars();
        rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect()
    } else {
        meant.to_owned()
    };
    (cased.to_lowercase() == meant && cased.chars().all(char::is_alphanumeric)).then_some(cased)
}

fn applied(text: &str, repairs: &[Repair]) -> String {
    let mut repaired = String::with_capacity(text.len());
    let mut at = 0;
    for Repair { span, word } in repairs {
        repaired.push_str(&text[at..span.start]);
        repaired.push_str(word);
        at = span.end;
    }
    repaired.push_str(&text[at..]);
    repaired
}

#[cfg(test)]
mod tests;
