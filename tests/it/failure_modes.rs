//! Known ways in which drift detection goes wrong, each once: what makes statistics look drifted when
//! nothing is, or calm when something is.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use seamark::clock::Timestamp;
use seamark::detect::check::{CheckOptions, check};
use seamark::detect::compare::Comparator;
use seamark::detect::engine::{Engine, Evaluation};
use seamark::detect::freeze::freeze;
use seamark::detect::grid::Grid;
use seamark::detect::profile::ReferenceProfile;
use seamark::model::interaction::Event;
use seamark::model::monitor::{MonitorSpec, WindowSpec};
use seamark::model::signals::Signals;
use seamark::model::stream::Stream;
use seamark::model::verdict::{DetectorKind, Verdict};
use seamark::stats::sketch::{Observation, Sketch};
use seamark::stats::statistics::squared_shift;

use crate::detect::{MINUTE, PER_30D, Traffic, drifted, run, spec};

fn frozen(reference: &[Event], spec: &MonitorSpec) -> ReferenceProfile {
    freeze(reference, spec, "m", 7, &|_| ()).unwrap()
}

fn engine(reference: &[Event], spec: &MonitorSpec) -> Engine {
    Engine::new(spec.clone(), Arc::new(Comparator::new(frozen(reference, spec))), PER_30D)
}

/// The detectors that drifted in `stream`, over all evaluations of the whole.
fn found_by(evaluations: &[Evaluation], stream: Stream) -> BTreeMap<DetectorKind, usize> {
    let mut found = BTreeMap::new();
    let whole = evaluations.iter().filter(|e| e.segment.is_empty()).flat_map(|e| &e.verdicts);
    for verdict in whole.filter(|v| v.is_drift && v.stream == stream) {
        *found.entry(verdict.detector).or_insert(0) += 1;
    }
    found
}

#[test]
fn cells_are_counted_on_rows_that_they_were_not_fitted_to() {
    let profile = frozen(&Traffic::new(1).take(1500), &spec());
    let expectation = &profile.whole.streams[&Stream::Query].expectation;
    assert!((expectation.n_cells / expectation.n - 0.5).abs() < 0.01, "{}", expectation.n_cells);
    let counted: f64 = expectation.cell_counts.iter().sum();
    assert!((counted - expectation.n_cells).abs() < 1e-9);
}

#[test]
fn thresholds_know_that_a_small_reference_is_known_badly() {
    let spec = spec();
    let threshold = |n: usize| {
        let mut engine = engine(&Traffic::new(2).take(n), &spec);
        let last = run(&mut engine, &Traffic::new(3).take(400)).pop().unwrap();
        let is_long = |window: &str| window == "long";
        let verdict = last.verdicts.into_iter().find(|v| {
            v.stream == Stream::Query && v.detector == DetectorKind::Centroid && is_long(&v.window)
        });
        verdict.unwrap().threshold.unwrap()
    };
    let (small, large) = (threshold(900), threshold(9000));
    // 1/n + 1/N at n = 300: a third more for N = 900.
    assert!(small > 1.2 * large, "{small} against {large}");
}

/// Eight in ten: most pairs are equal, and their median distance is 0.
#[test]
fn mostly_constant_texts_leave_a_usable_reference() {
    let spec = spec();
    let constant = |seed: u64, n: usize| {
        let mut traffic = Traffic::new(seed);
        let greeting = Traffic::new(99).vector(0);
        let mut events = traffic.take(n);
        for (i, event) in events.iter_mut().enumerate().filter(|(i, _)| i % 10 < 8) {
            event.query = Some(greeting.clone());
            event.hashes = Some(seamark::text::hashes::Hashes::exact(1 + i as u64 * 1000));
        }
        events
    };
    let mut engine = engine(&constant(4, 1500), &spec);
    let evaluations = run(&mut engine, &constant(5, 2000));
    let statistics = evaluations.iter().flat_map(|e| &e.verdicts).filter_map(|v| v.statistic);
    assert!(statistics.clone().count() > 100 && statistics.clone().all(f64::is_finite));
    assert_eq!(drifted(&evaluations, Stream::Query), 0);
}

#[test]
fn shuffled_replies_are_relevance_and_nothing_else() {
    let spec = spec();
    let comparator = Arc::new(Comparator::new(frozen(&Traffic::new(14).take(2500), &spec)));
    let fresh = || Engine::new(spec.clone(), comparator.clone(), PER_30D);
    let mut stream = Traffic::new(15).take(800);
    let quiet = run(&mut fresh(), &stream);
    assert!(found_by(&quiet, Stream::Relevance).is_empty());
    let mut replies: Vec<_> = stream.iter().map(|event| event.response.clone()).collect();
    replies[400..].shuffle(&mut ChaCha8Rng::seed_from_u64(16));
    stream.iter_mut().zip(replies).for_each(|(event, reply)| event.response = reply);
    let evaluations = run(&mut fresh(), &stream);
    assert!(found_by(&evaluations, Stream::Query).is_empty());
    assert!(found_by(&evaluations, Stream::Response).is_empty());
    assert!(!found_by(&evaluations, Stream::Relevance).is_empty());
}

#[test]
fn dependent_neighbours_are_told_and_raise_the_thresholds() {
    let spec = spec();
    // Topics come in runs of thirty without sessions.
    let in_runs = |seed: u64, n: usize| {
        let (mut rng, mut traffic) = (ChaCha8Rng::seed_from_u64(seed), Traffic::new(seed));
        let mut topic = 0;
        let mut events = traffic.take(n);
        for (i, event) in events.iter_mut().enumerate() {
            if i % 30 == 0 {
                topic = rng.random_range(0..5);
            }
            event.query = Some(traffic.vector(topic));
            event.response = None;
        }
        events
    };
    let profile = frozen(&in_runs(17, 3000), &spec);
    let told = |warning: &String| warning.contains("neighbouring events resemble each other");
    assert!(profile.warnings.iter().any(told), "{:?}", profile.warnings);
    let stream = &profile.whole.streams[&Stream::Query];
    assert!(stream.design_effect > 5.0 && stream.unit_events > 20.0, "{stream:?}");
    let mut engine = Engine::new(spec.clone(), Arc::new(Comparator::new(profile)), PER_30D);
    let quiet = run(&mut engine, &in_runs(18, 4000));
    assert!(found_by(&quiet, Stream::Query).is_empty());
}

#[test]
fn many_cells_in_a_short_window_are_no_divergence() {
    let mut spec = spec();
    spec.windows = vec![WindowSpec::count("w", 200, 200), WindowSpec::count("wide", 600, 200)];
    let mut engine = engine(&Traffic::new(19).take(3000), &spec);
    let evaluations = run(&mut engine, &Traffic::new(20).take(20_000));
    let of_kl = |v: &&Verdict| {
        v.detector == DetectorKind::Kl && v.stream == Stream::Query && v.window == "w"
    };
    let values: Vec<f64> = evaluations
        .iter()
        .flat_map(|e| &e.verdicts)
        .filter(of_kl)
        .filter_map(|v| v.statistic)
        .collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    // Uncorrected it would be (K − 1)/2n, 0.09 with 37 cells; the correction is of first order.
    assert!(values.len() > 90 && mean.abs() < 0.02, "{mean} of {}", values.len());
}

#[test]
fn vectors_without_direction_are_in_no_statistic() {
    let spec = spec();
    let reference = Traffic::new(6).take(1500);
    let (mut with, mut without) = (engine(&reference, &spec), engine(&reference, &spec));
    let mut stream = Traffic::new(7).take(600);
    for event in stream.iter_mut().step_by(3) {
        event.query = Some(vec![0.0; event.response.as_ref().unwrap().len()]);
    }
    let mut absent = stream.clone();
    absent.iter_mut().step_by(3).for_each(|event| event.query = None);
    let (a, b) = (run(&mut with, &stream), run(&mut without, &absent));
    assert_eq!(a, b);
    let last = a.last().unwrap().verdicts.iter().find(|v| v.stream == Stream::Query).unwrap();
    assert!(last.n_window < 300 && last.statistic.unwrap().is_finite());
}

#[test]
fn segments_that_cancel_out_are_found_one_by_one() {
    let spec = spec();
    let labelled = |seed: u64, n: usize, swapped: bool| {
        let mut traffic = Traffic::new(seed);
        let mut events = traffic.take(n);
        for (i, event) in events.iter_mut().enumerate() {
            let is_web = i % 2 == 0;
            let channel = if is_web { "web" } else { "app" };
            event.attributes = [("channel".to_owned(), channel.to_owned())].into();
            let topic = usize::from(is_web != swapped) * 2 + i / 2 % 2;
            event.query = Some(traffic.vector(topic));
            event.response = None;
        }
        events
    };
    let mut engine = engine(&labelled(8, 2500, false), &spec);
    let evaluations = run(&mut engine, &labelled(9, 1000, true));
    assert!(found_by(&evaluations, Stream::Query).is_empty(), "as a whole nothing changed");
    let named = |channel: &str| {
        evaluations.iter().any(|e| {
            e.segment.get("channel").is_some_and(|c| c == channel)
                && e.verdicts.iter().any(|v| v.is_drift)
        })
    };
    assert!(named("web") && named("app"));
}

#[test]
fn a_collapse_onto_the_centroid_is_found() {
    let spec = spec();
    let reference = Traffic::new(10).take(1500);
    let mut mean = vec![0.0_f32; reference[0].query.as_ref().unwrap().len()];
    for event in &reference {
        let query = event.query.as_ref().unwrap();
        mean.iter_mut().zip(query).for_each(|(sum, x)| *sum += x / reference.len() as f32);
    }
    // Half of the texts become one of two at mean ± offset, so that the centroid stays.
    let mut stream = Traffic::new(11).take(600);
    for (i, event) in stream.iter_mut().enumerate() {
        let far = (1.0 - mean.iter().map(|x| x * x).sum::<f32>()).sqrt();
        let mut collapsed = mean.clone();
        let last = collapsed.len() - 1;
        collapsed[last] += if i % 2 == 0 { far } else { -far };
        event.query = Some(collapsed);
    }
    let mut engine = engine(&reference, &spec);
    let found = found_by(&run(&mut engine, &stream), Stream::Query);
    assert!(found.contains_key(&DetectorKind::Mmd), "{found:?}");
    assert!(!found.contains_key(&DetectorKind::Centroid), "{found:?}");
}

#[test]
fn an_incident_in_the_reference_is_told() {
    let spec = spec();
    let day = |traffic: &mut Traffic, shift: f64| {
        traffic.shift = shift;
        traffic.take(300)
    };
    let reference = |incident: f64| {
        let mut traffic = Traffic::new(12);
        let shares = [0.0, 0.0, 0.0, incident, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        shares.map(|shift| day(&mut traffic, shift)).concat()
    };
    let moves = |profile: &ReferenceProfile| {
        profile.warnings.iter().any(|warning| warning.contains("the reference itself moves"))
    };
    assert!(!moves(&frozen(&reference(0.0), &spec)));
    let profile = frozen(&reference(0.8), &spec);
    assert!(moves(&profile), "{:?}", profile.whole.streams[&Stream::Query].trial);
}

#[test]
fn ten_million_events_leave_no_rounding_behind() {
    const EVENTS: i64 = 10_000_000;
    let mut grid = Grid::of(&[WindowSpec::count("w", 1000, 100)]).remove(0);
    let window = grid.windows[0].clone();
    // Values of very unequal size, which a running sum would not forget.
    let value = |i: i64| (if i % 1_000 == 0 { 1e6 } else { 1e-3 }) * ((i % 7) as f32 - 3.0);
    let add = |sketch: &mut Sketch, i: i64| {
        let (x, phi) = ([value(i)], [0.5]);
        let basis = [1.0];
        sketch.add(&Observation {
            x: &x,
            phi: &phi,
            cell: (i % 2) as usize,
            novelty: 0.25,
            basis: &basis,
        });
    };
    for i in 0..EVENTS {
        let key = grid.key(i, Timestamp::default());
        let bucket = grid.bucket_mut(key, Timestamp::from_micros(i * MINUTE));
        let sketch = bucket.streams.entry(Stream::Query);
        add(sketch.or_insert_with(|| Sketch::empty(1, 1, 2, 1)), i);
        if i % i64::from(grid.width) == 0 {
            grid.prune(key);
        }
    }
    let got = grid.window_sum(&window, grid.key(EVENTS - 1, Timestamp::default()), Stream::Query);
    let mut want = Sketch::empty(1, 1, 2, 1);
    (EVENTS - 1000..EVENTS).for_each(|i| add(&mut want, i));
    let got = got.unwrap();
    let statistic = |sketch: &Sketch| squared_shift(sketch.linear(), &[0.0], 0.0).unwrap();
    // A few roundings of the two sums that it is the difference of.
    let rounding = 1e-14 * want.sum_x_sq / (1000.0 * 999.0);
    assert!((statistic(&got) - statistic(&want)).abs() <= rounding);
    assert!((got.sum_x[0] - want.sum_x[0]).abs() <= 1e-9 * want.sum_x[0].abs());
    assert_eq!(
        (got.n, got.sum_phi, got.cells, got.novelty),
        (1000.0, want.sum_phi, want.cells, want.novelty)
    );
}

/// Traffic whose responses tell a value of the first type of personal data at `rate`, and of the
/// second at one in fifty.
fn telling(seed: u64, n: usize, rate: f64) -> Vec<Event> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut events = Traffic::new(seed).take(n);
    let signals = Signals::of("Where is my parcel?", Some("It is on its way to you."));
    for event in &mut events {
        let told = u32::from(rng.random_bool(rate)) | u32::from(rng.random_bool(0.02)) << 1;
        event.signals = signals;
        event.signals.response.iter_mut().for_each(|seen| seen.disclosed = told);
    }
    events
}

#[test]
fn less_personal_data_is_no_privacy_alarm_and_more_is_one() {
    let mut spec = spec();
    spec.streams = vec![Stream::Response, Stream::Privacy];
    let reference = telling(1, 3000, 0.1);
    let found = |rate: f64| {
        let evaluations = run(&mut engine(&reference, &spec), &telling(2, 2000, rate));
        found_by(&evaluations, Stream::Privacy)
    };
    assert_eq!(found(0.0), BTreeMap::new(), "all of it went");
    assert_eq!(found(0.1), BTreeMap::new());
    assert!(found(0.25).contains_key(&DetectorKind::Centroid));
}

#[test]
fn a_batch_with_less_personal_data_passes_its_check_and_one_with_more_does_not() {
    let options = CheckOptions { alpha: 0.01, permutations: 999, seed: 1 };
    let told = |seed: u64, n: usize, rate: f64| {
        let untold = |event| Event { query: None, response: None, ..event };
        telling(seed, n, rate).into_iter().map(untold).collect::<Vec<_>>()
    };
    let verdict = |rate: f64| {
        let verdicts = check(&told(1, 1500, 0.1), &told(2, 800, rate), &options);
        let mut own = verdicts.into_iter().filter(|v| v.stream == Stream::Privacy);
        let verdict = own.next().unwrap();
        assert!(verdict.detector == DetectorKind::Centroid && own.next().is_none());
        verdict.is_drift
    };
    assert_eq!([0.0, 0.1, 0.25].map(verdict), [false, false, true]);
}
