//! Retraining: an alert asks, its guard and a person decide, a workflow starts, and the loop closes.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::clock::Timestamp;
use seamark::id::{AlertId, DeliveryId, ProjectId, ReceiverId};
use seamark::model::delivery::Delivery;
use seamark::model::receiver::{Receiver, ReceiverKind, ReceiverSettings};
use seamark::notify::{Config, Next, Notifier, RETRAIN_EVENT};
use serde_json::{Value, json};

use crate::channels::{Request, double};
use crate::pipeline::scenario::{Topic, interactions, time};
use crate::pipeline::site::{self, Site};

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// What `workflow` is sent at `url`, whose server answers with `status`.
async fn started(workflow: Value, secret: &str, status: &'static str) -> (Request, Next) {
    let (url, server) = double(status, "{\"id\": 7}").await;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let settings: ReceiverSettings =
        serde_json::from_value(json!({"retrain": {"workflow": workflow}})).unwrap();
    let receiver = Receiver {
        id: ReceiverId::new(NOW, &mut rng),
        project_id: ProjectId::new(NOW, &mut rng),
        name: "trainer".to_owned(),
        kind: ReceiverKind::Retrain,
        url,
        secret: Some(secret.to_owned()).filter(|secret| !secret.is_empty()),
        settings,
        target: String::new(),
        disabled: false,
        created_at: NOW,
    };
    let body = json!({
        "type": RETRAIN_EVENT, "retrain_id": "r", "dataset_url": "https://d", "callback_url": "https://c",
        "callback_token": "t",
    });
    let (id, alert) = (DeliveryId::new(NOW, &mut rng), Some(AlertId::new(NOW, &mut rng)));
    let delivery = Delivery::new(id, &receiver, alert, RETRAIN_EVENT, body.to_string(), NOW);
    let config = Config { allow_private: vec!["127.0.0.1".to_owned()], ..Config::default() };
    let notifier = Notifier::new(&config).unwrap();
    let outcome = notifier.deliver(&delivery, &receiver, None, None, NOW, &mut rng).await;
    (server.await.unwrap(), outcome.next)
}

#[tokio::test]
async fn github_is_asked_by_either_of_its_dispatches() {
    let event = json!({"kind": "github_dispatch", "repository": "shop/bot", "event_type": "drift"});
    let (request, next) = started(event, "ghp_x", "204 No Content").await;
    assert_eq!(request.line, "POST /repos/shop/bot/dispatches");
    assert_eq!(request.header("authorization"), Some("Bearer ghp_x"));
    assert_eq!(request.header("accept"), Some("application/vnd.github+json"));
    assert_eq!(request.header("x-github-api-version"), Some("2022-11-28"));
    assert!(request.header("user-agent").is_some(), "GitHub refuses requests without one");
    let body = request.json();
    assert_eq!(body["event_type"], json!("drift"));
    assert_eq!(body["client_payload"]["seamark"]["retrain_id"], json!("r"));
    assert!(body["client_payload"].as_object().unwrap().len() <= 10);
    assert_eq!(next, Next::Delivered);

    let file = json!({"kind": "github_workflow", "repository": "shop/bot", "workflow": "retrain.yml",
        "git_ref": "main"});
    let (request, _) = started(file, "ghp_x", "204 No Content").await;
    assert_eq!(request.line, "POST /repos/shop/bot/actions/workflows/retrain.yml/dispatches");
    let body = request.json();
    assert_eq!(body["ref"], json!("main"));
    let inputs = body["inputs"].as_object().unwrap();
    assert!(inputs.values().all(Value::is_string) && inputs.len() <= 10);
    assert!(inputs["payload"].as_str().unwrap().contains("\"callback_token\":\"t\""));
}

#[tokio::test]
async fn gitlab_airflow_and_argo_are_asked_in_their_own_words() {
    let gitlab = json!({"kind": "gitlab", "project": "shop/bot", "git_ref": "main"});
    let (request, _) = started(gitlab, "glptt-x", "201 Created").await;
    assert_eq!(request.line, "POST /api/v4/projects/shop%2Fbot/trigger/pipeline");
    let body = request.json();
    assert_eq!((&body["token"], &body["ref"]), (&json!("glptt-x"), &json!("main")));
    assert_eq!(body["variables"]["SEAMARK_RETRAIN_ID"], json!("r"));

    let airflow = json!({"kind": "airflow", "dag": "retrain"});
    let (request, next) = started(airflow, "ops:hunter2", "409 Conflict").await;
    assert_eq!(request.line, "POST /api/v2/dags/retrain/dagRuns");
    assert_eq!(request.header("authorization"), Some("Basic b3BzOmh1bnRlcjI="));
    let body = request.json();
    assert!(body["dag_run_id"].as_str().unwrap().starts_with("seamark__"));
    assert_eq!((&body["logical_date"], &body["conf"]["retrain_id"]), (&Value::Null, &json!("r")));
    assert_eq!(next, Next::Delivered, "an earlier attempt had started that run");
    let v1 = json!({"kind": "airflow", "dag": "retrain", "api": "v1"});
    let (request, _) = started(v1, "jwt", "200 OK").await;
    assert_eq!(request.line, "POST /api/v1/dags/retrain/dagRuns");
    assert_eq!(request.header("authorization"), Some("Bearer jwt"));
    assert!(request.json().get("logical_date").is_none());

    let (request, _) = started(json!({"kind": "argo"}), "", "200 OK").await;
    assert_eq!((request.line.as_str(), request.header("authorization")), ("POST /", None));
    let (_, next) = started(json!({"kind": "http"}), "wrong", "403 Forbidden").await;
    assert_eq!(next, Next::Exhausted { disable_receiver: false }, "a wrong token stays wrong");
}

fn watch(receiver: &Value) -> Value {
    json!({
        "name": "support",
        "streams": ["query"],
        "windows": [{"name": "short", "events": 100, "stride": 25}],
        "thresholds": {"fixed": {"mmd": 0.05, "kl": 0.5, "centroid": 0.1}},
        "alert": {"keep_firing_evaluations": 2},
        "receivers": [receiver],
    })
}

/// A monitor whose latest traffic drifts, and a receiver with `settings` that hears of it.
async fn drifting(site: &Site, settings: &Value) -> Value {
    let receiver = json!({"name": "trainer", "kind": "retrain", "url": site.receiver.url(),
        "settings": settings});
    let receiver = site.post("/v1/receivers", &receiver).await["id"].clone();
    let monitor = site.post("/v1/monitors", &watch(&receiver)).await;
    site.feed(&interactions(0, &[(Topic::Airtime, 700)])).await;
    let source = json!({"kind": "time_range", "from": time(0), "to": time(700)});
    let asked = json!({"monitor_id": monitor["id"], "name": "first", "source": source});
    let asked = site.post("/v1/references", &asked).await;
    site.frozen(&asked).await;
    site.feed(&interactions(700, &[(Topic::Airtime, 200), (Topic::Fibre, 150)])).await;
    monitor
}

async fn in_status(site: &Site, path: &str, status: &str) -> Value {
    site::until("the retraining moves on", async || {
        let retrain = site.get(path).await;
        (retrain["status"] == json!(status)).then_some(retrain)
    })
    .await
}

/// `path` of an address that the daemon gave out.
fn path_of(url: &Value) -> String {
    let url = url.as_str().unwrap();
    let rest = url.split_once("//").unwrap().1;
    rest[rest.find('/').unwrap()..].to_owned()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}

fn report(path: &str, token: &str, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn the_loop_closes(mut site: Site) {
    let settings = json!({"retrain": {
        "workflow": {"kind": "http"},
        "guard": {"min_events": 100},
        "next_reference": "make",
        "reference_events": 250,
    }});
    let monitor = drifting(&site, &settings).await;
    site.reports(&monitor, 350 / 25).await;

    let first = site::until("an alert asks for a retraining", async || {
        site.get("/v1/retrains").await["items"].get(0).cloned()
    });
    let path = format!("/v1/retrains/{}", first.await["id"].as_str().unwrap());
    in_status(&site, &path, "awaiting_approval").await;
    site.post(&format!("{path}/approve"), &Value::Null).await;
    let message = site.receiver.messages(1).await.remove(0).json();
    assert_eq!(message["type"], json!("seamark.retrain"));
    assert_eq!((&message["monitor"], &message["stream"]), (&json!("support"), &json!("query")));
    let requested = in_status(&site, &path, "requested").await;
    assert_eq!(requested["decided_by"], json!("first"));
    assert!(requested.get("token").is_none(), "{requested}");

    // The slice: what the drifted window held, for whoever has the signed address.
    let address = path_of(&message["dataset_url"]);
    let (status, body) = site.raw(&get(&address)).await;
    assert!(status.contains("200"), "{status} {body}");
    let lines: Vec<Value> = body
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 100, "the window's events");
    assert!(lines.iter().all(|line| line["query"].is_string() && line["occurred_at"].is_string()));
    let forged = address.replace("expires=", "expires=1");
    assert!(site.raw(&get(&forged)).await.0.contains("401"));
    let delivery = format!("/v1/deliveries/{}", requested["delivery_id"].as_str().unwrap());
    let shown = site.get(&delivery).await["body"].as_str().unwrap().to_owned();
    let token = message["callback_token"].as_str().unwrap();
    assert!(!shown.contains(token) && shown.contains("[redacted]"), "{shown}");

    // The run reports, and only the run.
    let callback = path_of(&message["callback_url"]);
    let running = json!({"status": "running", "run_url": "https://ci.example/7"});
    assert!(site.raw(&report(&callback, "wrong", &running)).await.0.contains("401"));
    assert!(site.raw(&report(&callback, token, &running)).await.0.contains("200"));
    assert!(
        site.raw(&report(&callback, token, &json!({"status": "waiting"}))).await.0.contains("422")
    );
    let approve = format!("{path}/approve");
    assert!(site.client().post(&approve, &Value::Null).await.is_err(), "it has started");
    let deployed = json!({"status": "deployed", "model_version": "bot-2"});
    let (status, body) = site.raw(&report(&callback, token, &deployed)).await;
    assert!(status.contains("200"), "{body}");
    assert!(site.raw(&report(&callback, token, &running)).await.0.contains("409"), "it is over");
    let done = site.get(&path).await;
    assert_eq!(
        (&done["run_url"], &done["model_version"]),
        (&running["run_url"], &deployed["model_version"])
    );

    // The next reference is made of what follows, and the drift ends with it.
    let reference = json!({"id": done["reference_id"]});
    site.feed(&interactions(1050, &[(Topic::Fibre, 250)])).await;
    let frozen = site.frozen(&reference).await;
    assert_eq!((&frozen["name"], &frozen["version"]), (&json!("first"), &json!(2)));
    let mut next = 1300;
    site::until("the drift ends", async || {
        site.feed(&interactions(next, &[(Topic::Fibre, 50)])).await;
        next += 50;
        let retrain = site.get(&path).await;
        retrain.get("drift_ended_at").is_some().then_some(())
    })
    .await;
    site.stop().await;
}

/// A run that reports no more is given up by a person; what it says later is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_silent_is_given_up() {
    let mut site = site::sqlite().await;
    let settings = json!({"retrain": {
        "workflow": {"kind": "http"}, "guard": {"min_events": 100, "approval": false}}});
    drifting(&site, &settings).await;
    let message = site.receiver.messages(1).await.remove(0).json();
    let path = format!("/v1/retrains/{}", message["retrain_id"].as_str().unwrap());
    in_status(&site, &path, "requested").await;
    site.post(&format!("{path}/cancel"), &Value::Null).await;
    in_status(&site, &path, "cancelled").await;
    let callback = path_of(&message["callback_url"]);
    let token = message["callback_token"].as_str().unwrap();
    let late = report(&callback, token, &json!({"status": "deployed"}));
    assert!(site.raw(&late).await.0.contains("409"));
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loop_closes_on_sqlite() {
    the_loop_closes(site::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loop_closes_on_postgres() {
    the_loop_closes(site::postgres().await).await;
}
