//! What a reference keeps for explanations: which topics it has, in which terms, with which examples.
//!
//! Taken while its texts are at hand. Notes hold counts of terms and ids, no texts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::detect::explain::exemplars::typical;
use crate::detect::explain::{ReferenceView, WindowRow};
use crate::detect::lens::Lens;
use crate::detect::profile::ReferenceProfile;
use crate::detect::values::{StreamRows, value};
use crate::model::explanation::Exemplar;
use crate::model::interaction::Event;
use crate::model::stream::Stream;
use crate::stats::leader::radius_limits;
use crate::stats::linear::{add, distance_sq};
use crate::stats::poststratify::CellSums;
use crate::stats::projection::Projection;
use crate::text::counts::TermCounts;

/// Words kept of each cell, of a stream in all of the traffic, and in a segment.
const WORDS: [usize; 3] = [300, 5_000, 2_000];

/// Rows that the projection and the exemplars look at.
const MAX_ROWS: usize = 10_000;

/// The texts of an interaction: query and response, screened.
pub type Texts<'a> = (Option<&'a str>, Option<&'a str>);

/// Notes on a reference.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Notes {
    /// What its cells are like, by stream.
    pub streams: BTreeMap<Stream, StreamNotes>,
    /// All of the traffic.
    pub whole: PartNotes,
    /// The segments, in the profile's order.
    pub segments: Vec<PartNotes>,
}

/// Notes on the traffic as a whole, or on one segment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PartNotes {
    /// Terms of all texts together, by stream.
    pub terms: BTreeMap<Stream, TermCounts>,
    /// Responses by the query's cell; empty where there are none.
    pub responses: Responses,
    /// Events with each label.
    pub labels: BTreeMap<String, BTreeMap<String, f64>>,
}

/// Notes on one stream; vectors go by cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamNotes {
    /// The distance from its centroid within which a cell holds its own.
    radius_limits: Vec<f64>,
    /// Terms of the texts.
    terms: Vec<TermCounts>,
    /// The most typical interactions.
    exemplars: Vec<Vec<Exemplar>>,
    /// The main axes; scalars have none.
    projection: Option<Projection>,
}

impl StreamNotes {
    /// The notes as an explanation reads them, with what is expected of the window: events by cell, and
    /// the mean of the features.
    pub fn view<'a>(
        &'a self,
        lens: &'a Lens,
        counts: &'a [f64],
        mean: &'a [f64],
        all_terms: Option<&'a TermCounts>,
        segment_terms: Option<&'a TermCounts>,
    ) -> ReferenceView<'a> {
        ReferenceView {
            counts,
            centroids: lens.codebook.centroids(),
            radius_limits: &self.radius_limits,
            terms: &self.terms,
            all_terms,
            segment_terms,
            exemplars: &self.exemplars,
            mean: Some(mean),
            projection: self.projection.as_ref(),
        }
    }
}

/// Sums of response vectors by the cell of the query.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Responses {
    n: Vec<f64>,
    sum: Vec<f64>,
    sum_sq: Vec<f64>,
}

impl Responses {
    /// The sums of `events`, whose queries `lens` puts into cells.
    pub fn of<'a>(events: impl Iterator<Item = &'a Event>, lens: &Lens) -> Self {
        let cells = lens.codebook.len();
        let (n, sum_sq) = (vec![0.0; cells], vec![0.0; cells]);
        let mut sums = Self { n, sum: Vec::new(), sum_sq };
        for event in events {
            let pair = (value(event, Stream::Query), value(event, Stream::Response));
            let (Some(query), Some(response)) = pair else { continue };
            if query.len() != lens.dim {
                continue;
            }
            let (cell, dim) = (lens.codebook.assign(&query), response.len());
            sums.sum.resize(cells * dim, 0.0);
            sums.n[cell] += 1.0;
            sums.sum_sq[cell] += crate::stats::linear::norm_sq(&response);
            add(&mut sums.sum[cell * dim..(cell + 1) * dim], &response);
        }
        sums
    }

    /// The sums as the decomposition reads them; `None` where there are no responses.
    pub fn view(&self) -> Option<CellSums<'_>> {
        let Self { n, sum, sum_sq } = self;
        (!sum.is_empty()).then_some(CellSums { n, sum, sum_sq })
    }
}

/// Takes notes on `events`, the reference of `profile`. `texts` gives those of an interaction, as
/// far as they may be shown and are still there.
pub fn take<'t>(
    profile: &ReferenceProfile,
    events: &[Event],
    texts: &dyn Fn(&str) -> Texts<'t>,
) -> Notes {
    // Rates have names of their own; what they are made of needs no notes.
    let noted = profile.lenses.iter().filter(|(stream, _)| !stream.has_names());
    let streams = noted.map(|(s, lens)| (*s, of_stream(*s, lens, events, texts))).collect();
    let all: Vec<&Event> = events.iter().collect();
    let segments = profile.segments.iter().filter_map(|part| part.segment.as_ref());
    Notes {
        streams,
        whole: of_part(profile, &all, WORDS[1], texts),
        segments: segments
            .map(|segment| {
                let own: Vec<&Event> =
                    events.iter().filter(|event| segment.holds(&event.attributes)).collect();
                of_part(profile, &own, WORDS[2], texts)
            })
            .collect(),
    }
}

fn of_part<'t>(
    profile: &ReferenceProfile,
    events: &[&Event],
    words: usize,
    texts: &dyn Fn(&str) -> Texts<'t>,
) -> PartNotes {
    let mut notes = PartNotes::default();
    for &stream in profile.lenses.keys().filter(|stream| !stream.has_names()) {
        let with_value = events.iter().filter(|event| value(event, stream).is_some());
        let own = with_value.filter_map(|event| text_of(stream, &event.interaction_id, texts));
        notes.terms.insert(stream, counted(own, words));
    }
    if let Some(lens) = profile.lenses.get(&Stream::Query)
        && profile.lenses.contains_key(&Stream::Response)
    {
        notes.responses = Responses::of(events.iter().copied(), lens);
    }
    for (attribute, value) in events.iter().flat_map(|event| &event.attributes) {
        let values = notes.labels.entry(attribute.clone()).or_default();
        *values.entry(value.clone()).or_default() += 1.0;
    }
    // An attribute with a value of its own for each interaction divides nothing.
    notes.labels.retain(|_, values| values.len() <= 100);
    notes
}

/// The text that a stream speaks of.
pub(in crate::detect) fn text_of<'t>(
    stream: Stream,
    id: &str,
    texts: &dyn Fn(&str) -> Texts<'t>,
) -> Option<&'t str> {
    let (query, response) = texts(id);
    if stream == Stream::Response { response } else { query }
}

fn counted<'a>(texts: impl Iterator<Item = &'a str>, words: usize) -> TermCounts {
    let mut counts = TermCounts::new(words);
    texts.for_each(|text| counts.observe(text));
    counts
}

fn of_stream<'t>(
    stream: Stream,
    lens: &Lens,
    events: &[Event],
    texts: &dyn Fn(&str) -> Texts<'t>,
) -> StreamNotes {
    let StreamRows { rows, events: owners, .. } = StreamRows::collect(events, stream);
    let cells = lens.codebook.len();
    let mut by_cell: Vec<Vec<WindowRow<'_>>> = vec![Vec::new(); cells];
    let mut distances = Vec::with_capacity(rows.len());
    for (x, owner) in rows.iter().zip(&owners) {
        let id = events[*owner].interaction_id.as_str();
        let text = text_of(stream, id, texts);
        let cell = lens.codebook.assign(x);
        distances.push((cell, distance_sq(x, lens.codebook.centroid(cell)).sqrt()));
        by_cell[cell].push(WindowRow { id, x, cell, text });
    }
    let step = rows.len().div_ceil(MAX_ROWS).max(1);
    let sample: Vec<&[f32]> = rows.iter().step_by(step).map(Vec::as_slice).collect();
    StreamNotes {
        radius_limits: radius_limits(&distances, cells),
        terms: by_cell
            .iter()
            .map(|rows| counted(rows.iter().filter_map(|row| row.text), WORDS[0]))
            .collect(),
        exemplars: by_cell
            .iter()
            .enumerate()
            .map(|(cell, rows)| {
                let rows = &rows[..rows.len().min(MAX_ROWS / cells.max(1))];
                typical(rows, lens.codebook.centroid(cell), true)
            })
            .collect(),
        projection: if lens.dim > 1 { Projection::fit(&sample) } else { None },
    }
}
