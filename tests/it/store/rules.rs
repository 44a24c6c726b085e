//! Rules with their states and histories, retrainings, and what rules need to know of monitors.

use seamark::alert::{Judgement, RuleChange, step_rule};
use seamark::id::{AlertId, RetrainId, RuleId};
use seamark::model::alert::{AlertState, TransitionReason};
use seamark::model::retrain::{Retrain, RetrainStatus};
use seamark::model::rule::{Rule, RuleEvent, RuleState};
use seamark::store::{
    DispatchCommit, LeaseProof, RetentionCutoffs, RuleCommit, RuleEventFilter, Store,
};

use super::evaluations::monitored;
use super::sample::{MINUTE, at, project, receiver, rng};
use super::setup::TestStore;

async fn stored(store: &Store) -> Rule {
    let spec = serde_json::json!({"name": "r", "when": {"figure": "alerts"}});
    let rule = Rule {
        id: RuleId::new(at(0), &mut rng(1)),
        project_id: project(store).await,
        spec: serde_json::from_value(spec).unwrap(),
        created_at: at(0),
        updated_at: at(0),
    };
    store.insert_rule(&rule).await.unwrap();
    rule
}

/// The rule judged at `seconds`.
async fn judged(store: &Store, rule: &Rule, seconds: u64, holds: bool) -> RuleChange {
    let state = store.rule_states(rule.project_id).await.unwrap().remove(&rule.id);
    let state = state.unwrap_or_else(|| RuleState::new(at(0)));
    let open = store.open_alert_of_rule(rule.id).await.unwrap();
    let judgement = Judgement { outcome: Ok(holds), findings: Vec::new(), source: None };
    let rng = &mut rng(seconds);
    step_rule(rule, &state, open.as_ref(), &judgement, at(seconds), rng).unwrap()
}

async fn committed(store: &Store, rule: &Rule, change: RuleChange) -> bool {
    let token = store.acquire_lease("rules", "me", at(1), MINUTE).await.unwrap().unwrap();
    let lease = LeaseProof { name: "rules".to_owned(), token };
    let changes = vec![(rule.clone(), change)];
    store.commit_rules(&RuleCommit { lease, changes, now: at(1) }).await.unwrap()
}

pub(super) async fn a_look_at_rules_is_stored_whole(store: TestStore) {
    let mut rule = stored(&store).await;
    let fires = judged(&store, &rule, 1, true).await;
    assert!(committed(&store, &rule, fires.clone()).await);
    let open = store.open_alert_of_rule(rule.id).await.unwrap().unwrap();
    assert_eq!((Some(open.id), open.state), (fires.state.alert_id, AlertState::Firing));
    assert_eq!(store.unsettled_alerts(rule.project_id).await.unwrap(), [open]);
    let ends = judged(&store, &rule, 2, false).await;
    assert!(committed(&store, &rule, ends.clone()).await);
    assert_eq!(store.open_alert_of_rule(rule.id).await.unwrap(), None);
    let all = RuleEventFilter { from: None, to: None, before: None, limit: 9 };
    let page = async |filter: RuleEventFilter| {
        let found = store.rule_history(rule.id, &filter).await.unwrap();
        found.into_iter().unzip::<i64, RuleEvent, Vec<_>, Vec<_>>()
    };
    let (numbers, history) = page(all).await;
    let (ends, fires) = (ends.event.unwrap(), fires.event.unwrap());
    assert_eq!(history, [ends.clone(), fires.clone()], "newest first");
    assert_eq!(fires.reason, Some(TransitionReason::ThresholdCrossed));
    assert_eq!(ends.reason, Some(TransitionReason::QuietForLongEnough));
    let next = RuleEventFilter { before: Some((at(2), numbers[0])), ..all };
    assert_eq!(page(next).await.1, std::slice::from_ref(&fires));
    let last = RuleEventFilter { before: Some((at(1), numbers[1])), ..all };
    assert_eq!(page(last).await.1, []);
    assert_eq!(page(RuleEventFilter { to: Some(at(2)), ..all }).await.1, [fires]);
    assert_eq!(page(RuleEventFilter { from: Some(at(2)), ..all }).await.1, [ends]);

    // What was judged of the rule as it was before a change is left for the next look.
    let again = judged(&store, &rule, 3, true).await;
    let before = rule.clone();
    rule.updated_at = at(4);
    assert!(store.update_rule(&rule).await.unwrap());
    assert!(committed(&store, &before, again).await);
    assert_eq!(store.open_alert_of_rule(rule.id).await.unwrap(), None);
    let stale = LeaseProof { name: "rules".to_owned(), token: 99 };
    let lost = RuleCommit { lease: stale, changes: Vec::new(), now: at(1) };
    assert!(!store.commit_rules(&lost).await.unwrap());
}

pub(super) async fn histories_and_finished_retrainings_expire(store: TestStore) {
    let rule = stored(&store).await;
    let fires = judged(&store, &rule, 1, true).await;
    committed(&store, &rule, fires).await;
    let receiver = receiver(rule.project_id, "trainer");
    store.insert_receiver(&receiver).await.unwrap();
    let rng = &mut rng(5);
    let mut retrain = |status| Retrain {
        id: RetrainId::new(at(1), rng),
        project_id: rule.project_id,
        receiver_id: receiver.id,
        alert_id: AlertId::new(at(1), rng),
        monitor_id: None,
        report_id: None,
        status,
        detail: String::new(),
        token: "secret".to_owned(),
        delivery_id: None,
        decided_by: None,
        run_url: None,
        model_version: None,
        reference_id: None,
        created_at: at(1),
        updated_at: at(1),
        started_at: None,
        deployed_at: None,
    };
    let retrains = vec![retrain(RetrainStatus::Running), retrain(RetrainStatus::Failed)];
    let token = store.acquire_lease("dispatch", "me", at(1), MINUTE).await.unwrap().unwrap();
    let asked = DispatchCommit {
        project_id: rule.project_id,
        lease: LeaseProof { name: "dispatch".to_owned(), token },
        groups: std::collections::BTreeMap::new(),
        settled: Vec::new(),
        deliveries: Vec::new(),
        retrains: retrains.clone(),
        now: at(1),
    };
    assert!(store.commit_dispatch(&asked).await.unwrap());
    assert_eq!(store.retrain_activity(receiver.id).await.unwrap(), (None, true));
    let cutoffs = RetentionCutoffs { alerts_before: Some(at(2)), ..RetentionCutoffs::default() };
    let counts = store.apply_retention(&cutoffs).await.unwrap();
    assert_eq!((counts.rule_events, counts.retrains, counts.alerts), (1, 1, 0));
    let left = store.list_retrains(rule.project_id, None, 9).await.unwrap();
    assert_eq!(left, retrains[..1], "one under way stays");
}

pub(super) async fn a_monitors_trouble_is_its_latest(store: TestStore) {
    let (monitor, _) = monitored(&store).await;
    for trouble in [None, Some("no profile"), Some("another model"), None] {
        store.set_monitor_trouble(monitor.id, trouble).await.unwrap();
        let found = store.monitor_trouble(monitor.id).await.unwrap();
        assert_eq!(found.as_deref(), trouble);
    }
}
