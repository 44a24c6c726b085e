//! The calibration simulates what the engine does: over equal events both say the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::features::StreamFeatures;
use super::{freeze, plan_of_whole};
use crate::clock::Timestamp;
use crate::detect::compare::Comparator;
use crate::detect::engine::Engine;
use crate::detect::values::StreamRows;
use crate::model::interaction::{Attributes, Event};
use crate::model::monitor::{MonitorSpec, Segmentation, WindowSpec};
use crate::model::signals::Signals;
use crate::model::stream::{Stream, Values};
use crate::model::verdict::DetectorKind;
use crate::stats::simulate::{Plan, Population, Row, slide};
use crate::stats::statistics::{Direction, STATISTICS, scales};

const SEED: u64 = 7;
const SEEN: usize = 600;

fn event(i: i64, rng: &mut ChaCha8Rng) -> Event {
    let topic = rng.random_range(0..4);
    let near = |d: usize| f32::from(u8::from(d == topic)) + rng.random_range(-0.3..0.3f32);
    Event {
        position: i + 1,
        interaction_id: i.to_string(),
        occurred_at: Timestamp::from_micros(i * 60_000_000),
        session_id: None,
        attributes: Attributes::new(),
        query: Some((0..8).map(near).collect()),
        response: None,
        hashes: None,
        signals: Signals::default(),
        outcomes: Vec::new(),
    }
}

/// Statistics of each evaluation at which all windows were full, by window and detector.
type Path = Vec<BTreeMap<(String, DetectorKind), f64>>;

/// Those whose features do not leave the row itself out, as it is done where rows stand for new texts.
const KINDS: [DetectorKind; 3] = [DetectorKind::Mmd, DetectorKind::Kl, DetectorKind::Centroid];

fn observed(engine: &mut Engine, events: &[Event]) -> Path {
    let evaluations = events.iter().flat_map(|event| engine.observe(event));
    let path = evaluations.map(|evaluation| {
        let own = evaluation.verdicts.into_iter().filter(|v| KINDS.contains(&v.detector));
        own.filter_map(|v| Some(((v.window.clone(), v.detector), v.statistic?))).collect()
    });
    path.collect()
}

#[test]
fn equal_events_give_equal_statistics() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let events: Vec<Event> = (0..1500).map(|i| event(i, &mut rng)).collect();
    let ordered: Vec<&Event> = events.iter().collect();
    let mut spec = MonitorSpec::named("m");
    spec.streams = vec![Stream::Query];
    spec.segments = Segmentation::Off;
    spec.windows = vec![WindowSpec::count("short", 100, 25), WindowSpec::count("long", 300, 75)];
    let profile = freeze(&events, &spec, "m", SEED, &|_| ()).unwrap();
    let expectation = profile.whole.streams[&Stream::Query].expectation.clone();
    let mut engine = Engine::new(spec.clone(), Arc::new(Comparator::new(profile)), 1.0);

    let planned = plan_of_whole(&spec, &ordered, &mut Vec::new()).unwrap();
    let stream_seed = SEED + 1000 * (Stream::Query as u64 + 1);
    let rows = StreamRows::collect(ordered.iter().copied(), Stream::Query);
    let middle = planned.middle_window();
    let features = StreamFeatures::of(Values::Embedding, &rows, &ordered, middle, stream_seed);
    let grid = &planned.grids[0];
    let plan = Plan {
        bucket_events: grid.bucket_events,
        windows: grid.windows.iter().map(|window| window.simulated).collect(),
        n_ref: events.len(),
        counted: 0.5,
        counted_by_unit: false,
        evaluations: 1,
        direction: Direction::Either,
        seed: SEED,
    };
    let all: Vec<&Row> = features.rows.iter().collect();
    let units = (0..all.len()).map(|i| vec![i]).collect();
    let cells = features.lens.codebook.len();
    let population = Population::new(all, units, features.columns, cells);
    // A profile's expectation has no whitened columns, and none are compared.
    let simulated: Vec<Vec<f64>> = slide(&population, &plan, &expectation, 0..SEEN, 0).collect();
    let observed = observed(&mut engine, &events[..SEEN]);
    assert_eq!((simulated.len(), observed.len()), (21, 24), "the first are not full yet");

    for (values, verdicts) in simulated.iter().zip(&observed[3..]) {
        for ((window, kind), statistic) in verdicts {
            let w = grid.windows.iter().position(|own| own.name == *window).unwrap();
            let n = grid.windows[w].events as f64;
            let scale = scales(n, 1.0 / expectation.n, 1.0 / expectation.n_cells)[*kind as usize];
            let value = values[w * STATISTICS + *kind as usize] * scale;
            assert!((value - statistic).abs() < 1e-9, "{window} {kind}: {value} and {statistic}");
        }
    }
    let judged: usize = observed.iter().map(BTreeMap::len).sum();
    assert_eq!(judged, (21 + 5) * KINDS.len());
}
