//! The engine on synthetic embeddings: restarts, late events, honest silence, and drift.

use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use seamark::clock::Timestamp;
use seamark::detect::check::{CheckOptions, check};
use seamark::detect::compare::Comparator;
use seamark::detect::engine::{Engine, Evaluation};
use seamark::detect::exact::{Yardstick, figures};
use seamark::detect::freeze::{FreezeError, freeze};
use seamark::detect::state::SavedBucket;
use seamark::model::interaction::{Attributes, Event};
use seamark::model::monitor::{MonitorSpec, WindowLength, WindowSpec};
use seamark::model::stream::Stream;
use seamark::model::verdict::VerdictStatus;
use seamark::text::hashes::Hashes;

const DIM: usize = 16;
pub(crate) const MINUTE: i64 = 60_000_000;
/// The default: at most one in 30 days with probability 0.9999.
pub(crate) const PER_30D: f64 = 0.0142;

/// Events in five topics; with `shift`, a sixth topic takes that share.
pub(crate) struct Traffic {
    rng: ChaCha8Rng,
    position: i64,
    pub(crate) shift: f64,
}

impl Traffic {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed), position: 0, shift: 0.0 }
    }

    pub(crate) fn vector(&mut self, topic: usize) -> Vec<f32> {
        let mut v: Vec<f64> = (0..DIM)
            .map(|_| 0.25 * Distribution::<f64>::sample(&StandardNormal, &mut self.rng))
            .collect();
        v[topic] += 1.0;
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        v.iter().map(|x| (x / norm) as f32).collect()
    }

    fn next(&mut self) -> Event {
        let moved = self.rng.random_range(0.0..1.0) < self.shift;
        let topic = if moved { 5 } else { self.rng.random_range(0..5) };
        let (query, response) = (self.vector(topic), self.vector(topic));
        self.position += 1;
        Event {
            position: self.position,
            interaction_id: format!("i{}", self.position),
            occurred_at: Timestamp::from_micros(self.position * MINUTE),
            session_id: None,
            attributes: Attributes::new(),
            query: Some(query),
            response: Some(response),
            hashes: Some(hashes(self.position as u64)),
            signals: seamark::model::signals::Signals::default(),
            outcomes: Vec::new(),
        }
    }

    pub(crate) fn take(&mut self, n: usize) -> Vec<Event> {
        (0..n).map(|_| self.next()).collect()
    }
}

pub(crate) fn spec() -> MonitorSpec {
    let mut spec = MonitorSpec::named("test");
    spec.windows = vec![WindowSpec::count("short", 100, 25), WindowSpec::count("long", 300, 50)];
    spec
}

fn comparator(spec: &MonitorSpec) -> Arc<Comparator> {
    let reference = Traffic::new(1).take(1500);
    Arc::new(Comparator::new(freeze(&reference, spec, "m", 7, &|_| ()).unwrap()))
}

pub(crate) fn run(engine: &mut Engine, events: &[Event]) -> Vec<Evaluation> {
    events.iter().flat_map(|event| engine.observe(event)).collect()
}

pub(crate) fn drifted(evaluations: &[Evaluation], stream: Stream) -> usize {
    evaluations
        .iter()
        .filter(|e| e.verdicts.iter().any(|v| v.stream == stream && v.is_drift))
        .count()
}

#[test]
fn quiet_before_and_loud_after_a_shift() {
    let spec = spec();
    let comparator = comparator(&spec);
    let mut engine = Engine::new(spec, comparator, PER_30D);
    let mut traffic = Traffic::new(2);
    let before = run(&mut engine, &traffic.take(2000));
    assert!(drifted(&before, Stream::Query) <= 2, "{}", drifted(&before, Stream::Query));
    traffic.shift = 0.5;
    let after = run(&mut engine, &traffic.take(300));
    assert!(after.last().unwrap().ratios[&Stream::Query].unwrap() > 1.0);
    assert!(after.last().unwrap().ratios[&Stream::Response].unwrap() > 1.0);
    let example = &after.last().unwrap().examples[0];
    assert!(example.score > 0.0 && example.interaction_id.starts_with('i'));
    let verdict = after.last().unwrap().verdicts.iter().find(|v| v.is_drift).unwrap();
    assert!(verdict.p_value.unwrap() < 0.05 && verdict.effect_size.unwrap() > 0.05);
}

#[test]
fn a_window_too_small_says_so() {
    let spec = spec();
    let mut engine = Engine::new(spec.clone(), comparator(&spec), PER_30D);
    let evaluations = run(&mut engine, &Traffic::new(3).take(50));
    let statuses: Vec<_> =
        evaluations.iter().flat_map(|e| e.verdicts.iter().map(|v| v.status)).collect();
    assert!(!statuses.is_empty());
    assert!(statuses.iter().all(|s| *s == VerdictStatus::InsufficientData));
    assert_eq!(evaluations[0].ratios[&Stream::Query], None);
}

#[test]
fn a_restart_at_any_line_changes_no_number() {
    let mut spec = spec();
    spec.windows.push(WindowSpec {
        name: "hours".into(),
        length: WindowLength::Time { minutes: 240, stride_minutes: 30, min_events: 20 },
    });
    let comparator = comparator(&spec);
    let mut traffic = Traffic::new(4);
    traffic.shift = 0.3;
    let events = traffic.take(420);
    let whole = run(&mut Engine::new(spec.clone(), comparator.clone(), PER_30D), &events);
    for cut in [1, 24, 25, 99, 100, 237, 419] {
        let mut first = Engine::new(spec.clone(), comparator.clone(), PER_30D);
        let mut stored = std::collections::BTreeMap::<(String, i64), SavedBucket>::new();
        let mut evaluations = run(&mut first, &events[..cut]);
        let changes = first.take_changes();
        for key in &changes.closed {
            stored.remove(key);
        }
        for bucket in changes.upserts {
            stored.insert((bucket.grid.clone(), bucket.key), bucket);
        }
        let buckets: Vec<_> = stored.into_values().collect();
        let mut second =
            Engine::restore(spec.clone(), comparator.clone(), PER_30D, &changes.memory, &buckets)
                .unwrap();
        let from = cut.saturating_sub(second.recall_limit());
        second.recall(&events[from..cut]);
        evaluations.extend(run(&mut second, &events[cut..]));
        assert_eq!(evaluations, whole, "cut at {cut}");
    }
}

#[test]
fn late_events_are_counted_and_left_out() {
    let spec = spec();
    let mut engine = Engine::new(spec.clone(), comparator(&spec), PER_30D);
    let mut events = Traffic::new(5).take(60);
    events[40].occurred_at = events[20].occurred_at; // 20 minutes late: beyond the limit
    events[41].occurred_at = events[35].occurred_at; // 6 minutes late: within it
    run(&mut engine, &events);
    assert_eq!(engine.late_events(), 1);
}

#[test]
fn events_of_other_segments_are_not_seen() {
    let mut spec = spec();
    let comparator = comparator(&spec);
    spec.segment = [("channel".to_owned(), "app".to_owned())].into();
    let mut engine = Engine::new(spec, comparator, PER_30D);
    assert!(run(&mut engine, &Traffic::new(6).take(300)).is_empty());
}

#[test]
fn time_windows_slide_by_event_time() {
    let mut spec = spec();
    spec.windows = vec![WindowSpec {
        name: "two-hours".into(),
        length: WindowLength::Time { minutes: 120, stride_minutes: 60, min_events: 50 },
    }];
    let comparator = comparator(&spec);
    let mut engine = Engine::new(spec, comparator, PER_30D);
    let mut traffic = Traffic::new(7);
    let mut events = traffic.take(600);
    // A silence of a month, then traffic again: no flood of empty evaluations.
    let mut later = traffic.take(200);
    later.iter_mut().for_each(|e| {
        e.occurred_at = Timestamp::from_micros(e.occurred_at.as_micros() + 43_200 * MINUTE);
    });
    events.extend(later);
    let evaluations = run(&mut engine, &events);
    assert!((10..20).contains(&evaluations.len()), "{}", evaluations.len());
    let full = evaluations.iter().filter(|e| e.verdicts[0].n_window == 120).count();
    assert!(full >= 8, "{full}");
    assert!(evaluations.iter().all(|e| e.at.as_micros() % (60 * MINUTE) == 0));
}

#[test]
fn unusable_references_are_refused_with_the_reason() {
    let spec = spec();
    let mut traffic = Traffic::new(8);
    let few = traffic.take(100);
    assert_eq!(freeze(&few, &spec, "m", 1, &|_| ()), Err(FreezeError::TooSmall { got: 100 }));

    let mut constant = traffic.take(400);
    let same = constant[0].query.clone();
    constant.iter_mut().for_each(|e| (e.query, e.response) = (same.clone(), same.clone()));
    let error = freeze(&constant, &spec, "m", 1, &|_| ()).unwrap_err().to_string();
    assert!(error.contains("query: all values are equal"), "{error}");

    let mut long = spec.clone();
    long.windows = vec![WindowSpec::count("w", 400, 50)];
    let error = freeze(&traffic.take(500), &long, "m", 1, &|_| ()).unwrap_err().to_string();
    assert!(error.contains("1200"), "{error}");
}

#[test]
fn freezing_repeats_with_the_seed_and_survives_storage() {
    let spec = spec();
    let events = Traffic::new(9).take(900);
    let once = freeze(&events, &spec, "m", 3, &|_| ()).unwrap();
    let json = serde_json::to_vec(&once).unwrap();
    assert_eq!(
        serde_json::from_slice::<seamark::detect::profile::ReferenceProfile>(&json).unwrap(),
        once
    );
    assert_eq!(freeze(&events, &spec, "m", 3, &|_| ()).unwrap(), once);
}

#[test]
fn check_finds_a_shift_and_keeps_quiet_without_one() {
    let options = CheckOptions { alpha: 0.01, permutations: 300, seed: 1 };
    let reference = Traffic::new(10).take(400);
    let quiet = check(&reference, &Traffic::new(11).take(200), &options);
    assert!(quiet.iter().all(|v| !v.is_drift && v.p_value.is_some()));
    let mut moved = Traffic::new(12);
    moved.shift = 0.4;
    let loud = check(&reference, &moved.take(200), &options);
    assert!(loud.iter().filter(|v| v.stream == Stream::Query).all(|v| v.is_drift));
    let few = check(&reference, &Traffic::new(13).take(5), &options);
    assert!(few.iter().all(|v| v.status == VerdictStatus::InsufficientData));
}

#[test]
fn the_exact_mmd_agrees_with_the_sketch() {
    let spec = spec();
    let reference = Traffic::new(1).take(1500);
    let profile = freeze(&reference, &spec, "m", 7, &|_| ()).unwrap();
    let yardstick = profile.clone();
    let yardstick = Yardstick::of(&yardstick, Stream::Query).unwrap();
    let mut engine = Engine::new(spec, Arc::new(Comparator::new(profile)), PER_30D);
    let mut traffic = Traffic::new(14);
    traffic.shift = 0.3;
    let window = traffic.take(100);
    let evaluations = run(&mut engine, &window);
    let sketched = evaluations.last().unwrap().verdicts[0].statistic.unwrap();
    let exact = figures(&reference, &window, Stream::Query, yardstick, 1).unwrap();
    assert_eq!((exact.n_ref, exact.n_window), (1500, 100));
    // 512 orthogonal frequencies: a root mean square error of about 5e-5 and a few per cent.
    assert!((exact.mmd2 - sketched).abs() < 3e-4 + 0.05 * exact.mmd2, "{exact:?} {sketched}");
}

/// Minutes of the day at which the second topic group is asked about, in [`rhythmic`].
fn evening(event: &Event) -> bool {
    event.occurred_at.as_micros().rem_euclid(1440 * MINUTE) > 720 * MINUTE
}

/// Traffic whose topics follow the clock: 0 to 2 before noon, 3 and 4 after it.
fn rhythmic(seed: u64, days: usize, from_day: i64) -> Vec<Event> {
    let mut traffic = Traffic::new(seed);
    let mut events = traffic.take(days * 288);
    for (i, event) in events.iter_mut().enumerate() {
        let minutes = from_day * 1440 + 5 * i as i64;
        event.occurred_at = Timestamp::from_micros(minutes * MINUTE);
        let topic = if evening(event) { 3 + i % 2 } else { i % 3 };
        (event.query, event.response) = (Some(traffic.vector(topic)), Some(traffic.vector(topic)));
    }
    events
}

#[test]
fn a_daily_rhythm_is_no_drift_and_drift_in_it_is_found() {
    let spec = spec();
    let reference = rhythmic(20, 10, 0);
    let profile = freeze(&reference, &spec, "m", 7, &|_| ()).unwrap();
    assert!(profile.lenses[&Stream::Query].rhythm.daily);
    let comparator = Arc::new(Comparator::new(profile));
    let mut engine = Engine::new(spec.clone(), comparator, PER_30D);
    let mut stream = rhythmic(21, 8, 10);
    let quiet = run(&mut engine, &stream[..6 * 288]);
    assert_eq!(drifted(&quiet, Stream::Query), 0);
    let mut traffic = Traffic::new(22);
    for event in stream[6 * 288..].iter_mut().step_by(4) {
        event.query = Some(traffic.vector(7));
    }
    assert!(drifted(&run(&mut engine, &stream[6 * 288..]), Stream::Query) > 0);
}

pub(crate) fn labelled(mut events: Vec<Event>) -> Vec<Event> {
    for (i, event) in events.iter_mut().enumerate() {
        let channel = ["web", "web", "web", "app", "ussd"][i % 5];
        event.attributes = [("channel".to_owned(), channel.to_owned())].into();
    }
    events
}

/// Those of a text like no other: the mixing of SplitMix64 (Steele et al. 2014).
fn hashes(number: u64) -> Hashes {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    Hashes { fingerprint: number, simhash: Some(mixed ^ mixed >> 27) }
}

#[test]
fn a_storm_of_nearly_one_text_is_duplicates_and_no_drift() {
    let spec = spec();
    let mut engine = Engine::new(spec.clone(), comparator(&spec), PER_30D);
    let mut stream = Traffic::new(42).take(2000);
    let query = stream[800].query.clone();
    let places = ["Lagos", "Nairobi", "Accra", "Dakar", "Tunis", "Durban", "Kigali"];
    for (i, event) in stream[800..1600].iter_mut().enumerate() {
        let (place, letter) = (places[i % 7], char::from(b'a' + (i % 26) as u8));
        let text = format!(
            "Hello, the parcel with the two red winter jackets that I ordered for my daughter a week \
             ago has not come to {place} yet, could you please look where it is and tell me {letter}"
        );
        (event.query, event.hashes) = (query.clone(), Some(Hashes::of(&text)));
    }
    let evaluations = run(&mut engine, &stream);
    assert_eq!(drifted(&evaluations, Stream::Query), 0);
    assert!(engine.repeated_events() > 780, "{}", engine.repeated_events());
    let told: Vec<&Evaluation> =
        evaluations.iter().filter(|e| e.ratios.contains_key(&Stream::Duplicates)).collect();
    assert!(told[0].position <= 900, "found by {}", told[0].position);
    let example = &told[0].examples[0].interaction_id;
    assert!(stream[800..806].iter().any(|event| event.interaction_id == *example), "{example}");
}

#[test]
fn a_storm_of_one_text_is_duplicates_and_no_drift() {
    let spec = spec();
    let mut engine = Engine::new(spec.clone(), comparator(&spec), PER_30D);
    let mut stream = Traffic::new(40).take(2000);
    let text = stream[800].clone();
    for event in &mut stream[800..1600] {
        (event.query, event.hashes) = (text.query.clone(), text.hashes);
    }
    let evaluations = run(&mut engine, &stream);
    assert_eq!(drifted(&evaluations, Stream::Query), 0);
    let told: Vec<&Evaluation> =
        evaluations.iter().filter(|e| e.ratios.contains_key(&Stream::Duplicates)).collect();
    assert!(told[0].position <= 900, "found by {}", told[0].position);
    assert_eq!(told[0].examples[0].interaction_id, stream[802].interaction_id);
    assert!(told.last().unwrap().ratios[&Stream::Duplicates].unwrap() <= 0.0, "it ends");
    assert_eq!(engine.repeated_events(), 797);
}

#[test]
fn the_budget_in_force_moves_thresholds_without_a_new_calibration() {
    let spec = spec();
    let comparator = comparator(&spec);
    let events = Traffic::new(50).take(400);
    let thresholds = |per_30d: f64| -> Vec<f64> {
        let mut engine = Engine::new(spec.clone(), comparator.clone(), per_30d);
        let evaluations = run(&mut engine, &events);
        evaluations.last().unwrap().verdicts.iter().filter_map(|v| v.threshold).collect()
    };
    let (strict, loose) = (thresholds(PER_30D), thresholds(10.0 * PER_30D));
    assert_eq!(strict.len(), loose.len());
    assert!(strict.iter().zip(&loose).all(|(strict, loose)| strict > loose));
}

#[test]
fn the_calibration_report_accounts_for_the_whole_budget() {
    let spec = spec();
    let profile = freeze(&labelled(Traffic::new(60).take(2000)), &spec, "m", 7, &|_| ()).unwrap();
    let report = seamark::detect::calibration::report(&profile, 2.0 * PER_30D);
    assert_eq!(report.parts.len(), 1 + profile.segments.len());
    let total: f64 = report.parts.iter().map(|part| part.expected_per_30d).sum();
    assert!((total / (2.0 * PER_30D) - 1.0).abs() < 1e-3, "{total}");
    for stream in report.parts.iter().flat_map(|part| &part.streams) {
        assert!(!stream.thresholds.is_empty());
        assert!(stream.thresholds.iter().all(|t| t.threshold.is_some_and(|t| t > 0.0)));
        // Each detector alone alarms more rarely than all together.
        let together = 30.0 / stream.expected_per_30d;
        let alone = stream.thresholds.iter().filter_map(|t| t.days_between_false_alarms);
        assert!(alone.into_iter().all(|days| days > 0.9 * together));
    }
}

#[test]
fn a_time_window_is_explained_by_what_is_in_it() {
    let mut spec = spec();
    spec.windows = vec![WindowSpec {
        name: "hours".into(),
        length: WindowLength::Time { minutes: 240, stride_minutes: 60, min_events: 20 },
    }];
    // A window closes three hours late: by then another topic has come.
    spec.lateness_seconds = 3 * 3600;
    let reference = Traffic::new(70).take(1500);
    let words = |id: &str| match id.as_bytes()[0] {
        b'x' => "the new fibre bundle",
        b'y' => "a lost parcel",
        _ => "top up my line",
    };
    let texts = |id: &str| (Some(words(id)), None);
    let mut profile = freeze(&reference, &spec, "m", 7, &|_| ()).unwrap();
    profile.notes = seamark::detect::notes::take(&profile, &reference, &texts);
    let mut engine = Engine::new(spec, Arc::new(Comparator::new(profile)), PER_30D);
    let mut stream = Traffic::new(71).take(900);
    let mut traffic = Traffic::new(72);
    for (i, event) in stream.iter_mut().enumerate().skip(480) {
        let (topic, sign) = if i < 660 { (8, 'x') } else { (9, 'y') };
        event.query = Some(traffic.vector(topic));
        event.interaction_id = format!("{sign}{i}");
    }
    let end_of_first = stream[660].occurred_at;
    let (drift, explanation) = stream
        .iter()
        .find_map(|event| {
            let drift =
                engine.observe(event).into_iter().find(|e| e.at > stream[600].occurred_at)?;
            let explanation = engine.explain(&drift, &texts);
            Some((drift, explanation.expect("a drift is explained")))
        })
        .unwrap();
    assert!(drift.at <= end_of_first, "the judged window ends before the second topic");
    let query = explanation.streams.iter().find(|s| s.stream == Stream::Query).unwrap();
    let rising: Vec<&str> = query.rising.iter().map(|term| term.term.as_str()).collect();
    assert!(rising.contains(&"fibre") && !rising.contains(&"parcel"), "{rising:?}");
    assert!(query.changed.unwrap().at < drift.at);
    assert!(drift.examples.iter().all(|example| !example.interaction_id.starts_with('y')));
}
