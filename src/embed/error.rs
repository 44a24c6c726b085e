//! What can go wrong between a model's name and a vector.

use std::path::{Path, PathBuf};

use super::packed::Instructions;

/// A failure of an embedder, its weights or its caches.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// No manifest of that name.
    #[error(
        "no model is called {name:?}; known are {known}, or add a manifest {name}.toml to the models folder"
    )]
    UnknownModel {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A manifest that cannot be used.
    #[error("the model manifest {manifest} is not usable: {problem}")]
    Manifest {
        /// Its file or name.
        manifest: String,
        /// What is wrong in it.
        problem: String,
    },
    /// No source had the files.
    #[error(
        "the weights of {model} could not be had ({tried}); put {files} into {folder}, or make one of the sources reachable"
    )]
    Unavailable {
        /// The model's name.
        model: String,
        /// Each source and why it failed.
        tried: String,
        /// The files that are needed.
        files: String,
        /// Where they belong.
        folder: PathBuf,
    },
    /// A file is not the one that the manifest pins.
    #[error(
        "{} has {found} where the manifest wants {wanted}; delete the file and pull the model again",
        path.display()
    )]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Its size or sha256.
        found: String,
        /// The manifest's.
        wanted: String,
    },
    /// A file operation failed.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// The operation.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file of the model is damaged or not what it should be.
    #[error("{} is not usable: {problem}; pull the model again", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        problem: String,
    },
    /// A model family that is not built in.
    #[error("{} has model_type {found:?}; supported are bert, distilbert, xlm-roberta, mpnet, nomic_bert and modernbert", path.display())]
    Architecture {
        /// The model's `config.json`.
        path: PathBuf,
        /// Its `model_type`.
        found: String,
    },
    /// The model's vectors have another length than its manifest says.
    #[error(
        "the model makes vectors of {found} numbers, its manifest says {wanted}; correct the manifest"
    )]
    Dimension {
        /// The manifest's dimension.
        wanted: usize,
        /// The model's.
        found: usize,
    },
    /// The device cannot be opened.
    #[error("the device {device} is not usable: {problem}; set embedding.device to \"cpu\"")]
    Device {
        /// The device's name.
        device: &'static str,
        /// Why not.
        problem: String,
    },
    /// A precision that the device has no arithmetic for.
    #[error("the model cannot run in {precision} on the device {device}; use f32")]
    Precision {
        /// The precision's name.
        precision: &'static str,
        /// The device's name.
        device: &'static str,
    },
    /// The processor is not of the kind the settings name.
    #[error(
        "this processor has not all instructions of {instructions:?}; set embedding.instructions to \"auto\""
    )]
    Instructions {
        /// What was asked for.
        instructions: Instructions,
    },
    /// The forward pass failed.
    #[error("embedding failed: {0}")]
    Inference(String),
    /// The cache on disk belongs to something else or is damaged at its head.
    #[error("the embedding cache {} is not usable: {problem}; delete it", path.display())]
    Cache {
        /// The cache file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The key of the embeddings endpoint is not there or not usable.
    #[error("{0}; see embedding.endpoint")]
    Key(String),
    /// The embeddings endpoint is away or refuses everything: no text is at fault.
    #[error("the embeddings endpoint is not usable: {0}; check embedding.endpoint and the server")]
    Endpoint(String),
    /// The service has been shut down.
    #[error("the embedding service has stopped")]
    Stopped,
}

impl EmbedError {
    /// Whether the texts may be the reason, so that other texts could still be embedded.
    pub const fn may_be_of_texts(&self) -> bool {
        !matches!(self, Self::Stopped | Self::Endpoint(_))
    }

    /// For `map_err`: the file operation `doing` on `path` failed.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}
