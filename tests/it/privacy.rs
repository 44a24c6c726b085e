//! What users write stays out of logs, metrics and error answers.

use seamark::egress::LoopbackClient;
use serde_json::{Value, json};

use crate::crash::process::Process;
use crate::pipeline::site::until;

/// Nothing that a program would write by itself.
const MARK: &str = "zanzibar-quokka-4711";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_of_an_interaction_is_logged_or_counted() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/seamark.db", folder.path().display());
    let mut daemon = Process::start(&database, "").await.unwrap();
    let key = daemon.key().await;
    let client = LoopbackClient::new(daemon.address, Some(key.clone())).unwrap();
    let good = json!({"id": "a", "query": MARK, "response": MARK, "session_id": MARK,
        "attributes": {"channel": MARK}, "metadata": {"note": MARK}, "error": MARK});
    client.post("/v1/interactions", &good).await.unwrap();
    let outcome = json!({"session_id": MARK, "name": "reason", "value": MARK});
    client.post("/v1/outcomes", &outcome).await.unwrap();
    // Each is refused, some for what is in it.
    let refused = [
        json!({"query": {"text": MARK}}),
        json!({"query": format!("{MARK}\u{0}")}),
        json!({"query": MARK, "attributes": {"channel": [MARK]}}),
        json!({"id": "a", "query": format!("{MARK} again")}),
        json!({"query": "q", "subject": MARK}),
    ];
    for body in refused {
        let answer = client.post("/v1/interactions", &body).await.unwrap_err().to_string();
        assert!(!answer.contains(MARK), "{answer}");
    }
    until("it is embedded", async || {
        let status: Value = client.get("/v1/status").await.unwrap();
        (status["pending"] == json!(0)).then_some(())
    })
    .await;
    let metrics = client.get("/metrics").await.unwrap().to_string();
    assert!(metrics.contains("seamark_ingest_interactions") && !metrics.contains(MARK));
    let log = daemon.log();
    assert!(log.iter().any(|line| line.contains("ready")), "{log:#?}");
    // The one line for people is the notice of the first key.
    for line in log.iter().filter(|line| !line.starts_with("seamark: ")) {
        assert!(!line.contains(MARK) && !line.contains(&key), "{line}");
        assert!(serde_json::from_str::<Value>(line).is_ok(), "not one JSON object: {line}");
    }
    assert_eq!(daemon.terminate(), Some(0));
}
