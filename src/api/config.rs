//! Settings of the HTTP surface: where it listens, who may call, and what a request may cost.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::api::oidc::OidcConfig;

/// Settings of the HTTP surface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port to listen on.
    pub bind: SocketAddr,
    /// Who may call.
    pub auth: AuthConfig,
    /// Whether `/metrics` answers without a key; else it needs a key of role `read`.
    pub metrics_public: bool,
    /// What one request may hold.
    pub limits: Limits,
    /// What all requests together may hold.
    pub capacity: Capacity,
    /// How long a client may take.
    pub timeouts: Timeouts,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            auth: AuthConfig::default(),
            metrics_public: true,
            limits: Limits::default(),
            capacity: Capacity::default(),
            timeouts: Timeouts::default(),
        }
    }
}

impl Config {
    /// Every problem of the settings, as (key, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if self.auth.mode == AuthMode::None && !self.bind.ip().is_loopback() {
            problems.push((
                "auth.mode".to_owned(),
                format!(
                    "\"none\" is refused on {}, which other machines can reach; \
                     use \"keys\", or bind a loopback address",
                    self.bind
                ),
            ));
        }
        if self.auth.failures > 0 && self.auth.failures_per_minute == 0 {
            let detail = "must be at least 1; failures = 0 turns the limit off".to_owned();
            problems.push(("auth.failures_per_minute".to_owned(), detail));
        }
        let oidc = self.auth.oidc.problems().into_iter();
        problems.extend(oidc.map(|(key, problem)| (format!("auth.oidc.{key}"), problem)));
        for (key, value) in self.positive() {
            if value == 0 {
                problems.push((key.to_owned(), "must be at least 1".to_owned()));
            }
        }
        problems
    }

    const fn positive(&self) -> [(&'static str, u64); 13] {
        [
            ("limits.body_bytes", self.limits.body_bytes as u64),
            ("limits.decompressed_bytes", self.limits.decompressed_bytes as u64),
            ("limits.item_bytes", self.limits.item_bytes as u64),
            ("limits.text_bytes", self.limits.text_bytes as u64),
            ("limits.batch_items", self.limits.batch_items as u64),
            ("limits.upload_items", self.limits.upload_items as u64),
            ("capacity.connections", self.capacity.connections as u64),
            ("capacity.body_bytes_in_flight", self.capacity.body_bytes_in_flight as u64),
            ("capacity.commit_queue", self.capacity.commit_queue as u64),
            ("capacity.commit_rows", self.capacity.commit_rows as u64),
            ("timeouts.header_seconds", self.timeouts.header_seconds),
            ("timeouts.body_idle_seconds", self.timeouts.body_idle_seconds),
            ("timeouts.request_seconds", self.timeouts.request_seconds),
        ]
    }
}

/// Who may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// Whether keys are asked for.
    pub mode: AuthMode,
    /// Requests in a minute of a key that has no limit of its own; 0 for no limit.
    pub requests_per_minute: u64,
    /// Bytes of bodies in a minute, as sent, of a key that has no limit of its own; 0 for no limit.
    pub bytes_per_minute: u64,
    /// Wrong keys that an address may send at once before it has to wait; 0 for no limit.
    pub failures: u32,
    /// Wrong keys in a minute that an address gets back.
    pub failures_per_minute: u32,
    /// Whose tokens are taken beside keys.
    pub oidc: OidcConfig,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            mode: AuthMode::default(),
            requests_per_minute: 0,
            bytes_per_minute: 0,
            failures: 10,
            failures_per_minute: 60,
            oidc: OidcConfig::default(),
        }
    }
}

impl AuthConfig {
    /// How many failures at once and in a minute; `None` where they are not limited.
    pub(crate) fn failure_rate(&self) -> Option<(u32, u32)> {
        (self.failures > 0).then_some((self.failures, self.failures_per_minute))
    }
}

/// Whether keys are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMode {
    /// Every request under `/v1` carries an API key.
    #[default]
    Keys,
    /// Nobody is asked; everyone who reaches the port is admin of the default project.
    None,
}

/// What one request may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of a body as it comes over the wire.
    pub body_bytes: usize,
    /// Bytes of a body after decompression.
    pub decompressed_bytes: usize,
    /// Bytes of one interaction's JSON.
    pub item_bytes: usize,
    /// Bytes of one query or response.
    pub text_bytes: usize,
    /// Interactions in one request.
    pub batch_items: usize,
    /// Interactions in one uploaded reference file.
    pub upload_items: usize,
    /// Levels of nested objects and arrays in one interaction.
    pub nesting: usize,
    /// How far an interaction's time may lie in the future, in seconds.
    pub future_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 16 << 20,
            decompressed_bytes: 64 << 20,
            item_bytes: 1 << 20,
            text_bytes: 256 << 10,
            batch_items: 10_000,
            upload_items: 100_000,
            nesting: 32,
            future_seconds: 600,
        }
    }
}

impl Limits {
    /// How far an interaction's time may lie in the future.
    pub(crate) const fn future(&self) -> Duration {
        Duration::from_secs(self.future_seconds)
    }
}

/// What all requests together may hold, so that overload answers 429 or 503 before memory grows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capacity {
    /// Open connections; further ones wait in the kernel's backlog.
    pub connections: usize,
    /// Bytes of bodies that are being read, decompressed, parsed or stored at the same moment.
    pub body_bytes_in_flight: usize,
    /// Interactions of single posts that may wait for their common commit.
    pub commit_queue: usize,
    /// Interactions in one common commit.
    pub commit_rows: usize,
    /// Interactions of a project that may wait for their embeddings; above it ingest answers 429.
    pub max_pending: u64,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            connections: 1024,
            body_bytes_in_flight: 256 << 20,
            commit_queue: 4096,
            commit_rows: 256,
            max_pending: 1_000_000,
        }
    }
}

/// How long a client may take, in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// For a whole request head; also how long an idle connection is kept.
    pub header_seconds: u64,
    /// Between two pieces of a body.
    pub body_idle_seconds: u64,
    /// From the end of the head to the answer.
    pub request_seconds: u64,
    /// For open requests to finish after a stop was asked for.
    pub shutdown_seconds: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            header_seconds: 10,
            body_idle_seconds: 15,
            request_seconds: 30,
            shutdown_seconds: 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound_and_local() {
        let config = Config::default();
        assert_eq!(config.problems(), []);
        assert!(config.bind.ip().is_loopback());
    }

    #[test]
    fn no_auth_is_refused_where_others_can_reach_it() {
        let mut config = Config::default();
        config.auth.mode = AuthMode::None;
        assert_eq!(config.problems(), []);
        config.bind = "0.0.0.0:8080".parse().unwrap();
        assert_eq!(config.problems()[0].0, "auth.mode");
    }

    #[test]
    fn a_limit_of_nothing_is_a_problem() {
        let mut config = Config::default();
        config.limits.batch_items = 0;
        config.timeouts.request_seconds = 0;
        config.auth.failures_per_minute = 0;
        let keys: Vec<_> = config.problems().into_iter().map(|(key, _)| key).collect();
        assert_eq!(
            keys,
            ["auth.failures_per_minute", "limits.batch_items", "timeouts.request_seconds"]
        );
        config.auth.failures = 0;
        assert_eq!(config.problems().len(), 2);
    }
}
