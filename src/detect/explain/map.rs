//! The window on the reference's main axes.

use std::collections::HashMap;

use super::StreamInput;
use crate::model::explanation::{DriftMap, MapPoint, Place};
use crate::stats::leader::NewCluster;
use crate::stats::projection::Projection;

/// Points at most.
const POINTS: usize = 300;

/// The map; `None` without axes.
pub(super) fn draw(input: &StreamInput<'_>, clusters: &[NewCluster]) -> Option<DriftMap> {
    let axes = input.reference.projection?;
    let cells = (0..input.reference.counts.len())
        .filter_map(|cell| Some(place(axes, input.reference.centroid(cell)?)))
        .collect();
    let homes: HashMap<usize, u32> = clusters
        .iter()
        .enumerate()
        .flat_map(|(cluster, c)| c.members.iter().map(move |&row| (row, cluster as u32)))
        .collect();
    let step = input.rows.len().div_ceil(POINTS).max(1);
    let points = input.rows.iter().enumerate().step_by(step).map(|(i, row)| MapPoint {
        interaction_id: row.id.to_owned(),
        at: place(axes, row.x),
        new_cluster: homes.get(&i).copied(),
    });
    Some(DriftMap { explained: axes.explained(), cells, points: points.collect() })
}

/// Where `x` lies.
pub(super) fn place(axes: &Projection, x: &[f32]) -> Place {
    let [x, y] = axes.project(x);
    Place { x, y }
}
