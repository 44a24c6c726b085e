//! The embedder of commands that work on files: cached on disk, so that a second run is quick.

use std::sync::Arc;

use crate::config::Config;
use crate::embed::{self, EmbedError, Embedder, Progress};

/// Folder of cached embeddings, beside the model folders.
const CACHE: &str = ".cache";

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
    embed::open(&own, progress)
}
