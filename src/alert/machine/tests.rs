//! The alert's life against a plain reading of the sequence of ratios.

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::id::{MonitorId, ProjectId, ReferenceId, ReportId};
use crate::model::interaction::Attributes;
use crate::model::verdict::{DetectorKind, VerdictStatus};

fn verdict(stream: Stream, ratio: Option<f64>) -> Verdict {
    let is_drift = ratio.is_some_and(|ratio| ratio > 1.0);
    Verdict {
        segment: Attributes::new(),
        stream,
        window: "short".to_owned(),
        detector: DetectorKind::Mmd,
        status: match ratio {
            None => VerdictStatus::InsufficientData,
            Some(_) if is_drift => VerdictStatus::Drift,
            Some(_) => VerdictStatus::Stable,
        },
        is_drift,
        statistic: ratio.map(|ratio| ratio * 0.01),
        threshold: ratio.map(|_| 0.01),
        p_value: None,
        effect_size: None,
        cosine_distance: None,
        n_ref: 1000,
        n_window: 200,
        outcome: None,
    }
}

fn report(sequence: i64, verdicts: Vec<Verdict>) -> Report {
    let at = Timestamp::from_micros(sequence * 1_000_000);
    let mut fixed = ChaCha8Rng::seed_from_u64(1);
    let project_id = ProjectId::new(Timestamp::default(), &mut fixed);
    let monitor_id = MonitorId::new(Timestamp::default(), &mut fixed);
    let reference_id = ReferenceId::new(Timestamp::default(), &mut fixed);
    Report {
        id: ReportId::new(at, &mut fixed),
        project_id,
        monitor_id,
        reference_id,
        sequence,
        evaluated_at: at,
        position: sequence * 50,
        segment: Attributes::new(),
        is_drift: verdicts.iter().any(|verdict| verdict.is_drift),
        verdicts,
        examples: Vec::new(),
        explanation: None,
        late_events: 0,
    }
}

/// Every change along `ratios`; the alert goes through JSON between steps, as through a restart.
fn life(policy: &AlertPolicy, ratios: &[Option<f64>]) -> Vec<Change> {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut open: Option<Alert> = None;
    let mut changes = Vec::new();
    for (i, ratio) in ratios.iter().enumerate() {
        let report = report(i as i64 + 1, vec![verdict(Stream::Query, *ratio)]);
        let now = report.evaluated_at;
        if let Some(change) =
            step(policy, open.as_ref(), *ratio, &report, Stream::Query, now, &mut rng)
        {
            let stored = serde_json::to_string(&change.alert).unwrap();
            open = Some(serde_json::from_str(&stored).unwrap());
            changes.push(change);
        }
    }
    changes
}

fn transitions(changes: &[Change]) -> Vec<&Transition> {
    changes.iter().filter_map(|change| change.transition.as_ref()).collect()
}

#[test]
fn an_episode_goes_through_all_states_under_one_id() {
    let policy =
        AlertPolicy { for_evaluations: 2, keep_firing_evaluations: 2, ..Default::default() };
    let ratios = [0.5, 1.5, 1.6, 0.9, 0.7, 0.6, 0.5].map(Some);
    let changes = life(&policy, &ratios);
    let told: Vec<_> = transitions(&changes).iter().map(|t| (t.to, t.reason)).collect();
    assert_eq!(
        told,
        [
            (AlertState::Pending, TransitionReason::ThresholdCrossed),
            (AlertState::Firing, TransitionReason::HeldForLongEnough),
            (AlertState::Resolved, TransitionReason::QuietForLongEnough),
        ]
    );
    assert!(changes.iter().all(|change| change.alert.id == changes[0].alert.id));
    let end = &changes.last().unwrap().alert;
    assert_eq!(end.started_at.as_seconds(), 2);
    assert_eq!(end.fired_at.unwrap().as_seconds(), 3);
    assert_eq!(end.resolved_at.unwrap().as_seconds(), 6);
    assert_eq!(end.reasons.len(), 1, "a resolved alert still says what had drifted");
}

#[test]
fn falling_back_from_pending_is_silent() {
    let policy = AlertPolicy { for_evaluations: 3, ..Default::default() };
    let changes = life(&policy, &[Some(1.2), Some(1.2), Some(0.9)]);
    assert_eq!(changes[1].transition, None, "a longer streak is stored without a transition");
    assert_eq!(changes[1].alert.streak, 2);
    let last = changes[2].transition.as_ref().unwrap();
    assert_eq!((last.to, last.reason), (AlertState::Resolved, TransitionReason::FellBack));
    assert!(
        transitions(&changes).into_iter().all(|transition| transition.to != AlertState::Firing)
    );
}

#[test]
fn only_verdicts_of_the_stream_count() {
    let policy = AlertPolicy::default();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let report =
        report(1, vec![verdict(Stream::Query, Some(3.0)), verdict(Stream::Response, Some(0.2))]);
    let now = report.evaluated_at;
    assert_eq!(step(&policy, None, None, &report, Stream::Response, now, &mut rng), None);
    assert_eq!(step(&policy, None, Some(0.9), &report, Stream::Relevance, now, &mut rng), None);
    let change = step(&policy, None, Some(2.0), &report, Stream::Query, now, &mut rng).unwrap();
    assert_eq!(change.alert.reasons, report.verdicts[..1]);
    assert_eq!(change.alert.kind, "query_drift");
    assert_eq!(change.transition.map(|transition| transition.to), Some(AlertState::Firing));
}

proptest! {
    #[test]
    fn every_episode_has_one_id_and_a_proper_order(
        for_evaluations in 1_u32..4,
        keep_firing_evaluations in 1_u32..4,
        ratios in proptest::collection::vec(proptest::option::weighted(0.9, 0.5_f64..1.5), 0..120),
    ) {
        let policy =
            AlertPolicy { for_evaluations, keep_firing_evaluations, ..Default::default() };
        let changes = life(&policy, &ratios);
        let mut open: Option<(AlertId, AlertState)> = None;
        let mut used = std::collections::HashSet::new();
        let mut fired = 0;
        for transition in transitions(&changes) {
            match open {
                None => {
                    prop_assert_eq!(transition.from, AlertState::Inactive);
                    prop_assert!(used.insert(transition.alert_id), "an id was used twice");
                }
                Some(before) => prop_assert_eq!(before, (transition.alert_id, transition.from)),
            }
            fired += usize::from(transition.to == AlertState::Firing);
            prop_assert!(
                transition.from != AlertState::Firing || transition.to == AlertState::Resolved
            );
            open = (transition.to != AlertState::Resolved)
                .then_some((transition.alert_id, transition.to));
        }
        // What the calibration counts is what receivers hear.
        let judged = ratios.iter().copied().flatten();
        prop_assert_eq!(
            fired,
            crate::stats::sequential::count_episodes(&policy.trigger(), judged)
        );
    }
}
