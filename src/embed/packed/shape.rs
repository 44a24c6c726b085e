//! What of a model's `config.json` the packed encoder needs, and which models it can run.

use serde::Deserialize;

/// The keys of the BERT family, under both of the names they go by.
#[derive(Deserialize)]
struct Keys {
    model_type: String,
    #[serde(alias = "dim")]
    hidden_size: usize,
    #[serde(alias = "n_layers")]
    num_hidden_layers: usize,
    #[serde(alias = "n_heads")]
    num_attention_heads: usize,
    #[serde(alias = "hidden_dim")]
    intermediate_size: usize,
    #[serde(alias = "activation")]
    hidden_act: String,
    max_position_embeddings: usize,
    vocab_size: usize,
    #[serde(default = "small")]
    layer_norm_eps: f32,
    #[serde(default)]
    pad_token_id: usize,
    position_embedding_type: Option<String>,
}

fn small() -> f32 {
    1e-12
}

/// Which names the tensors go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// BERT and XLM-RoBERTa.
    Bert,
    /// DistilBERT.
    DistilBert,
}

/// The sizes of an encoder.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shape {
    pub(super) model_type: String,
    pub(super) family: Family,
    /// Width of a token's vector.
    pub(super) hidden: usize,
    /// Layers.
    pub(super) layers: usize,
    /// Heads.
    pub(super) heads: usize,
    /// Width of a head as the model has it.
    pub(super) head: usize,
    /// Width of the feed-forward part.
    pub(super) intermediate: usize,
    /// ε of the layer norms.
    pub(super) epsilon: f32,
    /// The position of a text's first token.
    pub(super) first_position: usize,
    /// Rows of the table of positions.
    pub(super) positions: usize,
    /// Rows of the table of tokens.
    pub(super) vocabulary: usize,
}

impl Shape {
    /// Reads `config`, the text of a `config.json`; `Err` says why the packed encoder is not for
    /// this model.
    pub(super) fn of(config: &str) -> Result<Self, String> {
        let keys: Keys = serde_json::from_str(config).map_err(|error| error.to_string())?;
        let (family, first_position) = match keys.model_type.as_str() {
            "bert" => (Family::Bert, 0),
            "distilbert" => (Family::DistilBert, 0),
            "xlm-roberta" => (Family::Bert, keys.pad_token_id.saturating_add(1)),
            other => return Err(format!("model_type is {other:?}")),
        };
        if keys.hidden_act != "gelu" {
            return Err(format!("the activation is {:?}, not \"gelu\"", keys.hidden_act));
        }
        if keys.position_embedding_type.is_some_and(|kind| kind != "absolute") {
            return Err("its positions are relative".to_owned());
        }
        let heads = keys.num_attention_heads;
        if heads == 0 || !keys.hidden_size.is_multiple_of(heads) {
            return Err(format!("{heads} heads do not divide {}", keys.hidden_size));
        }
        for (name, size) in [("hidden", keys.hidden_size), ("intermediate", keys.intermediate_size)]
        {
            if size == 0 || !size.is_multiple_of(16) {
                return Err(format!("its {name} size {size} is not a multiple of 16"));
            }
        }
        Ok(Self {
            model_type: keys.model_type,
            family,
            hidden: keys.hidden_size,
            layers: keys.num_hidden_layers,
            heads,
            head: keys.hidden_size / heads,
            intermediate: keys.intermediate_size,
            epsilon: keys.layer_norm_eps,
            first_position,
            positions: keys.max_position_embeddings,
            vocabulary: keys.vocab_size,
        })
    }

    /// Width of a head as the kernels have it: zeros fill it up to a multiple of 16.
    pub(super) fn padded_head(&self) -> usize {
        self.head.next_multiple_of(16)
    }

    /// Width of all heads together, as the kernels have it.
    pub(super) fn attention(&self) -> usize {
        self.heads * self.padded_head()
    }
}
