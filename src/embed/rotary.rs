//! The families whose positions are rotations, with the networks of candle-transformers: NomicBERT
//! and ModernBERT.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::modernbert::{self, ModernBert};
use candle_transformers::models::nomic_bert::{self, NomicBertModel};
use serde::Deserialize;

use super::network::Sizes;

/// The sizes of NomicBERT, and what its network would pass over in silence.
#[derive(Deserialize)]
pub(super) struct NomicFacts {
    n_embd: usize,
    vocab_size: usize,
    n_positions: usize,
    /// Longer texts need rotations scaled by their length, which candle does not do.
    max_trained_positions: Option<usize>,
    activation_function: String,
}

impl NomicFacts {
    pub(super) fn sizes(&self) -> Sizes {
        let trained = self.max_trained_positions.unwrap_or(self.n_positions);
        Sizes {
            dimension: self.n_embd,
            vocabulary: self.vocab_size,
            positions: self.n_positions.min(trained),
        }
    }

    /// What of the model is not built in.
    pub(super) fn unsupported(&self) -> Option<String> {
        (self.activation_function != "swiglu")
            .then(|| format!("activation_function {}", self.activation_function))
    }
}

/// The sizes of ModernBERT, and what its network would pass over in silence.
#[derive(Deserialize)]
pub(super) struct ModernFacts {
    hidden_size: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    #[serde(default)]
    norm_bias: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    hidden_activation: Option<String>,
}

impl ModernFacts {
    pub(super) fn sizes(&self) -> Sizes {
        Sizes {
            dimension: self.hidden_size,
            vocabulary: self.vocab_size,
            positions: self.max_position_embeddings,
        }
    }

    /// What of the model is not built in.
    pub(super) fn unsupported(&self) -> Option<String> {
        if self.norm_bias || self.attention_bias || self.mlp_bias {
            return Some("biases".to_owned());
        }
        let activation = self.hidden_activation.as_deref().unwrap_or("gelu");
        (activation != "gelu").then(|| format!("hidden_activation {activation}"))
    }
}

/// A network in memory.
pub(super) enum Rotary {
    /// NomicBERT.
    Nomic(NomicBertModel),
    /// ModernBERT.
    Modern(ModernBert),
}

impl Rotary {
    /// Reads a NomicBERT.
    pub(super) fn nomic(config: &nomic_bert::Config, tensors: VarBuilder<'_>) -> Result<Self> {
        NomicBertModel::load(tensors, config).map(Self::Nomic)
    }

    /// Reads a ModernBERT. candle looks below `model`, where checkpoints with a head have it.
    pub(super) fn modern(config: &modernbert::Config, tensors: VarBuilder<'_>) -> Result<Self> {
        let is_below = tensors.contains_tensor("model.embeddings.tok_embeddings.weight");
        let tensors = if is_below {
            tensors
        } else {
            tensors.rename_f(|name| name.strip_prefix("model.").unwrap_or(name).to_owned())
        };
        ModernBert::load(tensors, config).map(Self::Modern)
    }

    /// `ids` and `mask` (1 = token, 0 = padding) are u32, texts × tokens; the answer is texts ×
    /// tokens × dimension.
    pub(super) fn forward(&self, ids: &Tensor, mask: &Tensor) -> Result<Tensor> {
        match self {
            Self::Nomic(model) => model.forward(ids, None, Some(mask)),
            Self::Modern(model) => model.forward(ids, mask),
        }
    }
}
