//! How a project's texts are sealed at rest.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::clock::Timestamp;

/// A data key of texts, without the key itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TextKeyView {
    /// Its id.
    pub id: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was destroyed, because no text needed it any more.
    pub destroyed_at: Option<Timestamp>,
    /// Rows with texts that are sealed with it, by table; tables without any are not there.
    pub rows: BTreeMap<String, i64>,
}

/// How a project's texts are sealed, and how far that has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Encryption {
    /// Whether new texts are sealed.
    pub enabled: bool,
    /// The data keys, oldest first: the last one seals what is new.
    pub keys: Vec<TextKeyView>,
    /// Rows with texts that are stored as they are, by table.
    pub unsealed: BTreeMap<String, i64>,
    /// Rows that are still to be sealed with the last key; 0 when a rotation is over.
    pub remaining: i64,
}

impl Encryption {
    /// With what is left to do.
    pub fn new(enabled: bool, keys: Vec<TextKeyView>, unsealed: BTreeMap<String, i64>) -> Self {
        let older = keys.iter().rev().skip(1).flat_map(|key| key.rows.values());
        let remaining = if enabled { older.chain(unsealed.values()).sum() } else { 0 };
        Self { enabled, keys, unsealed, remaining }
    }
}
