//! A rule's life step by step, and any order of readings against what must always hold.

use std::time::Duration;

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::*;
use crate::id::{ProjectId, RuleId};

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn rule(extra: &serde_json::Value) -> Rule {
    let mut spec = json!({
        "name": "Slow drift",
        "when": {"figure": "ratio", "monitor": "support", "clear": 0.8},
        "for_seconds": 60,
        "keep_firing_for_seconds": 120,
        "annotations": {"summary": "{{ rule }}: {{ value }} since {{ since }}"},
    });
    for (key, value) in extra.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    Rule {
        id: RuleId::new(START, &mut rng),
        project_id: ProjectId::new(START, &mut rng),
        spec: serde_json::from_value(spec).unwrap(),
        created_at: START,
        updated_at: START,
    }
}

fn reading(value: Result<f64, Trouble>) -> Reading {
    Reading { figure: "ratio of support".to_owned(), value, source: None }
}

/// A rule and its alert, both through JSON at every step, as through a restart.
struct Life {
    rule: Rule,
    state: RuleState,
    open: Option<Alert>,
    rng: ChaCha8Rng,
}

impl Life {
    fn of(rule: Rule) -> Self {
        Self { rule, state: RuleState::new(START), open: None, rng: ChaCha8Rng::seed_from_u64(2) }
    }

    fn at(&mut self, seconds: u64, value: Result<f64, Trouble>) -> Option<RuleChange> {
        let now = START.plus(Duration::from_secs(seconds));
        let firing = self.state.phase == AlertState::Firing;
        let judgement = judge(&self.rule.spec.when, &[reading(value)], firing);
        let change =
            step_rule(&self.rule, &self.state, self.open.as_ref(), &judgement, now, &mut self.rng)?;
        let text = serde_json::to_string(&change.state).unwrap();
        self.state = serde_json::from_str(&text).unwrap();
        if let Some(Change { alert, .. }) = &change.alert {
            self.open = (alert.state != AlertState::Resolved).then(|| alert.clone());
        }
        Some(change)
    }

    fn reason(&mut self, seconds: u64, value: Result<f64, Trouble>) -> Option<TransitionReason> {
        Some(self.at(seconds, value)?.alert?.transition?.reason)
    }
}

#[test]
fn what_holds_for_long_enough_fires_and_lingers() {
    let mut life = Life::of(rule(&json!({})));
    assert_eq!(life.at(0, Ok(0.5)), None);
    assert_eq!(life.reason(10, Ok(1.5)), Some(TransitionReason::ThresholdCrossed));
    assert_eq!(life.at(69, Ok(1.5)), None, "not yet for 60 s");
    assert_eq!(life.reason(70, Ok(1.25)), Some(TransitionReason::HeldForLongEnough));
    let alert = life.open.clone().unwrap();
    assert!(alert.annotations["summary"].starts_with("Slow drift: 1.25 since 2023-11-14T"));
    assert_eq!((alert.findings[0].value, alert.findings[0].holds), (Some(1.25), true));
    assert_eq!(life.at(80, Ok(0.9)), None, "above clear it fires on");
    assert!(life.at(90, Ok(0.7)).unwrap().alert.is_none());
    assert!(life.at(100, Ok(0.9)).unwrap().state.quiet_since.is_none(), "quiet begins anew");
    life.at(110, Ok(0.7));
    assert_eq!(life.at(229, Ok(0.7)), None);
    assert_eq!(life.reason(230, Ok(0.7)), Some(TransitionReason::QuietForLongEnough));
    assert_eq!((life.state.phase, life.state.alert_id), (AlertState::Inactive, None));
    life.at(240, Ok(2.0));
    assert_ne!(life.open.clone().unwrap().id, alert.id, "the next episode is another alert");
    assert_eq!(life.reason(250, Ok(0.9)), Some(TransitionReason::FellBack));
}

#[test]
fn absence_counts_as_the_user_chose() {
    let none = || Err(Trouble::no_data("nothing yet"));
    let broken = || Err(Trouble::error("no such monitor"));
    let mut life = Life::of(rule(&json!({"for_seconds": 0})));
    let change = life.at(1, none()).unwrap();
    assert_eq!((change.state.health, change.alert), (Health::NoData, None), "keep is the default");
    assert_eq!(change.event.unwrap().detail, "nothing yet");
    assert_eq!(life.at(2, none()), None, "said once");
    assert_eq!(life.reason(3, broken()), Some(TransitionReason::Error), "an error alerts");
    let change = life.at(4, Err(Trouble::paused("calibrating"))).unwrap();
    assert_eq!((change.state.phase, change.alert), (AlertState::Firing, None), "paused keeps");

    let mut life = Life::of(rule(&json!({"for_seconds": 0, "no_data": "alert", "error": "ok"})));
    assert_eq!(life.reason(1, none()), Some(TransitionReason::NoData));
    life.at(2, broken());
    assert_eq!(life.reason(200, broken()), Some(TransitionReason::Error), "and it ends as ok");
}

#[test]
fn what_is_known_decides_a_joint_condition() {
    let when = |text: &str| serde_json::from_str::<Condition>(text).unwrap();
    let parts = r#"[{"figure": "alerts"}, {"figure": "events", "minutes": 5, "below": 10}]"#;
    let (all, any) =
        (when(&format!("{{\"all\": {parts}}}")), when(&format!("{{\"any\": {parts}}}")));
    let outcome = |condition: &Condition, a: Result<f64, Trouble>, b: Result<f64, Trouble>| {
        judge(condition, &[reading(a), reading(b)], false).outcome
    };
    let none = || Err(Trouble::no_data("none"));
    let error = || Err(Trouble::error("error"));
    assert_eq!(outcome(&all, Ok(1.0), Ok(3.0)), Ok(true));
    assert_eq!(outcome(&all, Ok(0.0), none()), Ok(false), "one that fails decides");
    assert_eq!(outcome(&all, Ok(1.0), none()), Err(Trouble::no_data("none")));
    assert_eq!(outcome(&any, Ok(1.0), error()), Ok(true), "one that holds decides");
    assert_eq!(outcome(&any, none(), error()), Err(Trouble::error("error")), "the worse is told");
    assert_eq!(outcome(&any, Ok(0.0), Ok(30.0)), Ok(false));
}

#[test]
fn an_alert_is_of_a_monitor_only_if_all_its_figures_are() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (a, b) = (MonitorId::new(START, &mut rng), MonitorId::new(START, &mut rng));
    let of = |monitor: Option<MonitorId>| Reading {
        source: monitor.map(|id| (id, None)),
        ..reading(Ok(2.0))
    };
    let parts = r#"{"any": [{"figure": "alerts"}, {"figure": "alerts"}]}"#;
    let when: Condition = serde_json::from_str(parts).unwrap();
    assert_eq!(judge(&when, &[of(Some(a)), of(None)], false).source, Some((a, None)));
    assert_eq!(judge(&when, &[of(Some(a)), of(Some(b))], false).source, None);
}

proptest! {
    /// Any readings at any times, also with the clock set back: one open alert at most, resolved only
    /// after it was pending or firing, fired only after the condition held for so long, and the state
    /// names the open alert.
    #[test]
    fn the_life_of_a_rule_keeps_its_order(
        steps in prop::collection::vec((-40_i64..100, 0_u8..6), 1..80),
        waits in 0_u32..120,
        lingers in 0_u32..120,
        no_data in prop::sample::select(vec!["keep", "ok", "alert"]),
    ) {
        let extra = json!({"for_seconds": waits, "keep_firing_for_seconds": lingers, "no_data": no_data});
        let mut life = Life::of(rule(&extra));
        let mut clock = 10_000_i64;
        let mut ids = std::collections::BTreeSet::new();
        let mut was = AlertState::Inactive;
        for (passed, kind) in steps {
            clock = (clock + passed).max(0);
            let value = match kind {
                0 => Err(Trouble::no_data("none")),
                1 => Err(Trouble::error("broken")),
                2 => Err(Trouble::paused("paused")),
                3 => Ok(0.5),
                4 => Ok(0.9),
                _ => Ok(2.0),
            };
            let held_since = life.state.holds_since;
            let Some(change) = life.at(clock as u64, value) else { continue };
            if let Some(Change { alert, transition }) = &change.alert {
                let transition = transition.as_ref().unwrap();
                prop_assert_eq!(transition.from, was);
                let over = transition.to == AlertState::Resolved;
                was = if over { AlertState::Inactive } else { transition.to };
                match transition.to {
                    AlertState::Firing => {
                        let now = START.plus(Duration::from_secs(clock as u64));
                        let held = held_since.map_or(Duration::ZERO, |since| now.since(since));
                        prop_assert!(held >= Duration::from_secs(waits.into()));
                    }
                    AlertState::Resolved => prop_assert!(ids.contains(&alert.id)),
                    _ => prop_assert!(!ids.contains(&alert.id), "an id begins once"),
                }
                ids.insert(alert.id);
            }
            prop_assert_eq!(life.state.alert_id, life.open.as_ref().map(|alert| alert.id));
            prop_assert_eq!(life.state.phase, was);
        }
    }
}
