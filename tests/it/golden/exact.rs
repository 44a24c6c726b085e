//! The exact figures held against SciPy and scikit-learn, and against the shared golden set.

use std::path::Path;

use nalgebra::{DMatrix, DVector};
use seamark::stats::centroid::cosine_distance;
use seamark::stats::classifier::{Folded, auc, cross_validated_auc};
use seamark::stats::divergence::{SMOOTHING, jensen_shannon, probabilities, psi};
use seamark::stats::energy::{energy_distance_biased, energy_distance_unbiased};
use seamark::stats::frechet::frechet_distance;
use seamark::stats::gaussian::Gaussian;
use seamark::stats::logistic::Logistic;
use seamark::stats::one_dimensional::{
    bin_counts, kolmogorov_smirnov, quantile_edges, wasserstein,
};
use seamark::stats::principal::PrincipalAxes;
use seamark::stats::shrinkage::ledoit_wolf;
use serde_json::Value;

use super::{Rows, close, npy, numbers, rows, slices};

fn fitted(sample: &Rows) -> Gaussian {
    ledoit_wolf(&slices(sample)).unwrap().gaussian
}

/// Mean, and covariance divided by n − `lost`.
fn plain(sample: &Rows, lost: f64) -> Gaussian {
    let columns =
        DMatrix::from_iterator(sample[0].len(), sample.len(), sample.iter().flatten().copied());
    let mean = columns.column_mean();
    let centred =
        DMatrix::from_fn(columns.nrows(), columns.ncols(), |i, j| columns[(i, j)] - mean[i]);
    let covariance = &centred * centred.transpose() / (sample.len() as f64 - lost);
    Gaussian { mean, covariance }
}

fn first(sample: &Rows) -> Vec<f64> {
    sample.iter().map(|row| row[0]).collect()
}

#[test]
fn committed_exact_values() {
    let golden: Value =
        serde_json::from_str(include_str!("../../golden/stats/small.json")).unwrap();
    let (x, y) = (rows(&golden["x"]), rows(&golden["y"]));
    let golden = &golden["exact"];
    let want = |name: &str| golden[name].as_f64().unwrap();
    let (sx, sy) = (slices(&x), slices(&y));
    close(energy_distance_unbiased(&sx, &sy).unwrap(), want("energy_unbiased"), 1e-12);
    close(energy_distance_biased(&sx, &sy).unwrap(), want("energy_biased"), 1e-12);
    let shrinkage = numbers(&golden["ledoit_wolf"]);
    close(ledoit_wolf(&sx).unwrap().shrinkage, shrinkage[0], 1e-12);
    close(ledoit_wolf(&sy).unwrap().shrinkage, shrinkage[1], 1e-12);
    let (gx, gy) = (fitted(&x), fitted(&y));
    close(frechet_distance(&gx, &gy).unwrap(), want("frechet"), 1e-10);
    close(gy.kl(&gx), want("gaussian_kl_y_x"), 1e-12);
    close(gx.kl(&gy), want("gaussian_kl_x_y"), 1e-12);
    let both = [sx, sy].concat();
    let axes = PrincipalAxes::fit(&both, 3).unwrap();
    for (got, want) in axes.variances.iter().zip(numbers(&golden["principal_variances"])) {
        close(*got, want, 1e-12);
    }
    let positive: Vec<bool> = (0..both.len()).map(|i| i >= x.len()).collect();
    let standard = plain(&[x.clone(), y.clone()].concat(), 0.0);
    let columns = DMatrix::from_fn(5, both.len(), |i, j| {
        (both[j][i] - standard.mean[i]) / standard.covariance[(i, i)].sqrt()
    });
    let scores = Logistic::fit(&columns, &positive, 0.3).unwrap().scores(&columns);
    for (got, want) in scores.iter().zip(numbers(&golden["logistic_scores"])) {
        close(*got, want, 1e-9);
    }
    let folds: Vec<usize> = (0..x.len()).map(|i| i % 3).collect();
    let area = cross_validated_auc(
        Folded { rows: &x, folds: &folds },
        Folded { rows: &y, folds: &folds[..y.len()] },
        1.0,
    );
    close(area.unwrap(), want("classifier_auc"), 1e-12);
}

#[test]
fn committed_scalar_values() {
    let golden: Value =
        serde_json::from_str(include_str!("../../golden/stats/small.json")).unwrap();
    let second = |name: &str| rows(&golden[name]).iter().map(|row| row[1]).collect::<Vec<f64>>();
    let (x, y) = (second("x"), second("y"));
    let golden = &golden["exact"];
    let want = |name: &str| golden[name].as_f64().unwrap();
    let (u, v) = (numbers(&golden["u"]), numbers(&golden["v"]));
    close(kolmogorov_smirnov(&u, &v).unwrap(), want("ks"), 1e-12);
    close(wasserstein(&u, &v).unwrap(), want("wasserstein"), 1e-12);
    close(auc(&u, &v).unwrap(), want("auc"), 1e-12);
    let one = |values: &[f64]| -> Rows { values.iter().map(|&value| vec![value]).collect() };
    let energy = energy_distance_biased(&slices(&one(&u)), &slices(&one(&v))).unwrap();
    close(energy.sqrt(), want("energy_1d_root"), 1e-12);
    let edges = quantile_edges(&x, 5);
    for (got, want) in edges.iter().zip(numbers(&golden["quintiles"])) {
        close(*got, want, 1e-12);
    }
    let counts = rows(&golden["quintile_counts"]);
    assert_eq!([bin_counts(&edges, &x), bin_counts(&edges, &y)].as_slice(), counts);
    let shares = |counts: &[f64]| probabilities(counts, SMOOTHING);
    close(psi(&shares(&counts[0]), &shares(&counts[1])), want("psi_quintiles"), 1e-12);
}

/// The value that ours should have, for the cases of the shared set that are exact figures.
pub(super) fn ours(dir: &Path, case: &Value, x: &Rows, y: &Rows) -> Option<Vec<f64>> {
    let params = &case["params"];
    Some(match case["stat"].as_str()? {
        "energy_distance_sq_v" => vec![energy_distance_biased(&slices(x), &slices(y))?],
        "energy_distance_sq_u" => vec![energy_distance_unbiased(&slices(x), &slices(y))?],
        "pca_explained_variance" => {
            let wanted = numbers(&case["value"]).len();
            PrincipalAxes::fit(&slices(x), wanted)?.variances
        }
        "ledoit_wolf_shrinkage" => {
            let (x, y) = projected(dir, case, x, y);
            [&x, &y].iter().map(|s| ledoit_wolf(&slices(s)).unwrap().shrinkage).collect()
        }
        "frechet_distance" => {
            let (reference, window) = gaussians(dir, case, x, y);
            vec![frechet_distance(&reference, &window)?]
        }
        "gaussian_kl_cur_ref" => {
            let (reference, window) = gaussians(dir, case, x, y);
            vec![window.kl(&reference)]
        }
        "gaussian_kl_ref_cur" => {
            let (reference, window) = gaussians(dir, case, x, y);
            vec![reference.kl(&window)]
        }
        "auc_mean_difference_score" => {
            let shift = plain(y, 0.0).mean - plain(x, 0.0).mean;
            let scores = |s: &Rows| s.iter().map(|row| along(row, &shift)).collect::<Vec<_>>();
            vec![auc(&scores(x), &scores(y))?]
        }
        "auc_with_ties" => {
            let rounded = |s: &Rows| -> Vec<f64> {
                first(s).iter().map(|v| (v * 10.0).round_ties_even() / 10.0).collect()
            };
            vec![auc(&rounded(x), &rounded(y))?]
        }
        stat => {
            let (u, v) = match params["projection"].as_str()? {
                "coord0" => (first(x), first(y)),
                "cos_to_ref_centroid" => {
                    let mean = plain(x, 0.0).mean;
                    let cosines = |s: &Rows| -> Vec<f64> {
                        let to = |row: &Vec<f64>| cosine_distance(row, mean.as_slice());
                        s.iter().map(|row| 1.0 - to(row).unwrap()).collect()
                    };
                    (cosines(x), cosines(y))
                }
                _ => return None,
            };
            scalar(stat, params, &u, &v)?
        }
    })
}

fn scalar(stat: &str, params: &Value, u: &[f64], v: &[f64]) -> Option<Vec<f64>> {
    let binned = |divergence: fn(&[f64], &[f64]) -> f64| {
        let edges = quantile_edges(u, params["bins"].as_u64().unwrap() as usize);
        let shares =
            |s: &[f64]| probabilities(&bin_counts(&edges, s), params["alpha"].as_f64().unwrap());
        vec![divergence(&shares(u), &shares(v))]
    };
    Some(match stat {
        "ks_2samp" => vec![kolmogorov_smirnov(u, v)?],
        "wasserstein1" => vec![wasserstein(u, v)?],
        "energy_distance_1d_sqrt" => {
            let one =
                |values: &[f64]| -> Rows { values.iter().map(|&value| vec![value]).collect() };
            vec![energy_distance_biased(&slices(&one(u)), &slices(&one(v)))?.sqrt()]
        }
        "psi_deciles" => binned(psi),
        "js_deciles" => binned(jensen_shannon),
        _ => return None,
    })
}

fn along(row: &[f64], direction: &DVector<f64>) -> f64 {
    row.iter().zip(direction.iter()).map(|(a, b)| a * b).sum()
}

/// Both samples in the stored principal coordinates.
fn projected(dir: &Path, case: &Value, x: &Rows, y: &Rows) -> (Rows, Rows) {
    let input = |name: &str| npy(&dir.join(case["inputs"][name].as_str().unwrap()));
    let mean: Vec<f64> = input("mean").concat();
    let components = input("components");
    let project = |s: &Rows| -> Rows {
        let centred = |row: &Vec<f64>| {
            DVector::from_iterator(mean.len(), row.iter().zip(&mean).map(|(v, m)| v - m))
        };
        s.iter()
            .map(|row| components.iter().map(|axis| along(axis, &centred(row))).collect())
            .collect()
    };
    (project(x), project(y))
}

/// The Gaussians of reference and window with the case's covariance.
fn gaussians(dir: &Path, case: &Value, x: &Rows, y: &Rows) -> (Gaussian, Gaussian) {
    let (x, y) = projected(dir, case, x, y);
    match case["params"]["cov"].as_str().unwrap() {
        "lw" => (fitted(&x), fitted(&y)),
        "sample" => (plain(&x, 1.0), plain(&y, 1.0)),
        other => {
            assert_eq!(other, "map");
            let (reference, mut window) = (fitted(&x), plain(&y, 0.0));
            let (n, nu) = (y.len() as f64, case["params"]["nu"].as_f64().unwrap());
            window.covariance = (window.covariance * n + &reference.covariance * nu) / (n + nu);
            (reference, window)
        }
    }
}
