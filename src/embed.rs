//! Texts to unit vectors: the embedders, their weights and their caches. And, with the same encoders, texts to
//! the names in them.

mod architecture;
mod backend;
mod batch;
mod cache;
mod candle;
mod device;
mod digest;
mod disk_cache;
mod endpoint;
mod error;
mod hashing;
mod local;
mod manifest;
mod names;
mod network;
mod packed;
mod relative;
mod rotary;
mod service;
mod threads;
mod tokens;
mod transformer;
pub mod weights;

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::backend::{Embedder, Lookups, Precision, Side, Text};
pub use self::cache::CachedEmbedder;
pub use self::candle::CandleEmbedder;
pub use self::disk_cache::DiskCache;
pub use self::endpoint::{ApiKey, EndpointConfig, EndpointEmbedder};
pub use self::error::EmbedError;
pub use self::hashing::HashingEmbedder;
pub use self::manifest::{HubSource, Manifest, ModelFile, Pooling, PypiSource};
pub use self::names::{NamesConfig, NamesError, NamesModel};
pub use self::packed::{Instructions, PackedEmbedder, PackedOptions};
pub use self::service::EmbedService;
pub use self::threads::Threads;
pub use self::weights::Progress;

/// What makes the vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendKind {
    /// A model on this machine: the packed encoder where it can run it, else candle.
    Local,
    /// A model on this machine, by candle in any case.
    Candle,
    /// A server with the embeddings API of OpenAI.
    Endpoint,
    /// Hashed words: for tests, without any weights.
    Hashing,
}

/// The precision that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrecisionKind {
    /// The fastest that keeps the figures: bytes on a CPU, whatever its instructions, bf16 on a
    /// GPU, f32 for families that have neither.
    Auto,
    /// See [`Precision::F32`].
    F32,
    /// See [`Precision::F16`].
    F16,
    /// See [`Precision::Bf16`].
    Bf16,
    /// See [`Precision::Int8`].
    Int8,
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
    /// Of the matrix products; part of the model's digest.
    pub precision: PrecisionKind,
    /// Of the processor; they change the speed alone.
    pub instructions: Instructions,
    /// The most tokens in one forward pass of candle, padding counted; 0 is what suits the device: 2048 on a
    /// CPU, 16384 on a GPU.
    pub batch_tokens: usize,
    /// CPU threads of the model; 0 is one on each core.
    pub threads: usize,
    /// How far the model's threads stand back for others, 0 to 19 as `nice` counts; so that ingest
    /// and queries stay quick while texts are embedded.
    pub nice: u8,
    /// Whether each of the model's threads keeps to one processor, as Linux counts them.
    pub pin: bool,
    /// Memory for embeddings of texts seen lately, in MiB; 0 is none.
    pub cache_mib: usize,
    /// A folder that keeps all embeddings across runs; empty for none.
    pub disk_cache: PathBuf,
    /// The server, for the backend `endpoint`.
    pub endpoint: EndpointConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            backend: BackendKind::Local,
            model: "all-MiniLM-L6-v2".to_owned(),
            models_dir: PathBuf::from("models"),
            device: DeviceKind::Cpu,
            precision: PrecisionKind::Auto,
            instructions: Instructions::Auto,
            batch_tokens: 0,
            threads: 0,
            nice: 10,
            pin: false,
            cache_mib: 64,
            disk_cache: PathBuf::new(),
            endpoint: EndpointConfig::default(),
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
        if self.nice > 19 {
            problems.push(("nice".to_owned(), "must be between 0 and 19".to_owned()));
        }
        if self.backend == BackendKind::Endpoint {
            let own = self.endpoint.problems();
            problems
                .extend(own.into_iter().map(|(key, detail)| (format!("endpoint.{key}"), detail)));
        }
        problems
    }
}

impl Config {
    /// How the model's threads are to be.
    fn threads(&self) -> Threads {
        Threads { count: self.threads, nice: self.nice, pin: self.pin }
    }
}

/// The embedder of `config`, its weights fetched if need be, behind its caches if it has any.
/// `key` is the endpoint's, where it does not stand in a file of its own.
pub fn open(
    config: &Config,
    key: Option<ApiKey>,
    progress: &dyn Fn(Progress<'_>),
) -> Result<Arc<dyn Embedder>, EmbedError> {
    let inner: Arc<dyn Embedder> = match config.backend {
        BackendKind::Hashing => Arc::new(HashingEmbedder::new()),
        BackendKind::Local | BackendKind::Candle => local::open(config, progress)?,
        BackendKind::Endpoint => Arc::new(open_endpoint(&config.endpoint, key, progress)?),
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

fn open_endpoint(
    config: &EndpointConfig,
    key: Option<ApiKey>,
    progress: &dyn Fn(Progress<'_>),
) -> Result<EndpointEmbedder, EmbedError> {
    progress(Progress::Stage("asking the embeddings endpoint"));
    let key = match config.api_key_file.as_path() {
        path if path.as_os_str().is_empty() => key,
        path => Some(ApiKey::read(path)?),
    };
    EndpointEmbedder::open(config, key.as_ref())
}
