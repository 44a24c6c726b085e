//! Cost of the statistics: per event, per evaluation, per freeze, beside the exact MMD².
//!
//! `cargo bench --bench stats`; figures with date and machine in `benches/README.md`. With
//! `--arrays DIR --json`: our figures of given arrays instead, for `benches/peers/drift.py`.

#![expect(clippy::print_stdout, reason = "the table is what a bench is for")]

#[path = "stats/arrays.rs"]
mod arrays;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use seamark::clock::Timestamp;
use seamark::detect::compare::{Comparator, Window};
use seamark::detect::engine::Engine;
use seamark::detect::freeze::freeze;
use seamark::model::interaction::{Attributes, Event};
use seamark::model::monitor::MonitorSpec;
use seamark::model::stream::Stream;
use seamark::stats::mmd::mmd2_unbiased;
use seamark::store::digest_of_rows;

const DIM: usize = 384;
const MINUTE: i64 = 60_000_000;
/// What the default promise expects.
const PER_30D: f64 = 0.0142;

fn unit(rng: &mut ChaCha8Rng, topic: usize) -> Vec<f32> {
    let mut v: Vec<f32> = (0..DIM).map(|_| rng.random_range(-0.1..0.1)).collect();
    v[topic] += 0.8;
    let norm = v.iter().map(|x| x * x).sum::<f32>().sqrt();
    v.iter().map(|x| x / norm).collect()
}

fn events(n: usize, seed: u64) -> Vec<Event> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..n as i64)
        .map(|i| {
            let topic = rng.random_range(0..40);
            Event {
                position: i + 1,
                interaction_id: i.to_string(),
                occurred_at: Timestamp::from_micros(i * MINUTE),
                session_id: None,
                attributes: Attributes::new(),
                query: Some(unit(&mut rng, topic)),
                response: Some(unit(&mut rng, topic)),
                hashes: Some(seamark::text::hashes::Hashes {
                    fingerprint: i as u64,
                    simhash: Some(rng.random()),
                }),
                signals: seamark::model::signals::Signals::default(),
                outcomes: Vec::new(),
            }
        })
        .collect()
}

/// Median seconds of five runs of `work`.
fn median(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..5)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[2]
}

/// What a freeze costs as the reference grows.
fn freezes(spec: &MonitorSpec) {
    for n in [2000, 5000] {
        let reference = events(n, 1);
        let seconds = median(|| {
            black_box(freeze(&reference, spec, "bench", 1, &|_| ()).expect("a good reference"));
        });
        println!("{:44} {:>10.2} s", format!("freeze and calibrate, N = {n}, 3 streams"), seconds);
    }
    let large = events(50_000, 1);
    let start = Instant::now();
    black_box(freeze(&large, spec, "bench", 1, &|_| ()).expect("a good reference"));
    println!(
        "{:44} {:>10.2} s",
        "freeze and calibrate, N = 50000, 3 streams",
        start.elapsed().as_secs_f64()
    );
    let start = Instant::now();
    black_box(digest_of_rows(b"settings", &large).expect("rows that can be written"));
    println!("{:44} {:>10.2} s", "digest of its rows", start.elapsed().as_secs_f64());
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--arrays") {
        let dir =
            arguments.get(at + 1).ok_or_else(|| anyhow::anyhow!("--arrays names no folder"))?;
        anyhow::ensure!(
            arguments.iter().any(|a| a == "--json"),
            "--arrays prints JSON: add --json"
        );
        return arrays::run(Path::new(dir));
    }
    let spec = MonitorSpec::named("bench");
    println!("{:44} {:>12}", "what", "median");
    freezes(&spec);
    let reference = events(5000, 1);
    let profile = freeze(&reference, &spec, "bench", 1, &|_| ()).expect("a good reference");
    let stream = events(5000, 2);
    let comparator = Arc::new(Comparator::new(profile));

    let observe = median(|| {
        let mut engine = Engine::new(spec.clone(), comparator.clone(), PER_30D);
        for events in stream.chunks(500) {
            let seen = engine.look(events);
            for (event, seen) in events.iter().zip(&seen) {
                black_box(engine.observe_seen(event, seen));
            }
        }
    });
    let per_event = 1e6 * observe / stream.len() as f64;
    println!("{:44} {per_event:>9.1} µs", "event: 3 streams, 3 windows, evaluations in it");

    let lens = comparator.lens(Stream::Query).expect("has queries");
    let features = lens.features();
    let vectors: Vec<&[f32]> = stream.iter().filter_map(|e| e.query.as_deref()).collect();
    let at = vec![0; vectors.len()];
    let mut sketch = lens.empty_sketch();
    let seconds = median(|| {
        for (vectors, at) in vectors.chunks(500).zip(at.chunks(500)) {
            for seen in lens.look(&features, vectors, at) {
                sketch.add(&seen.observation());
            }
        }
    });
    println!(
        "{:44} {:>9.1} µs",
        "one vector through its lens, into a sketch",
        1e6 * seconds / 5000.0
    );

    let part = |name: &str, work: &mut dyn FnMut()| {
        println!("{:44} {:>9.1} µs", format!("  of which {name}"), 1e6 * median(work) / 5000.0);
    };
    let landmarks = lens.landmarks.as_ref().expect("vectors have landmarks");
    part("novelty", &mut || {
        for vectors in vectors.chunks(500) {
            black_box(landmarks.scores(vectors, |_, _| false));
        }
    });
    let mut phi = vec![0.0; features.len() * 500];
    part("random features", &mut || {
        for vectors in vectors.chunks(500) {
            features.map_all(vectors, &mut phi[..features.len() * vectors.len()]);
        }
    });
    part("cell", &mut || {
        for vectors in vectors.chunks(500) {
            black_box(lens.codebook.assign_all(vectors));
        }
    });
    let seen = lens.look(&features, &vectors, &at);
    part("sums", &mut || seen.iter().for_each(|seen| sketch.add(&seen.observation())));

    let window = sketch.clone();
    let judged = Window {
        name: "middle",
        sum: Some(&window),
        complete: true,
        min_events: 2,
        rate_factor: 1.0,
    };
    let judge = median(|| {
        for _ in 0..1000 {
            black_box(comparator.judge(&spec, &comparator.profile().whole, Stream::Query, &judged));
        }
    });
    println!("{:44} {:>9.1} µs", "judge: one window, five detectors", 1e3 * judge);

    let rows: Vec<&[f32]> = reference.iter().filter_map(|e| e.query.as_deref()).collect();
    let exact = median(|| {
        black_box(mmd2_unbiased(&rows[..1000], &vectors[..200], 0.5));
    });
    println!("{:44} {:>9.1} µs", "exact MMD², 1000 against 200", 1e6 * exact);
    println!("{:44} {:>11.0}×", "exact ÷ judge", exact / (judge / 1000.0));
    Ok(())
}
