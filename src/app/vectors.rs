//! Interactions become events: their texts embedded, their vectors rounded as the stores do.

use crate::api::Received;
use crate::clock::Timestamp;
use crate::embed::{EmbedError, Embedder, Side, Text};
use crate::model::interaction::Event;
use crate::model::screening::Screening;
use crate::model::signals::Signals;
use crate::model::vector::rounded;
use crate::prepare::Preparer;
use crate::prepare::guard::Guard;
use crate::screen::Problems;
use crate::text::hashes::Hashes;
use crate::text::is_blank;

/// Regions of a file's users where nobody names them.
pub const REGIONS: [&str; 6] = ["ZA", "NG", "KE", "MA", "EG", "GH"];

/// What screens the texts of files: the default settings with `regions`.
pub fn guard(regions: &[String]) -> Result<Guard, Problems> {
    let mut settings = Screening::default();
    settings.screen.regions = regions.to_vec();
    Guard::new(settings, 0, None)
}

/// An interaction of a file, prepared.
pub struct Item {
    /// The interaction with its cleaned texts.
    pub received: Received,
    /// What was seen of the texts as they came.
    pub signals: Signals,
    /// The rule that leaves it out of statistics.
    pub excluded: Option<String>,
}

impl Item {
    /// Screens and prepares `received`, as the daemon does.
    pub fn prepared(mut received: Received, guard: &Guard, preparer: &Preparer) -> Self {
        let judged = guard.judge(Some(&received.query), received.response.as_deref());
        received.query = judged.query.unwrap_or_default();
        received.response = judged.response;
        let response = received.response.as_deref();
        let prepared = preparer.prepare(&received.query, response, &received.attributes);
        received.query = prepared.query;
        received.response = prepared.response;
        Self {
            received,
            signals: prepared.signals.with(judged.personal),
            excluded: prepared.excluded,
        }
    }
}

/// Embeds `items` and makes events of them, positions counting on from `first_position`.
pub fn events(
    items: Vec<Item>,
    first_position: i64,
    embedder: &dyn Embedder,
) -> Result<Vec<Event>, EmbedError> {
    let mut texts = Vec::new();
    for Item { received: item, .. } in &items {
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
        .map(|(Item { received: item, signals, .. }, position)| Event {
            position,
            hashes: (!is_blank(&item.query)).then(|| Hashes::of(&item.query)),
            signals,
            outcomes: Vec::new(),
            query: next(Some(&item.query)),
            response: next(item.response.as_deref()),
            interaction_id: item.id.unwrap_or_default(),
            occurred_at: item.occurred_at.unwrap_or(Timestamp::from_micros(0)),
            session_id: item.session_id,
            attributes: item.attributes,
        })
        .collect())
}
