//! Gathers what an explanation of this part's drift is made of.

use std::collections::BTreeMap;

use super::PartWindows;
use crate::clock::Timestamp;
use crate::detect::compare::Comparator;
use crate::detect::engine::Evaluation;
use crate::detect::examples::Recent;
use crate::detect::explain::rates::{Rates, changes};
use crate::detect::explain::{
    BucketSums, ExplainInput, SegmentCounts, StreamInput, WindowRow, explain,
};
use crate::detect::grid::{Grid, GridWindow};
use crate::detect::notes::{Notes, PartNotes, Responses, Texts, text_of};
use crate::detect::values::{names, value};
use crate::model::explanation::{Explanation, RateChange};
use crate::model::interaction::Event;
use crate::model::stream::Stream;
use crate::model::verdict::Verdict;
use crate::stats::mmd::MeanSums;
use crate::stats::sketch::Sketch;

/// What is borrowed while one stream is explained.
struct Gathered<'a> {
    stream: Stream,
    sum: Sketch,
    values: Vec<(&'a Event, Vec<f32>, usize)>,
    /// Begin, events, and the sum of their features less what is expected of them at their time.
    buckets: Vec<(Timestamp, f64, Vec<f64>)>,
    /// Events of the reference that are expected in each cell at the window's time.
    cells_then: Vec<f64>,
    /// The mean of the buckets' sums when nothing has changed.
    nothing: Vec<f64>,
}

impl PartWindows {
    /// Explains the drifted streams of an evaluation of this part; `None` where nothing drifted or
    /// the reference has no notes.
    pub(in crate::detect) fn explain<'t>(
        &self,
        evaluation: &Evaluation,
        notes: &Notes,
        comparator: &Comparator,
        recent: &Recent,
        texts: &dyn Fn(&str) -> Texts<'t>,
    ) -> Option<Explanation> {
        let gathered: Vec<Gathered<'_>> = notes
            .streams
            .keys()
            .filter_map(|stream| self.gather(*stream, evaluation, comparator, recent))
            .collect();
        let rates = self.changed_rates(evaluation, comparator);
        let Some(widest) = gathered.iter().max_by_key(|g| g.values.len()) else {
            let only = Explanation { rates, ..Explanation::default() };
            return (!only.rates.is_empty()).then_some(only);
        };
        let events: Vec<&Event> = widest.values.iter().map(|(event, ..)| *event).collect();
        let query = comparator.lens(Stream::Query);
        let own = self.notes(notes);
        let answers = query.map(|lens| Responses::of(events.iter().copied(), lens));
        let responses = answers.as_ref().and_then(Responses::view).zip(own.responses.view());
        let labels = labels(&events, own);
        let segments: Vec<SegmentCounts<'_>> = labels
            .iter()
            .map(|((key, value), (now, then))| SegmentCounts { key, value, now: *now, then: *then })
            .collect();
        let rows: Vec<Vec<WindowRow<'_>>> = gathered.iter().map(|g| g.rows(texts)).collect();
        let buckets: Vec<Vec<BucketSums<'_>>> = gathered.iter().map(Gathered::sums).collect();
        let streams = gathered
            .iter()
            .zip(rows.iter().zip(&buckets))
            .filter_map(|(g, (rows, buckets))| {
                let lens = comparator.lens(g.stream)?;
                let (all, terms) = (notes.whole.terms.get(&g.stream), own.terms.get(&g.stream));
                let stream = notes.streams.get(&g.stream)?;
                let reference = stream.view(lens, &g.cells_then, &g.nothing, all, terms);
                Some(StreamInput {
                    stream: g.stream,
                    counts: &g.sum.cells,
                    rows,
                    buckets,
                    reference,
                })
            })
            .collect();
        let found = explain(&ExplainInput { streams, responses, segments: &segments });
        Some(Explanation { rates, ..found })
    }

    /// The rates that changed in the most drifted window of each stream of rates.
    fn changed_rates(&self, evaluation: &Evaluation, comparator: &Comparator) -> Vec<RateChange> {
        let streams = Stream::ALL.into_iter().filter(|stream| stream.has_names());
        let mut changed: Vec<RateChange> = streams
            .filter_map(|stream| {
                let sum = self.most_drifted(stream, evaluation)?.1;
                let expectation = &self.part(comparator).streams.get(&stream)?.expectation;
                let rates = Rates {
                    sum: &sum.sum_x,
                    n: sum.n,
                    then: &expectation.at(&phase(&sum)).x,
                    n_then: expectation.n,
                };
                let policies;
                let names: Vec<&str> = if stream == Stream::Policy {
                    policies = comparator.profile().policies.names();
                    policies.iter().map(String::as_str).collect()
                } else {
                    names(stream)
                };
                Some(changes(stream, &names, &rates))
            })
            .flatten()
            .collect();
        changed.sort_by(|a, b| b.z.abs().total_cmp(&a.z.abs()));
        changed
    }

    /// The verdict on the most drifted window of `stream`, its grid, and its sketch.
    fn most_drifted<'a>(
        &'a self,
        stream: Stream,
        evaluation: &'a Evaluation,
    ) -> Option<((&'a Verdict, &'a Grid), Sketch)> {
        let ratio = |verdict: &&Verdict| verdict.ratio().unwrap_or(0.0);
        let worst = evaluation
            .verdicts
            .iter()
            .filter(|verdict| verdict.stream == stream && verdict.is_drift)
            .max_by(|a, b| ratio(a).total_cmp(&ratio(b)))?;
        let (grid, window) = self.window(&worst.window)?;
        let sum = grid.window_sum(window, evaluation.bucket?, stream)?;
        Some(((worst, grid), sum))
    }

    /// The most drifted window of `stream`, with its events as far as they are remembered.
    fn gather<'a>(
        &'a self,
        stream: Stream,
        evaluation: &'a Evaluation,
        comparator: &Comparator,
        recent: &'a Recent,
    ) -> Option<Gathered<'a>> {
        let ((worst, grid), sum) = self.most_drifted(stream, evaluation)?;
        let last = evaluation.bucket?;
        let lens = comparator.lens(stream)?;
        let expectation = &self.part(comparator).streams.get(&stream)?.expectation;
        let cells = expectation.at(&phase(&sum)).cells;
        let cells_then = cells.iter().map(|share| share.max(0.0) * expectation.n_cells).collect();
        let values = recent
            .newest()
            .filter(|event| self.is_in(grid, last, event))
            .filter_map(|event| Some((event, value(event, stream)?)))
            .take(worst.n_window as usize)
            .map(|(event, x)| {
                let cell = lens.codebook.assign(&x);
                (event, x, cell)
            })
            .collect();
        let mut start = None;
        let mut buckets = Vec::new();
        for bucket in grid.buckets.range(..=last).map(|(_, bucket)| bucket) {
            if let Some(sketch) = bucket.streams.get(&stream) {
                let expected = expectation.at(&phase(sketch)).phi;
                let MeanSums { n, sum, .. } = sketch.kernel();
                let less = sum.iter().zip(&expected).map(|(s, m)| s - n * m).collect();
                buckets.push((start.unwrap_or(bucket.ends_at), n, less));
            }
            start = Some(bucket.ends_at);
        }
        let nothing =
            vec![0.0; buckets.first().map_or(0, |(_, _, sum): &(_, _, Vec<f64>)| sum.len())];
        Some(Gathered { stream, sum, values, buckets, cells_then, nothing })
    }

    /// The notes on this part of the reference.
    fn notes<'a>(&self, notes: &'a Notes) -> &'a PartNotes {
        let own = self.segment.as_ref().and_then(|(index, _)| notes.segments.get(*index));
        own.unwrap_or(&notes.whole)
    }

    fn window(&self, name: &str) -> Option<(&Grid, &GridWindow)> {
        self.grids
            .iter()
            .find_map(|grid| Some((grid, grid.windows.iter().find(|window| window.name == name)?)))
    }
}

impl Gathered<'_> {
    fn rows<'b, 't: 'b>(&'b self, texts: &dyn Fn(&str) -> Texts<'t>) -> Vec<WindowRow<'b>> {
        self.values
            .iter()
            .map(|(event, x, cell)| {
                let id = event.interaction_id.as_str();
                let text = text_of(self.stream, id, texts);
                WindowRow { id, x, cell: *cell, text }
            })
            .collect()
    }

    fn sums(&self) -> Vec<BucketSums<'_>> {
        self.buckets
            .iter()
            .map(|(start, n, sum)| BucketSums {
                start: *start,
                sums: MeanSums { n: *n, sum, sum_sq: *n },
            })
            .collect()
    }
}

/// The mean of the rhythm's functions over a window.
fn phase(sum: &Sketch) -> Vec<f64> {
    sum.phase.iter().map(|total| total / sum.n).collect()
}

type Label<'a> = (&'a str, &'a str);

/// Events with each label, now and in the reference.
fn labels<'a>(events: &[&'a Event], notes: &'a PartNotes) -> BTreeMap<Label<'a>, (f64, f64)> {
    let mut labels: BTreeMap<Label<'a>, (f64, f64)> = BTreeMap::new();
    for (attribute, values) in &notes.labels {
        for (value, then) in values {
            labels.insert((attribute, value), (0.0, *then));
        }
    }
    for (attribute, value) in events.iter().flat_map(|event| &event.attributes) {
        if notes.labels.contains_key(attribute) {
            labels.entry((attribute, value)).or_default().0 += 1.0;
        }
    }
    labels
}
