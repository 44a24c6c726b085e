//! A stand-in model for tests: hashed words and letter triples, no weights, the same everywhere.

use sha2::{Digest, Sha256};

use super::backend::{Embedder, Text};
use super::error::EmbedError;
use super::weights::hex;

const DIMENSION: usize = 64;

/// Adds up one signed coordinate for each word and letter triple: texts that share words get
/// similar vectors. Says nothing about meaning.
#[derive(Debug)]
pub struct HashingEmbedder {
    digest: String,
}

impl HashingEmbedder {
    /// The one there is.
    pub fn new() -> Self {
        Self { digest: hex(&Sha256::digest(b"hashing embedder, 64 dimensions, version 1")) }
    }
}

impl Default for HashingEmbedder {
    fn default() -> Self {
        Self::new()
    }
}

impl Embedder for HashingEmbedder {
    fn dimension(&self) -> usize {
        DIMENSION
    }

    fn model_digest(&self) -> &str {
        &self.digest
    }

    fn embed(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<f32>>, EmbedError> {
        Ok(texts.iter().map(|text| vector(text.text)).collect())
    }
}

fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; DIMENSION];
    for word in text.to_lowercase().split_whitespace() {
        add(&mut vector, word.bytes(), 1.0);
        let letters: Vec<char> = std::iter::once('<').chain(word.chars()).chain(['>']).collect();
        for triple in letters.windows(3) {
            let bytes = triple.iter().flat_map(|&c| u32::from(c).to_le_bytes());
            add(&mut vector, bytes, 0.5);
        }
    }
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if norm == 0.0 {
        // No words, or they cancel: any fixed direction will do.
        vector[0] = 1.0;
        return vector;
    }
    vector.iter().map(|x| x / norm).collect()
}

fn add(vector: &mut [f32], feature: impl Iterator<Item = u8>, weight: f32) {
    // FNV-1a, then a finisher so that the low bits depend on every byte.
    let hash = feature.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let sign = if hash >> 63 == 0 { weight } else { -weight };
    vector[(hash >> 32) as usize % DIMENSION] += sign;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &str, b: &str) -> f32 {
        vector(a).iter().zip(vector(b)).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn like_texts_are_nearer_than_unlike_ones() {
        let near = cosine("my prepaid data is finished", "my prepaid data has finished");
        let far = cosine("my prepaid data is finished", "please block the stolen phone");
        assert!(near > 0.7 && far < 0.4, "{near} {far}");
    }

    #[test]
    fn every_vector_has_length_one() {
        for text in ["", " ", "a", "two words", "γλώσσα 🙂"] {
            assert!((cosine(text, text) - 1.0).abs() < 1e-6, "{text:?}");
        }
    }
}
