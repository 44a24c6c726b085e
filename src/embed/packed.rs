//! The BERT family on the CPU at the speed of its matrix products.
//!
//! Texts are laid one after another, so nothing is computed on padding; the products run in f32,
//! bf16 or bytes on kernels written once over vector operations ([`simd`]) and compiled for each
//! kind of processor ([`kernels`]). candle reads and checks the weights, and stays the reference
//! this path is held to.

mod attention;
mod calibration;
mod forward;
mod kernels;
mod math;
mod model;
mod panels;
mod peak;
mod product;
mod rows;
mod shape;
mod simd;
mod tensors;
#[cfg(test)]
mod tests;
mod words;

use std::sync::{Mutex, PoisonError};

use rayon::ThreadPool;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use sha2::{Digest, Sha256};

use self::forward::{Packed, Scratch};
use self::kernels::Kernels;
use self::model::Model;
use self::panels::Number;
use self::shape::Shape;
use super::backend::{Embedder, Precision, Side, Text};
use super::digest::digest;
use super::error::EmbedError;
use super::manifest::{Manifest, Pooling};
use super::threads::Threads;
use super::tokens::Tokens;
use super::weights::{Weights, hex};

pub use self::kernels::Instructions;

/// So few texts are embedded by the thread that asks: they neither wake the pool nor wait behind
/// what it has to do.
const SMALL: usize = 4;

/// Tokens of one forward pass, unless a single text is longer: enough that reading the weights,
/// which do not fit a core's caches, is spread over many rows. So the measured best grows with the
/// size of a number.
fn tokens_of_pass(number: Number) -> usize {
    match number {
        Number::F32 => 512,
        Number::Bf16 => 256,
        Number::Int8 => 128,
    }
}

/// A model of the BERT family in memory, its weights laid out for the processor.
pub struct PackedEmbedder {
    model: Model,
    kernels: Kernels,
    tokens: Tokens,
    pool: ThreadPool,
    idle: Mutex<Vec<Scratch>>,
    pooling: Pooling,
    digest: String,
}

/// How a [`PackedEmbedder`] computes.
#[derive(Debug, Clone, Copy)]
pub struct PackedOptions {
    /// Of its matrix products.
    pub precision: Precision,
    /// Of the processor.
    pub instructions: Instructions,
    /// Of the processor.
    pub threads: Threads,
}

/// Of everything that turns weights into vectors in less than f32; counted up when it changes.
const VERSION: u32 = 1;

/// What the digest says of a precision.
fn arithmetic(precision: Precision) -> String {
    let name = precision.name();
    match precision {
        Precision::Int8 => {
            let samples = hex(&Sha256::digest(SAMPLES));
            format!("{name}, packed {VERSION}, samples {samples}")
        }
        Precision::Bf16 => format!("{name}, packed {VERSION}"),
        Precision::F32 | Precision::F16 => name.to_owned(),
    }
}

/// Texts from whose activations the ranges of bytes are learned.
const SAMPLES: &str = include_str!("packed/samples.txt");

impl PackedEmbedder {
    /// Why the model of `weights` cannot be run this way; `None` if it can.
    pub fn unfit(weights: &Weights) -> Option<String> {
        let path = weights.path("config.json");
        match std::fs::read_to_string(&path) {
            Ok(config) => Shape::of(&config).err(),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Loads the model of `manifest` from its checked files.
    pub fn load(
        manifest: &Manifest,
        weights: &Weights,
        options: PackedOptions,
    ) -> Result<Self, EmbedError> {
        let shape = shape(manifest, weights)?;
        let number = match options.precision {
            Precision::F32 => Number::F32,
            Precision::Bf16 => Number::Bf16,
            Precision::Int8 => Number::Int8,
            Precision::F16 => {
                return Err(EmbedError::Precision { precision: "f16", device: "cpu" });
            }
        };
        let kernels = find(options.instructions, number)?;
        let reference = find(options.instructions, Number::F32)?;
        let tokens = Tokens::load(manifest, &weights.path("tokenizer.json"), shape.vocabulary)?;
        let lines: Vec<Text<'_>> =
            SAMPLES.lines().map(|text| Text { side: Side::Query, text }).collect();
        let samples = tokens.encode(&lines)?;
        let path = weights.path("model.safetensors");
        let model = Model::load(&path, &shape, &kernels, &reference, &samples)?;
        let pool = options.threads.pool()?;
        let (instructions, precision) = (kernels.instructions, options.precision);
        tracing::info!(model = manifest.name, ?instructions, ?precision, "packed encoder loaded");
        Ok(Self {
            model,
            kernels,
            tokens,
            pool,
            idle: Mutex::new(Vec::new()),
            pooling: manifest.pooling,
            digest: digest(manifest, weights, &arithmetic(options.precision)),
        })
    }

    /// Operations a second (a multiply-add is two) that one thread reaches in matrix products whose
    /// operands stay in the first cache, as measured for about `time`.
    pub fn product_peak(&self, time: std::time::Duration) -> f64 {
        peak::product(&self.kernels, time)
    }

    /// Operations in the matrix products of a text of `tokens` tokens, attention included.
    pub fn operations(&self, tokens: usize) -> f64 {
        let shape = &self.model.shape;
        let (hidden, attention) = (shape.hidden, shape.attention());
        let linear = 4 * hidden * attention + 2 * hidden * shape.intermediate;
        let of_token = shape.layers * (linear + 2 * tokens * attention);
        2.0 * tokens as f64 * of_token as f64
    }

    /// The unit vectors of `texts`, in order, in one pass.
    fn pass(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let packed = Packed::of(texts);
        let lock = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = lock().pop();
        let most = tokens_of_pass(self.kernels.number);
        let mut scratch =
            idle.unwrap_or_else(|| Scratch::new(&self.model.shape, most, &self.kernels));
        let hidden = self.model.forward(&packed, &mut scratch, &self.kernels);
        let mut rest = hidden;
        let vectors = texts.iter().map(|text| {
            let (own, others) = rest.split_at(text.len() * self.model.shape.hidden);
            rest = others;
            pool_tokens(own, self.model.shape.hidden, self.pooling)
        });
        let vectors = vectors.collect();
        lock().push(scratch);
        vectors
    }

    fn embed_ids(&self, ids: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(ids[i].len()));
        let most = tokens_of_pass(self.kernels.number);
        let passes = passes(&order, most, |i| ids[i].len());
        let run = |members: &&[usize]| {
            let texts: Vec<&[u32]> = members.iter().map(|&i| ids[i].as_slice()).collect();
            self.pass(&texts)
        };
        let made: Result<Vec<Vec<Vec<f32>>>, EmbedError> = if ids.len() <= SMALL {
            passes.iter().map(run).collect()
        } else {
            // One by one: the long texts come first, and halves would not be equal.
            self.pool.install(|| passes.par_iter().with_max_len(1).map(run).collect())
        };
        let mut vectors = vec![Vec::new(); ids.len()];
        for (&i, vector) in order.iter().zip(made?.into_iter().flatten()) {
            vectors[i] = vector;
        }
        Ok(vectors)
    }
}

impl Embedder for PackedEmbedder {
    fn dimension(&self) -> usize {
        self.model.shape.hidden
    }

    fn model_digest(&self) -> &str {
        &self.digest
    }

    fn prefix(&self, side: Side) -> &str {
        self.tokens.prefix(side)
    }

    fn is_word(&self, word: &str) -> Option<bool> {
        Some(self.tokens.is_word(word))
    }

    fn embed(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<f32>>, EmbedError> {
        if texts.len() <= SMALL {
            return self.embed_ids(&self.tokens.encode_here(texts)?);
        }
        let ids = self.pool.install(|| self.tokens.encode(texts))?;
        self.embed_ids(&ids)
    }
}

/// Runs of `order` of at most `most` tokens together, or of one text.
fn passes(order: &[usize], most: usize, length: impl Fn(usize) -> usize) -> Vec<&[usize]> {
    let mut all = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (at, &i) in order.iter().enumerate() {
        if at > start && tokens + length(i) > most {
            all.push(&order[start..at]);
            (start, tokens) = (at, 0);
        }
        tokens += length(i);
    }
    if start < order.len() {
        all.push(&order[start..]);
    }
    all
}

/// One unit vector from the vectors of a text's tokens.
fn pool_tokens(tokens: &[f32], hidden: usize, pooling: Pooling) -> Result<Vec<f32>, EmbedError> {
    let mut vector = tokens[..hidden].to_vec();
    if pooling == Pooling::Mean {
        for token in tokens.chunks_exact(hidden).skip(1) {
            vector.iter_mut().zip(token).for_each(|(sum, x)| *sum += x);
        }
    }
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if !norm.is_normal() {
        return Err(EmbedError::Inference("the model's vector has no direction".to_owned()));
    }
    vector.iter_mut().for_each(|x| *x /= norm);
    Ok(vector)
}

fn find(instructions: Instructions, number: Number) -> Result<Kernels, EmbedError> {
    Kernels::find(instructions, number).ok_or(EmbedError::Instructions { instructions })
}

/// The model's sizes, held against its manifest.
fn shape(manifest: &Manifest, weights: &Weights) -> Result<Shape, EmbedError> {
    let path = weights.path("config.json");
    let config = std::fs::read_to_string(&path).map_err(EmbedError::io("read", &path))?;
    let shape = Shape::of(&config)
        .map_err(|problem| EmbedError::Weights { path: path.clone(), problem })?;
    if shape.model_type != manifest.architecture {
        return Err(EmbedError::Manifest {
            manifest: manifest.name.clone(),
            problem: format!(
                "architecture is {:?}, config.json says {:?}",
                manifest.architecture, shape.model_type
            ),
        });
    }
    if shape.hidden != manifest.dimension {
        return Err(EmbedError::Dimension { wanted: manifest.dimension, found: shape.hidden });
    }
    let positions = shape.positions.saturating_sub(shape.first_position);
    if manifest.max_tokens > positions {
        return Err(EmbedError::Manifest {
            manifest: manifest.name.clone(),
            problem: format!("max_tokens is {}, the model has {positions}", manifest.max_tokens),
        });
    }
    Ok(shape)
}
