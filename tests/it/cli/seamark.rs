//! The binary in a folder of its own.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;

/// A working folder in which `seamark` is run.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes `lines` as gzip.
    pub(crate) fn gzip(&self, name: &str, lines: &[Value]) {
        let file = std::fs::File::create(self.path(name)).unwrap();
        let mut gzip = GzEncoder::new(file, Compression::fast());
        lines.iter().for_each(|line| writeln!(gzip, "{line}").unwrap());
        gzip.finish().unwrap();
    }

    /// `seamark`, with the hashing embedder and nothing else set.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seamark"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env("SEAMARK__EMBEDDING__BACKEND", "hashing");
        command
    }

    /// Runs `seamark` to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ended {
    code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Its standard output, after a success.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// Asserts the exit code.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Asserts that it failed with one line on standard error, which holds all of `parts`.
    pub(crate) fn fails_saying(self, parts: &[&str]) {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert_eq!(self.err.trim_end().lines().count(), 1, "more than one line: {}", self.err);
        assert!(self.err.starts_with("seamark: "), "{}", self.err);
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not in {}", self.err);
        }
    }
}
