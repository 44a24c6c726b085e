//! The latest texts of a stream that is replayed: what explanations may quote terms of.

use std::collections::{HashMap, VecDeque};

use crate::app::vectors::Item;
use crate::detect::notes::Texts;

/// Texts that are kept: as many as an engine remembers events.
const LIMIT: usize = 2000;

/// An interaction's id and texts.
pub(super) type Kept = (String, String, Option<String>);

/// The latest texts, the newest last.
#[derive(Debug, Default)]
pub(super) struct KeptTexts {
    kept: VecDeque<Kept>,
}

impl KeptTexts {
    /// Keeps the texts of one more.
    pub(super) fn push(&mut self, item: Kept) {
        if self.kept.len() == LIMIT {
            self.kept.pop_front();
        }
        self.kept.push_back(item);
    }

    /// Adds the texts of `items` without forgetting any.
    pub(super) fn extend(&mut self, items: &[Item]) {
        self.kept.extend(items.iter().map(kept));
    }

    /// The texts by id.
    pub(super) fn by_id(&self) -> HashMap<&str, Texts<'_>> {
        self.kept.iter().map(|kept| (kept.0.as_str(), texts(kept))).collect()
    }
}

/// The texts of what is kept.
pub(super) fn texts((_, query, response): &Kept) -> Texts<'_> {
    (Some(query.as_str()), response.as_deref())
}

/// What is kept of an item.
pub(super) fn kept(Item { received: item, .. }: &Item) -> Kept {
    (item.id.clone().unwrap_or_default(), item.query.clone(), item.response.clone())
}
