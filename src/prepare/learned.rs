//! What preparation learned of a project's latest reference, as it is stored.

use serde::{Deserialize, Serialize};

use crate::text::clean::Boilerplate;
use crate::text::repair::Vocabulary;

/// What was learned of the texts of a reference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// Lines that many texts share.
    pub boilerplate: Boilerplate,
    /// Its words, where slips are repaired.
    pub vocabulary: Option<Vocabulary>,
}

/// The lines stood alone before there were words, and do so without them.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Lines(Boilerplate),
    Both { lines: Boilerplate, words: Vocabulary },
}

impl Learned {
    /// Reads what [`Learned::to_json`] wrote; nothing was learned where it cannot be read.
    pub fn from_json(json: Option<&str>) -> Self {
        let stored = json.and_then(|json| serde_json::from_str(json).ok());
        match stored {
            None => Self::default(),
            Some(Stored::Lines(boilerplate)) => Self { boilerplate, vocabulary: None },
            Some(Stored::Both { lines, words }) => {
                Self { boilerplate: lines, vocabulary: Some(words) }
            }
        }
    }

    /// As it is stored.
    pub fn to_json(&self) -> String {
        let lines = self.boilerplate.clone();
        let stored = match self.vocabulary.clone() {
            None => Stored::Lines(lines),
            Some(words) => Stored::Both { lines, words },
        };
        serde_json::to_string(&stored).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_is_read_again() {
        let boilerplate = Boilerplate::learn(["Where is it?\nSent from my phone"; 10]);
        let texts = ["pay it", "pay now", "pay me"];
        for vocabulary in [None, Some(Vocabulary::learn(texts, |_| true))] {
            let learned = Learned { boilerplate: boilerplate.clone(), vocabulary };
            assert_eq!(Learned::from_json(Some(&learned.to_json())), learned);
        }
        let before = serde_json::to_string(&boilerplate).unwrap();
        assert_eq!(Learned::from_json(Some(&before)).boilerplate, boilerplate);
        assert_eq!(Learned::from_json(Some("?")), Learned::default());
        assert_eq!(Learned::from_json(None), Learned::default());
    }
}
