//! The encoder that BERT, `DistilBERT`, XLM-RoBERTa and MPNet share: embeddings, then layers of attention
//! and a two-step feed-forward, each added to its input and normalised.
//!
//! Written for any float type: positions and masks never pass through the weights' precision, in
//! which a position beyond 256 (bf16) or the lowest f32 (f16) does not exist.

use candle_core::{D, Module, Result, Tensor};
use candle_nn::{Activation, Embedding, LayerNorm, Linear, VarBuilder};
use serde::Deserialize;

use super::relative::RelativeBias;

/// The sizes of a network, as `config.json` has them; `DistilBERT` has its own names for some.
#[derive(Deserialize)]
pub(super) struct Shape {
    #[serde(alias = "dim")]
    pub(super) hidden_size: usize,
    pub(super) max_position_embeddings: usize,
    pub(super) vocab_size: usize,
    #[serde(alias = "n_layers")]
    num_hidden_layers: usize,
    #[serde(alias = "n_heads")]
    num_attention_heads: usize,
    #[serde(alias = "hidden_dim")]
    intermediate_size: usize,
    #[serde(alias = "activation")]
    hidden_act: Activation,
    /// `DistilBERT` has no such key, and this value built in.
    #[serde(default = "default_epsilon")]
    layer_norm_eps: f64,
    /// 0 where texts have no types.
    #[serde(default)]
    type_vocab_size: usize,
}

fn default_epsilon() -> f64 {
    1e-12
}

/// Where a family keeps its tensors; the last seven lie below a layer.
pub(super) struct Names {
    /// The folder of all of them in checkpoints saved with a head.
    pub(super) root: &'static str,
    layers: &'static str,
    projections: [&'static str; 3],
    attended: &'static str,
    attention_norm: &'static str,
    widen: &'static str,
    narrow: &'static str,
    output_norm: &'static str,
    /// Whether the distance between two tokens counts.
    is_relative: bool,
}

impl Names {
    /// The names of BERT and what descends from it, below `root`.
    pub(super) const fn bert(root: &'static str) -> Self {
        Self {
            root,
            layers: "encoder.layer",
            projections: ["attention.self.query", "attention.self.key", "attention.self.value"],
            attended: "attention.output.dense",
            attention_norm: "attention.output.LayerNorm",
            widen: "intermediate.dense",
            narrow: "output.dense",
            output_norm: "output.LayerNorm",
            is_relative: false,
        }
    }

    /// The names of MPNet.
    pub(super) const fn mpnet() -> Self {
        Self {
            projections: ["attention.attn.q", "attention.attn.k", "attention.attn.v"],
            attended: "attention.attn.o",
            attention_norm: "attention.LayerNorm",
            is_relative: true,
            ..Self::bert("mpnet")
        }
    }

    /// The names of `DistilBERT`.
    pub(super) const fn distilbert() -> Self {
        Self {
            root: "distilbert",
            layers: "transformer.layer",
            projections: ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
            attended: "attention.out_lin",
            attention_norm: "sa_layer_norm",
            widen: "ffn.lin1",
            narrow: "ffn.lin2",
            output_norm: "output_layer_norm",
            is_relative: false,
        }
    }
}

/// A network in memory, in the precision of its tensors.
pub(super) struct Transformer {
    words: Embedding,
    positions: Embedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
    relative: Option<RelativeBias>,
}

impl Transformer {
    /// Reads a network of `shape` from `tensors`.
    pub(super) fn load(shape: &Shape, names: &Names, tensors: &VarBuilder<'_>) -> Result<Self> {
        let tensors = below(tensors, names.root);
        let embeddings = tensors.pp("embeddings");
        let size = shape.hidden_size;
        let table = |rows, name| embeddings.get((rows, size), &format!("{name}.weight"));
        let mut positions = table(shape.max_position_embeddings, "position_embeddings")?;
        if shape.type_vocab_size > 0 {
            // All our texts are of type 0, so its vector is part of every position's.
            let types = table(shape.type_vocab_size, "token_type_embeddings")?;
            positions = positions.broadcast_add(&types.narrow(0, 0, 1)?)?;
        }
        let layers = tensors.pp(names.layers);
        Ok(Self {
            words: Embedding::new(table(shape.vocab_size, "word_embeddings")?, size),
            positions: Embedding::new(positions, size),
            norm: norm(shape, &embeddings.pp("LayerNorm"))?,
            layers: (0..shape.num_hidden_layers)
                .map(|i| Layer::load(shape, names, &layers.pp(i)))
                .collect::<Result<_>>()?,
            relative: names
                .is_relative
                .then(|| RelativeBias::load(shape.num_attention_heads, &tensors.pp("encoder")))
                .transpose()?,
        })
    }

    /// `ids` and `positions` are u32, texts × tokens; `mask` is f32 of the same shape, 0 at a token
    /// and −∞ at padding, or nothing where no text is padded. The answer is texts × tokens ×
    /// dimension, in the precision of the tensors.
    pub(super) fn forward(
        &self,
        ids: &Tensor,
        positions: &Tensor,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        let embedded = (self.words.forward(ids)? + self.positions.forward(positions)?)?;
        let mask = mask
            .map(|mask| mask.to_dtype(embedded.dtype())?.unsqueeze(1)?.unsqueeze(1))
            .transpose()?;
        let relative = self
            .relative
            .as_ref()
            .map(|relative| relative.between(ids.dim(1)?, ids.device()))
            .transpose()?;
        let mask = match (mask, relative) {
            (Some(mask), Some(relative)) => Some(relative.broadcast_add(&mask)?),
            (mask, relative) => mask.or(relative),
        };
        let embedded = self.norm.forward(&embedded)?;
        self.layers.iter().try_fold(embedded, |hidden, layer| layer.forward(&hidden, mask.as_ref()))
    }
}

/// One layer of the network.
struct Layer {
    heads: usize,
    /// Query, key and value in one product.
    projections: Linear,
    attended: Linear,
    attention_norm: LayerNorm,
    widen: Linear,
    activation: Activation,
    narrow: Linear,
    output_norm: LayerNorm,
}

impl Layer {
    fn load(shape: &Shape, names: &Names, tensors: &VarBuilder<'_>) -> Result<Self> {
        let (size, inner) = (shape.hidden_size, shape.intermediate_size);
        let linear = |from, to, name| candle_nn::linear(from, to, tensors.pp(name));
        let projections = names
            .projections
            .map(|name| linear(size, size, name))
            .into_iter()
            .collect::<Result<Vec<_>>>()?;
        let weights: Vec<_> = projections.iter().map(Linear::weight).collect();
        let biases: Vec<_> = projections.iter().filter_map(Linear::bias).collect();
        Ok(Self {
            heads: shape.num_attention_heads,
            projections: Linear::new(Tensor::cat(&weights, 0)?, Some(Tensor::cat(&biases, 0)?)),
            attended: linear(size, size, names.attended)?,
            attention_norm: norm(shape, &tensors.pp(names.attention_norm))?,
            widen: linear(size, inner, names.widen)?,
            activation: shape.hidden_act,
            narrow: linear(inner, size, names.narrow)?,
            output_norm: norm(shape, &tensors.pp(names.output_norm))?,
        })
    }

    fn forward(&self, hidden: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let attended = self.attended.forward(&self.attend(hidden, mask)?)?;
        let attended = self.attention_norm.forward(&(attended + hidden)?)?;
        let wide = self.activation.forward(&self.widen.forward(&attended)?)?;
        self.output_norm.forward(&(self.narrow.forward(&wide)? + attended)?)
    }

    /// Softmax of query · key / √(head's size), over the keys that are no padding, times value.
    fn attend(&self, hidden: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let (texts, tokens, size) = hidden.dims3()?;
        let head = size / self.heads;
        let projected =
            self.projections.forward(hidden)?.reshape((texts, tokens, 3, self.heads, head))?;
        // texts × heads × tokens × head's size
        let part = |i| projected.narrow(2, i, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
        let query = (part(0)? * (head as f64).powf(-0.5))?;
        let scores = query.matmul(&part(1)?.transpose(D::Minus1, D::Minus2)?)?;
        let scores = match mask {
            Some(mask) => scores.broadcast_add(mask)?,
            None => scores,
        };
        let attention = candle_nn::ops::softmax_last_dim(&scores)?;
        attention.matmul(&part(2)?)?.transpose(1, 2)?.reshape((texts, tokens, size))
    }
}

fn norm(shape: &Shape, tensors: &VarBuilder<'_>) -> Result<LayerNorm> {
    candle_nn::layer_norm(shape.hidden_size, shape.layer_norm_eps, tensors.clone())
}

/// Checkpoints saved with a head keep the encoder under the family's name.
fn below<'a>(tensors: &VarBuilder<'a>, root: &str) -> VarBuilder<'a> {
    if tensors.contains_tensor(&format!("{root}.embeddings.word_embeddings.weight")) {
        tensors.pp(root)
    } else {
        tensors.clone()
    }
}
