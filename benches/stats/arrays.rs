//! Our figures of given arrays, as lines of JSON: what `peers/drift.py` holds beside other tools'.
//!
//! `--arrays DIR --json`: each folder of DIR is a case with `reference.npy` (rows × dimensions) and
//! sets of windows, the other `*.npy` (windows × rows × dimensions). All are f32 in C order.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use seamark::clock::Timestamp;
use seamark::detect::compare::Comparator;
use seamark::detect::engine::Engine;
use seamark::detect::exact::{Yardstick, figures};
use seamark::detect::freeze::freeze;
use seamark::model::interaction::{Attributes, Event};
use seamark::model::monitor::{MonitorSpec, WindowSpec};
use seamark::model::stream::Stream;
use seamark::stats::mmd::mmd2_unbiased;
use serde_json::{Value, json};

const MINUTE: i64 = 60_000_000;

/// Measures every case in `dir` and prints one line for each window.
#[expect(clippy::print_stdout, reason = "the figures are what is asked for")]
pub(crate) fn run(dir: &Path) -> Result<()> {
    for case in entries(dir)?.iter().filter(|path| path.is_dir()) {
        let reference = Array::read(&case.join("reference.npy"))?;
        let sets = entries(case)?;
        let sets = sets.iter().filter(|path| {
            path.extension().is_some_and(|e| e == "npy") && !path.ends_with("reference.npy")
        });
        for set in sets {
            let windows = Array::read(set)?;
            ensure!(
                windows.shape.len() == 3,
                "{} is not windows × rows × dimensions",
                set.display()
            );
            for mut line in measure(&reference, &windows)? {
                line["case"] = json!(case.file_name().unwrap_or_default().to_string_lossy());
                line["set"] = json!(set.file_stem().unwrap_or_default().to_string_lossy());
                println!("{line}");
            }
        }
    }
    Ok(())
}

/// One line for each window, with CPU times; exact figures, which take seconds, of the first only.
fn measure(reference: &Array, windows: &Array) -> Result<Vec<Value>> {
    let n = windows.shape[1];
    let mut spec = MonitorSpec::named("arrays");
    spec.windows = vec![WindowSpec::count("whole", n as u32, n as u32)];
    let past = events(&reference.rows());
    let start = cpu_ms();
    let profile = freeze(&past, &spec, "arrays", 1, &|_| ())?;
    let freeze_ms = cpu_ms() - start;
    let kept = profile.clone();
    let yardstick = Yardstick::of(&kept, Stream::Query).context("no profile of the queries")?;
    let per_30d = profile.per_30d;
    let comparator = Arc::new(Comparator::new(profile));
    let (mut lines, mut sketching) = (Vec::new(), 0.0);
    for (index, rows) in windows.rows().chunks(n).enumerate() {
        let window = events(rows);
        let start = cpu_ms();
        let mut engine = Engine::new(spec.clone(), comparator.clone(), per_30d);
        let seen = engine.look(&window);
        let verdicts: Vec<_> = window
            .iter()
            .zip(&seen)
            .flat_map(|(event, seen)| engine.observe_seen(event, seen))
            .flat_map(|evaluation| evaluation.verdicts)
            .filter(|verdict| verdict.stream == Stream::Query)
            .collect();
        sketching += cpu_ms() - start;
        let mut line = json!({
            "index": index, "n_ref": past.len(), "n": n, "gamma": yardstick.gamma,
            "freeze_ms": freeze_ms,
        });
        for verdict in &verdicts {
            line[verdict.detector.as_str()] = json!({
                "statistic": verdict.statistic, "p_value": verdict.p_value, "drift": verdict.is_drift,
            });
        }
        if index == 0 {
            let all = reference.rows();
            let start = cpu_ms();
            line["mmd2_exact"] = json!(black_box(mmd2_unbiased(&all, rows, yardstick.gamma)));
            line["mmd2_exact_ms"] = json!(cpu_ms() - start);
            let start = cpu_ms();
            let found = figures(&past, &window, Stream::Query, yardstick, 1);
            let found = found.context("too few rows for exact figures")?;
            line["figures_ms"] = json!(cpu_ms() - start);
            let gaussian = found.gaussian.context("the rows do not vary")?;
            line["figures"] = json!({
                "n_ref": found.n_ref, "energy": found.energy,
                "psi": found.psi, "psi_expected": found.psi_expected,
                "classifier_auc": found.classifier_auc, "axes": gaussian.axes,
                "frechet": gaussian.frechet.value, "frechet_expected": gaussian.frechet.expected,
                "frechet_p_value": gaussian.frechet.p_value,
            });
        }
        lines.push(line);
    }
    let each = sketching / lines.len() as f64;
    lines.iter_mut().for_each(|line| line["sketch_ms"] = json!(each));
    Ok(lines)
}

/// User and system time of this process so far, in steps of 10 ms; zero where the kernel does not
/// tell. Steadier than wall time on a machine that others use too.
fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15; the name in field 2 may hold spaces, and ends with the last parenthesis.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    10.0 * fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>()
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let read = std::fs::read_dir(dir).with_context(|| dir.display().to_string())?;
    let paths = read.map(|entry| entry.map(|e| e.path()));
    let mut paths = paths.collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn events(rows: &[&[f32]]) -> Vec<Event> {
    let event = |(i, row): (usize, &&[f32])| Event {
        position: i as i64 + 1,
        interaction_id: i.to_string(),
        occurred_at: Timestamp::from_micros(i as i64 * MINUTE),
        session_id: None,
        attributes: Attributes::new(),
        query: Some(row.to_vec()),
        response: None,
        hashes: None,
        signals: seamark::model::signals::Signals::default(),
        outcomes: Vec::new(),
    };
    rows.iter().enumerate().map(event).collect()
}

/// An array of f32 in C order.
struct Array {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Array {
    /// Reads a version-1 `.npy` file of little-endian f32.
    fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        Self::parse(&bytes).with_context(|| format!("{} is not such an array", path.display()))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let head = bytes.strip_prefix(b"\x93NUMPY\x01\x00")?;
        let length = usize::from(u16::from_le_bytes([*head.first()?, *head.get(1)?]));
        let (header, data) = head.get(2..)?.split_at_checked(length)?;
        let header = std::str::from_utf8(header).ok()?;
        if !header.contains("'descr': '<f4'") || !header.contains("'fortran_order': False") {
            return None;
        }
        let shape = header.split("'shape': (").nth(1)?.split(')').next()?;
        let shape: Vec<usize> =
            shape.split(',').filter_map(|size| size.trim().parse().ok()).collect();
        let number = |c: &[u8]| Some(f32::from_le_bytes(c.try_into().ok()?));
        let values: Vec<f32> = data.chunks_exact(4).filter_map(number).collect();
        (values.len() == shape.iter().product::<usize>()).then_some(Self { shape, values })
    }

    /// The rows, of as many values as the last dimension.
    fn rows(&self) -> Vec<&[f32]> {
        let dim = self.shape.last().copied().unwrap_or(1).max(1);
        self.values.chunks_exact(dim).collect()
    }
}
