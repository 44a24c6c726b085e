//! The one commit of an evaluation, and what is read of it.

use seamark::id::{AlertId, ReferenceId, ReportId};
use seamark::model::alert::{Alert, AlertState, Transition, TransitionReason};
use seamark::model::interaction::Attributes;
use seamark::model::monitor::{Monitor, Severity};
use seamark::model::report::{Example, Report};
use seamark::model::stream::Stream;
use seamark::model::verdict::{DetectorKind, Verdict, VerdictStatus};
use seamark::store::{
    AlertFilter, BucketRow, CommitOutcome, EvaluationCommit, LeaseProof, ReportFilter, Store,
};

use super::sample::{MINUTE, at, monitor, project, rng};
use super::setup::TestStore;

pub(super) async fn lease(store: &Store) -> LeaseProof {
    let token = store.acquire_lease("evaluation", "me", at(0), MINUTE).await.unwrap().unwrap();
    LeaseProof { name: "evaluation".to_owned(), token }
}

/// Moves the cursor on by ten and changes nothing else.
pub(super) fn commit(monitor: &Monitor, lease: &LeaseProof, cursor: i64) -> EvaluationCommit {
    EvaluationCommit {
        project_id: monitor.project_id,
        monitor_id: monitor.id,
        lease: lease.clone(),
        expected_cursor: cursor,
        cursor: cursor + 10,
        state: vec![4, 2],
        upsert_buckets: Vec::new(),
        close_buckets: Vec::new(),
        reports: Vec::new(),
        alerts: Vec::new(),
        transitions: Vec::new(),
        late: 0,
        now: at(1),
    }
}

fn bucket(key: i64, closed: bool) -> BucketRow {
    BucketRow { grid: "count:50".to_owned(), key, closed, ends_at: at(key as u64), data: vec![9] }
}

fn verdict() -> Verdict {
    Verdict {
        segment: Attributes::new(),
        stream: Stream::Query,
        window: "short".to_owned(),
        detector: DetectorKind::Mmd,
        status: VerdictStatus::Drift,
        is_drift: true,
        statistic: Some(0.1 + 0.2),
        threshold: Some(0.1),
        p_value: None,
        effect_size: Some(3.0),
        cosine_distance: None,
        n_ref: 500,
        n_window: 200,
        outcome: None,
    }
}

fn report(monitor: &Monitor, sequence: i64) -> Report {
    let seed = 1000 + sequence as u64;
    Report {
        id: ReportId::new(at(seed), &mut rng(seed)),
        project_id: monitor.project_id,
        monitor_id: monitor.id,
        reference_id: ReferenceId::new(at(0), &mut rng(5)),
        sequence,
        // Two at a time share a moment.
        evaluated_at: at(sequence as u64 / 2),
        position: 10 * sequence,
        segment: Attributes::new(),
        is_drift: sequence % 3 == 0,
        verdicts: vec![verdict()],
        examples: vec![Example {
            stream: Stream::Query,
            interaction_id: "i1".to_owned(),
            score: 0.7,
        }],
        explanation: None,
        late_events: 1,
    }
}

pub(super) fn alert(monitor: &Monitor, seed: u64, state: AlertState) -> Alert {
    Alert {
        id: AlertId::new(at(seed), &mut rng(seed)),
        project_id: monitor.project_id,
        monitor_id: Some(monitor.id),
        rule_id: None,
        stream: Some(Stream::Query),
        segment: Attributes::new(),
        kind: "query_drift".to_owned(),
        severity: Severity::Warning,
        state,
        streak: 2,
        started_at: at(seed),
        fired_at: Some(at(seed + 1)),
        resolved_at: None,
        report_id: Some(report(monitor, 1).id),
        reasons: vec![verdict()],
        findings: Vec::new(),
        annotations: std::collections::BTreeMap::new(),
        acknowledged_at: None,
        acknowledged_by: None,
    }
}

fn transition(alert: &Alert) -> Transition {
    Transition {
        alert_id: alert.id,
        at: at(3),
        from: AlertState::Inactive,
        to: alert.state,
        reason: TransitionReason::ThresholdCrossed,
        report_id: alert.report_id,
    }
}

pub(super) async fn monitored(store: &Store) -> (Monitor, LeaseProof) {
    let project = project(store).await;
    let monitor = monitor(project, "support", 1);
    store.insert_monitor(&monitor).await.unwrap();
    (monitor, lease(store).await)
}

fn reports(limit: i64) -> ReportFilter {
    ReportFilter { from: None, to: None, is_drift: None, before: None, limit }
}

fn full_commit(monitor: &Monitor, lease: &LeaseProof) -> EvaluationCommit {
    let alert = alert(monitor, 1, AlertState::Firing);
    EvaluationCommit {
        upsert_buckets: vec![bucket(1, true), bucket(2, false)],
        reports: vec![report(monitor, 1), report(monitor, 2)],
        transitions: vec![transition(&alert)],
        alerts: vec![alert],
        late: 4,
        ..commit(monitor, lease, 0)
    }
}

/// Nothing of the evaluation is to be seen anywhere.
async fn assert_untouched(store: &Store, monitor: &Monitor, cursor: i64) {
    let project = monitor.project_id;
    let state = store.evaluation_state(monitor.id).await.unwrap().unwrap();
    assert_eq!((state.cursor, state.sequence, state.buckets.len()), (cursor, 0, 0));
    assert_eq!(store.list_reports(project, monitor.id, &reports(9)).await.unwrap(), []);
    assert_eq!(store.open_alerts(monitor.id).await.unwrap(), []);
    assert_eq!(store.counts(project).await.unwrap().late, 0);
}

pub(super) async fn a_commit_stores_everything(store: TestStore) {
    let (monitor, lease) = monitored(&store).await;
    let project = monitor.project_id;
    let all = full_commit(&monitor, &lease);
    assert_eq!(store.commit_evaluation(&all).await.unwrap(), CommitOutcome::Committed);
    let state = store.evaluation_state(monitor.id).await.unwrap().unwrap();
    assert_eq!((state.cursor, state.sequence, state.state), (10, 2, Some(vec![4, 2])));
    let open: Vec<_> = all.upsert_buckets.iter().filter(|b| !b.closed).cloned().collect();
    assert_eq!(state.buckets, open);
    assert_eq!(
        store.find_report(project, all.reports[0].id).await.unwrap(),
        Some(all.reports[0].clone())
    );
    assert_eq!(store.open_alerts(monitor.id).await.unwrap(), all.alerts);
    assert_eq!(store.transitions(all.alerts[0].id).await.unwrap(), all.transitions);
    assert_eq!(store.counts(project).await.unwrap().late, 4);
    let next = EvaluationCommit {
        upsert_buckets: vec![bucket(3, false)],
        close_buckets: vec![("count:50".to_owned(), 2)],
        ..commit(&monitor, &lease, 10)
    };
    assert_eq!(store.commit_evaluation(&next).await.unwrap(), CommitOutcome::Committed);
    let state = store.evaluation_state(monitor.id).await.unwrap().unwrap();
    assert_eq!((state.cursor, state.sequence), (20, 2));
    // The closed one is history: kept, and not loaded again.
    assert_eq!(state.buckets, [bucket(3, false)]);
}

pub(super) async fn a_stale_cursor_is_superseded(store: TestStore) {
    let (monitor, lease) = monitored(&store).await;
    store.commit_evaluation(&commit(&monitor, &lease, 0)).await.unwrap();
    let again = full_commit(&monitor, &lease);
    assert_eq!(store.commit_evaluation(&again).await.unwrap(), CommitOutcome::Superseded);
    assert_untouched(&store, &monitor, 10).await;
}

pub(super) async fn a_lost_lease_is_superseded(store: TestStore) {
    let (monitor, lease) = monitored(&store).await;
    let all = full_commit(&monitor, &lease);
    let expired = EvaluationCommit { now: at(60), ..all.clone() };
    assert_eq!(store.commit_evaluation(&expired).await.unwrap(), CommitOutcome::Superseded);
    store.acquire_lease("evaluation", "other", at(60), MINUTE).await.unwrap().unwrap();
    let taken_over = EvaluationCommit { now: at(61), ..all };
    assert_eq!(store.commit_evaluation(&taken_over).await.unwrap(), CommitOutcome::Superseded);
    assert_untouched(&store, &monitor, 0).await;
}

/// A late write of the commit fails: a transition is there twice.
pub(super) async fn a_failing_commit_stores_nothing(store: TestStore) {
    let (monitor, lease) = monitored(&store).await;
    let mut all = full_commit(&monitor, &lease);
    all.transitions.push(all.transitions[0].clone());
    store.commit_evaluation(&all).await.unwrap_err();
    assert_untouched(&store, &monitor, 0).await;
}

pub(super) async fn a_gap_in_the_sequence_is_superseded(store: TestStore) {
    let (monitor, lease) = monitored(&store).await;
    let gap =
        EvaluationCommit { reports: vec![report(&monitor, 2)], ..commit(&monitor, &lease, 0) };
    assert_eq!(store.commit_evaluation(&gap).await.unwrap(), CommitOutcome::Superseded);
    assert_untouched(&store, &monitor, 0).await;
}

pub(super) async fn reports_come_in_pages(store: TestStore) {
    let (monitor, lease) = monitored(&store).await;
    let project = monitor.project_id;
    let all: Vec<Report> = (1..=7).map(|sequence| report(&monitor, sequence)).collect();
    let batch = EvaluationCommit { reports: all.clone(), ..commit(&monitor, &lease, 0) };
    store.commit_evaluation(&batch).await.unwrap();
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = ReportFilter { before, ..reports(3) };
        let page = store.list_reports(project, monitor.id, &page).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some((last.evaluated_at, last.id));
        seen.extend(page.iter().map(|report| report.sequence));
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
    let drift = ReportFilter { is_drift: Some(true), ..reports(9) };
    let drift = store.list_reports(project, monitor.id, &drift).await.unwrap();
    assert_eq!(drift.iter().map(|report| report.sequence).collect::<Vec<_>>(), [6, 3]);
    let ranged = ReportFilter { from: Some(at(1)), to: Some(at(3)), ..reports(9) };
    assert_eq!(store.list_reports(project, monitor.id, &ranged).await.unwrap().len(), 4);
    let plotted = store.timeline(project, monitor.id, at(1), at(3), 9).await.unwrap();
    assert_eq!(plotted, all[1..5]);
}

pub(super) async fn an_ended_alert_makes_room(store: TestStore) {
    let (monitor, lease) = monitored(&store).await;
    let first = alert(&monitor, 1, AlertState::Firing);
    let second = alert(&monitor, 5, AlertState::Pending);
    let both = EvaluationCommit {
        alerts: vec![first.clone(), second.clone()],
        ..commit(&monitor, &lease, 0)
    };
    // Two open episodes of one stream are refused, whoever makes that mistake.
    store.commit_evaluation(&both).await.unwrap_err();
    let opened = EvaluationCommit { alerts: vec![first.clone()], ..both };
    store.commit_evaluation(&opened).await.unwrap();
    let ended = Alert { state: AlertState::Resolved, resolved_at: Some(at(6)), ..first };
    let next = EvaluationCommit {
        alerts: vec![second.clone(), ended.clone()],
        ..commit(&monitor, &lease, 10)
    };
    store.commit_evaluation(&next).await.unwrap();
    assert_eq!(store.open_alerts(monitor.id).await.unwrap(), std::slice::from_ref(&second));
    let filter = AlertFilter { state: None, monitor: Some(monitor.id), before: None, limit: 9 };
    let listed = store.list_alerts(monitor.project_id, &filter).await.unwrap();
    assert_eq!(listed, [second.clone(), ended.clone()]);
    let before = AlertFilter { before: Some((second.started_at, second.id)), ..filter };
    assert_eq!(
        store.list_alerts(monitor.project_id, &before).await.unwrap(),
        std::slice::from_ref(&ended)
    );
    let resolved = AlertFilter { state: Some(AlertState::Resolved), ..filter };
    assert_eq!(
        store.list_alerts(monitor.project_id, &resolved).await.unwrap(),
        std::slice::from_ref(&ended)
    );
    assert_eq!(store.find_alert(monitor.project_id, ended.id).await.unwrap(), Some(ended));
}
