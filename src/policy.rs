//! A project's own rules on what texts may say: taught by examples, or lists of words.
//!
//! Pure: a text, its embedding and a [`PolicySet`] go in, verdicts come out.
//!
//! # What is promised, and what is not
//!
//! - A head is a logistic regression over the embedding that is computed anyway. Its share of caught
//!   examples and its rate of false alarms are measured on rows that it was not fitted on, and shown
//!   with intervals before it is switched on. They hold for texts like the examples.
//! - It sees what a text is about and how it speaks, as far as the sentence model does: not negation,
//!   not who says it. Taught with sixty hateful texts such a head flags most of the texts that speak
//!   against hate, so there is no ready-made one for that, and a list of words is what remains.
//! - A list of words finds those words, not what they were meant to say.

mod head;
mod lexicon;
mod off_topic;
mod report;
mod set;
pub mod start;

use serde::{Deserialize, Serialize};

use crate::text::signals;

pub use head::{Head, Lesson, PENALTY, Taught};
pub use lexicon::{Lexicon, MAX_WORDS};
pub use off_topic::OffTopic;
pub use report::{Rate, Report};
pub use set::{MAX_POLICIES, Member, PolicySet};

/// Examples of what is to be found, at least; with fewer the intervals say nothing.
pub const MIN_POSITIVES: usize = 30;
/// Examples of what is not, at least, those of a reference among them.
pub const MIN_NEGATIVES: usize = 60;

/// What decides whether a text is against a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "model", rename_all = "snake_case")]
pub enum Judge {
    /// A classifier over the embedding.
    Head(Head),
    /// The same, over [`refusal_features`].
    Refusal(Head),
    /// The distance to what a reference holds.
    OffTopic(OffTopic),
    /// Words.
    Lexicon(Lexicon),
}

/// What a judge says of one text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The higher, the more it is against the policy. Its scale is the judge's own.
    pub score: f64,
    /// Above this it is against it.
    pub threshold: f64,
}

impl Verdict {
    /// Whether the text is against the policy.
    pub fn is_over(&self) -> bool {
        self.score > self.threshold
    }
}

impl Judge {
    /// Whether it looks at the embedding rather than at the text.
    pub const fn needs_vector(&self) -> bool {
        !matches!(self, Self::Lexicon(_))
    }

    /// Judges a text and its embedding; `None` where what it looks at is missing, or the embedding is
    /// of another length.
    pub fn judge(&self, text: Option<&str>, vector: Option<&[f32]>) -> Option<Verdict> {
        match self {
            Self::Head(head) => head.judge(vector?),
            Self::Refusal(head) => {
                head.judge(&refusal_features(vector?, signals::is_refusal(text?)))
            }
            Self::OffTopic(off_topic) => off_topic.judge(vector?),
            Self::Lexicon(lexicon) => {
                Some(Verdict { score: lexicon.count(text?) as f64, threshold: 0.0 })
            }
        }
    }
}

/// What refusals are judged by: the embedding, and beside it whether the text begins with one of the
/// phrases of [`signals::is_refusal`], in twelve languages. Embeddings hear what a text is about more
/// than whether it helps; the head learns how much a phrase is worth beside that.
pub fn refusal_features(vector: &[f32], begins_with_phrase: bool) -> Vec<f32> {
    let phrase = if begins_with_phrase { 1.0 } else { 0.0 };
    vector.iter().copied().chain([phrase]).collect()
}

/// Why nothing could be learned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TeachError {
    /// Too few examples of what is to be found.
    #[error("{found} examples of what is to be found: at least {wanted} are needed")]
    Positives {
        /// How many there are.
        found: usize,
        /// How many it takes.
        wanted: usize,
    },
    /// Too few of what is not.
    #[error(
        "{found} texts that are no such case: at least {wanted} are needed; give some with \
         label false, or freeze a reference"
    )]
    Negatives {
        /// How many there are.
        found: usize,
        /// How many it takes.
        wanted: usize,
    },
    /// The solver found nothing.
    #[error("the examples cannot be told apart at all: look for texts with both labels")]
    Unsolvable,
}
