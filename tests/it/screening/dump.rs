//! After ingest through the real binary nothing of a corpus of personal data is found anywhere.

use seamark::api::Received;
use seamark::egress::LoopbackClient;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::personal_data;
use crate::crash::process::Process;
use crate::pipeline::site::until;

/// Sends the corpus by every door and returns what the daemon said of itself: log and metrics.
async fn send(database: &str) -> Vec<String> {
    let mut daemon = Process::start(database, "").await.unwrap();
    let key = daemon.key().await;
    let client = LoopbackClient::new(daemon.address, Some(key)).unwrap();
    let settings = json!({"screen": {"regions": ["ZA", "KE"]}});
    client.put("/v1/screening", &settings).await.unwrap();
    let monitor = client.post("/v1/monitors", &json!({"name": "m"})).await.unwrap();
    let upload = format!("/v1/references/upload?monitor_id={}", monitor["id"].as_str().unwrap());
    let mut said = Vec::new();
    for (_, value) in personal_data() {
        let item = json!({"query": format!("It is {value}, yes"), "response": value,
            "attributes": {"contact": value}, "metadata": {"deep": [{"contact": value}]}});
        client.post("/v1/interactions", &json!({"query": value})).await.unwrap();
        client.post("/v1/interactions", &item).await.unwrap();
        let batch = json!([item, {"query": {"not": value}}, item]);
        said.push(client.post("/v1/interactions", &batch).await.unwrap().to_string());
        client.post(&upload, &item).await.unwrap();
        client.post("/v1/screen", &item_of(&value)).await.unwrap();
        // Refused, and the answer does not repeat it.
        let wrong = json!({"query": value, "response": [value]});
        said.push(client.post("/v1/interactions", &wrong).await.unwrap_err().to_string());
    }
    until("it is embedded", async || {
        let status: Value = client.get("/v1/status").await.unwrap();
        (status["pending"] == json!(0)).then_some(())
    })
    .await;
    said.push(client.get("/metrics").await.unwrap().to_string());
    let summary = client.get("/v1/quality/summary").await.unwrap().to_string();
    assert!(summary.contains("personal/EMAIL"), "{summary}");
    said.extend(daemon.log());
    assert_eq!(daemon.terminate(), Some(0));
    said
}

fn item_of(value: &str) -> Value {
    json!({"query": value, "response": format!("Is it {value}?")})
}

/// Nothing of the corpus, also with its blanks left out, nor as a plain hash.
fn holds_nothing(place: &str, bytes: &[u8]) {
    for (label, value) in personal_data() {
        let compact: String = value.split(' ').collect();
        for needle in [value.as_bytes(), compact.as_bytes()] {
            assert!(
                !bytes.windows(needle.len()).any(|window| window == needle),
                "{place} holds {label} {value}"
            );
        }
        // Nor a hash that whoever tries all telephone numbers would find it by.
        let received = Received { query: value, ..Received::default() };
        let hash = received.content_hash(None);
        let hex = hash.map(|byte| format!("{byte:02x}")).concat();
        for needle in [hash.as_slice(), hex.as_bytes()] {
            assert!(
                !bytes.windows(needle.len()).any(|window| window == needle),
                "{place}: {label}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_personal_is_in_sqlite_logs_or_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let said = send(&format!("sqlite://{}/seamark.db", folder.path().display())).await;
    said.iter().for_each(|line| holds_nothing("what the daemon says", line.as_bytes()));
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            files += 1;
            let bytes = std::fs::read(&path).unwrap();
            holds_nothing(&path.display().to_string(), &bytes);
        }
    }
    let found = std::fs::read(folder.path().join("seamark.db")).unwrap();
    let needle = b"It is <EMAIL>, yes";
    assert!(files > 0 && found.windows(needle.len()).any(|window| window == needle));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_personal_is_in_postgres_logs_or_metrics() {
    let url = crate::pg::database().await;
    let said = send(&url).await;
    said.iter().for_each(|line| holds_nothing("what the daemon says", line.as_bytes()));
    let mut database = PgConnection::connect(&url).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')",
    )
    .fetch_all(&mut database)
    .await
    .unwrap();
    let mut rows = 0;
    for table in tables {
        let dump = format!("SELECT t::text FROM \"{table}\" t");
        let dump: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(dump)).fetch_all(&mut database).await.unwrap();
        rows += dump.len();
        dump.iter().for_each(|row| holds_nothing(&table, row.as_bytes()));
    }
    assert!(rows > 30, "{rows}");
}
