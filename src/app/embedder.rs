//! Opens the configured embedder; for commands that work on files with a cache on disk, so that a
//! second run is quick.

use std::sync::Arc;

use crate::config::Config;
use crate::embed::{self, ApiKey, BackendKind, EmbedError, Embedder, Progress};

/// Folder of cached embeddings, beside the model folders.
const CACHE: &str = ".cache";

/// Opens the embedder of `config`, with the key that the environment holds for it.
pub fn open(
    config: &embed::Config,
    progress: &dyn Fn(Progress<'_>),
) -> Result<Arc<dyn Embedder>, EmbedError> {
    embed::open(config, key(config)?, progress)
}

#[expect(clippy::disallowed_methods, reason = "a key that the settings only name")]
fn key(config: &embed::Config) -> Result<Option<ApiKey>, EmbedError> {
    let name = config.endpoint.api_key_env.as_str();
    if config.backend != BackendKind::Endpoint || name.is_empty() {
        return Ok(None);
    }
    let origin = format!("the environment variable {name}");
    let text = std::env::var(name).map_err(|_| EmbedError::Key(format!("{origin} is not set")))?;
    ApiKey::parse(&origin, &text).map(Some)
}

/// Opens the configured embedder with a cache on disk, in the configured folder or beside the
/// models.
pub fn open_for_files(
    config: &Config,
    progress: &dyn Fn(Progress<'_>),
) -> Result<Arc<dyn Embedder>, EmbedError> {
    let mut own = config.embedding.clone();
    if own.disk_cache.as_os_str().is_empty() {
        own.disk_cache = own.models_dir.join(CACHE);
    }
    open(&own, progress)
}
