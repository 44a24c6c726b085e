//! Composes every module's own settings, and is the only reader of files and environment for them.
//!
//! Precedence: compiled-in defaults < file < `SEAMARK__SECTION__KEY` < command-line flags. All
//! problems are reported at once, each with its key's path.

mod load;

use serde::{Deserialize, Serialize};

pub use load::{ConfigError, Problem, Sources, environment, load, variable};

use crate::{api, embed, notify, sample, store, telemetry, worker};

/// `config/default.toml`, complete and commented.
pub const DEFAULT_TOML: &str = include_str!("../config/default.toml");

/// All settings.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The HTTP surface.
    pub server: api::Config,
    /// The database.
    pub store: store::Config,
    /// The embedder.
    pub embedding: embed::Config,
    /// What screening needs of this machine; what it does is each project's own.
    pub screening: ScreeningConfig,
    /// What share of the traffic is kept.
    pub sampling: sample::SamplingConfig,
    /// Outgoing messages.
    pub notify: notify::Config,
    /// Background work and retention.
    pub worker: worker::Config,
    /// The log.
    pub log: telemetry::LogConfig,
    /// For tests of Seamark itself.
    pub debug: DebugConfig,
}

/// The settings as TOML, for people's eyes: no secret in it.
pub fn to_display(config: &Config) -> String {
    toml::to_string_pretty(config).unwrap_or_else(|error| format!("# cannot be shown: {error}"))
}

/// The section `screening`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScreeningConfig {
    /// The model of names, if any.
    pub names: embed::NamesConfig,
}

/// For tests of Seamark itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DebugConfig {
    /// Ends the process at this named point (`name@3`: at its third pass), as `kill -9` would;
    /// debug builds only.
    pub crash_at: String,
}

impl Config {
    /// Every problem of the values, as (path, what is wrong and the remedy).
    fn problems(&self) -> Vec<Problem> {
        let sections = [
            ("server", self.server.problems()),
            ("store", self.store.problems()),
            ("embedding", self.embedding.problems()),
            ("screening.names", self.screening.names.problems()),
            ("sampling", self.sampling.problems()),
            ("notify", self.notify.problems()),
            ("worker", self.worker.problems()),
            ("log", self.log.problems()),
            ("debug", self.debug.problems()),
        ];
        sections
            .into_iter()
            .flat_map(|(section, problems)| {
                problems
                    .into_iter()
                    .map(move |(key, detail)| Problem { path: format!("{section}.{key}"), detail })
            })
            .collect()
    }
}

impl DebugConfig {
    fn problems(&self) -> Vec<(String, String)> {
        if self.crash_at.is_empty() || crate::fault::is_available() {
            return Vec::new();
        }
        vec![("crash_at".to_owned(), "is refused by release builds; remove it".to_owned())]
    }
}
