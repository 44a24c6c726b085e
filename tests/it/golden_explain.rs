//! The statistics of explanations held against an independent implementation: the committed values
//! of `tests/golden/stats/make_explain.py`.

use seamark::stats::change_point::{cut_between, cut_from};
use seamark::stats::log_odds::{Share, log_odds};
use seamark::stats::mmd::MeanSums;
use seamark::stats::poststratify::{CellSums, split};
use seamark::stats::projection::Projection;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/stats/explain.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

fn sum(rows: &[Vec<f64>]) -> Vec<f64> {
    (0..rows[0].len()).map(|i| rows.iter().map(|row| row[i]).sum()).collect()
}

#[track_caller]
fn close(got: f64, want: &Value, tolerance: f64) {
    let want = want.as_f64().unwrap();
    assert!((got - want).abs() <= tolerance * (1.0 + want.abs()), "got {got}, want {want}");
}

#[test]
fn log_odds_agree() {
    let golden = &golden()["log_odds"];
    let (a, b) = (numbers(&golden["a"]), numbers(&golden["b"]));
    let share = |counts: &[f64], i: usize| Share { count: counts[i], total: counts.iter().sum() };
    for i in 0..a.len() {
        let odds = log_odds(share(&a, i), share(&b, i), golden["mass"].as_f64().unwrap());
        close(odds.delta, &golden["delta"][i], 1e-12);
        close(odds.z, &golden["z"][i], 1e-12);
    }
}

#[test]
fn projections_agree() {
    let golden = &golden()["projection"];
    let narrow: Vec<Vec<f32>> =
        rows(&golden["rows"]).iter().map(|row| row.iter().map(|&v| v as f32).collect()).collect();
    let fitted = Projection::fit(&narrow.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
    for (i, axis) in fitted.axes().into_iter().enumerate() {
        close(fitted.explained()[i], &golden["explained"][i], 1e-9);
        for (j, &v) in axis.iter().enumerate() {
            close(f64::from(v), &golden["axes"][i][j], 1e-6);
        }
    }
    for (row, want) in narrow.iter().zip(golden["projected"].as_array().unwrap()) {
        for (i, v) in fitted.project(row).into_iter().enumerate() {
            close(f64::from(v), &want[i], 1e-5);
        }
    }
}

#[test]
fn change_points_agree() {
    let golden = &golden()["change_point"];
    let buckets: Vec<Vec<Vec<f64>>> =
        golden["buckets"].as_array().unwrap().iter().map(rows).collect();
    let totals: Vec<Vec<f64>> = buckets.iter().map(|bucket| sum(bucket)).collect();
    let sums: Vec<MeanSums<'_>> = buckets
        .iter()
        .zip(&totals)
        .map(|(bucket, sum)| MeanSums { n: bucket.len() as f64, sum, sum_sq: 0.0 })
        .collect();
    let between = cut_between(&sums).unwrap();
    assert_eq!(between.cut as u64, golden["cut_between"].as_u64().unwrap());
    close(between.statistic, &golden["between"], 1e-12);
    close(between.share, &golden["share_between"], 1e-12);
    let since = cut_from(&numbers(&golden["known"]), &sums).unwrap();
    assert_eq!(since.cut as u64, golden["cut_from"].as_u64().unwrap());
    close(since.statistic, &golden["from"], 1e-12);
    close(since.share, &golden["share_from"], 1e-12);
}

struct Cells {
    n: Vec<f64>,
    sum: Vec<f64>,
    sum_sq: Vec<f64>,
}

impl Cells {
    fn of(events: &Value, cells: &Value) -> Self {
        let mut found = Self { n: vec![0.0; 3], sum: vec![0.0; 12], sum_sq: vec![0.0; 3] };
        for (row, cell) in rows(events).iter().zip(numbers(cells)) {
            let cell = cell as usize;
            found.n[cell] += 1.0;
            for (i, v) in row.iter().enumerate() {
                found.sum[4 * cell + i] += v;
                found.sum_sq[cell] += v * v;
            }
        }
        found
    }

    fn sums(&self) -> CellSums<'_> {
        CellSums { n: &self.n, sum: &self.sum, sum_sq: &self.sum_sq }
    }
}

#[test]
fn post_stratification_agrees() {
    let golden = &golden()["poststratify"];
    let reference = Cells::of(&golden["reference"], &golden["reference_cells"]);
    let window = Cells::of(&golden["window"], &golden["window_cells"]);
    let split = split(window.sums(), reference.sums()).unwrap();
    for (part, name) in [
        (split.total, "total"),
        (split.mix, "mix"),
        (split.conditional, "conditional"),
        (split.pairing, "pairing"),
    ] {
        close(part.corrected(), &golden[name], 1e-12);
    }
    close(split.total.plain, &golden["total_plain"], 1e-12);
    close(split.mix.plain, &golden["mix_plain"], 1e-12);
    close(split.conditional.plain, &golden["conditional_plain"], 1e-12);
    assert!((split.covered - 1.0).abs() < 1e-15);
}
