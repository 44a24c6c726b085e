//! The audit trail: entries chained by their hashes, and what a look along the chain finds.
//!
//! An entry's hash is SHA-256 over the hash before it and over all its fields, each with its length before
//! it. The payload itself is not in it, only SHA-256 over a salt and the payload: payload and salt can be
//! erased, and the chain still holds.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::id::ProjectId;

/// A SHA-256.
pub type Hash = [u8; 32];

/// What the first entry of a chain has for the hash before it.
pub const GENESIS: Hash = [0; 32];

/// Something that was done, before it has its place in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRecord {
    /// Who did it: a key's name and id, or `system`.
    pub actor: String,
    /// What was done, as `monitor.update`.
    pub action: &'static str,
    /// To what: an id of Seamark's own, never one of a caller, for it cannot be erased.
    pub object: String,
    /// What changed.
    pub payload: serde_json::Value,
    /// The interaction, session or pseudonym that the payload names: it is erased with it.
    pub about: Option<String>,
}

impl AuditRecord {
    /// Something that the program did by itself.
    pub fn by_system(action: &'static str, object: String, payload: serde_json::Value) -> Self {
        Self { actor: "system".to_owned(), action, object, payload, about: None }
    }
}

/// One entry of a project's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The project.
    pub project: String,
    /// Its place: 1, 2, 3 … without gaps.
    pub seq: i64,
    /// When, by the clock of the daemon.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// SHA-256 over salt and payload.
    pub commitment: Vec<u8>,
    /// The hash of the entry before.
    pub prev: Vec<u8>,
    /// The hash of this entry.
    pub hash: Vec<u8>,
    /// Salt and payload; `None` once they are erased.
    pub payload: Option<(Vec<u8>, String)>,
}

impl AuditEntry {
    /// The hash that its fields come to.
    pub fn computed(&self) -> Hash {
        self.computed_at(self.seq)
    }

    fn computed_at(&self, seq: i64) -> Hash {
        let (seq, at) = (seq.to_be_bytes(), self.at.as_micros().to_be_bytes());
        digest(&[
            &self.prev,
            self.project.as_bytes(),
            &seq,
            &at,
            self.actor.as_bytes(),
            self.action.as_bytes(),
            self.object.as_bytes(),
            &self.commitment,
        ])
    }
}

/// What stands for a payload in the chain.
pub fn commitment(salt: &[u8], payload: &str) -> Hash {
    Sha256::new().chain_update(salt).chain_update(payload.as_bytes()).finalize().into()
}

/// SHA-256 over `fields`, each behind its length in bytes as a big-endian number of 64 bits.
fn digest(fields: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for field in fields {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field);
    }
    hasher.finalize().into()
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// There is no such row.
    Missing,
    /// Its fields are not what they were when it was written.
    Edited,
    /// It was written at another place of the chain.
    Reordered,
    /// It does not follow from the row before: that one was written anew.
    Unlinked,
    /// The payload is not the one that was committed to.
    Payload,
    /// The chain's head names another end, or the checkpoint another hash.
    Head,
}

impl Wrong {
    /// What is wrong, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::Edited => "was edited",
            Self::Reordered => "was moved here from another place",
            Self::Unlinked => "does not follow from the row before it, which was written anew",
            Self::Payload => "has a payload that does not match its commitment",
            Self::Head => "is not the end that the chain's head or the checkpoint names",
        }
    }
}

/// The first row of a chain that is not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainFault {
    /// Its place.
    pub seq: i64,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// A look along a chain, row by row.
#[derive(Debug, Clone)]
pub struct Walk {
    seq: i64,
    hash: Hash,
    end: i64,
    /// Payloads that were erased.
    pub erased: i64,
}

impl Walk {
    /// From behind the row `seq`, whose hash is `hash`, to `end`, where the head stands.
    pub const fn from(seq: i64, hash: Hash, end: i64) -> Self {
        Self { seq, hash, end, erased: 0 }
    }

    /// The last row that was looked at.
    pub const fn seq(&self) -> i64 {
        self.seq
    }

    /// Looks at the next row.
    pub fn step(&mut self, entry: &AuditEntry) -> Result<(), ChainFault> {
        let wrong = |seq, wrong| Err(ChainFault { seq, wrong });
        let seq = self.seq + 1;
        if entry.seq != seq {
            return wrong(seq, Wrong::Missing);
        }
        if entry.computed().as_slice() != entry.hash {
            return wrong(seq, self.why(entry));
        }
        if entry.prev != self.hash {
            return wrong(seq, Wrong::Unlinked);
        }
        match &entry.payload {
            Some((salt, payload)) if commitment(salt, payload).as_slice() != entry.commitment => {
                return wrong(seq, Wrong::Payload);
            }
            Some(_) => {}
            None => self.erased += 1,
        }
        self.hash = entry.computed();
        self.seq = seq;
        Ok(())
    }

    /// A row that is sound at another place was moved; any other was edited.
    fn why(&self, entry: &AuditEntry) -> Wrong {
        let moved = entry.prev != self.hash
            && (1..=self.end.max(self.seq + 1))
                .any(|seq| entry.computed_at(seq).as_slice() == entry.hash);
        if moved { Wrong::Reordered } else { Wrong::Edited }
    }

    /// That the last row is the one that the head names.
    pub fn finish(&self, head: &ChainHead) -> Result<(), ChainFault> {
        let fault = |seq, wrong| Err(ChainFault { seq, wrong });
        if head.seq > self.seq {
            return fault(self.seq + 1, Wrong::Missing);
        }
        if head.seq < self.seq || head.hash != self.hash {
            return fault(self.seq, Wrong::Head);
        }
        Ok(())
    }
}

/// Where a chain ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainHead {
    /// The last row; 0 for an empty chain.
    pub seq: i64,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// A signed statement of where a chain stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Checkpoint {
    /// The project.
    pub project: ProjectId,
    /// The last row.
    pub seq: i64,
    /// Its hash, in hexadecimal digits.
    pub hash: String,
    /// When.
    pub at: Timestamp,
    /// Ed25519 over the four, in hexadecimal digits; null without `store.secret_key`.
    pub signature: Option<String>,
    /// The key that the signature can be checked with, in hexadecimal digits.
    pub public_key: Option<String>,
}

impl Checkpoint {
    /// What is signed.
    pub fn message(&self) -> Vec<u8> {
        let (seq, at) = (self.seq.to_be_bytes(), self.at.as_micros().to_be_bytes());
        let (project, hash) = (self.project.to_string(), self.hash.to_lowercase());
        digest(&[b"seamark checkpoint v1", project.as_bytes(), &seq, hash.as_bytes(), &at]).to_vec()
    }
}

/// `bytes` in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of hexadecimal digits; `None` for any other text.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    pairs.remainder().is_empty().then(|| pairs.map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// An audit row as it is shown and exported.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AuditView {
    /// Its place: 1, 2, 3 … without gaps.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who: a key's name and id, or `system`.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// What changed; null once it is erased.
    #[schema(value_type = Option<Object>)]
    pub payload: Option<serde_json::Value>,
    /// The payload's salt, in hexadecimal digits.
    pub salt: Option<String>,
    /// SHA-256 over salt and payload.
    pub commitment: String,
    /// The hash of the row before.
    pub prev: String,
    /// The hash of this row.
    pub hash: String,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        let (salt, payload) = entry.payload.unzip();
        Self {
            seq: entry.seq,
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            object: entry.object,
            payload: payload
                .map(|text| serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text))),
            salt: salt.as_deref().map(hex),
            commitment: hex(&entry.commitment),
            prev: hex(&entry.prev),
            hash: hex(&entry.hash),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(n: i64) -> Vec<AuditEntry> {
        let mut prev = GENESIS.to_vec();
        (1..=n)
            .map(|seq| {
                let payload = (vec![seq as u8; 16], format!("{{\"n\":{seq}}}"));
                let mut entry = AuditEntry {
                    project: "p".to_owned(),
                    seq,
                    at: Timestamp::from_micros(seq),
                    actor: "me".to_owned(),
                    action: "act".to_owned(),
                    object: seq.to_string(),
                    commitment: commitment(&payload.0, &payload.1).to_vec(),
                    prev: prev.clone(),
                    hash: Vec::new(),
                    payload: Some(payload),
                };
                entry.hash = entry.computed().to_vec();
                prev.clone_from(&entry.hash);
                entry
            })
            .collect()
    }

    fn walk(rows: &[AuditEntry]) -> Result<i64, ChainFault> {
        let whole = chain(5);
        let head = ChainHead { seq: 5, hash: whole[4].hash.clone() };
        let mut walk = Walk::from(0, GENESIS, 5);
        rows.iter().try_for_each(|row| walk.step(row))?;
        walk.finish(&head).map(|()| walk.erased)
    }

    #[test]
    fn the_first_bad_row_is_named_with_what_is_wrong() {
        let fault = |seq, wrong| Err(ChainFault { seq, wrong });
        let mut rows = chain(5);
        assert_eq!(walk(&rows), Ok(0));
        rows[1].payload = None;
        assert_eq!(walk(&rows), Ok(1), "an erased payload is fine");
        rows[1].payload = Some((vec![2; 16], "{}".to_owned()));
        assert_eq!(walk(&rows), fault(2, Wrong::Payload));
        let mut rows = chain(5);
        rows[2].actor = "you".to_owned();
        assert_eq!(walk(&rows), fault(3, Wrong::Edited));
        rows[2].hash = rows[2].computed().to_vec();
        assert_eq!(walk(&rows), fault(4, Wrong::Unlinked));
        let mut rows = chain(5);
        rows.remove(2);
        assert_eq!(walk(&rows), fault(3, Wrong::Missing));
        assert_eq!(walk(&chain(4)), fault(5, Wrong::Missing));
        let mut rows = chain(5);
        rows.swap(1, 3);
        (rows[1].seq, rows[3].seq) = (2, 4);
        assert_eq!(walk(&rows), fault(2, Wrong::Reordered));
    }

    #[test]
    fn lengths_keep_fields_apart() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(unhex(&hex(&[0, 255, 16])), Some(vec![0, 255, 16]));
        assert!(unhex("0").is_none() && unhex("zz").is_none());
    }
}
