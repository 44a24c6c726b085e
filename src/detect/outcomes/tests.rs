//! Outcomes from the reference to the judgement.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::freeze::{OutcomeSpec, Plan, freeze};
use super::watch::Rule;
use super::{OutcomeMemory, OutcomeProfile};
use crate::clock::Timestamp;
use crate::detect::segments::Segment;
use crate::model::interaction::{Attributes, Event, EventOutcome};
use crate::model::monitor::MonitorSpec;
use crate::model::signals::Signals;
use crate::model::verdict::Verdict;

const HOUR: f64 = 3600.0;

/// Traffic in which `resolved` is true with the probability that `rate` gives for a channel, for
/// nine of ten interactions, and `csat` is given by a quarter of them.
fn traffic(n: usize, seed: u64, rate: impl Fn(&str) -> f64) -> Vec<Event> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..n)
        .map(|i| {
            let channel = ["web", "web", "app", "ussd"][rng.random_range(0..4)];
            let rate = rate(channel);
            let mut outcomes = Vec::new();
            let mut add = |name: &str, value: f64, after_seconds: f64| {
                outcomes.push(EventOutcome { name: name.to_owned(), value, after_seconds });
            };
            if rng.random_bool(0.9) {
                let resolved = f64::from(u8::from(rng.random_bool(rate)));
                add("resolved", resolved, rng.random_range(0.0..10.0) * HOUR);
            }
            if rng.random_bool(0.25) {
                let stars = (rate * 5.0 + rng.random_range(-1.0..1.0)).round().clamp(1.0, 5.0);
                add("csat", stars, HOUR);
            }
            Event {
                position: i as i64 + 1,
                interaction_id: format!("{seed}-{i}"),
                occurred_at: Timestamp::from_micros(i as i64 * 60_000_000),
                session_id: None,
                attributes: Attributes::from([("channel".to_owned(), channel.to_owned())]),
                query: None,
                response: None,
                hashes: None,
                signals: Signals::default(),
                outcomes,
            }
        })
        .collect()
}

fn frozen() -> OutcomeProfile {
    let events = traffic(4000, 1, |_| 0.88);
    let events: Vec<&Event> = events.iter().collect();
    let spec = |name: &str| OutcomeSpec {
        name: name.to_owned(),
        is_good_up: true,
        matures_after_seconds: 8.0 * HOUR,
    };
    let segment = |value: &str| Segment {
        attribute: "channel".to_owned(),
        value: Some(value.to_owned()),
        but: Vec::new(),
    };
    let monitor = MonitorSpec::named("m");
    let plan = Plan {
        specs: &[spec("csat"), spec("resolved")],
        segments: &[segment("web"), segment("app"), segment("ussd")],
        lens: None,
        windows: &monitor.windows,
        events_per_day: 1440.0,
        per_30d: 0.1,
        trigger: monitor.alert.trigger(),
        seed: 7,
    };
    freeze(&events, &plan).unwrap()
}

/// The verdicts that drifted, each with the number of interactions after which it came.
fn watched(profile: &OutcomeProfile, events: &[Event]) -> Vec<(usize, Verdict)> {
    let mut memory = OutcomeMemory::default();
    let mut found = Vec::new();
    for (i, event) in events.iter().enumerate() {
        let judgement = memory.observe(profile, event, None, Rule::Per30d(profile.per_30d));
        let drifted = judgement.into_iter().flat_map(|judgement| judgement.verdicts);
        found.extend(drifted.filter(|verdict| verdict.is_drift).map(|verdict| (i + 1, verdict)));
    }
    found
}

#[test]
fn equal_traffic_is_quiet_and_a_fall_is_found_with_its_figures() {
    let profile = frozen();
    for seed in 2..6 {
        let found = watched(&profile, &traffic(10_000, seed, |_| 0.88));
        assert!(found.is_empty(), "{found:?}");
    }
    let found = watched(&profile, &traffic(2000, 9, |_| 0.75));
    let is_of = |verdict: &Verdict, name: &str| {
        verdict.outcome.as_ref().is_some_and(|figures| figures.name == name)
    };
    assert!(found.iter().any(|(_, verdict)| is_of(verdict, "csat")));
    let (after, first) = found.iter().find(|(_, verdict)| is_of(verdict, "resolved")).unwrap();
    assert!(*after <= 500, "{after}");
    let figures = first.outcome.as_ref().unwrap();
    assert!((figures.then - 0.88).abs() < 0.03 && figures.now < 0.85, "{figures:?}");
    assert!(figures.low < figures.now - figures.then && figures.high < 0.0);
    assert!(first.ratio().unwrap() > 1.0 && first.p_value.unwrap() < 0.001);
}

#[test]
fn better_outcomes_are_no_alarm() {
    assert!(watched(&frozen(), &traffic(5000, 3, |_| 0.97)).is_empty());
}

#[test]
fn a_fall_in_one_segment_is_named() {
    let events = traffic(3000, 4, |channel| if channel == "ussd" { 0.6 } else { 0.88 });
    let found = watched(&frozen(), &events);
    let named = found.iter().filter_map(|(_, verdict)| verdict.outcome.as_ref());
    let in_ussd = |segment: &Attributes| segment.get("channel").is_some_and(|c| c == "ussd");
    assert!(named.clone().any(|figures| in_ussd(&figures.segment)));
    assert!(named.clone().all(|figures| figures.segment.is_empty() || in_ussd(&figures.segment)));
}

#[test]
fn outcomes_that_come_late_move_nothing() {
    let profile = frozen();
    let mut events = traffic(3000, 2, |_| 0.88);
    for outcome in events.iter_mut().flat_map(|event| &mut event.outcomes) {
        if outcome.after_seconds > 8.0 * HOUR {
            outcome.value = 0.0;
        }
    }
    assert!(watched(&profile, &events).is_empty());
}

#[test]
fn what_was_stored_goes_on_with_the_same_numbers() {
    let profile: OutcomeProfile =
        serde_json::from_str(&serde_json::to_string(&frozen()).unwrap()).unwrap();
    assert_eq!(profile, frozen());
    let events = traffic(1500, 9, |_| 0.8);
    let (mut whole, mut restored) = (OutcomeMemory::default(), OutcomeMemory::default());
    for (i, event) in events.iter().enumerate() {
        if i % 333 == 0 {
            let stored = serde_json::to_string(&restored).unwrap();
            restored = serde_json::from_str(&stored).unwrap();
        }
        let judged = whole.observe(&profile, event, None, Rule::Per30d(profile.per_30d));
        assert_eq!(restored.observe(&profile, event, None, Rule::Per30d(profile.per_30d)), judged);
    }
    assert_eq!(whole, restored);
}

#[test]
fn too_few_outcomes_are_not_watched() {
    let events = traffic(150, 1, |_| 0.9);
    let events: Vec<&Event> = events.iter().collect();
    let specs = [OutcomeSpec {
        name: "csat".to_owned(),
        is_good_up: true,
        matures_after_seconds: 8.0 * HOUR,
    }];
    let monitor = MonitorSpec::named("m");
    assert!(!super::freeze::are_enough(&events, &specs, &monitor.windows));
}

#[test]
fn a_users_threshold_is_obeyed() {
    let profile = frozen();
    let events = traffic(1000, 9, |_| 0.75);
    let drifted = |rule: Rule| {
        let mut memory = OutcomeMemory::default();
        let judged = events.iter().filter_map(|event| memory.observe(&profile, event, None, rule));
        judged.flat_map(|judgement| judgement.verdicts).filter(|verdict| verdict.is_drift).count()
    };
    assert!(drifted(Rule::Fixed(Some(1.0))) > 0);
    assert_eq!((drifted(Rule::Fixed(Some(100.0))), drifted(Rule::Fixed(None))), (0, 0));
}
