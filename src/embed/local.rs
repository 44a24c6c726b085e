//! Which of the two local embedders runs a model, and in which precision.

use std::sync::Arc;

use candle_core::DType;

use super::backend::{Embedder, Precision};
use super::candle::CandleEmbedder;
use super::error::EmbedError;
use super::manifest::Manifest;
use super::packed::{PackedEmbedder, PackedOptions};
use super::weights::{self, Progress, Weights};
use super::{BackendKind, Config, DeviceKind, PrecisionKind, device};

/// The configured model, its weights fetched if need be.
pub(super) fn open(
    config: &Config,
    progress: &dyn Fn(Progress<'_>),
) -> Result<Arc<dyn Embedder>, EmbedError> {
    let manifest = Manifest::find(&config.model, &config.models_dir)?;
    let weights = weights::pull(&manifest, &config.models_dir, progress)?;
    progress(Progress::Stage("loading the model"));
    let unfit = unfit(config, &weights);
    if let Some(reason) = &unfit {
        tracing::info!(model = manifest.name, reason, "candle runs the model");
    }
    let precision = match config.precision {
        PrecisionKind::Auto if config.device == DeviceKind::Cuda => Precision::Bf16,
        PrecisionKind::Auto if unfit.is_none() => Precision::Int8,
        PrecisionKind::Auto | PrecisionKind::F32 => Precision::F32,
        PrecisionKind::F16 => Precision::F16,
        PrecisionKind::Bf16 => Precision::Bf16,
        PrecisionKind::Int8 => Precision::Int8,
    };
    if unfit.is_none() && precision != Precision::F16 {
        let (instructions, threads) = (config.instructions, config.threads());
        let options = PackedOptions { precision, instructions, threads };
        return Ok(Arc::new(PackedEmbedder::load(&manifest, &weights, options)?));
    }
    let dtype = match precision {
        Precision::F32 => DType::F32,
        Precision::F16 => DType::F16,
        Precision::Bf16 => DType::BF16,
        Precision::Int8 => {
            return Err(EmbedError::Manifest {
                manifest: manifest.name,
                problem: format!(
                    "precision \"int8\" is the packed encoder's, which cannot run it: {}; set \
                     embedding.precision to \"auto\"",
                    unfit.unwrap_or_default()
                ),
            });
        }
    };
    let device = device::open(config.device)?;
    let load = |dtype| {
        let (device, batch_tokens) = (device.clone(), config.batch_tokens);
        let threads = config.threads();
        CandleEmbedder::load(&manifest, &weights, device, dtype, batch_tokens, threads)
    };
    let model = match load(dtype) {
        Err(EmbedError::Precision { .. }) if config.precision == PrecisionKind::Auto => {
            load(DType::F32)
        }
        other => other,
    };
    Ok(Arc::new(model?))
}

/// Why the packed encoder is not for this model and these settings.
fn unfit(config: &Config, weights: &Weights) -> Option<String> {
    if config.backend == BackendKind::Candle {
        return Some("embedding.backend is \"candle\"".to_owned());
    }
    if config.device == DeviceKind::Cuda {
        return Some("embedding.device is \"cuda\"".to_owned());
    }
    PackedEmbedder::unfit(weights)
}
