//! Embeddings as bytes: little-endian f16, in the stores, the caches and the references.
//!
//! Half precision keeps 11 bits of each coordinate: the cosine of a text to itself falls by less
//! than 1e-6, far below what any detector sees, and a 384-dimensional vector takes 768 bytes.
//! Everything that is computed is computed from the decoded bytes, so that the daemon, a restart
//! and `replay` see the same numbers.

use half::f16;

/// The bytes of `vector`, two per coordinate.
pub fn encode(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()).collect()
}

/// The vector of `bytes`; an odd last byte is ignored.
pub fn decode(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]]).to_f32()).collect()
}

/// `vector` as it comes back from the stores.
pub fn rounded(vector: &[f32]) -> Vec<f32> {
    vector.iter().map(|&x| f16::from_f32(x).to_f32()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_comes_back_rounded_and_stays_so() {
        let vector = [0.1, -0.333_333, 1.0, 0.0];
        let back = decode(&encode(&vector));
        assert_eq!(back, rounded(&vector));
        assert_eq!(decode(&encode(&back)), back);
        assert!(vector.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-3));
    }
}
