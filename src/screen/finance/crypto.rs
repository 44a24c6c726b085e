//! Check sums of Bitcoin and Tron addresses: Base58Check and Bech32 (BIP 173, BIP 350).

use sha2::{Digest, Sha256};

const BASE58: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];

/// Whether the value is 25 bytes in base 58 of which the last four are those of a double SHA-256.
pub(super) fn base58check(value: &str) -> bool {
    let mut bytes = [0_u8; 25];
    for c in value.chars() {
        let Some(mut carry) = BASE58.find(c) else { return false };
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = (carry % 256) as u8;
            carry /= 256;
        }
        if carry > 0 {
            return false;
        }
    }
    let (payload, check) = bytes.split_at(21);
    Sha256::digest(Sha256::digest(payload)).starts_with(check)
}

/// Whether the value ends in the six check characters of Bech32 or Bech32m.
pub(super) fn bech32(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    if value.bytes().any(|b| b.is_ascii_uppercase()) && value != value.to_ascii_uppercase() {
        return false;
    }
    let Some(data) = lower.strip_prefix("bc1") else { return false };
    // "bc", expanded.
    let mut sum = [3, 3, 0, 2, 3].into_iter().fold(1, step);
    for c in data.chars() {
        let Some(value) = BECH32.find(c) else { return false };
        sum = step(sum, value as u32);
    }
    matches!(sum, 1 | 0x2bc8_30a3)
}

fn step(sum: u32, value: u32) -> u32 {
    let top = sum >> 25;
    let next = ((sum & 0x01ff_ffff) << 5) ^ value;
    let taken = GENERATOR.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1);
    taken.fold(next, |sum, (_, generator)| sum ^ generator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_addresses_pass_and_changed_ones_fail() {
        assert!(base58check("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"));
        assert!(!base58check("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"));
        assert!(bech32("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"));
        assert!(bech32("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"));
        assert!(!bech32("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"));
    }
}
