//! The features of a text: every run of up to five characters, and every word.
//!
//! The hashes are those of `models/train_language.py`; changing one of the two is a new model.

use super::model::Model;

const MAX_RUN: usize = 5;
/// Characters of the longest word that is a feature as a whole.
const MAX_WORD: usize = 24;

const RUN: u32 = 0x811c_9dc5;
const WORD: u32 = 0x2545_f491;

/// Sums the weights of the features of one text, word after word.
#[derive(Debug)]
pub(super) struct Features<'a> {
    model: &'a Model,
    /// The characters read last, the last one first; 0 before the text.
    last: [u32; MAX_RUN],
    sums: Vec<i32>,
}

impl<'a> Features<'a> {
    pub(super) fn new(model: &'a Model) -> Self {
        let mut new = Self { model, last: [0; MAX_RUN], sums: vec![0; model.codes().len()] };
        new.push(' ');
        new
    }

    /// Reads the next word.
    pub(super) fn word(&mut self, word: &[char]) {
        word.iter().for_each(|&c| self.push(c));
        self.push(' ');
        if word.len() <= MAX_WORD {
            let hash = word.iter().fold(WORD, |hash, &c| step(hash, c.into()));
            self.model.add(hash >> 8, &mut self.sums);
        }
    }

    /// What each class has so far.
    pub(super) fn sums(&self) -> &[i32] {
        &self.sums
    }

    fn push(&mut self, c: char) {
        self.last.rotate_right(1);
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
