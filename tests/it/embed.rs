//! The embedders against their originals, and against what can go wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod caches;
pub(crate) mod endpoint;
mod golden;
mod packed;
mod parity;
mod precision;
mod service;
mod weights;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use candle_core::{DType, Device};
use seamark::embed::{
    CandleEmbedder, EmbedError, Embedder, HashingEmbedder, Manifest, Side, Text, Threads,
    weights as files,
};

/// A tiny checkpoint of every family.
const FAMILIES: [&str; 6] = [
    "tiny-bert",
    "tiny-distilbert",
    "tiny-xlm-roberta",
    "tiny-mpnet",
    "tiny-nomic",
    "tiny-modernbert",
];

/// The tiny checkpoints that `make.py` made.
fn golden_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/embed")
}

/// A copy of the tiny checkpoint `name` that a test may damage.
fn copy_of(name: &str) -> tempfile::TempDir {
    let models = tempfile::tempdir().unwrap();
    fs::create_dir(models.path().join(name)).unwrap();
    let manifest = format!("{name}.toml");
    fs::copy(golden_dir().join(&manifest), models.path().join(&manifest)).unwrap();
    for entry in fs::read_dir(golden_dir().join(name)).unwrap() {
        let from = entry.unwrap().path();
        let to = models.path().join(name).join(from.file_name().unwrap());
        fs::copy(from, to).unwrap();
    }
    models
}

/// Loads the model `name` of `models_dir` as the daemon would, with batches of `batch_tokens`.
fn load(name: &str, models_dir: &Path, batch_tokens: usize) -> Result<CandleEmbedder, EmbedError> {
    load_in(DType::F32, name, models_dir, batch_tokens)
}

/// The same in another precision.
fn load_in(
    dtype: DType,
    name: &str,
    models_dir: &Path,
    batch_tokens: usize,
) -> Result<CandleEmbedder, EmbedError> {
    let manifest = Manifest::find(name, models_dir)?;
    let weights = files::verify(&manifest, models_dir)?;
    CandleEmbedder::load(&manifest, &weights, Device::Cpu, dtype, batch_tokens, Threads::new(1))
}

/// `texts` as queries.
fn queries<'a>(texts: &[&'a str]) -> Vec<Text<'a>> {
    texts.iter().map(|text| Text { side: Side::Query, text }).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The hashing embedder with a note of what it was asked, and a prefix on queries if wanted.
#[derive(Default)]
struct Noted {
    inner: HashingEmbedder,
    query_prefix: &'static str,
    asked: Mutex<Vec<String>>,
}

impl Noted {
    /// What was asked since the last call.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Embedder for Noted {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn model_digest(&self) -> &str {
        self.inner.model_digest()
    }

    fn prefix(&self, side: Side) -> &str {
        if side == Side::Query { self.query_prefix } else { "" }
    }

    fn embed(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.asked.lock().unwrap().extend(texts.iter().map(|text| text.text.to_owned()));
        assert!(texts.iter().all(|text| text.text != "panic"), "asked to panic");
        self.inner.embed(texts)
    }
}
