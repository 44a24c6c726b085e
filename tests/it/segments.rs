//! Drift in a segment: named, and explained against the segment's own reference.

use std::sync::Arc;

use seamark::detect::compare::Comparator;
use seamark::detect::engine::{Engine, Evaluation};
use seamark::detect::freeze::freeze;
use seamark::detect::notes::take;
use seamark::model::explanation::{CellChange, Explanation, Trend};
use seamark::model::interaction::Event;
use seamark::model::stream::Stream;

use crate::detect::{PER_30D, Traffic, drifted, run, spec};

/// Of 25 events 12 come from the web, 8 from the app, 2 from ussd, and one each from three rare
/// channels. Those of ussd are about a topic of their own, half of the time.
fn labelled(seed: u64, n: usize) -> Vec<Event> {
    let mut traffic = Traffic::new(seed);
    let mut events = traffic.take(n);
    for (i, event) in events.iter_mut().enumerate() {
        let channel = match i % 25 {
            0..12 => "web",
            12..20 => "app",
            20..22 => "ussd",
            22 => "kiosk",
            23 => "ivr",
            _ => "fax",
        };
        event.attributes = [("channel".to_owned(), channel.to_owned())].into();
        if channel == "ussd" && i % 2 == 0 {
            (event.query, event.response) = (Some(traffic.vector(9)), Some(traffic.vector(9)));
            event.interaction_id = format!("u{i}");
        }
    }
    events
}

fn texts(id: &str) -> (Option<&'static str>, Option<&'static str>) {
    let query = match id.as_bytes().first() {
        Some(b'x') => "the new fibre bundle",
        Some(b'u') => "dial the short code",
        _ => "top up my line",
    };
    (Some(query), None)
}

/// The fifth evaluation in which the queries of `segment` drift, and why: what ussd has a topic of its own
/// for, or half of the others, is about a new topic.
fn fifth_drift(segment: &[&str]) -> (Evaluation, Explanation) {
    let spec = spec();
    let reference = labelled(30, 3600);
    let mut profile = freeze(&reference, &spec, "m", 7, &|_| ()).unwrap();
    assert_eq!(profile.segments.len(), 4);
    profile.notes = take(&profile, &reference, &texts);
    let mut engine = Engine::new(spec, Arc::new(Comparator::new(profile)), PER_30D);
    let mut stream = labelled(31, 6000);
    let mut traffic = Traffic::new(32);
    let mut nth = 0;
    for (i, event) in stream.iter_mut().enumerate().skip(1500) {
        if segment.contains(&event.attributes["channel"].as_str()) {
            nth += 1;
            let is_own = event.interaction_id.starts_with('u');
            if is_own || (event.attributes["channel"] != "ussd" && nth % 2 == 0) {
                (event.query, event.response) = (Some(traffic.vector(8)), Some(traffic.vector(8)));
                event.interaction_id = format!("x{i}");
            }
        }
    }
    assert_eq!(drifted(&run(&mut engine, &stream[..1500]), Stream::Query), 0);
    let mut drifts = stream[1500..].iter().filter_map(|event| {
        let evaluations = engine.observe(event);
        let of_query = |e: &Evaluation| drifted(std::slice::from_ref(e), Stream::Query) > 0;
        let drift = evaluations.into_iter().find(|e| of_query(e) && !e.segment.is_empty())?;
        let explanation = engine.explain(&drift, &texts).expect("a drift is explained");
        Some((drift, explanation))
    });
    drifts.nth(4).expect("the segment's drift is found")
}

#[test]
fn a_drift_in_a_twelfth_of_the_traffic_is_named_and_explained() {
    let (drift, explanation) = fifth_drift(&["ussd"]);
    assert_eq!(drift.segment["channel"], "ussd");
    assert!(drift.verdicts.iter().all(|verdict| verdict.segment == drift.segment));
    let query = explanation.streams.iter().find(|s| s.stream == Stream::Query).unwrap();
    assert!(query.rising.iter().any(|term| term.term == "fibre"), "{:?}", query.rising);
    let share = query.replaced_share.unwrap();
    assert!((0.2..0.6).contains(&share), "half was replaced: {share}");
    // Half of the segment, a twenty-fifth of all traffic; cells have their names from all of it.
    let vanished: Vec<_> =
        query.cells.iter().filter(|cell| cell.trend == Trend::Vanished).collect();
    let then: f64 = vanished.iter().map(|cell| cell.share_then).sum();
    assert!((0.3..0.7).contains(&then), "{vanished:?}");
    let named = |cell: &&CellChange| cell.terms.iter().any(|term| term.contains("dial"));
    assert!(vanished.iter().all(named), "{vanished:?}");
    assert!(explanation.segments.is_empty(), "{:?}", explanation.segments);
    // The segment's short windows reach back no farther than the change by now.
    let changed = query.changed.as_ref().unwrap().at.as_micros() / crate::detect::MINUTE;
    assert!(changed >= 1500, "{changed}");
}

#[test]
fn a_drift_among_rare_values_is_one_of_the_others() {
    let (drift, _) = fifth_drift(&["kiosk", "ivr", "fax"]);
    assert_eq!(drift.segment["channel"], "other");
}
