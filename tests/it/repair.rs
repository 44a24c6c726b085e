//! Spelling that is repaired for the embedding and nowhere else: from HTTP to the counts, on both stores.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use seamark::egress::LoopbackError;
use seamark::embed::{EmbedError, Embedder, HashingEmbedder, Text};
use serde_json::{Value, json};

use crate::pipeline::scenario::time;
use crate::pipeline::site::{Site, postgres, sqlite};

const REFERENCE: usize = 700;
const THINGS: [&str; 7] = ["voucher", "parcel", "invoice", "booking", "card", "number", "address"];

/// The hashing embedder with a vocabulary, and a note of every text that it was asked for.
#[derive(Default)]
struct Knowing {
    inner: HashingEmbedder,
    asked: Mutex<BTreeSet<String>>,
}

impl Knowing {
    fn was_asked(&self, text: &str) -> bool {
        self.asked.lock().unwrap().contains(text)
    }
}

impl Embedder for Knowing {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn model_digest(&self) -> &str {
        self.inner.model_digest()
    }

    fn is_word(&self, word: &str) -> Option<bool> {
        Some(THINGS.contains(&word) || ["how", "can", "change", "the", "today"].contains(&word))
    }

    fn embed(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.asked.lock().unwrap().extend(texts.iter().map(|text| text.text.to_owned()));
        self.inner.embed(texts)
    }
}

/// Ordinary questions, one of them with a slip.
fn reference() -> Vec<Value> {
    let query = |i: usize| match i {
        5 => "How can I chnage the voucher of my card today?".to_owned(),
        i => format!("How can I change the {} of my {}?", THINGS[i % 7], THINGS[i / 7 % 7]),
    };
    let item = |i: usize| json!({"id": format!("i{i}"), "occurred_at": time(i), "query": query(i)});
    (0..REFERENCE).map(item).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repaired_is_what_is_embedded_and_nothing_else_on_sqlite() {
    repaired_is_what_is_embedded(sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repaired_is_what_is_embedded_and_nothing_else_on_postgres() {
    repaired_is_what_is_embedded(postgres().await).await;
}

async fn repaired_is_what_is_embedded(mut site: Site) {
    let on = json!({"repair": true});
    let refused = site.client().put("/v1/preparation", &on).await.unwrap_err();
    let LoopbackError::Refused { status, body, .. } = refused else { panic!("{refused:?}") };
    assert!(status == 422 && body.contains("/repair"), "a model without a vocabulary: {body}");

    let embedder = Arc::new(Knowing::default());
    site.embed_with(Arc::clone(&embedder) as Arc<dyn Embedder>).await;
    let set = site.client().put("/v1/preparation", &on).await.unwrap();
    assert_eq!((&set["repair"], &set["version"]), (&json!(true), &json!(1)));

    site.feed(&reference()).await;
    let damaged = "How can I chnage the addrses of my card?";
    let tried = json!({"texts": [damaged]});
    let before = site.post("/v1/clean", &tried).await;
    assert_eq!(before["items"][0]["embedded"], Value::Null, "nothing is learned yet");
    freeze(&site).await;
    assert!(embedder.was_asked("How can I chnage the voucher of my card today?"));
    assert!(embedder.was_asked("How can I change the voucher of my card today?"), "its own slips");

    let item = json!({"id": "damaged", "occurred_at": time(REFERENCE), "query": damaged,
                      "response": "You can chnage it in the app."});
    site.feed(&[item]).await;
    assert!(embedder.was_asked("How can I change the address of my card?"));
    assert!(embedder.was_asked("You can chnage it in the app.") && !embedder.was_asked(damaged));
    let stored = site.get("/v1/interactions/damaged").await;
    assert_eq!(stored["query"], json!(damaged));
    let summary = site.get("/v1/quality/summary?side=query").await;
    let group = &summary["groups"][0];
    assert_eq!(group["repaired_words"], json!(2), "{summary}");
    let repaired = group["signals"].as_array().unwrap().iter().find(|s| s["name"] == "repaired");
    assert_eq!(repaired.unwrap()["count"], json!(1));

    let after = site.post("/v1/clean", &tried).await;
    assert_eq!(after["items"][0]["text"], json!(damaged));
    assert_eq!(after["items"][0]["embedded"], json!("How can I change the address of my card?"));
    let repairs = json!([{"from": "chnage", "to": "change"}, {"from": "addrses", "to": "address"}]);
    assert_eq!(after["items"][0]["repairs"], repairs);
    let off = json!({"texts": [damaged], "preparation": {}});
    assert_eq!(site.post("/v1/clean", &off).await["items"][0]["embedded"], Value::Null);
    site.stop().await;
}

async fn freeze(site: &Site) {
    let monitor = json!({
        "name": "assistant",
        "windows": [{"name": "short", "events": 100, "stride": 25}],
        "streams": ["query"],
        "thresholds": {"false_alarms_per_30d": 1.0},
    });
    let monitor = site.post("/v1/monitors", &monitor).await;
    let source = json!({"kind": "time_range", "from": time(0), "to": time(REFERENCE)});
    let body = json!({"monitor_id": monitor["id"], "name": "first", "source": source});
    let asked = site.post("/v1/references", &body).await;
    site.frozen(&asked).await;
}
