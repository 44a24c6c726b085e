//! The model families, from `config.json` and safetensors.

use std::fs;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::device;
use super::error::EmbedError;
use super::manifest::Manifest;
use super::network::{Network, Plan, Sizes};
use super::weights::Weights;

/// What of `config.json` concerns the choice of a family.
#[derive(Deserialize)]
pub(super) struct Facts {
    pub(super) model_type: String,
    #[serde(default)]
    pub(super) pad_token_id: u32,
    #[serde(default, rename = "position_embedding_type")]
    _positions: Positions,
}

impl Facts {
    /// XLM-RoBERTa and MPNet keep the positions up to their `pad_token_id` for padding.
    pub(super) fn counts_from_padding(&self) -> bool {
        matches!(self.model_type.as_str(), "xlm-roberta" | "mpnet")
    }
}

/// The one kind that is built in; reading any other fails.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Positions {
    #[default]
    Absolute,
}

/// A loaded model: token ids in, one vector for each token out.
pub(super) struct Encoder {
    network: Network,
    device: Device,
    pad_id: u32,
    /// Whether positions are counted from the one after `pad_id`, over tokens that are not it.
    counts_from_padding: bool,
    /// Token ids lie below this.
    pub(super) vocabulary: usize,
}

impl Encoder {
    /// Loads the model of `weights` in the precision `dtype` and checks it against its manifest.
    pub(super) fn load(
        manifest: &Manifest,
        weights: &Weights,
        device: Device,
        dtype: DType,
    ) -> Result<Self, EmbedError> {
        let config_path = weights.path("config.json");
        let config =
            fs::read_to_string(&config_path).map_err(EmbedError::io("read", &config_path))?;
        let facts: Facts = parse(&config, &config_path)?;
        let (plan, sizes) = Plan::new(&facts, &config, &config_path)?;
        check(&facts, &sizes, manifest)?;
        if !plan.supports(dtype) {
            let (precision, device) = (dtype.as_str(), device::name(&device));
            return Err(EmbedError::Precision { precision, device });
        }
        let path = weights.path("model.safetensors");
        let network = open(&path, dtype, &device)
            .and_then(|tensors| plan.load(tensors))
            // A GPU orders only the work of one thread, and other threads will embed.
            .and_then(|network| device.synchronize().map(|()| network))
            .map_err(|error| match first_line(&error) {
                problem if device::failed(&error) => EmbedError::Device { device: "cuda", problem },
                problem => EmbedError::Weights { path, problem },
            })?;
        Ok(Self::new(network, device, &facts, sizes.vocabulary))
    }

    /// The model of a network that was read.
    pub(super) fn new(network: Network, device: Device, facts: &Facts, vocabulary: usize) -> Self {
        Self {
            network,
            device,
            pad_id: facts.pad_token_id,
            counts_from_padding: facts.counts_from_padding(),
            vocabulary,
        }
    }

    /// The token vectors of `texts`, longest first, in the model's precision: texts × tokens of the
    /// longest × dimension. What stands after a text's end means nothing.
    pub(super) fn forward(&self, texts: &[&[u32]]) -> candle_core::Result<Tensor> {
        let (longest, shortest) = (texts[0].len(), texts[texts.len() - 1].len());
        let shape = (texts.len(), longest);
        let ids = rows(texts.iter().map(|text| text.to_vec()), longest, self.pad_id);
        let positions = rows(texts.iter().map(|t| self.positions(t)), longest, self.pad_id);
        let mask = (shortest < longest)
            .then(|| {
                let seen = texts.iter().map(|text| vec![0_f32; text.len()]);
                Tensor::from_vec(rows(seen, longest, f32::NEG_INFINITY), shape, &self.device)
            })
            .transpose()?;
        self.network.forward(
            &Tensor::from_vec(ids, shape, &self.device)?,
            &Tensor::from_vec(positions, shape, &self.device)?,
            mask.as_ref(),
        )
    }

    /// The position of each token of `text`.
    fn positions(&self, text: &[u32]) -> Vec<u32> {
        if !self.counts_from_padding {
            return (0..).take(text.len()).collect();
        }
        let mut last = self.pad_id;
        let position = |&id: &u32| {
            if id == self.pad_id {
                return id;
            }
            last += 1;
            last
        };
        text.iter().map(position).collect()
    }
}

/// `rows` one after the other, each filled up to `width` with `filler`.
pub(super) fn rows<T: Copy>(rows: impl Iterator<Item = Vec<T>>, width: usize, filler: T) -> Vec<T> {
    rows.flat_map(|mut row| {
        row.resize(width, filler);
        row
    })
    .collect()
}

pub(super) fn parse<T: DeserializeOwned>(config: &str, path: &Path) -> Result<T, EmbedError> {
    serde_json::from_str(config)
        .map_err(|error| EmbedError::Weights { path: path.to_owned(), problem: error.to_string() })
}

fn check(facts: &Facts, sizes: &Sizes, manifest: &Manifest) -> Result<(), EmbedError> {
    let refuse =
        |problem: String| Err(EmbedError::Manifest { manifest: manifest.name.clone(), problem });
    if facts.model_type != manifest.architecture {
        return refuse(format!(
            "architecture is {:?}, config.json says {:?}",
            manifest.architecture, facts.model_type
        ));
    }
    let positions = sizes.positions;
    if manifest.max_tokens > positions {
        return refuse(format!("max_tokens is {}, the model has {positions}", manifest.max_tokens));
    }
    if sizes.dimension != manifest.dimension {
        return Err(EmbedError::Dimension { wanted: manifest.dimension, found: sizes.dimension });
    }
    Ok(())
}

#[expect(unsafe_code, reason = "mapping a file is unsafe by nature")]
fn open(path: &Path, dtype: DType, device: &Device) -> candle_core::Result<VarBuilder<'static>> {
    // SAFETY: the mapping is sound while nobody changes the file. It got this name by a rename
    // after it was complete and checked, and nothing in this program writes to it again.
    unsafe { VarBuilder::from_mmaped_safetensors(&[path], dtype, device) }
}

/// Errors of candle may carry a backtrace below their first line.
pub(super) fn first_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
