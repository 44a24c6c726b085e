//! Interactions become events: their texts embedded, their vectors rounded as the stores do.

use crate::api::Received;
use crate::clock::Timestamp;
use crate::embed::{EmbedError, Embedder, Side, Text};
use crate::model::interaction::Event;
use crate::model::vector::rounded;
use crate::text::fingerprint::fingerprint;
use crate::text::is_blank;

/// Embeds `items` and makes events of them, positions counting on from `first_position`.
pub fn events(
    items: Vec<Received>,
    first_position: i64,
    embedder: &dyn Embedder,
) -> Result<Vec<Event>, EmbedError> {
    let mut texts = Vec::new();
    for item in &items {
        for (side, text) in
            [(Side::Query, Some(item.query.as_str())), (Side::Response, item.response.as_deref())]
        {
            texts.extend(text.filter(|text| !is_blank(text)).map(|text| Text { side, text }));
        }
    }
    let mut vectors = embedder.embed(&texts)?.into_iter();
    let mut next = |text: Option<&str>| -> Option<Vec<f32>> {
        let vector = text.filter(|text| !is_blank(text)).and_then(|_| vectors.next())?;
        Some(rounded(&vector))
    };
    Ok(items
        .into_iter()
        .zip(first_position..)
        .map(|(item, position)| Event {
            position,
            fingerprint: (!is_blank(&item.query)).then(|| fingerprint(&item.query)),
            query: next(Some(&item.query)),
            response: next(item.response.as_deref()),
            interaction_id: item.id.unwrap_or_default(),
            occurred_at: item.occurred_at.unwrap_or(Timestamp::from_micros(0)),
            session_id: item.session_id,
            attributes: item.attributes,
        })
        .collect())
}
