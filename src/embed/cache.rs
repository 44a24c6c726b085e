//! Exact duplicates are embedded once: a cache in memory, and one on disk for `replay`.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::backend::{Embedder, Lookups, Side, Text};
use super::disk_cache::DiskCache;
use super::error::EmbedError;
use crate::model::vector;

/// Names a text as the model sees it: the first half of sha256(prefix, text).
pub(super) type Key = [u8; 16];

/// The key of `text` after `prefix`. The length keeps "ab"+"c" and "a"+"bc" apart.
pub(super) fn key(prefix: &str, text: &str) -> Key {
    let mut hasher = Sha256::new();
    hasher.update((prefix.len() as u64).to_le_bytes());
    hasher.update(prefix);
    hasher.update(text);
    let mut key = [0; 16];
    key.copy_from_slice(&hasher.finalize()[..16]);
    key
}

/// Embeddings by key, bounded in bytes; keeps what was used lately.
///
/// Two generations: what is used moves to the young one; when that is half of the budget it
/// becomes the old one, and the former old one goes.
struct MemoryCache {
    young: HashMap<Key, Box<[u8]>>,
    old: HashMap<Key, Box<[u8]>>,
    per_generation: usize,
}

/// A key, a pointer, a length and the map's own bytes, roughly.
const OVERHEAD: usize = 48;

impl MemoryCache {
    fn new(max_bytes: usize, dimension: usize) -> Self {
        let per_generation = max_bytes / 2 / (2 * dimension + OVERHEAD);
        Self { young: HashMap::new(), old: HashMap::new(), per_generation }
    }

    fn get(&mut self, key: &Key) -> Option<Vec<f32>> {
        if let Some(bytes) = self.young.get(key) {
            return Some(vector::decode(bytes));
        }
        let bytes = self.old.remove(key)?;
        let found = vector::decode(&bytes);
        self.insert(*key, bytes);
        Some(found)
    }

    fn insert(&mut self, key: Key, bytes: Box<[u8]>) {
        if self.per_generation == 0 {
            return;
        }
        if self.young.len() >= self.per_generation {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, bytes);
    }
}

/// An embedder that remembers.
///
/// Its vectors are rounded as the stores keep them ([`vector::rounded`]), whether they come from a
/// cache or not: the same text always gets the same vector.
pub struct CachedEmbedder {
    inner: Arc<dyn Embedder>,
    memory: Mutex<MemoryCache>,
    disk: Option<Mutex<DiskCache>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl CachedEmbedder {
    /// Remembers up to `max_bytes` of embeddings in memory, and all of them in `disk` if given.
    pub fn new(inner: Arc<dyn Embedder>, max_bytes: usize, disk: Option<DiskCache>) -> Self {
        let memory = Mutex::new(MemoryCache::new(max_bytes, inner.dimension()));
        let (hits, misses) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { inner, memory, disk: disk.map(Mutex::new), hits, misses }
    }

    fn known(&self, key: &Key) -> Option<Vec<f32>> {
        lock(&self.memory).get(key).or_else(|| lock(self.disk.as_ref()?).get(key))
    }

    /// Embeds the texts at `missing` and remembers them.
    fn make(
        &self,
        texts: &[Text<'_>],
        keys: &[Key],
        missing: &[usize],
    ) -> Result<HashMap<Key, Vec<f32>>, EmbedError> {
        let wanted: Vec<Text<'_>> = missing.iter().map(|&i| texts[i]).collect();
        let encoded: Vec<(Key, Vec<u8>)> = missing
            .iter()
            .zip(self.inner.embed(&wanted)?)
            .map(|(&i, made)| (keys[i], vector::encode(&made)))
            .collect();
        if let Some(disk) = &self.disk {
            lock(disk).append(&encoded)?;
        }
        let mut memory = lock(&self.memory);
        let mut made = HashMap::with_capacity(encoded.len());
        for (key, bytes) in encoded {
            made.insert(key, vector::decode(&bytes));
            memory.insert(key, bytes.into());
        }
        Ok(made)
    }
}

impl Embedder for CachedEmbedder {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn model_digest(&self) -> &str {
        self.inner.model_digest()
    }

    fn prefix(&self, side: Side) -> &str {
        self.inner.prefix(side)
    }

    fn lookups(&self) -> Lookups {
        Lookups { hits: self.hits.load(Relaxed), misses: self.misses.load(Relaxed) }
    }

    fn is_word(&self, word: &str) -> Option<bool> {
        self.inner.is_word(word)
    }

    fn embed(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let keys: Vec<Key> = texts.iter().map(|t| key(self.prefix(t.side), t.text)).collect();
        let mut found: Vec<Option<Vec<f32>>> = keys.iter().map(|key| self.known(key)).collect();
        let mut seen = HashSet::new();
        let missing: Vec<usize> =
            (0..texts.len()).filter(|&i| found[i].is_none() && seen.insert(keys[i])).collect();
        let made =
            if missing.is_empty() { HashMap::new() } else { self.make(texts, &keys, &missing)? };
        self.hits.fetch_add((texts.len() - missing.len()) as u64, Relaxed);
        self.misses.fetch_add(missing.len() as u64, Relaxed);
        let vectors = found.iter_mut().zip(&keys);
        Ok(vectors
            .map(|(found, key)| {
                let vector = found.take().or_else(|| made.get(key).cloned());
                vector.expect("what was not found has just been made")
            })
            .collect())
    }
}

/// A panic elsewhere leaves the caches whole: each step of theirs is a single insertion.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
