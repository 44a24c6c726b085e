//! The BERT family on candle: tokenize, batch by length, encode, pool, normalise.

use candle_core::{D, Device, Tensor};
use rayon::ThreadPool;

use super::architecture::{Encoder, first_line};
use super::backend::{Embedder, Side, Text};
use super::batch::batches;
use super::digest::digest;
use super::error::EmbedError;
use super::manifest::{Manifest, Pooling};
use super::tokens::Tokens;
use super::weights::Weights;

/// A model in memory.
pub struct CandleEmbedder {
    encoder: Encoder,
    tokens: Tokens,
    device: Device,
    pool: ThreadPool,
    pooling: Pooling,
    dimension: usize,
    batch_tokens: usize,
    digest: String,
}

impl CandleEmbedder {
    /// Loads the model of `manifest` from its checked files.
    ///
    /// `batch_tokens` bounds texts × longest text of one forward pass; `threads` is the number of
    /// CPU threads, 0 for one on each core.
    pub fn load(
        manifest: &Manifest,
        weights: &Weights,
        device: Device,
        batch_tokens: usize,
        threads: usize,
    ) -> Result<Self, EmbedError> {
        let encoder = Encoder::load(manifest, weights, &device)?;
        let tokens = Tokens::load(manifest, &weights.path("tokenizer.json"), encoder.vocabulary)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("embed-{i}"))
            .build()
            .map_err(|e| EmbedError::Device { device: "cpu", problem: e.to_string() })?;
        Ok(Self {
            encoder,
            tokens,
            device,
            pool,
            pooling: manifest.pooling,
            dimension: manifest.dimension,
            batch_tokens,
            digest: digest(manifest, weights, "f32"),
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

    /// The unit vectors of one batch, longest text first.
    fn encode(&self, texts: &[&[u32]]) -> candle_core::Result<Vec<Vec<f32>>> {
        let longest = texts[0].len();
        let mut ids = Vec::with_capacity(texts.len() * longest);
        let mut mask = Vec::with_capacity(texts.len() * longest);
        for text in texts {
            let padding = longest - text.len();
            ids.extend(
                text.iter().copied().chain(std::iter::repeat_n(self.encoder.pad_id, padding)),
            );
            mask.extend(std::iter::repeat_n(1_u32, text.len()));
            mask.extend(std::iter::repeat_n(0_u32, padding));
        }
        let shape = (texts.len(), longest);
        let ids = Tensor::from_vec(ids, shape, &self.device)?;
        let mask = Tensor::from_vec(mask, shape, &self.device)?;
        let hidden = self.encoder.forward(&ids, &mask)?;
        let pooled = match self.pooling {
            Pooling::Mean => mean(&hidden, &mask)?,
            Pooling::Cls => hidden.narrow(1, 0, 1)?.squeeze(1)?,
        };
        let norm = pooled.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?.maximum(f32::MIN_POSITIVE)?;
        pooled.broadcast_div(&norm)?.to_vec2()
    }
}

fn mean(hidden: &Tensor, mask: &Tensor) -> candle_core::Result<Tensor> {
    let mask = mask.to_dtype(hidden.dtype())?;
    // texts × 1 × tokens · texts × tokens × dimension
    let sum = mask.unsqueeze(1)?.matmul(hidden)?.squeeze(1)?;
    sum.broadcast_div(&mask.sum_keepdim(1)?)
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

    fn embed(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.pool.install(|| self.embed_here(texts))
    }
}
