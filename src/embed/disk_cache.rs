//! Embeddings on disk, one file for each model digest, so that a second `replay` is quick.
//!
//! The file is a head of 16 bytes (magic, version, dimension) and then records of one size: a key
//! of 16 bytes and the vector as little-endian f16. Records are only appended, each group of them
//! in one write under the file's lock, so that several processes can share the file. A torn last
//! record, left by a crash or a full disk, is cut off by the next writer.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::cache::Key;
use super::error::EmbedError;
use crate::model::vector;

const MAGIC: &[u8; 8] = b"smkembed";
const VERSION: u32 = 1;
const HEAD: usize = 16;
const KEY: usize = size_of::<Key>();

/// The open cache file of one model.
#[derive(Debug)]
pub struct DiskCache {
    path: PathBuf,
    file: File,
    dimension: usize,
    by_key: HashMap<Key, Box<[u8]>>,
}

impl DiskCache {
    /// Opens or makes the cache of the model `digest` in `folder`, and reads it whole.
    pub fn open(folder: &Path, digest: &str, dimension: usize) -> Result<Self, EmbedError> {
        fs::create_dir_all(folder).map_err(EmbedError::io("create", folder))?;
        let name: String = digest.chars().take(16).collect();
        let path = folder.join(format!("{name}.embeddings"));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(EmbedError::io("open", &path))?;
        let mut cache = Self { path, file, dimension, by_key: HashMap::new() };
        cache.locked("read", Self::read)?;
        Ok(cache)
    }

    /// The number of embeddings.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    pub(super) fn get(&self, key: &Key) -> Option<Vec<f32>> {
        self.by_key.get(key).map(|bytes| vector::decode(bytes))
    }

    /// Adds `records`; those whose key is there already are left out.
    pub(super) fn append(&mut self, records: &[(Key, Vec<u8>)]) -> Result<(), EmbedError> {
        let mut bytes = Vec::with_capacity(records.len() * self.record());
        for (key, vector) in records {
            if !self.by_key.contains_key(key) {
                bytes.extend_from_slice(key);
                bytes.extend_from_slice(vector);
                self.by_key.insert(*key, vector.as_slice().into());
            }
        }
        self.locked("write", |cache| {
            let end = cache.cut_torn_record()?;
            cache.file.seek(SeekFrom::Start(end)).map_err(EmbedError::io("seek", &cache.path))?;
            cache.file.write_all(&bytes).map_err(EmbedError::io("write", &cache.path))
        })
    }

    fn record(&self) -> usize {
        KEY + 2 * self.dimension
    }

    fn head(&self) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        head[..8].copy_from_slice(MAGIC);
        head[8..12].copy_from_slice(&VERSION.to_le_bytes());
        head[12..].copy_from_slice(&(self.dimension as u32).to_le_bytes());
        head
    }

    /// Runs `action` while no other process touches the file.
    fn locked(
        &mut self,
        doing: &'static str,
        action: impl FnOnce(&mut Self) -> Result<(), EmbedError>,
    ) -> Result<(), EmbedError> {
        self.file.lock().map_err(EmbedError::io("lock", &self.path))?;
        let done = action(self);
        self.file.unlock().map_err(EmbedError::io(doing, &self.path))?;
        done
    }

    fn read(&mut self) -> Result<(), EmbedError> {
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes).map_err(EmbedError::io("read", &self.path))?;
        if bytes.len() < HEAD {
            return self.begin(&bytes);
        }
        if bytes[..HEAD] != self.head() {
            return Err(self.foreign());
        }
        for record in bytes[HEAD..].chunks_exact(self.record()) {
            let (key, vector) = record.split_at(KEY);
            let key = key.try_into().expect("a record begins with its key");
            self.by_key.insert(key, vector.into());
        }
        Ok(())
    }

    /// Writes the head, over the torn one of a process that died here.
    fn begin(&mut self, found: &[u8]) -> Result<(), EmbedError> {
        let head = self.head();
        if !head.starts_with(found) {
            return Err(self.foreign());
        }
        self.file.rewind().map_err(EmbedError::io("seek", &self.path))?;
        self.file.write_all(&head).map_err(EmbedError::io("write", &self.path))
    }

    fn foreign(&self) -> EmbedError {
        let problem =
            format!("it does not begin as a cache of {}-dimensional vectors", self.dimension);
        EmbedError::Cache { path: self.path.clone(), problem }
    }

    /// Where the last whole record ends; what follows is cut off.
    fn cut_torn_record(&self) -> Result<u64, EmbedError> {
        let length = self.file.metadata().map_err(EmbedError::io("read", &self.path))?.len();
        let body = length.saturating_sub(HEAD as u64);
        let end = HEAD as u64 + body - body % self.record() as u64;
        if end < length {
            self.file.set_len(end).map_err(EmbedError::io("cut", &self.path))?;
        }
        Ok(end)
    }
}
