//! What of the reference is left out where one of its rows is looked at as if it were new.
//!
//! A fresh text has no neighbours of its own session in the reference, so a row of the reference must
//! not have them either. Sessions say what belongs together; without them events may still come in
//! runs, and then whole stretches of time are left out.

use crate::stats::dependence::{block_length, design_effect};
use crate::stats::expectation::Regressor;
use crate::stats::rhythm::Rhythm;
use crate::stats::whitening::FOLDS;

/// The groups that rows are left out by.
pub(super) struct Apart {
    /// The group of each row.
    group: Vec<usize>,
    /// Number of groups.
    groups: usize,
    /// Whether groups are stretches of time, so that a run may reach over into the next.
    in_time: bool,
}

impl Apart {
    /// By `units` of rows where they are sessions; else by stretches of time where neighbours resemble
    /// each other; else each row alone.
    pub(super) fn of(
        raw: &[&[f32]],
        at: &[i64],
        rhythm: Rhythm,
        units: &[Vec<usize>],
        in_sessions: bool,
    ) -> Self {
        let rows = raw.len();
        if in_sessions {
            let mut group = vec![0; rows];
            for (u, unit) in units.iter().enumerate() {
                unit.iter().for_each(|&row| group[row] = u);
            }
            return Self { group, groups: units.len(), in_time: false };
        }
        let length = block_length(design_effect(&residuals(raw, at, rhythm)), rows);
        let group: Vec<usize> = (0..rows).map(|row| row / length).collect();
        Self { groups: rows.div_ceil(length), group, in_time: length > 1 }
    }

    /// Whether row `other` is left out where row `row` is looked at.
    pub(super) fn leaves_out(&self, row: usize, other: usize) -> bool {
        self.group[row].abs_diff(self.group[other]) <= usize::from(self.in_time)
    }

    /// The fold of each row: groups by turns, or stretches of time, whose edges are few.
    pub(super) fn folds(&self) -> Vec<usize> {
        let fold = |group: &usize| {
            if self.in_time { group * FOLDS / self.groups.max(1) } else { group % FOLDS }
        };
        self.group.iter().map(fold).collect()
    }
}

/// The rows less what is expected at their times.
fn residuals(raw: &[&[f32]], at: &[i64], rhythm: Rhythm) -> Vec<Vec<f32>> {
    let dim = raw.first().map_or(0, |row| row.len());
    let mut sums = Regressor::new(rhythm.functions(), dim);
    let bases: Vec<Vec<f64>> = at.iter().map(|at| rhythm.basis(*at)).collect();
    raw.iter().zip(&bases).for_each(|(row, basis)| sums.add(basis, row));
    let fit = sums.solve();
    raw.iter()
        .zip(&bases)
        .map(|(row, basis)| match &fit {
            Some(fit) => row.iter().zip(fit.at(basis)).map(|(x, m)| x - m as f32).collect(),
            None => row.to_vec(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows in runs of `run` that resemble each other.
    fn rows(run: usize) -> Vec<Vec<f32>> {
        let value = |i: usize| ((i * 7919 + 13) % 1000) as f32 / 1000.0 - 0.5;
        (0..2000).map(|i| (0..8).map(|d| value(i / run * 31 + d * 977)).collect()).collect()
    }

    fn apart(run: usize, units: &[Vec<usize>], in_sessions: bool) -> Apart {
        let rows = rows(run);
        let raw: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        Apart::of(&raw, &vec![0; raw.len()], Rhythm::default(), units, in_sessions)
    }

    #[test]
    fn independent_rows_leave_out_themselves() {
        let apart = apart(1, &[], false);
        assert!(apart.leaves_out(5, 5) && !apart.leaves_out(5, 6));
        assert_eq!(apart.folds()[..6], [0, 1, 2, 3, 4, 0]);
    }

    #[test]
    fn sessions_leave_out_their_own() {
        let units: Vec<Vec<usize>> = (0..1000).map(|i| vec![i, 1999 - i]).collect();
        let apart = apart(1, &units, true);
        assert!(apart.leaves_out(0, 1999) && !apart.leaves_out(0, 1));
    }

    #[test]
    fn runs_without_sessions_leave_out_their_stretch_and_the_next() {
        let apart = apart(4, &[], false);
        assert!((0..2000).all(|row| apart.leaves_out(row, (row + 3).min(1999))));
        assert!(!apart.leaves_out(0, 1999));
        let folds = apart.folds();
        assert!(folds.windows(2).filter(|pair| pair[0] != pair[1]).count() == FOLDS - 1);
    }
}
