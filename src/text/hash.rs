//! A fast hash that is the same on every platform and in every build; not for secrets.

/// FNV-1a over `bytes`, its bits mixed by the finaliser of SplitMix64.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let fnv = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    mix(fnv)
}

/// One hash of a sequence of hashes; their order matters.
pub(super) fn join(hashes: &[u64]) -> u64 {
    hashes.iter().fold(0, |joined, &hash| mix(joined.rotate_left(5) ^ hash))
}

/// The hashes of the runs of `length` characters, in order.
pub(super) fn runs(characters: &[char], length: usize) -> impl Iterator<Item = u64> {
    characters.windows(length.max(1)).map(|run| {
        mix(run.iter().fold(0, |hash: u64, &c| {
            hash.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(u64::from(c) + 1)
        }))
    })
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit depends on every bit.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_never_change() {
        // FNV-1a's own vector for "a" is 0xaf63dc4c8601ec8c.
        assert_eq!(hash(b"a"), mix(0xaf63_dc4c_8601_ec8c));
        assert_eq!(mix(0x9e37_79b9_7f4a_7c15), 0xe220_a839_7b1d_cdaf, "SplitMix64, seed 0");
    }

    #[test]
    fn runs_are_of_their_length() {
        let of = |text: &str, length| runs(&text.chars().collect::<Vec<_>>(), length).collect();
        let (long, short): (Vec<u64>, Vec<u64>) = (of("abcab", 2), of("ab", 2));
        assert_eq!((long.len(), long[0], long[3]), (4, short[0], short[0]));
        assert_ne!(of("ab", 2), of("ba", 2) as Vec<u64>);
        assert_eq!(of("a", 2), [0; 0]);
    }

    #[test]
    fn order_matters() {
        assert_ne!(join(&[1, 2, 3]), join(&[3, 2, 1]));
        assert_ne!(join(&[1, 2]), join(&[1, 2, 0]));
    }
}
