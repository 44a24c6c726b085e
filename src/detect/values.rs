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
    }
}

/// Zero vectors and such with non-finite coordinates are kept out of every statistic.
fn usable(vector: Option<&[f32]>) -> Option<&[f32]> {
    vector.filter(|v| v.iter().all(|x| x.is_finite()) && v.iter().any(|x| *x != 0.0))
}

/// The rows of one stream in a set of events, and which of them belong together.
pub struct StreamRows {
    /// One row per event that has a value.
    pub rows: Vec<Vec<f32>>,
    /// Row indices per session, or one each for events without a session; in order of appearance.
    pub units: Vec<Vec<usize>>,
}

impl StreamRows {
    /// Collects `stream` from `events`.
    pub fn collect(events: &[Event], stream: Stream) -> Self {
        let mut rows = Vec::new();
        let mut units: Vec<Vec<usize>> = Vec::new();
        let mut by_session: HashMap<&str, usize> = HashMap::new();
        for event in events {
            let Some(row) = value(event, stream) else { continue };
            match event.session_id.as_deref() {
                Some(session) => {
                    let unit = *by_session.entry(session).or_insert_with(|| {
                        units.push(Vec::new());
                        units.len() - 1
                    });
                    units[unit].push(rows.len());
                }
                None => units.push(vec![rows.len()]),
            }
            rows.push(row);
        }
        Self { rows, units }
    }
}
