//! Interactions that stand for a topic.

use std::collections::HashSet;

use super::WindowRow;
use crate::model::explanation::Exemplar;
use crate::stats::linear::distance_sq;
use crate::text::fingerprint::fingerprint;

/// Exemplars of a topic.
const EXEMPLARS: usize = 5;

/// ‖x − y‖² of unit vectors with cosine 0.95: what is nearer says the same thing.
const SAME_SQ: f64 = 0.1;

/// The rows nearest to `centre`, of those that say the same only the nearest: no two have a cosine
/// above 0.95 or texts with the same fingerprint. `in_reference` says whose rows they are. Of equals
/// the first by id.
pub fn typical(rows: &[WindowRow<'_>], centre: &[f32], in_reference: bool) -> Vec<Exemplar> {
    let mut ranked: Vec<(f64, &WindowRow<'_>)> =
        rows.iter().map(|row| (distance_sq(row.x, centre), row)).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.id.cmp(b.1.id)));
    let mut seen: HashSet<u64> = HashSet::new();
    let mut kept: Vec<(f64, &WindowRow<'_>)> = Vec::new();
    for (distance, row) in ranked {
        // A scalar's distance says nothing of the texts behind it.
        let close = |other: &(f64, &WindowRow<'_>)| {
            row.x.len() > 1 && distance_sq(row.x, other.1.x) < SAME_SQ
        };
        if kept.len() == EXEMPLARS {
            break;
        }
        if !kept.iter().any(close) && row.text.is_none_or(|text| seen.insert(fingerprint(text))) {
            kept.push((distance, row));
        }
    }
    let exemplar = |(distance, row): (f64, &WindowRow<'_>)| Exemplar {
        interaction_id: row.id.to_owned(),
        in_reference,
        distance: distance.sqrt(),
    };
    kept.into_iter().map(exemplar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(rows: &[WindowRow<'_>]) -> Vec<String> {
        typical(rows, &[1.0, 0.0], false).into_iter().map(|e| e.interaction_id).collect()
    }

    #[test]
    fn the_nearest_come_first_and_repetitions_once() {
        let row = |id, x: &'static [f32], text| WindowRow { id, x, cell: 0, text };
        let rows = [
            row("far", &[0.0, 1.0], Some("c")),
            row("near", &[1.0, 0.0], Some("a")),
            row("same-vector", &[0.99, 0.141], Some("b")),
            row("same-text", &[0.8, -0.6], Some("A 2!")),
            row("between", &[0.8, 0.6], None),
        ];
        assert_eq!(ids(&rows), ["near", "between", "far"]);
        assert!(ids(&[]).is_empty());
    }

    #[test]
    fn there_are_five_at_most() {
        let points: Vec<[f32; 1]> = (0..9).map(|i| [i as f32]).collect();
        let names: Vec<String> = (0..9).map(|i| i.to_string()).collect();
        let rows: Vec<WindowRow<'_>> = points
            .iter()
            .zip(&names)
            .map(|(x, id)| WindowRow { id, x, cell: 0, text: None })
            .collect();
        assert_eq!(typical(&rows, &[3.0], true).len(), EXEMPLARS);
    }
}
