//! What tells that a text has come before, as it was or nearly.

use super::fingerprint::fingerprint;
use super::simhash::{NEAR, distance, simhash};

/// The hashes of one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashes {
    /// Equal for texts that differ in case, digits and punctuation alone: see [`fingerprint`].
    pub fingerprint: u64,
    /// The nearer, the more letters in a row two texts share: see [`simhash`]. `None` where it was
    /// stored before there was one.
    pub simhash: Option<u64>,
}

impl Hashes {
    /// The hashes of `text`; O(characters).
    pub fn of(text: &str) -> Self {
        Self { fingerprint: fingerprint(text), simhash: Some(simhash(text)) }
    }

    /// Where the fingerprint alone is known.
    pub const fn exact(fingerprint: u64) -> Self {
        Self { fingerprint, simhash: None }
    }

    /// Whether the texts are the same, or nearly.
    pub fn are_near(self, other: Self) -> bool {
        self.fingerprint == other.fingerprint
            || matches!((self.simhash, other.simhash), (Some(a), Some(b)) if distance(a, b) <= NEAR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_question_is_not() {
        let asked =
            Hashes::of("I was charged twice for my hotel in Lagos, please refund one of them");
        let near = |text| asked.are_near(Hashes::of(text));
        assert!(near("i was CHARGED twice for my hotel in Lagos - please refund 1 of them"));
        assert!(near("I was charged twice for my hotel in Lagos, plaese refund one of them"));
        assert!(!near("My hotel in Lagos was lovely, how do I book it again for next spring?"));
    }

    #[test]
    fn without_a_simhash_the_fingerprint_decides() {
        let old = Hashes::exact;
        assert!(old(1).are_near(old(1)) && !old(1).are_near(old(2)));
        assert!(!old(1).are_near(Hashes { fingerprint: 2, simhash: Some(0) }));
    }
}
