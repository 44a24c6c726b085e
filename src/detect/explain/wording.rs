//! Terms that came and went.

use crate::model::explanation::TermChange;
use crate::stats::log_odds::{Candidate, Share, log_odds, prior_mass, select};
use crate::text::counts::{TermCounts, Vocabulary};

/// Terms of a stream or a new topic that are shown.
const TERMS: usize = 12;

/// Terms that name a cell.
const CELL_TERMS: usize = 6;

/// The terms that `now` uses more than `then`.
pub(super) fn rising(now: &TermCounts, then: &TermCounts) -> Vec<TermChange> {
    let change = |c: Candidate<'_>| change(c, now, then);
    strongest(now, &Other { all: then, without: None }, TERMS).into_iter().map(change).collect()
}

/// The terms that `now` uses less than `then`.
pub(super) fn falling(now: &TermCounts, then: &TermCounts) -> Vec<TermChange> {
    let change = |c: Candidate<'_>| change(c, now, then);
    strongest(then, &Other { all: now, without: None }, TERMS).into_iter().map(change).collect()
}

/// What sets `cell` apart from the rest of `all`, which it is a part of.
pub(super) fn of_cell(cell: &TermCounts, all: &TermCounts) -> Vec<String> {
    let chosen = strongest(cell, &Other { all, without: Some(cell) }, CELL_TERMS);
    chosen.into_iter().map(|c| c.term.to_owned()).collect()
}

fn change(chosen: Candidate<'_>, now: &TermCounts, then: &TermCounts) -> TermChange {
    let share = |counts: &TermCounts| {
        let vocabulary = if chosen.is_word { counts.words() } else { counts.pieces() };
        vocabulary.count(chosen.term) as f64 / counts.texts().max(1) as f64
    };
    TermChange {
        term: chosen.term.to_owned(),
        is_word: chosen.is_word,
        z: chosen.z,
        share_then: share(then),
        share_now: share(now),
    }
}

/// What a set of texts is compared with: another set, without a part of it.
struct Other<'a> {
    all: &'a TermCounts,
    without: Option<&'a TermCounts>,
}

impl Other<'_> {
    /// The largest share that the term can have here: what was forgotten of it counts in full, so
    /// that a term is not called new because it was forgotten.
    fn at_most(&self, term: &str, kind: fn(&TermCounts) -> &Vocabulary) -> Share {
        let all = kind(self.all);
        let (count, total) = match self.without.map(kind) {
            Some(part) => (
                all.count(term).saturating_sub(part.count(term)),
                all.total().saturating_sub(part.total()),
            ),
            None => (all.count(term), all.total()),
        };
        Share { count: (count + all.lost()).min(total) as f64, total: total as f64 }
    }
}

fn strongest<'a>(more: &'a TermCounts, less: &Other<'_>, k: usize) -> Vec<Candidate<'a>> {
    let candidates = |kind: fn(&TermCounts) -> &Vocabulary, is_word: bool| {
        let total = kind(more).total() as f64;
        kind(more).iter().filter_map(move |(term, count)| {
            let less = less.at_most(term, kind);
            let share = Share { count: count as f64, total };
            // Without anything to compare with, every term would be new.
            (less.total > 0.0).then(|| {
                let z = log_odds(share, less, prior_mass(share, less)).z;
                Candidate { term, is_word, z, count: count as f64 }
            })
        })
    };
    let all: Vec<Candidate<'a>> =
        candidates(TermCounts::words, true).chain(candidates(TermCounts::pieces, false)).collect();
    select(&all, k)
}
