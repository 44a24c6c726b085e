//! Interactions from files: JSON lines in the ingest format, plain or gzip.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context as _;

use crate::api::{Limits, Received, Rules, read_item};
use crate::clock::Timestamp;

/// One line of a file.
pub struct Line {
    /// 0-based number of the line, blank lines not counted.
    pub index: usize,
    /// The interaction, or what is wrong with it.
    pub content: Result<Received, String>,
}

/// Opens `path`; gzip is recognised by its first bytes.
pub fn open(path: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(
        File::open(path).with_context(|| format!("cannot open {}", path.display()))?,
    );
    let is_gzip = file
        .fill_buf()
        .with_context(|| format!("cannot read {}", path.display()))?
        .starts_with(&[0x1f, 0x8b]);
    Ok(if is_gzip {
        Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    })
}

/// The lines of a file, each read and checked on its own: a bad line costs only itself.
pub struct Lines {
    reader: Box<dyn BufRead>,
    limits: Limits,
    next: usize,
}

impl Lines {
    /// The lines of the file at `path`.
    pub fn open(path: &Path, limits: &Limits) -> anyhow::Result<Self> {
        Ok(Self { reader: open(path)?, limits: limits.clone(), next: 0 })
    }

    fn read(&self, line: &[u8]) -> Result<Received, String> {
        // A file may be of any age; that its times are plausible is all that is checked.
        let rules = Rules {
            limits: &self.limits,
            now: Timestamp::from_micros(i64::MAX / 2),
            subjects: true,
        };
        let mut item = read_item(line, rules).map_err(|faults| {
            let texts: Vec<String> =
                faults.iter().map(|fault| format!("{} {}", fault.pointer, fault.detail)).collect();
            texts.join("; ").trim().to_owned()
        })?;
        if item.occurred_at.is_none() {
            return Err(
                "/occurred_at is missing; event time orders and dates everything".to_owned()
            );
        }
        item.id.get_or_insert_with(|| format!("line-{}", self.next));
        Ok(item)
    }
}

impl Iterator for Lines {
    type Item = std::io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        loop {
            line.clear();
            // A line longer than an item may be is read to its end, so that only it is lost.
            match self.reader.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) if line.iter().all(u8::is_ascii_whitespace) => {}
                Ok(_) => break,
                Err(error) => return Some(Err(error)),
            }
        }
        let content = self.read(line.trim_ascii());
        let index = self.next;
        self.next += 1;
        Some(Ok(Line { index, content }))
    }
}

/// A whole file, with the number of its bad lines and a few of their problems.
pub struct Contents {
    /// The good lines, with their indices.
    pub items: Vec<(usize, Received)>,
    /// Problems of bad lines, counted and the first few kept.
    pub faults: Faults,
}

/// Problems of bad lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// How many lines were bad.
    pub count: usize,
    /// The first few, as "line 7: …".
    pub first: Vec<String>,
}

impl Faults {
    /// Notes one bad line.
    pub fn add(&mut self, index: usize, problem: &str) {
        self.count += 1;
        if self.first.len() < 5 {
            self.first.push(format!("line {}: {problem}", index + 1));
        }
    }
}

/// Reads the whole file at `path`; an error when it has no good line.
pub fn read_all(path: &Path, limits: &Limits) -> anyhow::Result<Contents> {
    let mut contents = Contents { items: Vec::new(), faults: Faults::default() };
    for line in Lines::open(path, limits)? {
        let line = line.with_context(|| format!("cannot read {}", path.display()))?;
        match line.content {
            Ok(item) => contents.items.push((line.index, item)),
            Err(problem) => contents.faults.add(line.index, &problem),
        }
    }
    if contents.items.is_empty() {
        let why = contents.faults.first.first().map_or("it is empty", String::as_str);
        anyhow::bail!("{} holds no usable interaction ({why})", path.display());
    }
    Ok(contents)
}

/// Counts the non-blank lines of a file, for a progress bar.
pub fn count_lines(path: &Path) -> anyhow::Result<u64> {
    let mut reader = open(path)?;
    let mut buffer = vec![0; 1 << 16];
    let mut count = 0;
    loop {
        let n =
            reader.read(&mut buffer).with_context(|| format!("cannot read {}", path.display()))?;
        if n == 0 {
            return Ok(count);
        }
        count += buffer[..n].split(|byte| *byte == b'\n').count() as u64 - 1;
    }
}
