//! Texts to token ids, cut at the model's length.

use std::path::Path;

use tokenizers::{Encoding, Tokenizer, TruncationParams};

use super::backend::Text;
use super::error::EmbedError;
use super::manifest::Manifest;

/// A model's tokenizer with its manifest's prefixes and length.
pub(super) struct Tokens {
    tokenizer: Tokenizer,
    prefixes: [String; 2],
}

impl Tokens {
    /// Reads `tokenizer.json` at `path`; ids must lie below `vocabulary`.
    pub(super) fn load(
        manifest: &Manifest,
        path: &Path,
        vocabulary: usize,
    ) -> Result<Self, EmbedError> {
        let unusable = |problem: String| EmbedError::Weights { path: path.to_owned(), problem };
        let mut tokenizer = Tokenizer::from_file(path).map_err(|e| unusable(e.to_string()))?;
        check(&tokenizer, vocabulary).map_err(unusable)?;
        // The file's own cut and padding are those of its makers' training runs.
        let cut = TruncationParams { max_length: manifest.max_tokens, ..Default::default() };
        tokenizer.with_padding(None);
        tokenizer.with_truncation(Some(cut)).map_err(|e| unusable(e.to_string()))?;
        let prefixes = [manifest.query_prefix.clone(), manifest.response_prefix.clone()];
        Ok(Self { tokenizer, prefixes })
    }

    /// What goes before a text of `side`.
    pub(super) fn prefix(&self, side: super::backend::Side) -> &str {
        &self.prefixes[side as usize]
    }

    /// Whether `word` is one token at most, at the beginning of a text or after a space.
    pub(super) fn is_word(&self, word: &str) -> bool {
        // Some tokenizers take the space before a word for a part of it.
        let spaced = [" ", word].concat();
        [word, spaced.as_str()].into_iter().any(|input| {
            self.tokenizer.encode_fast(input, false).is_ok_and(|made| made.get_ids().len() <= 1)
        })
    }

    /// The token ids of each text, special tokens included.
    pub(super) fn encode(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<u32>>, EmbedError> {
        let inputs = texts.iter().map(|t| [self.prefix(t.side), t.text].concat()).collect();
        let encodings = self
            .tokenizer
            .encode_batch_fast::<String>(inputs, true)
            .map_err(|e| EmbedError::Inference(format!("tokenizing: {e}")))?;
        encodings.iter().map(ids).collect()
    }

    /// The same by the thread that asks, for a few texts.
    pub(super) fn encode_here(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<u32>>, EmbedError> {
        let one = |t: &Text<'_>| {
            let input = [self.prefix(t.side), t.text].concat();
            let encoding = self
                .tokenizer
                .encode_fast(input, true)
                .map_err(|e| EmbedError::Inference(format!("tokenizing: {e}")))?;
            ids(&encoding)
        };
        texts.iter().map(one).collect()
    }
}

/// Refuses a tokenizer with ids that the model does not know.
pub(super) fn check(tokenizer: &Tokenizer, vocabulary: usize) -> Result<(), String> {
    let ids = tokenizer.get_vocab(true).into_values();
    match ids.max().filter(|&id| id as usize >= vocabulary) {
        Some(id) => Err(format!("it has a token {id}, the model only {vocabulary} tokens")),
        None => Ok(()),
    }
}

fn ids(encoding: &Encoding) -> Result<Vec<u32>, EmbedError> {
    match encoding.get_ids() {
        [] => Err(EmbedError::Inference("a text has no tokens".to_owned())),
        some => Ok(some.to_vec()),
    }
}
