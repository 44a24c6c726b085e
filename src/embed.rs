//! Texts to unit vectors: the embedders, their weights and their caches.

mod architecture;
mod backend;
mod batch;
mod cache;
mod candle;
mod disk_cache;
mod error;
mod hashing;
mod manifest;
mod service;
mod tokens;
mod transformer;
pub mod weights;

use std::panic;
use std::path::PathBuf;
use std::sync::Arc;

use candle_core::{DType, Device};
use serde::{Deserialize, Serialize};

pub use self::backend::{Embedder, Side, Text};
pub use self::cache::CachedEmbedder;
pub use self::candle::CandleEmbedder;
pub use self::disk_cache::DiskCache;
pub use self::error::EmbedError;
pub use self::hashing::HashingEmbedder;
pub use self::manifest::{HubSource, Manifest, ModelFile, Pooling, PypiSource};
pub use self::service::EmbedService;
pub use self::weights::Progress;

/// What makes the vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendKind {
    /// A model of the BERT family.
    Candle,
    /// Hashed words: for tests, without any weights.
    Hashing,
}

/// Where the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// The first NVIDIA GPU; the program must be built with the feature `cuda`.
    Cuda,
}

/// The section `embedding` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What makes the vectors.
    pub backend: BackendKind,
    /// The model's name, as its manifest has it.
    pub model: String,
    /// The folder of manifests and weights.
    pub models_dir: PathBuf,
    /// Where the model runs.
    pub device: DeviceKind,
    /// The most tokens in one forward pass, padding counted; 0 is what suits the device: 2048 on a
    /// CPU, 16384 on a GPU.
    pub batch_tokens: usize,
    /// CPU threads of the model; 0 is one on each core.
    pub threads: usize,
    /// Memory for embeddings of texts seen lately, in MiB; 0 is none.
    pub cache_mib: usize,
    /// A folder that keeps all embeddings across runs; empty for none.
    pub disk_cache: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            backend: BackendKind::Candle,
            model: "all-MiniLM-L6-v2".to_owned(),
            models_dir: PathBuf::from("models"),
            device: DeviceKind::Cpu,
            batch_tokens: 0,
            threads: 0,
            cache_mib: 64,
            disk_cache: PathBuf::new(),
        }
    }
}

impl Config {
    /// Every problem of the settings, as (key, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if self.device == DeviceKind::Cuda && !cfg!(feature = "cuda") {
            let detail = "\"cuda\" needs a build with --features cuda; use \"cpu\"".to_owned();
            problems.push(("device".to_owned(), detail));
        }
        problems
    }
}

/// The embedder of `config`, its weights fetched if need be, behind its caches if it has any.
pub fn open(
    config: &Config,
    progress: &dyn Fn(Progress<'_>),
) -> Result<Arc<dyn Embedder>, EmbedError> {
    let inner: Arc<dyn Embedder> = match config.backend {
        BackendKind::Hashing => Arc::new(HashingEmbedder::new()),
        BackendKind::Candle => Arc::new(open_candle(config, progress)?),
    };
    let disk = match config.disk_cache.as_path() {
        folder if folder.as_os_str().is_empty() => None,
        folder => Some(DiskCache::open(folder, inner.model_digest(), inner.dimension())?),
    };
    if disk.is_none() && config.cache_mib == 0 {
        return Ok(inner);
    }
    Ok(Arc::new(CachedEmbedder::new(inner, config.cache_mib << 20, disk)))
}

fn open_candle(
    config: &Config,
    progress: &dyn Fn(Progress<'_>),
) -> Result<CandleEmbedder, EmbedError> {
    let manifest = Manifest::find(&config.model, &config.models_dir)?;
    let weights = weights::pull(&manifest, &config.models_dir, progress)?;
    progress(Progress::Stage("loading the model"));
    let device = device(config.device)?;
    let (batch_tokens, threads) = (config.batch_tokens, config.threads);
    CandleEmbedder::load(&manifest, &weights, device, DType::F32, batch_tokens, threads)
}

fn device(kind: DeviceKind) -> Result<Device, EmbedError> {
    match kind {
        DeviceKind::Cpu => Ok(Device::Cpu),
        DeviceKind::Cuda => {
            cuda().map_err(|problem| EmbedError::Device { device: "cuda", problem })
        }
    }
}

/// The first NVIDIA GPU. Its libraries are loaded now, by code that panics where one is missing;
/// that must neither end the program nor be printed as a fault of it.
fn cuda() -> Result<Device, String> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    let opened = panic::catch_unwind(|| Device::new_cuda(0));
    panic::set_hook(hook);
    match opened {
        Ok(device) => device.map_err(|error| architecture::first_line(&error)),
        Err(panic) => Err(missing_library(panic.downcast_ref::<String>().map_or("", |s| s))),
    }
}

/// What the panic about a missing library says, without the list of file names it tried.
fn missing_library(panic: &str) -> String {
    match panic.split('"').nth(1) {
        Some(name) => format!(
            "the library lib{name} is missing; install the NVIDIA driver and the CUDA libraries"
        ),
        None => "the CUDA libraries cannot be loaded".to_owned(),
    }
}
