//! Which database, and how it is reached.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use super::seal::SealingKey;

/// Where everything durable is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `postgres://user:password@host/database`, `sqlite://folder/file.db` (relative),
    /// `sqlite:///folder/file.db` (absolute) or `sqlite::memory:`. The password is never printed.
    #[serde(serialize_with = "without_password")]
    pub url: String,
    /// Connections in the pool; for SQLite readers, beside the one writer.
    pub max_connections: u32,
    /// How long a request waits for a connection before it is told that the store is unavailable.
    pub acquire_timeout_ms: u64,
    /// Seals receivers' URLs and secrets, and makes pseudonyms of subjects: 32 bytes as base64. Without
    /// it the former are stored as they are, and subjects are refused. Empty in a file for none.
    #[serde(deserialize_with = "key_or_none", serialize_with = "without_key")]
    pub secret_key: Option<SealingKey>,
    /// The secret keys before it, the latest first: they open what they sealed until that is sealed anew. The
    /// last of them goes on making pseudonyms of subjects.
    pub previous_secret_keys: Vec<SealingKey>,
    /// Whether texts of users are sealed at rest; needs `secret_key`, and without one they are not.
    pub encrypt_texts: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: "sqlite://seamark-data/seamark.db".to_owned(),
            max_connections: 16,
            acquire_timeout_ms: 5_000,
            secret_key: None,
            previous_secret_keys: Vec::new(),
            encrypt_texts: true,
        }
    }
}

impl Config {
    /// Every problem of the settings, as (key, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let known = ["postgres://", "postgresql://", "sqlite:"];
        if !known.iter().any(|scheme| self.url.starts_with(scheme)) {
            let detail = "must begin with postgres:// or sqlite:".to_owned();
            problems.push(("url".to_owned(), detail));
        }
        if let Some(problem) = self.secret_key.as_ref().and_then(SealingKey::problem) {
            problems.push(("secret_key".to_owned(), problem));
        }
        let previous = &self.previous_secret_keys;
        for (place, key) in previous.iter().enumerate() {
            if let Some(problem) = key.problem() {
                problems.push((format!("previous_secret_keys[{place}]"), problem));
            }
        }
        if !previous.is_empty() && self.secret_key.is_none() {
            let detail = "are keys before secret_key, which is not set: set it".to_owned();
            problems.push(("previous_secret_keys".to_owned(), detail));
        }
        if self.max_connections == 0 {
            problems.push(("max_connections".to_owned(), "must be at least 1".to_owned()));
        }
        problems
    }

    /// The file of an embedded database; `None` for a server's or one in memory.
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        let path = self.url.strip_prefix("sqlite:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = path.split('?').next().unwrap_or_default();
        (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
    }

    /// The URL without its password.
    pub fn shown_url(&self) -> String {
        redacted(&self.url)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("url", &redacted(&self.url))
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout_ms", &self.acquire_timeout_ms)
            .field("secret_key", &self.secret_key)
            .field("previous_secret_keys", &self.previous_secret_keys)
            .field("encrypt_texts", &self.encrypt_texts)
            .finish()
    }
}

fn without_password<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&redacted(url))
}

fn key_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SealingKey>, D::Error> {
    let text = String::deserialize(from)?;
    Ok((!text.trim().is_empty()).then(|| SealingKey::new(&text)))
}

#[expect(clippy::ref_option, reason = "the signature that serde wants")]
fn without_key<S: Serializer>(key: &Option<SealingKey>, serializer: S) -> Result<S::Ok, S::Error> {
    match key {
        Some(key) => key.serialize(serializer),
        None => serializer.serialize_str(""),
    }
}

/// `url` with its password replaced, and without its parameters, which may hold one too.
fn redacted(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else { return url.to_owned() };
    let Some(password) = parsed.password().map(str::to_owned) else {
        return url.split('?').next().unwrap_or_default().to_owned();
    };
    parsed.set_query(None);
    parsed.as_str().replacen(&format!(":{password}@"), ":[redacted]@", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_printed_or_serialised() {
        let config = Config {
            url: "postgres://seamark:hunter2@db.example/seamark?sslpassword=hunter3".to_owned(),
            ..Config::default()
        };
        for text in [format!("{config:?}"), serde_json::to_string(&config).unwrap()] {
            assert!(!text.contains("hunter"), "{text}");
            assert!(text.contains("postgres://seamark:[redacted]@db.example/seamark"), "{text}");
        }
    }

    #[test]
    fn a_url_without_a_password_prints_as_it_is() {
        for url in ["sqlite::memory:", "sqlite://seamark-data/seamark.db", "postgres:///seamark"] {
            assert_eq!(redacted(url), url);
        }
    }
}
