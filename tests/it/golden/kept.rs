//! What a profile keeps, held against NumPy and SciPy. Rows are single precision there, and landmarks
//! bytes: tolerances are those of the rounding.

use std::f64::consts::TAU;

use seamark::stats::expectation::{Columns, ExpectationSums};
use seamark::stats::linear::norm_sq;
use seamark::stats::novelty::Landmarks;
use seamark::stats::whitening::{Covariance, Whitening};
use serde_json::Value;

use super::{Rows, close, narrow, numbers, rows, slices};

fn golden() -> (Rows, Rows, Value) {
    let golden: Value =
        serde_json::from_str(include_str!("../../golden/stats/small.json")).unwrap();
    (rows(&golden["x"]), rows(&golden["y"]), golden["kept"].clone())
}

fn mean(rows: &Rows) -> Vec<f64> {
    let sum = |i: usize| rows.iter().map(|row| row[i]).sum::<f64>();
    (0..rows[0].len()).map(|i| sum(i) / rows.len() as f64).collect()
}

#[test]
fn whitened_distances_are_those_of_the_regularised_inverse() {
    let (x, y, want) = golden();
    let x32 = narrow(&x);
    let fold = vec![0; x32.len()];
    let (whitening, _) = Whitening::out_of_fold(&slices(&x32), &fold, Covariance::Full).unwrap();
    let delta: Vec<f64> = mean(&y).iter().zip(mean(&x)).map(|(y, x)| y - x).collect();
    close(whitening.norm_sq(&delta), want["whitened_sq"].as_f64().unwrap(), 1e-6);
}

#[test]
fn novelty_is_the_mean_distance_to_the_five_nearest() {
    let (x, y, want) = golden();
    let unit = |rows: &Rows| -> Vec<Vec<f32>> {
        let unit = |row: Vec<f32>| {
            let norm = norm_sq(&row).sqrt() as f32;
            row.into_iter().map(|v| v / norm).collect()
        };
        narrow(rows).into_iter().map(unit).collect()
    };
    let (x, y) = (unit(&x), unit(&y));
    let scores = Landmarks::new(&slices(&x)).scores(&slices(&y), |_, _| false);
    for (got, want) in scores.iter().zip(numbers(&want["novelty"])) {
        close(f64::from(*got), want, 0.01);
    }
    // A row without itself has its four other neighbours and one more.
    let alone = Landmarks::new(&slices(&x)).scores(&slices(&x), |point, other| point == other);
    let with = Landmarks::new(&slices(&x)).scores(&slices(&x), |_, _| false);
    assert!(alone.iter().zip(&with).all(|(alone, with)| alone > with));
}

#[test]
fn the_mean_is_expected_along_the_hours() {
    let (x, _, want) = golden();
    let basis = |hour: f64| [1.0, (TAU * hour / 24.0).cos(), (TAU * hour / 24.0).sin()];
    let mut sums = ExpectationSums::new(Columns { dim: 5, phi: 0, whitened: 0 }, 3, 1);
    for (row, hour) in narrow(&x).iter().zip(numbers(&want["hours"])) {
        let features = [row.as_slice(), &[0.0]].concat();
        sums.add(&basis(hour), &features, norm_sq(row), 0.0);
        sums.add_cell(&basis(hour), 0);
    }
    let expectation = sums.finish().unwrap();
    let (three, four) = (basis(3.0), basis(4.0));
    let at: Vec<f64> = three.iter().zip(four).map(|(a, b)| (a + b) / 2.0).collect();
    let expected = expectation.at(&at);
    for (got, want) in expected.x.iter().zip(numbers(&want["expected_at_half_past_three"])) {
        close(*got, want, 1e-6);
    }
    let number = |name: &str| want[name].as_f64().unwrap();
    close(expected.leverage, number("leverage"), 1e-12);
    close(expected.variance_x / expected.leverage, number("residual"), 1e-5);
    close(expected.cells[0], 1.0, 1e-12);
}
