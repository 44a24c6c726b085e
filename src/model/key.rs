//! API keys and what they allow.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{KeyId, ProjectId};

/// What a key allows; a higher role includes the lower ones, except that `read` does not ingest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Send interactions.
    Ingest,
    /// Read everything but secrets.
    Read,
    /// Everything.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Ingest, Self::Read, Self::Admin];

    /// The role's name on the wire and in the stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    /// The role called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether a key of this role may do what needs `wanted`.
    pub const fn allows(self, wanted: Self) -> bool {
        matches!(
            (self, wanted),
            (Self::Admin, _) | (Self::Ingest, Self::Ingest) | (Self::Read, Self::Read)
        )
    }
}

/// A stored API key: never the secret, only its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ApiKey {
    /// Its id, part of the key text.
    pub id: KeyId,
    /// The project it opens.
    pub project_id: ProjectId,
    /// A name for people.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// SHA-256 of the secret part; secrets are 256 random bits, so no slow hash is needed.
    #[serde(skip)]
    pub secret_hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// From this moment on it opens nothing; absent for a key without an end.
    pub expires_at: Option<Timestamp>,
    /// The key that a rotation made in its place.
    pub successor_id: Option<KeyId>,
    /// Requests that it may make in a minute; absent where the settings' limit holds.
    pub requests_per_minute: Option<u32>,
    /// Bytes of bodies, as sent, that it may send in a minute; absent where the settings' limit holds.
    pub bytes_per_minute: Option<u64>,
}

impl ApiKey {
    /// Whether it has come to its end by itself.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Makes `fresh`, a new key, the successor of this one at `now`: it takes over name, role, limits,
    /// and the length of life. The secret and the id are the new key's own.
    #[must_use]
    pub fn succeeded_by(&self, mut fresh: Self, now: Timestamp) -> Self {
        let life = self.expires_at.map(|end| end.since(self.created_at));
        fresh.project_id = self.project_id;
        fresh.name.clone_from(&self.name);
        fresh.role = self.role;
        fresh.expires_at = life.map(|life| now.plus(life));
        fresh.requests_per_minute = self.requests_per_minute;
        fresh.bytes_per_minute = self.bytes_per_minute;
        fresh
    }
}
