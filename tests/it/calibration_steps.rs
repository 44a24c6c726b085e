//! An interrupted calibration goes on where it stopped.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use seamark::detect::freeze::freeze_with_outcomes;
use seamark::detect::freeze::steps::{Step, Steps};
use seamark::detect::profile::StreamPart;
use seamark::model::stream::Stream;

use crate::detect::{Traffic, labelled, spec};

/// Remembers steps as the store does, and how often one was of use.
#[derive(Default)]
struct Remembered {
    steps: Mutex<BTreeMap<Step, String>>,
    used: AtomicUsize,
}

impl Steps for Remembered {
    fn done(&self, step: Step) -> Option<StreamPart> {
        let stored = self.steps.lock().unwrap().get(&step).cloned()?;
        self.used.fetch_add(1, Ordering::Relaxed);
        Some(serde_json::from_str(&stored).unwrap())
    }

    fn keep(&self, step: Step, result: &StreamPart) {
        self.steps.lock().unwrap().insert(step, serde_json::to_string(result).unwrap());
    }
}

#[test]
fn an_interrupted_freeze_goes_on_to_the_same_profile() {
    let spec = spec();
    let events = labelled(Traffic::new(9).take(900));
    let steps = Remembered::default();
    let freeze = || freeze_with_outcomes(&events, &spec, &[], "m", 3, &steps, &|_| ()).unwrap();
    let whole = freeze();
    let all = steps.steps.lock().unwrap().len();
    assert!(all > 3 && steps.used.load(Ordering::Relaxed) == 0, "{all} steps");
    // Interrupted after the queries of all traffic.
    let first = Step { stream: Stream::Query, part: 0 };
    steps.steps.lock().unwrap().retain(|step, _| *step == first);
    assert_eq!(freeze(), whole);
    assert_eq!(steps.used.load(Ordering::Relaxed), 1);
    assert_eq!(steps.steps.lock().unwrap().len(), all);
    // Kept for another share of the budget.
    for kept in steps.steps.lock().unwrap().values_mut() {
        let mut part: StreamPart = serde_json::from_str(kept).unwrap();
        part.per_30d *= 2.0;
        *kept = serde_json::to_string(&part).unwrap();
    }
    assert_eq!(freeze(), whole);
}
