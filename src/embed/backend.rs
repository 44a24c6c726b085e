//! The contract of every embedder: texts in, unit vectors out.

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

    /// One unit vector for each text, in order. A text over the model's length is cut there.
    fn embed(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<f32>>, EmbedError>;
}
