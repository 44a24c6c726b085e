//! The whole chain from a ratio to a message, as a model: evaluations in any order, decisions made,
//! missed and lost, restarts, a clock that steps both ways, silences, acknowledgements.

mod model;

use model::{Chain, Step};
use proptest::prelude::*;

fn step() -> impl Strategy<Value = Step> {
    let place = 0_usize..model::PLACES;
    prop_oneof![
        8 => (place.clone(), prop::option::weighted(0.95, 0.4_f64..1.6))
            .prop_map(|(place, ratio)| Step::Evaluate { place, ratio }),
        6 => Just(Step::Decide),
        2 => Just(Step::DecideAndDie),
        2 => Just(Step::Restart),
        4 => (1_u64..200).prop_map(Step::Forward),
        1 => (1_u64..400).prop_map(Step::Back),
        2 => (place.clone(), 1_u64..300).prop_map(|(place, seconds)| Step::Silence { place, seconds }),
        1 => Just(Step::EndSilences),
        1 => place.prop_map(|place| Step::Acknowledge { place }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// Each alert that fired, and was kept silent by nothing, is told once as firing to each of its
    /// receivers; whatever is told as firing is told once as resolved after its end, and nothing after
    /// that; nothing but an end is told in a silence; no message has the id of another.
    #[test]
    fn every_alert_is_told_as_it_was(
        steps in prop::collection::vec(step(), 1..120),
        routing in 0_usize..model::ROUTINGS.len(),
    ) {
        let mut chain = Chain::new(model::ROUTINGS[routing]);
        for step in steps {
            chain.take(&step)?;
        }
        chain.finish()?;
    }
}

/// The model itself sees what happens: a drift, its silence, its end.
#[test]
fn a_drift_is_told_with_its_end() {
    let mut chain = Chain::new(model::ROUTINGS[0]);
    let steps = [
        Step::Evaluate { place: 0, ratio: Some(1.5) },
        Step::Evaluate { place: 0, ratio: Some(1.5) },
        Step::DecideAndDie,
        Step::Restart,
        Step::Decide,
        Step::Silence { place: 0, seconds: 100 },
        Step::Evaluate { place: 0, ratio: Some(0.1) },
        Step::Evaluate { place: 0, ratio: Some(0.1) },
        Step::Decide,
    ];
    for step in steps {
        chain.take(&step).unwrap();
    }
    assert_eq!(chain.told().len(), 2, "both receivers");
    assert!(chain.told().values().all(|events| events.len() == 2), "{:?}", chain.told());
    chain.finish().unwrap();
}
