//! Topics that the reference does not have.

use super::{StreamInput, WindowRow, counted, exemplars, map, wording};
use crate::model::explanation::NewTopic;
use crate::stats::leader::{NewCluster, Placed, Rule, new_clusters};
use crate::stats::linear::distance_sq;
use crate::text::counts::TermCounts;

/// The part of the window that a new topic needs.
const MIN_SHARE: f64 = 0.01;

/// Events that it needs in any window.
const MIN_MEMBERS: usize = 5;

/// New topics that are told at most.
const TOPICS: usize = 8;

/// The groups of rows outside every cell. There are none in scalar streams, where every value lies
/// between two others.
pub(super) fn find(input: &StreamInput<'_>) -> Vec<NewCluster> {
    if input.rows.first().is_none_or(|row| row.x.len() < 2) {
        return Vec::new();
    }
    let placed: Option<Vec<Placed<'_>>> = input
        .rows
        .iter()
        .map(|row| {
            let centroid = input.reference.centroid(row.cell)?;
            let limit = *input.reference.radius_limits.get(row.cell)?;
            Some(Placed { x: row.x, distance: distance_sq(row.x, centroid).sqrt(), limit })
        })
        .collect();
    let rule = Rule {
        min_cosine: min_cosine(input.reference.radius_limits),
        min_share: MIN_SHARE,
        min_members: MIN_MEMBERS,
    };
    let mut clusters = placed.map(|placed| new_clusters(&placed, rule)).unwrap_or_default();
    clusters.truncate(TOPICS);
    clusters
}

/// A new topic is about as wide as the reference's are, whatever the embedding model: the cosine of
/// two unit vectors at the median limit r, 1 − r²/2, within bounds for degenerate references.
fn min_cosine(radius_limits: &[f64]) -> f32 {
    let mut limits = radius_limits.to_vec();
    limits.sort_by(f64::total_cmp);
    let median = limits.get(limits.len() / 2).copied().unwrap_or(1.0);
    (1.0 - median * median / 2.0).clamp(0.3, 0.95) as f32
}

/// Counts by cell of window and reference in which the new topics are one more cell, so that what is
/// new is not taken for the known topic that happens to be nearest. Where the rows are only some of
/// the window's, they stand for all.
pub(super) fn set_apart(input: &StreamInput<'_>, clusters: &[NewCluster]) -> (Vec<f64>, Vec<f64>) {
    let (mut now, mut then) = (input.counts.to_vec(), input.reference.counts.to_vec());
    if clusters.is_empty() {
        return (now, then);
    }
    let weight = now.iter().sum::<f64>() / input.rows.len() as f64;
    let mut new = 0.0;
    for &row in clusters.iter().flat_map(|cluster| &cluster.members) {
        if let Some(count) = now.get_mut(input.rows[row].cell) {
            let moved = weight.min(*count);
            *count -= moved;
            new += moved;
        }
    }
    now.push(new);
    then.push(0.0);
    (now, then)
}

/// The new topics. `then` are the terms of the reference.
pub(super) fn describe(
    input: &StreamInput<'_>,
    clusters: &[NewCluster],
    then: &TermCounts,
) -> Vec<NewTopic> {
    let describe = |cluster: &NewCluster| {
        let rows: Vec<WindowRow<'_>> = cluster.members.iter().map(|&i| input.rows[i]).collect();
        NewTopic {
            share: rows.len() as f64 / input.rows.len() as f64,
            terms: wording::rising(&counted(rows.iter()), then),
            exemplars: exemplars::typical(&rows, &cluster.centre, false),
            at: input.reference.projection.map(|axes| map::place(axes, &cluster.centre)),
        }
    };
    clusters.iter().map(describe).collect()
}
