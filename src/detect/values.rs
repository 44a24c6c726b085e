//! The values that an event gives each stream.

use std::collections::HashMap;

use crate::model::interaction::Event;
use crate::model::stream::Stream;
use crate::stats::linear::{dot, norm_sq};

/// The value of `stream` in `event`; `None` when the event has none.
///
/// `query` and `response` are unit vectors; `relevance` is the one number cos(query, response).
pub fn value(event: &Event, stream: Stream) -> Option<Vec<f32>> {
    match stream {
        Stream::Query => usable(event.query.as_deref()).map(<[f32]>::to_vec),
        Stream::Response => usable(event.response.as_deref()).map(<[f32]>::to_vec),
        Stream::Relevance => {
            let query = usable(event.query.as_deref())?;
            let response = usable(event.response.as_deref())?;
            let norms = (norm_sq(query) * norm_sq(response)).sqrt() as f32;
            Some(vec![dot(query, response) / norms])
        }
        // Judged by counts of texts, not by a value of each.
        Stream::Duplicates => None,
    }
}

/// Zero vectors and such with non-finite coordinates are kept out of every statistic.
fn usable(vector: Option<&[f32]>) -> Option<&[f32]> {
    vector.filter(|v| v.iter().all(|x| x.is_finite()) && v.iter().any(|x| *x != 0.0))
}

/// The rows of one stream in a set of events, and which of them belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamRows {
    /// One row per event that has a value.
    pub rows: Vec<Vec<f32>>,
    /// The event of each row, as an index into the events given.
    pub events: Vec<usize>,
    /// Row indices per session, or one each for events without a session; in order of appearance.
    pub units: Vec<Vec<usize>>,
}

impl StreamRows {
    /// Collects `stream` from `events`.
    pub fn collect<'a>(events: impl IntoIterator<Item = &'a Event>, stream: Stream) -> Self {
        let mut collected = Self { rows: Vec::new(), events: Vec::new(), units: Vec::new() };
        let mut by_session: HashMap<&str, usize> = HashMap::new();
        for (index, event) in events.into_iter().enumerate() {
            let Some(row) = value(event, stream) else { continue };
            let at = collected.rows.len();
            match event.session_id.as_deref() {
                Some(session) => {
                    let unit = *by_session.entry(session).or_insert_with(|| {
                        collected.units.push(Vec::new());
                        collected.units.len() - 1
                    });
                    collected.units[unit].push(at);
                }
                None => collected.units.push(vec![at]),
            }
            collected.rows.push(row);
            collected.events.push(index);
        }
        collected
    }
}
