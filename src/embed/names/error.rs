//! Why a model of names cannot be used.

use std::path::PathBuf;

/// A model of names that cannot be used; each error names the file or setting, and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum NamesError {
    /// There is no such folder.
    #[error(
        "{} is no folder; set screening.names.model to the folder of a model, or to nothing for none",
        .0.display()
    )]
    Folder(PathBuf),
    /// A file is missing.
    #[error(
        "there is no {}; screening.names.model must be a folder with config.json, model.safetensors and tokenizer.json",
        .0.display()
    )]
    Missing(PathBuf),
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is damaged or of another kind of model.
    #[error(
        "{} is not usable: {problem}; save the model again or set another as screening.names.model",
        path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The settings name a label that the model does not have.
    #[error("the model has no label {label}, it has {known}; correct screening.names.labels")]
    Label {
        /// The label of the settings.
        label: String,
        /// Those of the model, without prefixes.
        known: String,
    },
    /// Its threads cannot be started.
    #[error(
        "the threads of the model of names cannot be started: {0}; lower screening.names.threads"
    )]
    Threads(String),
}
