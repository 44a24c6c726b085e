//! The families by their `model_type`: how each is read, and how it is run.

use std::path::Path;

use candle_core::{DType, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{modernbert, nomic_bert};

use super::architecture::{Facts, parse};
use super::error::EmbedError;
use super::rotary::{ModernFacts, NomicFacts, Rotary};
use super::transformer::{Names, Shape, Transformer};

/// A network that is not read yet.
pub(super) enum Plan {
    Shared(Names, Shape),
    Nomic(nomic_bert::Config),
    Modern(modernbert::Config),
}

/// What of a network its manifest must agree with.
pub(super) struct Sizes {
    pub(super) dimension: usize,
    pub(super) vocabulary: usize,
    /// The most tokens of a text.
    pub(super) positions: usize,
}

impl Plan {
    /// The network that `config`, the text of `path`, describes.
    pub(super) fn new(
        facts: &Facts,
        config: &str,
        path: &Path,
    ) -> std::result::Result<(Self, Sizes), EmbedError> {
        let unknown = |found: String| EmbedError::Architecture { path: path.to_owned(), found };
        let name = facts.model_type.as_str();
        let names = match name {
            "bert" => Names::bert("bert"),
            "distilbert" => Names::distilbert(),
            "xlm-roberta" => Names::bert("roberta"),
            "mpnet" => Names::mpnet(),
            "nomic_bert" => {
                let own: NomicFacts = parse(config, path)?;
                let refused = own.unsupported().map(|what| unknown(format!("{name} with {what}")));
                return refused
                    .map_or_else(|| Ok((Self::Nomic(parse(config, path)?), own.sizes())), Err);
            }
            "modernbert" => {
                let own: ModernFacts = parse(config, path)?;
                let refused = own.unsupported().map(|what| unknown(format!("{name} with {what}")));
                return refused
                    .map_or_else(|| Ok((Self::Modern(parse(config, path)?), own.sizes())), Err);
            }
            other => return Err(unknown(other.to_owned())),
        };
        let shape: Shape = parse(config, path)?;
        let taken = if facts.counts_from_padding() { facts.pad_token_id as usize + 1 } else { 0 };
        let sizes = Sizes {
            dimension: shape.hidden_size,
            vocabulary: shape.vocab_size,
            positions: shape.max_position_embeddings.saturating_sub(taken),
        };
        Ok((Self::Shared(names, shape), sizes))
    }

    /// Whether the network computes in `dtype`: candle's masks for ModernBERT are f32.
    pub(super) fn supports(&self, dtype: DType) -> bool {
        !matches!(self, Self::Modern(_)) || dtype == DType::F32
    }

    /// Reads the network from `tensors`.
    pub(super) fn load(&self, tensors: VarBuilder<'_>) -> Result<Network> {
        match self {
            Self::Shared(names, shape) => {
                Transformer::load(shape, names, &tensors).map(Network::Shared)
            }
            Self::Nomic(config) => Rotary::nomic(config, tensors).map(Network::Rotary),
            Self::Modern(config) => Rotary::modern(config, tensors).map(Network::Rotary),
        }
    }
}

/// A network in memory.
pub(super) enum Network {
    Shared(Transformer),
    Rotary(Rotary),
}

impl Network {
    /// `ids` and `positions` are u32, texts × tokens; `mask` is f32 of the same shape, 0 at a token
    /// and −∞ at padding, or nothing where no text is padded. The answer is texts × tokens ×
    /// dimension, in the precision of the tensors.
    pub(super) fn forward(
        &self,
        ids: &Tensor,
        positions: &Tensor,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        match self {
            Self::Shared(network) => network.forward(ids, positions, mask),
            Self::Rotary(network) => {
                let seen = mask
                    .map_or_else(|| ids.ones_like(), |mask| mask.eq(0_f32)?.to_dtype(DType::U32))?;
                network.forward(ids, &seen)
            }
        }
    }
}
