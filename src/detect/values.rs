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
    /// Rows at the end that are no event's: see [`StreamRows::with_unseen`].
    pub unseen: usize,
}

impl StreamRows {
    /// Collects `stream` from `events`.
    pub fn collect<'a>(events: impl IntoIterator<Item = &'a Event>, stream: Stream) -> Self {
        let mut collected =
            Self { rows: Vec::new(), events: Vec::new(), units: Vec::new(), unseen: 0 };
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
        self.unseen = unseen.len();
        let events = self.events.len();
        for (i, row) in unseen.into_iter().enumerate() {
            self.units.push(vec![self.rows.len()]);
            self.rows.push(row);
            // At times spread over the reference.
            self.events.push(self.events[i * events / self.unseen]);
        }
        self
    }
}
