//! The features of a text: every run of up to five characters, and every word.
//!
//! The hashes are those of `models/train_language.py`; changing one of the two is a new model.

use super::model::{Model, Sums};

const MAX_RUN: usize = 5;
/// Characters of the longest word that is a feature as a whole.
const MAX_WORD: usize = 24;

const RUN: u32 = 0x811c_9dc5;
const WORD: u32 = 0x2545_f491;

/// Sums the weights of the features of a text's words, one after the other.
#[derive(Debug)]
pub(super) struct Features<'a> {
    model: &'a Model,
    /// The characters read last, the last one first; 0 before the text.
    last: [u32; MAX_RUN],
    /// Of the word that is being read.
    sums: Sums,
}

impl<'a> Features<'a> {
    pub(super) fn new(model: &'a Model) -> Self {
        let mut new = Self { model, last: [0; MAX_RUN], sums: [0; 256] };
        // Before the first word: a space alone is no feature.
        new.push(' ');
        new
    }

    /// Reads the next word: what it says for each class.
    pub(super) fn word(&mut self, word: &[char]) -> &[i32] {
        self.sums = [0; 256];
        word.iter().for_each(|&c| self.push(c));
        self.push(' ');
        if word.len() <= MAX_WORD {
            let hash = word.iter().fold(WORD, |hash, &c| step(hash, c.into()));
            self.model.add(hash >> 8, &mut self.sums);
        }
        &self.sums[..self.model.codes().len()]
    }

    fn push(&mut self, c: char) {
        self.last.copy_within(..MAX_RUN - 1, 1);
        self.last[0] = c.into();
        let mut hash = RUN;
        for (before, &c) in self.last.iter().take_while(|&&c| c != 0).enumerate() {
            hash = step(hash, c);
            if before > 0 || c != u32::from(' ') {
                self.model.add(hash >> 8, &mut self.sums);
            }
        }
    }
}

fn step(hash: u32, c: u32) -> u32 {
    let hash = (hash ^ c).wrapping_mul(0x9e37_79b1);
    hash ^ hash >> 15
}
