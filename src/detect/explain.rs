//! Why a window differs from the reference: topics that grew, faded or are new, the terms that came
//! and went, since when, and whether questions or answers changed.
//!
//! Pure: [`explain`] is a function of a window's rows and of what the reference keeps of its own.
//! Texts come in already screened, and only terms and ids leave.

mod cells;
pub mod exemplars;
mod groups;
mod map;
pub mod rates;
mod segments;
mod wording;

use crate::clock::Timestamp;
use crate::model::explanation::{
    ChangeTime, DriftSplit, Exemplar, Explanation, SplitPart, StreamExplanation,
};
use crate::model::stream::Stream;
use crate::stats::change_point::{cut_between, cut_from};
use crate::stats::mmd::MeanSums;
use crate::stats::poststratify::{CellSums, Part, split};
use crate::stats::projection::Projection;
use crate::stats::shift::replaced_share;
use crate::text::counts::TermCounts;

pub use segments::SegmentCounts;

/// Distinct words of a window that are kept: more than any window of ordinary texts has.
const WINDOW_WORDS: usize = 20_000;

/// What is to be explained.
#[derive(Debug, Clone, Default)]
pub struct ExplainInput<'a> {
    /// The streams.
    pub streams: Vec<StreamInput<'a>>,
    /// Responses by the query's cell: of the window, and of the reference. `None` where there are
    /// none.
    pub responses: Option<(CellSums<'a>, CellSums<'a>)>,
    /// Counts of the segments.
    pub segments: &'a [SegmentCounts<'a>],
}

/// One stream of a window, beside its reference.
#[derive(Debug, Clone)]
pub struct StreamInput<'a> {
    /// The stream.
    pub stream: Stream,
    /// Events per cell in the whole window; the rows may be only some of them.
    pub counts: &'a [f64],
    /// The window's events as far as they are remembered.
    pub rows: &'a [WindowRow<'a>],
    /// Buckets of feature sums in the order of time, reaching back before the change; may be empty.
    pub buckets: &'a [BucketSums<'a>],
    /// What the reference keeps.
    pub reference: ReferenceView<'a>,
}

/// One event of the window.
#[derive(Debug, Clone, Copy)]
pub struct WindowRow<'a> {
    /// The interaction's id.
    pub id: &'a str,
    /// Its value in the stream.
    pub x: &'a [f32],
    /// The cell of the reference's codebook that it falls into.
    pub cell: usize,
    /// Its screened text; `None` where it is kept no longer, or may not be shown.
    pub text: Option<&'a str>,
}

/// The feature sums of one bucket.
#[derive(Debug, Clone, Copy)]
pub struct BucketSums<'a> {
    /// When the bucket began.
    pub start: Timestamp,
    /// n and Σφ(x) of its events.
    pub sums: MeanSums<'a>,
}

/// What a reference keeps of a stream for explanations. Slices go by cell; what the reference does
/// not have may be empty.
#[derive(Debug, Clone, Copy)]
pub struct ReferenceView<'a> {
    /// Events per cell.
    pub counts: &'a [f64],
    /// Centroids, row-major.
    pub centroids: &'a [f32],
    /// The distance from its centroid within which a cell holds its own
    /// ([`crate::stats::leader::radius_limits`]).
    pub radius_limits: &'a [f64],
    /// Terms of the texts.
    pub terms: &'a [TermCounts],
    /// Terms of all texts together; `None` takes the sum over the cells, of which more was forgotten.
    pub all_terms: Option<&'a TermCounts>,
    /// Terms of the part of the traffic that is explained; `None` takes those of all texts, which is what
    /// the cells hold, whatever is explained.
    pub segment_terms: Option<&'a TermCounts>,
    /// The most typical rows ([`exemplars::typical`]).
    pub exemplars: &'a [Vec<Exemplar>],
    /// Mean of the features, for the time of the change.
    pub mean: Option<&'a [f64]>,
    /// The main axes.
    pub projection: Option<&'a Projection>,
}

impl<'a> ReferenceView<'a> {
    /// The centroid of a cell; `None` for a cell that is not there.
    fn centroid(&self, cell: usize) -> Option<&'a [f32]> {
        let dim = self.centroids.len().checked_div(self.counts.len())?;
        self.centroids.get(cell * dim..(cell + 1) * dim)
    }
}

/// Explains a window.
///
/// O(rows · cells · dimension) and the terms of the rows' texts: about a millisecond for each.
pub fn explain(input: &ExplainInput<'_>) -> Explanation {
    Explanation {
        streams: input.streams.iter().map(explain_stream).collect(),
        rates: Vec::new(),
        outcomes: Vec::new(),
        split: input.responses.and_then(|(window, reference)| {
            let parts = split(window, reference)?;
            Some(DriftSplit {
                total: part(parts.total),
                query: part(parts.mix),
                response: part(parts.conditional),
                pairing: part(parts.pairing),
                interaction: parts.interaction(),
                covered: parts.covered,
            })
        }),
        segments: segments::changes(input.segments),
    }
}

fn part(part: Part) -> SplitPart {
    SplitPart { value: part.corrected(), noise: part.noise }
}

fn explain_stream(input: &StreamInput<'_>) -> StreamExplanation {
    let sum;
    let all = if let Some(all) = input.reference.all_terms {
        all
    } else {
        sum = total(input.reference.terms);
        &sum
    };
    let then = input.reference.segment_terms.unwrap_or(all);
    let now = counted(input.rows.iter());
    let clusters = groups::find(input);
    let (counts_now, counts_then) = groups::set_apart(input, &clusters);
    StreamExplanation {
        stream: input.stream,
        replaced_share: replaced_share(&counts_now, &counts_then),
        changed: change_time(input),
        cells: cells::changes(input, &counts_now, &counts_then, all),
        rising: wording::rising(&now, then),
        falling: wording::falling(&now, then),
        map: map::draw(input, &clusters),
        new_clusters: groups::describe(input, &clusters, then),
    }
}

/// The terms of all cells together.
fn total(cells: &[TermCounts]) -> TermCounts {
    let mut total = TermCounts::new(WINDOW_WORDS);
    cells.iter().for_each(|counts| total.merge(counts));
    total
}

/// The terms of the rows' texts.
fn counted<'a>(rows: impl Iterator<Item = &'a WindowRow<'a>>) -> TermCounts {
    let mut counts = TermCounts::new(WINDOW_WORDS);
    rows.filter_map(|row| row.text).for_each(|text| counts.observe(text));
    counts
}

/// When the change began: from the known mean of the reference where there is one.
fn change_time(input: &StreamInput<'_>) -> Option<ChangeTime> {
    let sums: Vec<MeanSums<'_>> = input.buckets.iter().map(|bucket| bucket.sums).collect();
    let found = match input.reference.mean {
        Some(mean) => cut_from(mean, &sums),
        None => cut_between(&sums),
    }?;
    Some(ChangeTime {
        at: input.buckets[found.cut].start,
        or_earlier: sums[..found.cut].iter().all(|bucket| bucket.n <= 0.0),
        share: found.share,
    })
}

#[cfg(test)]
mod tests;
