//! The model families: BERT, `DistilBERT` and XLM-RoBERTa, from `config.json` and safetensors.

use std::fs;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{self, BertModel};
use candle_transformers::models::distilbert::{self, DistilBertModel};
use candle_transformers::models::xlm_roberta::{self, XLMRobertaModel};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::EmbedError;
use super::manifest::Manifest;
use super::weights::Weights;

/// What of `config.json` concerns every family.
#[derive(Deserialize)]
struct Facts {
    model_type: String,
    #[serde(alias = "dim")]
    hidden_size: usize,
    max_position_embeddings: usize,
    vocab_size: usize,
    #[serde(default)]
    pad_token_id: u32,
}

/// A loaded model: token ids in, one vector for each token out.
pub(super) struct Encoder {
    network: Network,
    /// Padding in the ids; XLM-RoBERTa counts positions by it.
    pub(super) pad_id: u32,
    /// Token ids lie below this.
    pub(super) vocabulary: usize,
}

enum Network {
    Bert(BertModel),
    DistilBert(DistilBertModel),
    XlmRoberta(XLMRobertaModel),
}

impl Encoder {
    /// Loads the model of `weights` and checks it against its manifest.
    pub(super) fn load(
        manifest: &Manifest,
        weights: &Weights,
        device: &Device,
    ) -> Result<Self, EmbedError> {
        let config_path = weights.path("config.json");
        let config =
            fs::read_to_string(&config_path).map_err(EmbedError::io("read", &config_path))?;
        let facts: Facts = parse(&config, &config_path)?;
        check(&facts, manifest, &config_path)?;
        let path = weights.path("model.safetensors");
        let unusable = |error: candle_core::Error| EmbedError::Weights {
            path: path.clone(),
            problem: first_line(&error),
        };
        let tensors = open(&path, device).map_err(unusable)?;
        let network = match facts.model_type.as_str() {
            "bert" => {
                let config: bert::Config = parse(&config, &config_path)?;
                Network::Bert(BertModel::load(tensors, &config).map_err(unusable)?)
            }
            "distilbert" => {
                let config: distilbert::Config = parse(&config, &config_path)?;
                Network::DistilBert(DistilBertModel::load(tensors, &config).map_err(unusable)?)
            }
            "xlm-roberta" => {
                let config: xlm_roberta::Config = parse(&config, &config_path)?;
                let tensors = below(tensors, "roberta");
                Network::XlmRoberta(XLMRobertaModel::new(&config, tensors).map_err(unusable)?)
            }
            _ => return Err(unknown(&facts, &config_path)),
        };
        Ok(Self { network, pad_id: facts.pad_token_id, vocabulary: facts.vocab_size })
    }

    /// `ids` and `mask` (1 = token, 0 = padding) are u32, texts × tokens; the answer is f32,
    /// texts × tokens × dimension.
    pub(super) fn forward(&self, ids: &Tensor, mask: &Tensor) -> candle_core::Result<Tensor> {
        match &self.network {
            Network::Bert(model) => model.forward(ids, &ids.zeros_like()?, Some(mask)),
            Network::DistilBert(model) => {
                // This one takes 1 for what is to be left out.
                let (texts, tokens) = mask.dims2()?;
                let left_out = mask.eq(0_u32)?.reshape((texts, 1, 1, tokens))?;
                model.forward(ids, &left_out)
            }
            Network::XlmRoberta(model) => {
                model.forward(ids, mask, &ids.zeros_like()?, None, None, None)
            }
        }
    }
}

fn parse<T: DeserializeOwned>(config: &str, path: &Path) -> Result<T, EmbedError> {
    serde_json::from_str(config)
        .map_err(|error| EmbedError::Weights { path: path.to_owned(), problem: error.to_string() })
}

fn unknown(facts: &Facts, path: &Path) -> EmbedError {
    EmbedError::Architecture { path: path.to_owned(), found: facts.model_type.clone() }
}

fn check(facts: &Facts, manifest: &Manifest, path: &Path) -> Result<(), EmbedError> {
    // XLM-RoBERTa numbers positions from pad_token_id + 1.
    let taken = match facts.model_type.as_str() {
        "bert" | "distilbert" => 0,
        "xlm-roberta" => facts.pad_token_id as usize + 1,
        _ => return Err(unknown(facts, path)),
    };
    let refuse =
        |problem: String| Err(EmbedError::Manifest { manifest: manifest.name.clone(), problem });
    if facts.model_type != manifest.architecture {
        return refuse(format!(
            "architecture is {:?}, config.json says {:?}",
            manifest.architecture, facts.model_type
        ));
    }
    let positions = facts.max_position_embeddings.saturating_sub(taken);
    if manifest.max_tokens > positions {
        return refuse(format!("max_tokens is {}, the model has {positions}", manifest.max_tokens));
    }
    if facts.hidden_size != manifest.dimension {
        return Err(EmbedError::Dimension { wanted: manifest.dimension, found: facts.hidden_size });
    }
    Ok(())
}

#[expect(unsafe_code, reason = "mapping a file is unsafe by nature")]
fn open(path: &Path, device: &Device) -> candle_core::Result<VarBuilder<'static>> {
    // SAFETY: the mapping is sound while nobody changes the file. It got this name by a rename
    // after it was complete and checked, and nothing in this program writes to it again.
    unsafe { VarBuilder::from_mmaped_safetensors(&[path], DType::F32, device) }
}

/// Checkpoints saved with a head keep the encoder under the family's name.
fn below<'a>(tensors: VarBuilder<'a>, name: &str) -> VarBuilder<'a> {
    if tensors.contains_tensor(&format!("{name}.embeddings.word_embeddings.weight")) {
        tensors.pp(name)
    } else {
        tensors
    }
}

/// Errors of candle may carry a backtrace below their first line.
pub(super) fn first_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
