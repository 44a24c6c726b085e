//! What evaluations leave behind: reports, their examples, the timeline, alerts.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use hyper::Method;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::clock::Timestamp;
use seamark::id::{AlertId, MonitorId, ProjectId, ReferenceId, ReportId};
use seamark::model::alert::{Alert, AlertState, Transition, TransitionReason};
use seamark::model::interaction::Attributes;
use seamark::model::monitor::Severity;
use seamark::model::report::{Example, Report};
use seamark::model::stream::Stream;
use seamark::model::verdict::{DetectorKind, Verdict, VerdictStatus};
use seamark::store::{CommitOutcome, EvaluationCommit, LeaseProof};
use serde_json::json;

use super::app::TestApp;

const REPORTS: i64 = 5;

struct World {
    app: TestApp,
    monitor: String,
    reports: Vec<Report>,
    alert: Alert,
}

fn verdict(detector: DetectorKind, statistic: f64) -> Verdict {
    Verdict {
        segment: Attributes::new(),
        stream: Stream::Query,
        window: "short".to_owned(),
        detector,
        status: if statistic > 0.5 { VerdictStatus::Drift } else { VerdictStatus::Stable },
        is_drift: statistic > 0.5,
        statistic: Some(statistic),
        threshold: Some(0.5),
        p_value: Some(0.01),
        effect_size: None,
        cosine_distance: None,
        n_ref: 1000,
        n_window: 200,
        outcome: None,
    }
}

fn report(
    project: ProjectId,
    monitor: MonitorId,
    sequence: i64,
    start: Timestamp,
    rng: &mut ChaCha8Rng,
) -> Report {
    let evaluated_at = start.plus(Duration::from_secs(sequence as u64 * 60));
    let statistic = if sequence == REPORTS { 0.75 } else { 0.25 };
    let example =
        |id: &str, score| Example { stream: Stream::Query, interaction_id: id.to_owned(), score };
    Report {
        id: ReportId::new(evaluated_at, rng),
        project_id: project,
        monitor_id: monitor,
        reference_id: ReferenceId::new(start, rng),
        sequence,
        evaluated_at,
        position: sequence * 50,
        segment: Attributes::new(),
        is_drift: sequence == REPORTS,
        verdicts: vec![verdict(DetectorKind::Mmd, statistic), verdict(DetectorKind::Kl, 0.1)],
        examples: vec![example("known", 0.9), example("expired", 0.8)],
        explanation: None,
        late_events: 0,
    }
}

/// A monitor with five reports, of which the last fired an alert.
async fn world() -> World {
    let app = TestApp::new().await;
    app.ingest(r#"{"id": "known", "query": "what is Fibre Max?"}"#).await;
    let (monitor, reports, alert) = evaluated(&app, "support").await;
    World { app, monitor, reports, alert }
}

/// A new monitor called `name` with five reports, of which the last fired an alert.
pub(crate) async fn evaluated(app: &TestApp, name: &str) -> (String, Vec<Report>, Alert) {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let made = app.post("/v1/monitors", json!({"name": name})).await.json();
    let monitor = made["id"].as_str().unwrap().to_owned();
    let project = made["project_id"].as_str().unwrap();
    let project: ProjectId = serde_json::from_value(json!(project)).unwrap();
    let id: MonitorId = monitor.parse().unwrap();
    let now = app.now();
    let reports: Vec<_> =
        (1..=REPORTS).map(|sequence| report(project, id, sequence, now, &mut rng)).collect();
    let last = reports.last().unwrap();
    let alert = Alert {
        id: AlertId::new(now, &mut rng),
        project_id: project,
        monitor_id: Some(id),
        rule_id: None,
        stream: Some(Stream::Query),
        segment: Attributes::new(),
        kind: Stream::Query.alert_kind().to_owned(),
        severity: Severity::Warning,
        state: AlertState::Firing,
        streak: 0,
        started_at: last.evaluated_at,
        fired_at: Some(last.evaluated_at),
        resolved_at: None,
        report_id: Some(last.id),
        reasons: vec![last.verdicts[0].clone()],
        findings: Vec::new(),
        annotations: std::collections::BTreeMap::new(),
        acknowledged_at: None,
        acknowledged_by: None,
    };
    let lease = Duration::from_mins(1);
    let token = app.store.acquire_lease("evaluation", "test", now, lease).await.unwrap().unwrap();
    let expected_cursor = app.store.evaluation_state(id).await.unwrap().unwrap().cursor;
    let commit = EvaluationCommit {
        project_id: project,
        monitor_id: id,
        lease: LeaseProof { name: "evaluation".to_owned(), token },
        expected_cursor,
        cursor: 250,
        state: Vec::new(),
        upsert_buckets: Vec::new(),
        close_buckets: Vec::new(),
        reports: reports.clone(),
        alerts: vec![alert.clone()],
        transitions: vec![Transition {
            alert_id: alert.id,
            at: last.evaluated_at,
            from: AlertState::Inactive,
            to: AlertState::Firing,
            reason: TransitionReason::ThresholdCrossed,
            report_id: Some(last.id),
        }],
        late: 2,
        now,
    };
    assert_eq!(app.store.commit_evaluation(&commit).await.unwrap(), CommitOutcome::Committed);
    (monitor, reports, alert)
}

#[tokio::test]
async fn reports_are_listed_newest_first_filtered_and_paged() {
    let World { app, monitor, reports, .. } = world().await;
    let path = format!("/v1/monitors/{monitor}/reports");
    let sequences = async |query: &str| -> Vec<i64> {
        let json = app.get(&format!("{path}?{query}")).await.json();
        let items = json["items"].as_array().unwrap();
        items.iter().map(|report| report["sequence"].as_i64().unwrap()).collect()
    };
    assert_eq!(sequences("").await, [5, 4, 3, 2, 1]);
    assert_eq!(sequences("drift=true").await, [5]);
    assert_eq!(sequences("drift=false&limit=2").await, [4, 3]);
    let (from, to) = (reports[1].evaluated_at, reports[3].evaluated_at);
    assert_eq!(sequences(&format!("from={from}&to={to}")).await, [3, 2]);
    let first = app.get(&format!("{path}?limit=3")).await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(sequences(&format!("limit=3&cursor={cursor}")).await, [2, 1]);
}

#[tokio::test]
async fn a_report_shows_every_number_and_its_examples_as_far_as_they_are_kept() {
    let World { app, reports, .. } = world().await;
    let report = reports.last().unwrap();
    let shown = app.get(&format!("/v1/reports/{}", report.id)).await.json();
    assert_eq!(shown["verdicts"], serde_json::to_value(&report.verdicts).unwrap());
    let examples = &shown["example_interactions"];
    assert_eq!(examples[0]["interaction"]["query"], "what is Fibre Max?");
    assert_eq!(examples[1], json!({"stream": "query", "score": 0.8, "interaction": null}));
    let (_, theirs) = app.stranger().await;
    let path = format!("/v1/reports/{}", report.id);
    let answer = app.call_as(&theirs, hyper::Method::GET, &path, None).await;
    assert_eq!(answer.problem(), "not_found");
}

#[tokio::test]
async fn the_timeline_is_a_series_for_each_detector() {
    let World { app, monitor, reports, .. } = world().await;
    let path = format!("/v1/monitors/{monitor}/timeline");
    let all = app.get(&path).await.json();
    assert_eq!(all["series"].as_array().unwrap().len(), 2);
    let query = "stream=query&window=short&detector=mmd";
    let mmd = app.get(&format!("{path}?{query}")).await.json();
    let points = mmd["series"][0]["points"].as_array().unwrap();
    assert_eq!((mmd["series"].as_array().unwrap().len(), points.len()), (1, 5));
    let last = &points[4];
    assert_eq!(
        (&last["ratio"], &last["n"], &last["is_drift"]),
        (&json!(1.5), &json!(200), &json!(true))
    );
    assert_eq!(last["t"], serde_json::to_value(reports[4].evaluated_at).unwrap());
    let none = app.get(&format!("{path}?stream=response")).await.json();
    assert_eq!(none["series"], json!([]));
    let late = app.get(&format!("{path}?from={}", reports[4].evaluated_at)).await.json();
    assert_eq!(late["series"][0]["points"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_alert_shows_its_transitions() {
    let World { app, monitor, alert, .. } = world().await;
    let listed = app.get(&format!("/v1/alerts?state=firing&monitor_id={monitor}")).await.json();
    assert_eq!(listed["items"], json!([alert]));
    assert_eq!(app.get("/v1/alerts?state=resolved").await.json(), json!({"items": []}));
    let shown = app.get(&format!("/v1/alerts/{}", alert.id)).await.json();
    assert_eq!(shown["transitions"][0]["reason"], "threshold_crossed");
    assert_eq!(shown["reasons"][0]["statistic"], 0.75);
    let (_, theirs) = app.stranger().await;
    let path = format!("/v1/alerts/{}", alert.id);
    let answer = app.call_as(&theirs, hyper::Method::GET, &path, None).await;
    assert_eq!(answer.problem(), "not_found");
    assert_eq!(app.get("/v1/status").await.json()["late"], 2);
}

#[tokio::test]
async fn an_alert_is_acknowledged_and_commented_on_by_name() {
    let World { app, alert, .. } = world().await;
    let path = format!("/v1/alerts/{}", alert.id);
    let labels = app.get(&path).await.json()["labels"].clone();
    assert_eq!((&labels["monitor"], &labels["severity"]), (&json!("support"), &json!("warning")));
    let input = json!({"comment": "the launch, I think"});
    let taken = app.call(Method::POST, &format!("{path}/acknowledge"), Some(input)).await;
    assert_eq!(taken.status, 200, "{:?}", taken.body);
    let by = taken.json()["acknowledged_by"].clone();
    assert!(by.is_string() && taken.json()["acknowledged_at"].is_string());
    assert_eq!(taken.json()["comments"][0]["author"], by);
    let remark = json!({"text": "it is"});
    let said = app.call(Method::POST, &format!("{path}/comments"), Some(remark)).await;
    assert_eq!((said.status.as_u16(), &said.json()["comments"][1]["text"]), (201, &json!("it is")));
    let blank =
        app.call(Method::POST, &format!("{path}/comments"), Some(json!({"text": " "}))).await;
    assert_eq!(blank.json()["errors"][0]["pointer"], "/text");
    let (_, theirs) = app.stranger().await;
    let foreign =
        app.call_as(&theirs, Method::POST, &format!("{path}/acknowledge"), Some(json!({}))).await;
    assert_eq!(foreign.problem(), "not_found");
}
