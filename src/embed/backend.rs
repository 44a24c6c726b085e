//! The contract of every embedder: texts in, unit vectors out.

use serde::{Deserialize, Serialize};

use super::error::EmbedError;

/// Which half of an interaction a text is; some models put a different prefix before each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// What the user asked.
    Query,
    /// What the application answered.
    Response,
}

/// One text to embed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    /// The half of the interaction.
    pub side: Side,
    /// The text, without the model's prefix.
    pub text: &'a str,
}

/// Of the matrix products of a model. Part of the model's digest: a reference keeps to the one it
/// was frozen with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit reals.
    F32,
    /// 16-bit reals of ten binary digits; for GPUs.
    F16,
    /// 16-bit reals with f32's exponent, summed in f32.
    Bf16,
    /// Bytes, summed exactly, with scales for rows, columns and groups.
    Int8,
}

impl Precision {
    /// As the configuration and the digest write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }
}

/// Texts that were looked for in a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lookups {
    /// Found, or the same as another text of their call.
    pub hits: u64,
    /// Computed.
    pub misses: u64,
}

/// Something that turns texts into unit vectors. Calls block; [`super::EmbedService`] is the
/// asynchronous door.
pub trait Embedder: Send + Sync {
    /// The length of every vector.
    fn dimension(&self) -> usize;

    /// Names what makes the vectors: two embedders with one digest give the same vectors.
    fn model_digest(&self) -> &str;

    /// What the model wants before a text of `side`.
    #[expect(clippy::unnecessary_literal_bound, reason = "models with prefixes lend their own")]
    fn prefix(&self, side: Side) -> &str {
        let _ = side;
        ""
    }

    /// How its cache has done since it was made; nothing without a cache.
    fn lookups(&self) -> Lookups {
        Lookups::default()
    }

    /// Whether the model's vocabulary has `word`, in lower case, as one piece; `None` where the
    /// vocabulary is not at hand. Says that it has a word that it cannot read at all.
    fn is_word(&self, word: &str) -> Option<bool> {
        let _ = word;
        None
    }

    /// One unit vector for each text, in order. A text over the model's length is cut there.
    fn embed(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<f32>>, EmbedError>;
}
