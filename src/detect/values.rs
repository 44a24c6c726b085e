//! The values that an event gives each stream.

use std::collections::HashMap;

use crate::model::interaction::Event;
use crate::model::signals::{LanguageCode, Signals, TextSignals};
use crate::model::stream::Stream;
use crate::policy::MAX_POLICIES;
use crate::screen::EntityType;
use crate::stats::linear::{dot, norm_sq};
use crate::text::language;
use crate::text::signals::Flag;

/// The value of `stream` in `event`; `None` when the event has none.
///
/// `query` and `response` are unit vectors; `relevance` is the one number cos(query, response);
/// streams of rates hold a number in 0…1 for each of [`names`].
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
        Stream::QueryQuality => event.signals.query.as_ref().map(quality),
        Stream::ResponseQuality => event.signals.response.as_ref().map(quality),
        // A guess says nothing of the mix: what is garbled would look like a change of languages.
        Stream::Language => event.signals.query.as_ref().filter(|seen| seen.is_sure).map(language),
        Stream::Privacy => event.signals.response.as_ref().map(privacy),
        Stream::Policy => policies(&event.signals),
        // Judged by counts of texts, and later than the event.
        Stream::Duplicates | Stream::Outcome => None,
    }
}

/// The name of each coordinate of a stream of rates; empty for other streams, and for policies, whose
/// names are the project's.
pub fn names(stream: Stream) -> Vec<&'static str> {
    match stream {
        Stream::QueryQuality | Stream::ResponseQuality => {
            std::iter::once("odd_writing").chain(Flag::ALL.map(Flag::as_str)).collect()
        }
        Stream::Language => language::CODES.to_vec(),
        Stream::Privacy => EntityType::counted().collect(),
        _ => Vec::new(),
    }
}

/// 1 for each check that found something.
fn quality(seen: &TextSignals) -> Vec<f32> {
    let odd = seen.is_odd.unwrap_or(false);
    let flags = Flag::ALL.into_iter().map(|flag| seen.flags.contains(flag));
    std::iter::once(odd).chain(flags).map(|raised| f32::from(u8::from(raised))).collect()
}

/// 1 for the language that the text is in.
fn language(seen: &TextSignals) -> Vec<f32> {
    let mut value = vec![0.0; LanguageCode::COUNT];
    value[seen.language.index()] = 1.0;
    value
}

/// 1 for each type of personal data that the response told of itself.
fn privacy(seen: &TextSignals) -> Vec<f32> {
    let places = 0..EntityType::counted().count();
    places.map(|place| f32::from((seen.disclosed >> place & 1) as u8)).collect()
}

/// 1 for each policy that one of the texts is against.
fn policies(seen: &Signals) -> Option<Vec<f32>> {
    let marks = |side: Option<&TextSignals>| side.and_then(|seen| seen.marks);
    let (query, response) = (marks(seen.query.as_ref()), marks(seen.response.as_ref()));
    let found = query.or(response)? | response.unwrap_or(0);
    Some((0..MAX_POLICIES).map(|slot| f32::from((found >> slot & 1) as u8)).collect())
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
    /// Whether a row is no event's: see [`StreamRows::with_unseen`].
    pub unseen: Vec<bool>,
}

impl StreamRows {
    /// Collects `stream` from `events`.
    pub fn collect<'a>(events: impl IntoIterator<Item = &'a Event>, stream: Stream) -> Self {
        let mut collected =
            Self { rows: Vec::new(), events: Vec::new(), units: Vec::new(), unseen: Vec::new() };
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
            collected.unseen.push(false);
        }
        collected
    }

    /// With a row for each thing that a text of a stream of rates could be found to be, so that a
    /// fault that the reference never had is rare rather than impossible: one more after n texts
    /// without it has the probability 1 / (n + 2) (Laplace's rule of succession). Without it, the
    /// first such text would be an alarm.
    #[must_use]
    pub fn with_unseen(mut self, stream: Stream) -> Self {
        let Some(dim) = self.rows.first().map(Vec::len) else { return self };
        let alone = |i: usize| (0..dim).map(|j| if i == j { 1.0 } else { 0.0 }).collect();
        let unseen: Vec<Vec<f32>> = match stream {
            Stream::QueryQuality | Stream::ResponseQuality | Stream::Privacy | Stream::Policy => {
                (0..dim).map(alone).collect()
            }
            // One other language; which one makes no difference.
            Stream::Language => vec![alone(dim - 1)],
            _ => Vec::new(),
        };
        // Spread over the reference: side by side they would be a drift of their own.
        let (rows, count) = (self.rows.len(), unseen.len());
        let place = |i: usize| (2 * i + 1) * rows / (2 * count);
        let moved: Vec<usize> = (0..rows)
            .map(|row| row + (0..count).take_while(|&i| place(i) <= row).count())
            .collect();
        self.units.iter_mut().flatten().for_each(|row| *row = moved[*row]);
        for (i, row) in unseen.into_iter().enumerate() {
            let at = place(i) + i;
            self.rows.insert(at, row);
            self.events.insert(at, self.events[at.min(self.events.len() - 1)]);
            self.unseen.insert(at, true);
            self.units.push(vec![at]);
        }
        self.units.sort_by_key(|unit| unit.first().copied());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_seen_is_spread_over_the_reference() {
        let rows = 1000;
        let collected = StreamRows {
            rows: vec![vec![0.0; 32]; rows],
            events: (0..rows).collect(),
            units: (0..rows).collect::<Vec<_>>().chunks(4).map(<[usize]>::to_vec).collect(),
            unseen: vec![false; rows],
        };
        let with = collected.with_unseen(Stream::Policy);
        assert_eq!((with.rows.len(), with.units.len()), (1032, 250 + 32));
        let unseen: Vec<usize> = (0..1032).filter(|&i| with.unseen[i]).collect();
        assert!(unseen.windows(2).all(|pair| (30..35).contains(&(pair[1] - pair[0]))));
        assert!((0..1032).all(|i| with.unseen[i] == with.rows[i].contains(&1.0)));
        assert!(with.events.is_sorted());
        assert_eq!(with.units.iter().map(Vec::len).sum::<usize>(), 1032);
        for unit in &with.units {
            let alone = unit.iter().any(|&row| with.unseen[row]);
            assert_eq!(unit.len(), if alone { 1 } else { 4 });
            let own: Vec<usize> = unit.iter().map(|&row| with.events[row] / 4).collect();
            assert!(alone || own.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }
}
