//! Statistics held against independent implementations: the committed values of
//! `tests/golden/stats/make.py`, and the larger set of `../shared/golden/stats` where it is present.

use std::path::{Path, PathBuf};

use seamark::stats::centroid::cosine_distance;
use seamark::stats::codebook::Codebook;
use seamark::stats::divergence::{
    SMOOTHING, jensen_shannon, kl, kl_corrected, probabilities, psi, total_variation,
};
use seamark::stats::features::FourierFeatures;
use seamark::stats::kernel::median_sq_distance;
use seamark::stats::linear::{add, norm_sq};
use seamark::stats::mmd::{MeanSums, mmd2_biased, mmd2_unbiased, squared_distance_unbiased};
use serde_json::Value;

mod exact;
mod kept;

type Rows = Vec<Vec<f64>>;

fn slices<T>(rows: &[Vec<T>]) -> Vec<&[T]> {
    rows.iter().map(Vec::as_slice).collect()
}

fn narrow(rows: &Rows) -> Vec<Vec<f32>> {
    rows.iter().map(|row| row.iter().map(|&v| v as f32).collect()).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn rows(value: &Value) -> Rows {
    value.as_array().unwrap().iter().map(numbers).collect()
}

fn sums(rows: &Rows) -> (Vec<f64>, f64) {
    let mut sum = vec![0.0; rows[0].len()];
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(s, v)| *s += v);
    }
    (sum, rows.iter().flatten().map(|v| v * v).sum())
}

#[track_caller]
fn close(got: f64, want: f64, atol: f64) {
    assert!((got - want).abs() <= atol + 1e-9 * want.abs(), "got {got}, want {want}");
}

#[test]
fn committed_values() {
    let golden: Value = serde_json::from_str(include_str!("../golden/stats/small.json")).unwrap();
    let want = |name: &str| golden[name].as_f64().unwrap();
    let (x, y) = (rows(&golden["x"]), rows(&golden["y"]));
    let gamma = want("gamma");
    close(mmd2_unbiased(&slices(&x), &slices(&y), gamma).unwrap(), want("mmd2_unbiased"), 1e-12);
    close(mmd2_biased(&slices(&x), &slices(&y), gamma).unwrap(), want("mmd2_biased"), 1e-12);
    close(median_sq_distance(&slices(&x)), want("median_sq_distance"), 1e-12);

    let ((sx, qx), (sy, qy)) = (sums(&x), sums(&y));
    let reference = MeanSums { n: x.len() as f64, sum: &sx, sum_sq: qx };
    let window = MeanSums { n: y.len() as f64, sum: &sy, sum_sq: qy };
    let centroid = squared_distance_unbiased(window, reference).unwrap();
    close(centroid, want("centroid_sq_unbiased"), 1e-12);
    close(cosine_distance(&sx, &sy).unwrap(), want("centroid_cosine_distance"), 1e-12);

    let (r, w) = (numbers(&golden["reference_counts"]), numbers(&golden["window_counts"]));
    let (p, q) = (probabilities(&w, SMOOTHING), probabilities(&r, SMOOTHING));
    close(kl(&p, &q), want("kl_window_reference"), 1e-12);
    close(kl_corrected(&w, &r).unwrap(), want("kl_corrected"), 1e-12);
    close(psi(&p, &q), want("psi"), 1e-12);
    close(jensen_shannon(&p, &q), want("js"), 1e-12);
    close(total_variation(&p, &q), want("total_variation"), 1e-12);
}

/// The shared golden set: `None` where it is not present.
#[expect(clippy::print_stdout, reason = "says what was not checked")]
fn shared() -> Option<(PathBuf, Value)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/golden/stats");
    let text = std::fs::read_to_string(dir.join("golden.json")).ok();
    if text.is_none() {
        println!("the shared golden set is not present; the committed one was checked");
    }
    Some((dir, serde_json::from_str(&text?).unwrap()))
}

/// Rows of a version-1 `.npy` file of little-endian f64 or f32 in C order; a vector is one column.
fn npy(path: &Path) -> Rows {
    let bytes = std::fs::read(path).unwrap();
    let header_len = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..10 + header_len]).unwrap();
    let shape = header.split("'shape': (").nth(1).unwrap().split(')').next().unwrap();
    let columns: usize = shape.split(',').nth(1).unwrap().trim().parse().unwrap_or(1);
    let data = &bytes[10 + header_len..];
    let values: Vec<f64> = if header.contains("<f4") {
        data.chunks_exact(4).map(|c| f64::from(f32::from_le_bytes(c.try_into().unwrap()))).collect()
    } else {
        data.chunks_exact(8).map(|c| f64::from_le_bytes(c.try_into().unwrap())).collect()
    };
    values.chunks_exact(columns).map(<[f64]>::to_vec).collect()
}

/// The value that ours should have, for the cases that are ours; with its tolerance.
fn ours(dir: &Path, case: &Value, x: &Rows, y: &Rows) -> Option<(Vec<f64>, f64)> {
    let exact = 1e-11;
    let gamma = case["params"]["gamma"].as_f64();
    let input = |name: &str| npy(&dir.join(case["inputs"][name].as_str().unwrap()));
    let ((sx, _), (sy, _)) = (sums(x), sums(y));
    Some(match case["stat"].as_str()? {
        "mmd2_unbiased" => (vec![mmd2_unbiased(&slices(x), &slices(y), gamma?)?], exact),
        "mmd2_biased" => (vec![mmd2_biased(&slices(x), &slices(y), gamma?)?], exact),
        "median_sq_dist" => (vec![median_sq_distance(&slices(x))], exact),
        "centroid_cosine_distance" => (vec![cosine_distance(&sx, &sy)?], exact),
        "rff_mmd2_unbiased" => {
            let scale = (2.0 * gamma?).sqrt();
            let w = input("W");
            let weights: Vec<f32> = w.iter().flatten().map(|&v| (v * scale) as f32).collect();
            let features = FourierFeatures::with_weights(w[0].len(), &weights);
            let map = |rows: &Rows| {
                let mut sum = vec![0.0; features.len()];
                let mut out = vec![0.0; features.len()];
                for row in narrow(rows) {
                    features.map(&row, &mut out);
                    assert!((norm_sq(&out) - 1.0).abs() < 1e-5);
                    add(&mut sum, &out);
                }
                sum
            };
            let (fx, fy) = (map(x), map(y));
            let (m, n) = (x.len() as f64, y.len() as f64);
            let reference = MeanSums { n: m, sum: &fx, sum_sq: m };
            let window = MeanSums { n, sum: &fy, sum_sq: n };
            (vec![squared_distance_unbiased(window, reference)?], 2e-6)
        }
        stat if stat.starts_with("codebook_") => {
            let centroids = input(case["inputs"].as_object()?.keys().next()?);
            let dim = centroids[0].len();
            let flat = narrow(&centroids).concat();
            let book = Codebook::with_centroids(dim, flat);
            let (fx, fy) = (narrow(x), narrow(y));
            let (r, w) = (book.histogram(&slices(&fx)), book.histogram(&slices(&fy)));
            let alpha = case["params"]["alpha"].as_f64().unwrap_or(SMOOTHING);
            let (q, p) = (probabilities(&r, alpha), probabilities(&w, alpha));
            let value = match stat {
                "codebook_kl_cur_ref" => kl(&p, &q),
                "codebook_kl_ref_cur" => kl(&q, &p),
                "codebook_jeffreys_psi" => psi(&p, &q),
                "codebook_js" => jensen_shannon(&p, &q),
                "codebook_tv" => total_variation(&p, &q),
                _ => return None,
            };
            (vec![value], exact)
        }
        _ => (exact::ours(dir, case, x, y)?, exact),
    })
}

#[test]
fn shared_values() {
    let Some((dir, golden)) = shared() else { return };
    let mut checked = std::collections::BTreeMap::<String, usize>::new();
    for case in golden["cases"].as_array().unwrap() {
        let Some(name) = case["dataset"].as_str() else { continue };
        let set = &golden["datasets"][name];
        let load = |role: &str| npy(&dir.join(set[role].as_str().unwrap()));
        if set["y_shape"].is_null() {
            continue;
        }
        let Some((got, atol)) = ours(&dir, case, &load("X"), &load("Y")) else { continue };
        let mut want = case["value"].as_f64().map_or_else(|| numbers(&case["value"]), |v| vec![v]);
        if case["stat"] == "ks_2samp" {
            // Its p-value for independent rows has no counterpart here.
            want.truncate(1);
        }
        assert_eq!(got.len(), want.len(), "{}", case["id"]);
        for (g, w) in got.iter().zip(&want) {
            let bound = atol + 1e-9 * w.abs();
            assert!((g - w).abs() <= bound, "{}: got {g}, want {w}", case["id"]);
        }
        *checked.entry(case["stat"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(checked.len() >= 24, "{checked:?}");
    println!("{checked:?}");
}
