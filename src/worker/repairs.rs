//! Spelling: what the model knows, what a reference teaches, and the reference's own slips.

use std::sync::Arc;

use crate::embed::{EmbedError, EmbedService};
use crate::model::interaction::EventWithTexts;
use crate::text::repair::{IsWord, Repairer, Vocabulary};
use crate::worker::embedding::embed_rows;

/// Rows embedded in one call.
const CHUNK: usize = 500;

/// What `embedder` knows as a word. Without its vocabulary every word is one, so that nothing is
/// repaired.
pub fn is_word(embedder: &EmbedService) -> IsWord {
    let embedder = embedder.clone();
    Arc::new(move |word| embedder.is_word(word).unwrap_or(true))
}

/// Learns the words of the rows' queries and embeds anew the queries that are repaired by them, so
/// that a window of repaired texts is compared with repaired texts.
pub(super) async fn learn_and_repair(
    embedder: &EmbedService,
    rows: &mut [EventWithTexts],
) -> Result<Vocabulary, EmbedError> {
    let is_word = is_word(embedder);
    let queries = rows.iter().filter_map(|row| row.query.as_deref());
    let vocabulary = Vocabulary::learn(queries, |word| is_word(word));
    let Some(repairer) = Repairer::new(&vocabulary, is_word) else { return Ok(vocabulary) };
    let mut repaired: Vec<(usize, String)> = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let (text, repairs) = repairer.repair(row.query.as_deref().unwrap_or_default());
        if !repairs.is_empty() && row.event.query.is_some() {
            repaired.push((number, text.into_owned()));
        }
    }
    for chunk in repaired.chunks(CHUNK) {
        let texts = chunk.iter().map(|(_, text)| (text.as_str(), None));
        let vectors = embed_rows(embedder, texts).await?;
        for ((number, _), (query, _)) in chunk.iter().zip(vectors) {
            rows[*number].event.query = query;
        }
    }
    Ok(vocabulary)
}
