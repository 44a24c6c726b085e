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

/// Words kept of each cell, and of a whole stream.
const WORDS: (usize, usize) = (300, 5_000);

/// Rows that the projection and the exemplars look at.
const MAX_ROWS: usize = 10_000;

/// The texts of an interaction: query and response, screened.
pub type Texts<'a> = (Option<&'a str>, Option<&'a str>);

/// Notes on a reference.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Notes {
    /// By stream.
    pub streams: BTreeMap<Stream, StreamNotes>,
    /// Responses by the query's cell; empty where there are none.
    pub responses: Responses,
    /// Events with each label.
    pub labels: BTreeMap<String, BTreeMap<String, f64>>,
}

/// Notes on one stream; vectors go by cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamNotes {
    /// Events.
    counts: Vec<f64>,
    /// The distance from its centroid within which a cell holds its own.
    radius_limits: Vec<f64>,
    /// Terms of the texts.
    terms: Vec<TermCounts>,
    /// Terms of all texts together.
    all_terms: TermCounts,
    /// The most typical interactions.
    exemplars: Vec<Vec<Exemplar>>,
    /// The main axes; scalars have none.
    projection: Option<Projection>,
}

impl StreamNotes {
    /// The notes as an explanation reads them; `mean` is the expected mean of the features.
    pub fn view<'a>(&'a self, lens: &'a Lens, mean: &'a [f64]) -> ReferenceView<'a> {
        ReferenceView {
            counts: &self.counts,
            centroids: lens.codebook.centroids(),
            radius_limits: &self.radius_limits,
            terms: &self.terms,
            all_terms: Some(&self.all_terms),
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
    let mut notes = Notes::default();
    // Rates have names of their own; what they are made of needs no notes.
    let noted = |stream: &Stream| !stream.has_names();
    for (stream, lens) in profile.lenses.iter().filter(|(stream, _)| noted(stream)) {
        notes.streams.insert(*stream, of_stream(*stream, lens, events, texts));
    }
    if let Some(lens) = profile.lenses.get(&Stream::Query)
        && profile.lenses.contains_key(&Stream::Response)
    {
        notes.responses = Responses::of(events.iter(), lens);
    }
    for (attribute, value) in events.iter().flat_map(|event| &event.attributes) {
        let values = notes.labels.entry(attribute.clone()).or_default();
        *values.entry(value.clone()).or_default() += 1.0;
    }
    // An attribute with a value of its own for each interaction divides nothing.
    notes.labels.retain(|_, values| values.len() <= 100);
    notes
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
        let (query, response) = texts(id);
        let text = if stream == Stream::Response { response } else { query };
        let cell = lens.codebook.assign(x);
        distances.push((cell, distance_sq(x, lens.codebook.centroid(cell)).sqrt()));
        by_cell[cell].push(WindowRow { id, x, cell, text });
    }
    let counted = |rows: &[WindowRow<'_>], limit: usize| {
        let mut counts = TermCounts::new(limit);
        rows.iter().filter_map(|row| row.text).for_each(|text| counts.observe(text));
        counts
    };
    let all: Vec<WindowRow<'_>> = by_cell.iter().flatten().copied().collect();
    let sample: Vec<&[f32]> = rows.iter().take(MAX_ROWS).map(Vec::as_slice).collect();
    StreamNotes {
        counts: by_cell.iter().map(|rows| rows.len() as f64).collect(),
        radius_limits: radius_limits(&distances, cells),
        terms: by_cell.iter().map(|rows| counted(rows, WORDS.0)).collect(),
        all_terms: counted(&all, WORDS.1),
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
