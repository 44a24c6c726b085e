//! `kill -9` between any two steps of the pipeline: nothing is lost, nothing counts twice, no alert
//! is told under two ids. The oracle stands outside of the process: a replay of what was sent.

pub(crate) mod process;
mod rig;

use std::collections::BTreeMap;

use rig::Rig;
use seamark::notify::Secret;
use serde_json::{Value, json};

use crate::pipeline::receiver::{Message, Receiver};
use crate::pipeline::scenario::{Topic, assert_same_reports, interactions, replayed, time};

const REFERENCE: usize = 240;
const STREAM: &[(Topic, usize)] =
    &[(Topic::Airtime, 100), (Topic::Fibre, 80), (Topic::Airtime, 140)];
const BATCH: usize = 40;
/// One each 20 events of the stream.
const REPORTS: usize = 320 / 20;

/// One test for each point, on the embedded store, as `crash::at::<test>`.
macro_rules! crash_tests {
    ($($test:ident: $point:literal;)+) => {
        mod at {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::survives_on_sqlite($point).await;
                }
            )+
        }
    };
}

// The number says at which pass: in the midst of the reference, of the drift, or of its end.
crash_tests! {
    ingest_before_commit: "ingest.before_commit@9";
    ingest_after_commit: "ingest.after_commit@3";
    embedding_claimed: "embedding.claimed@4";
    embedding_before_write: "embedding.before_write@2";
    embedding_after_write: "embedding.after_write@5";
    reference_step_kept: "reference.step_kept";
    reference_rows_written: "reference.rows_written";
    reference_before_freeze: "reference.before_freeze";
    reference_after_freeze: "reference.after_freeze";
    evaluation_before_the_first_commit: "evaluation.before_commit";
    evaluation_before_commit_in_the_drift: "evaluation.before_commit@7";
    evaluation_after_commit_in_the_drift: "evaluation.after_commit@7";
    evaluation_after_commit_near_the_end: "evaluation.after_commit@13";
    dispatch_before_commit: "dispatch.before_commit";
    dispatch_after_commit: "dispatch.after_commit";
    dispatch_before_commit_at_the_end: "dispatch.before_commit@2";
    delivery_claimed: "delivery.claimed";
    delivery_sent: "delivery.sent";
    delivery_sent_at_the_end: "delivery.sent@2";
    delivery_recorded: "delivery.recorded";
}

async fn survives_on_sqlite(point: &str) {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/seamark.db", folder.path().display());
    survives(database, point, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigkill_in_the_midst_of_traffic() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/seamark.db", folder.path().display());
    survives(database, "", Some(4)).await;
}

/// On Postgres other daemons may live, so a dead one's leases are waited for: several at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stage_on_postgres() {
    let run = async |point| survives(crate::pg::database().await, point, None).await;
    tokio::join!(
        run("ingest.after_commit@3"),
        run("embedding.before_write@2"),
        run("reference.before_freeze"),
        run("evaluation.before_commit@7"),
    );
    tokio::join!(run("dispatch.before_commit"), run("dispatch.after_commit"), run("delivery.sent"));
}

/// Drives the scenario through a crash at `point`, or through a SIGKILL after `kill_after` batches
/// of the stream, and checks everything that must hold then.
async fn survives(database: String, point: &str, kill_after: Option<usize>) {
    let receiver = Receiver::start().await;
    let on_postgres = database.starts_with("postgres");
    let mut rig = Rig::start(database, point).await;
    let (spec, secret) = set_up(&mut rig, &receiver).await;
    let monitor = rig.post("/v1/monitors", &spec).await;
    let reference_rows = interactions(0, &[(Topic::Airtime, REFERENCE)]);
    for batch in reference_rows.chunks(BATCH) {
        send(&mut rig, batch).await;
    }
    let seed = freeze(&mut rig, &monitor).await;
    let stream = interactions(REFERENCE, STREAM);
    for (n, batch) in stream.chunks(BATCH).enumerate() {
        send(&mut rig, batch).await;
        if on_postgres {
            // Another daemon embeds later rows while a dead one's claims last; out of the order of
            // time they would count as late, and the reports would be others than the oracle's.
            let none = |status: &Value| status["pending"] == json!(0);
            rig.wait("the batch is embedded", "/v1/status", none).await;
        }
        if kill_after == Some(n) {
            rig.kill();
        }
    }
    let oracle = replayed(&spec, &reference_rows, &stream, seed);
    let fired = oracle.transitions("firing").len();
    let reports = quiet(&mut rig, &monitor, 2 * fired).await;
    assert_eq!(rig.deaths, 1, "{point:?} was reached");
    let resumed = rig.has_logged("calibration goes on where it stopped");
    let after_a_step = ["reference.step_kept", "reference.before_freeze"].contains(&point);
    assert_eq!(resumed, after_a_step, "{point:?}");
    assert_same_reports(&reports, &oracle.reports);
    assert_counts(&mut rig, (REFERENCE + stream.len()) as u64).await;
    assert_alerts(&mut rig, fired).await;
    let messages = receiver.messages(2 * fired).await;
    assert_messages(&mut rig, &messages, &secret, 2 * fired).await;
}

async fn set_up(rig: &mut Rig, receiver: &Receiver) -> (Value, Secret) {
    let body = json!({"name": "ops", "kind": "webhook", "url": receiver.url()});
    let made = rig.post("/v1/receivers", &body).await;
    let spec = json!({
        "name": "crashing",
        "streams": ["query"],
        "windows": [{"name": "short", "events": 60, "stride": 20}],
        "thresholds": {"fixed": {"mmd": 0.05, "centroid": 0.1}},
        "alert": {"keep_firing_evaluations": 2},
        "receivers": [made["id"]],
    });
    (spec, Secret::parse(made["secret"].as_str().unwrap()).unwrap())
}

async fn send(rig: &mut Rig, batch: &[Value]) {
    let answer = rig.post("/v1/interactions", &json!(batch)).await;
    let kept = answer["accepted"].as_u64().unwrap() + answer["duplicate"].as_u64().unwrap();
    assert_eq!(kept, batch.len() as u64, "{answer}");
}

/// Asks for a reference of the first rows; its seed once it is ready.
async fn freeze(rig: &mut Rig, monitor: &Value) -> u64 {
    let source = json!({"kind": "time_range", "from": time(0), "to": time(REFERENCE)});
    let body = json!({"monitor_id": monitor["id"], "source": source});
    let asked = rig.post("/v1/references", &body).await;
    let path = format!("/v1/references/{}", asked["id"].as_str().unwrap());
    let ready = |reference: &Value| reference["status"] == json!("ready");
    rig.wait("the reference is ready", &path, ready).await["seed"].as_u64().unwrap()
}

/// Waits until there is nothing left to do; the reports, oldest first.
async fn quiet(rig: &mut Rig, monitor: &Value, messages: usize) -> Vec<Value> {
    let path = format!("/v1/monitors/{}/reports", monitor["id"].as_str().unwrap());
    let all = |page: &Value| page["items"][0]["sequence"].as_u64() >= Some(REPORTS as u64);
    rig.wait("the last report is there", &format!("{path}?limit=1"), all).await;
    let all = |page: &Value| page["items"].as_array().unwrap().len() == messages;
    rig.wait("every message is written", "/v1/deliveries?limit=200", all).await;
    let none = |page: &Value| page["items"].as_array().unwrap().is_empty();
    rig.wait("the outbox is empty", "/v1/deliveries?status=pending", none).await;
    rig.settle().await;
    rig.all(&path).await
}

async fn assert_counts(rig: &mut Rig, sent: u64) {
    let status = rig.get("/v1/status").await;
    for (count, value) in [("accepted", sent), ("embedded", sent), ("late", 0), ("conflicts", 0)] {
        assert_eq!(status[count], json!(value), "{count} in {status}");
    }
    assert_eq!(status["conserved"], json!(true), "{status}");
}

async fn assert_alerts(rig: &mut Rig, fired: usize) {
    let alerts = rig.all("/v1/alerts").await;
    let told: Vec<&Value> = alerts.iter().filter(|alert| alert["fired_at"].is_string()).collect();
    assert_eq!(told.len(), fired, "{alerts:#?}");
    assert!(fired > 0, "the scenario drifts");
    assert!(told.iter().all(|alert| alert["state"] == json!("resolved")), "{told:#?}");
}

/// Each delivery came at least once, always under its own id, with its own body, and signed.
async fn assert_messages(rig: &mut Rig, messages: &[Message], secret: &Secret, due: usize) {
    let deliveries = rig.all("/v1/deliveries").await;
    assert_eq!(deliveries.len(), due);
    let mut bodies: BTreeMap<&str, &str> = BTreeMap::new();
    for message in messages {
        assert_eq!(message.verify(secret), Ok(()));
        let first = *bodies.entry(&message.id).or_insert(&message.body);
        assert_eq!(message.body, first, "an attempt changed the body");
    }
    let mut told = BTreeMap::new();
    for delivery in &deliveries {
        assert_eq!(delivery["status"], json!("delivered"));
        let body = bodies.remove(delivery["id"].as_str().unwrap());
        assert_eq!(json!(body), delivery["body"], "what arrived is what is recorded");
        let event = (delivery["alert_id"].to_string(), delivery["event_type"].to_string());
        *told.entry(event).or_insert(0) += 1;
    }
    assert!(bodies.is_empty(), "messages under ids that nobody knows: {bodies:?}");
    assert!(told.values().all(|times| *times == 1), "told twice: {told:?}");
}
