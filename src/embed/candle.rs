//! The BERT family on candle: tokenize, batch by length, encode, pool, normalise.

use candle_core::{D, DType, Device, Tensor};
use rayon::ThreadPool;

use super::architecture::{Encoder, first_line, rows};
use super::backend::{Embedder, Side, Text};
use super::batch::batches;
use super::device;
use super::digest::digest;
use super::error::EmbedError;
use super::manifest::{Manifest, Pooling};
use super::threads::Threads;
use super::tokens::Tokens;
use super::weights::Weights;

/// A model in memory.
pub struct CandleEmbedder {
    encoder: Encoder,
    tokens: Tokens,
    pool: ThreadPool,
    pooling: Pooling,
    dimension: usize,
    batch_tokens: usize,
    digest: String,
}

impl CandleEmbedder {
    /// Loads the model of `manifest` from its checked files, to compute in `dtype`: f32, f16, or on
    /// a GPU bf16.
    ///
    /// `batch_tokens` bounds texts × longest text of one forward pass, 0 is what suits the device.
    pub fn load(
        manifest: &Manifest,
        weights: &Weights,
        device: Device,
        dtype: DType,
        batch_tokens: usize,
        threads: Threads,
    ) -> Result<Self, EmbedError> {
        if !device::supports(&device, dtype) {
            return Err(EmbedError::Precision {
                precision: dtype.as_str(),
                device: device::name(&device),
            });
        }
        let batch_tokens = match batch_tokens {
            0 => device::batch_tokens(&device),
            some => some,
        };
        let encoder = Encoder::load(manifest, weights, device, dtype)?;
        let tokens = Tokens::load(manifest, &weights.path("tokenizer.json"), encoder.vocabulary)?;
        let pool = threads.pool()?;
        Ok(Self {
            encoder,
            tokens,
            pool,
            pooling: manifest.pooling,
            dimension: manifest.dimension,
            batch_tokens,
            digest: digest(manifest, weights, dtype.as_str()),
        })
    }

    fn embed_here(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let ids = self.tokens.encode(texts)?;
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(ids[i].len()));
        let lengths: Vec<usize> = order.iter().map(|&i| ids[i].len()).collect();
        let mut vectors = vec![Vec::new(); ids.len()];
        for batch in batches(&lengths, self.batch_tokens) {
            let members = &order[batch];
            let texts: Vec<&[u32]> = members.iter().map(|&i| ids[i].as_slice()).collect();
            let made = self.encode(&texts).map_err(|e| EmbedError::Inference(first_line(&e)))?;
            for (&i, vector) in members.iter().zip(made) {
                vectors[i] = vector;
            }
        }
        Ok(vectors)
    }

    /// The unit vectors of one batch, longest text first. From the tokens' vectors on all is f32,
    /// whatever the model's precision.
    fn encode(&self, texts: &[&[u32]]) -> candle_core::Result<Vec<Vec<f32>>> {
        let hidden = self.encoder.forward(texts)?;
        let pooled = match self.pooling {
            Pooling::Mean => mean(&hidden.to_dtype(DType::F32)?, texts)?,
            Pooling::Cls => hidden.narrow(1, 0, 1)?.squeeze(1)?.to_dtype(DType::F32)?,
        };
        let norm = pooled.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?.maximum(f32::MIN_POSITIVE)?;
        pooled.broadcast_div(&norm)?.to_vec2()
    }
}

/// The mean of each text's token vectors.
fn mean(hidden: &Tensor, texts: &[&[u32]]) -> candle_core::Result<Tensor> {
    let longest = texts[0].len();
    let shares = texts.iter().map(|text| vec![1.0 / text.len() as f32; text.len()]);
    let shape = (texts.len(), 1, longest);
    let shares = Tensor::from_vec(rows(shares, longest, 0.0), shape, hidden.device())?;
    // texts × 1 × tokens · texts × tokens × dimension
    shares.matmul(hidden)?.squeeze(1)
}

impl Embedder for CandleEmbedder {
    fn dimension(&self) -> usize {
        self.dimension
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
        self.pool.install(|| self.embed_here(texts))
    }
}
