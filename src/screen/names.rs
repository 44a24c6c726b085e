//! The place where a model of names can be plugged in.

use std::fmt;
use std::ops::Range;

use super::entity::EntityType;

/// Finds names and the like by a model of the language, where rules cannot.
///
/// It is slow beside the rules: milliseconds to seconds a text, on a thread that may be kept that long.
pub trait NameFinder: Send + Sync + fmt::Debug {
    /// What it found in `text`, in order, without overlap, each with its score, also below the
    /// [`threshold`](Self::threshold). `None` where it failed, which it has then logged: the
    /// screener takes the whole text for names.
    fn find(&self, text: &str) -> Option<Vec<Named>>;

    /// The types that it can find, at least one.
    fn entities(&self) -> &[EntityType];

    /// Least score of a finding, from 0 to 1.
    fn threshold(&self) -> f32;

    /// The sha256 of the model in hex.
    fn digest(&self) -> &str;
}

/// A name that a model found.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// What it is.
    pub entity: EntityType,
    /// Bytes of the text.
    pub span: Range<usize>,
    /// The model's probability.
    pub score: f32,
}
