//! `sha256sums` beside the weights: what a file without a sha256 in its manifest first was.
//!
//! The format is that of the `sha256sum` program, so that `sha256sum -c sha256sums` checks it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::super::error::EmbedError;
use super::super::manifest::ModelFile;

const NAME: &str = "sha256sums";

/// The recorded sha256 of each file, by name.
pub(super) struct Sums {
    by_name: BTreeMap<String, String>,
    changed: bool,
}

impl Sums {
    pub(super) fn read(folder: &Path) -> Result<Self, EmbedError> {
        let path = folder.join(NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(EmbedError::io("read", &path)(error)),
        };
        let pairs = text.lines().filter_map(|line| line.split_once("  "));
        let by_name = pairs.map(|(sum, name)| (name.to_owned(), sum.to_owned())).collect();
        Ok(Self { by_name, changed: false })
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(String::as_str)
    }

    /// Records `sha256` for `file` unless its manifest pins one or there is a record.
    pub(super) fn record(&mut self, file: &ModelFile, sha256: &str) {
        if file.sha256.is_none() && !self.by_name.contains_key(&file.name) {
            self.by_name.insert(file.name.clone(), sha256.to_owned());
            self.changed = true;
        }
    }

    pub(super) fn save(&self, folder: &Path) -> Result<(), EmbedError> {
        if !self.changed {
            return Ok(());
        }
        let lines: Vec<_> =
            self.by_name.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
        let (partial, path) = (folder.join(format!("{NAME}.partial")), folder.join(NAME));
        fs::write(&partial, lines.concat()).map_err(EmbedError::io("write", &partial))?;
        fs::rename(&partial, &path).map_err(EmbedError::io("name", &path))
    }
}
