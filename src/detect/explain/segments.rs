//! Segments whose share of the traffic changed.

use std::collections::BTreeMap;

use crate::model::explanation::SegmentChange;
use crate::stats::shift::cell_shifts;

/// Segments that are told at most.
const SEGMENTS: usize = 12;

/// Standard deviations of sampling that a share must have changed by.
const MIN_Z: f64 = 3.0;

/// Events that a segment must have, or be expected to have, in the window.
const MIN_EVENTS: f64 = 5.0;

/// How many events carry a label with a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentCounts<'a> {
    /// The label.
    pub key: &'a str,
    /// Its value.
    pub value: &'a str,
    /// Events of the window.
    pub now: f64,
    /// Events of the reference.
    pub then: f64,
}

/// The segments that changed, largest contribution first, of either sign. Shares are of the events
/// that carry the label.
pub(super) fn changes(counts: &[SegmentCounts<'_>]) -> Vec<SegmentChange> {
    let mut by_key: BTreeMap<&str, Vec<&SegmentCounts<'_>>> = BTreeMap::new();
    counts.iter().for_each(|segment| by_key.entry(segment.key).or_default().push(segment));
    let mut changes = Vec::new();
    for segments in by_key.values() {
        let now: Vec<f64> = segments.iter().map(|s| s.now).collect();
        let then: Vec<f64> = segments.iter().map(|s| s.then).collect();
        let n: f64 = now.iter().sum();
        let shifts = cell_shifts(&now, &then).unwrap_or_default();
        for (segment, shift) in segments.iter().zip(shifts) {
            if shift.z.abs() > MIN_Z && shift.now.max(shift.then) * n >= MIN_EVENTS {
                changes.push(SegmentChange {
                    key: segment.key.to_owned(),
                    value: segment.value.to_owned(),
                    share_then: shift.then,
                    share_now: shift.now,
                    contribution: shift.contribution,
                    z: shift.z,
                });
            }
        }
    }
    changes.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
    changes.truncate(SEGMENTS);
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_compared_each_with_its_own_values() {
        let count = |key, value, now, then| SegmentCounts { key, value, now, then };
        let changes = changes(&[
            count("channel", "whatsapp", 80.0, 300.0),
            count("channel", "web", 20.0, 300.0),
            count("language", "sw", 51.0, 300.0),
            count("language", "en", 49.0, 300.0),
        ]);
        let named: Vec<&str> = changes.iter().map(|c| c.value.as_str()).collect();
        assert_eq!(named, ["whatsapp", "web"]);
        assert!(changes[0].z > 3.0 && changes[1].z < -3.0);
        assert!((changes[0].share_now - 0.8).abs() < 1e-12 && changes[1].contribution < 0.0);
    }
}
