//! From a policy in force to the alert on its rate, and what needs more than a text, on both stores.

use serde_json::{Value, json};

use super::{competitor, ordinary};
use crate::pipeline::scenario::time;
use crate::pipeline::site::{Site, postgres, sqlite, until};

const REFERENCE: usize = 700;
const STREAM: usize = 400;

/// Ordinary questions; from `from` on every third is about a competitor, and every fifth answer has a
/// word that is not to be said.
fn traffic(first: usize, count: usize, from: usize) -> Vec<Value> {
    let (plain, other) = (ordinary(875), competitor(84));
    (first..first + count)
        .map(|i| {
            let is_other = i >= from && i.is_multiple_of(3);
            let query = if is_other { &other[i % 84] } else { &plain[i * 7 % 875] };
            let is_rude = i >= from && i.is_multiple_of(5);
            let response = if is_rude { "Ask that BL0CKHEAD." } else { "See it in the app." };
            json!({"id": format!("i{i}"), "occurred_at": time(i), "query": query,
                "response": response})
        })
        .collect()
}

async fn in_force(site: &Site, spec: &Value, examples: Option<Value>) -> String {
    let policy = site.post("/v1/policies", spec).await;
    let path = format!("/v1/policies/{}", policy["id"].as_str().unwrap());
    if let Some(examples) = examples {
        site.post(&format!("{path}/examples"), &examples).await;
        site.post(&format!("{path}/fit"), &json!({})).await;
    }
    site.post(&format!("{path}/activate"), &json!({})).await;
    path
}

async fn a_policy_whose_rate_rises_is_told(mut site: Site) {
    let monitor = json!({
        "name": "assistant",
        "windows": [{"name": "short", "events": 100, "stride": 25}],
        "streams": ["policy"],
        "thresholds": {"false_alarms_per_30d": 1.0},
    });
    let monitor = site.post("/v1/monitors", &monitor).await;
    let of = |texts: Vec<String>, label: bool| {
        texts.into_iter().map(move |text| json!({"text": text, "label": label}))
    };
    let examples: Vec<Value> = of(competitor(60), true).chain(of(ordinary(120), false)).collect();
    let taught = json!({"name": "competitors", "kind": "examples", "side": "query"});
    let taught = in_force(&site, &taught, Some(json!({ "examples": examples }))).await;
    let words = json!({"name": "rude words", "kind": "lexicon", "side": "response",
        "words": ["blockhead"]});
    let words = in_force(&site, &words, None).await;
    site.feed(&traffic(0, REFERENCE, usize::MAX)).await;
    let source = json!({"kind": "time_range", "from": time(0), "to": time(REFERENCE)});
    let body = json!({"monitor_id": monitor["id"], "name": "first", "source": source});
    let asked = site.post("/v1/references", &body).await;
    site.frozen(&asked).await;
    // A later policy has no rate in the reference, and is nothing to compare.
    let later = json!({"name": "later", "kind": "lexicon", "side": "query", "words": ["the"]});
    in_force(&site, &later, None).await;
    site.feed(&traffic(REFERENCE, STREAM, REFERENCE + STREAM / 2)).await;
    let alert = until("the alert fires", async || {
        let alerts = site.get("/v1/alerts").await;
        let items = alerts["items"].as_array().unwrap();
        items.iter().find(|alert| alert["state"] != json!("pending")).cloned()
    })
    .await;
    assert_eq!(alert["kind"], json!("policy"), "{alert}");
    let reports =
        site.all(&format!("/v1/monitors/{}/reports", monitor["id"].as_str().unwrap())).await;
    let mut named: Vec<String> = Vec::new();
    for report in &reports {
        let detail = site.get(&format!("/v1/reports/{}", report["id"].as_str().unwrap())).await;
        let rates = detail["explanation"]["rates"].as_array().cloned().unwrap_or_default();
        named.extend(rates.iter().map(|rate| rate["name"].as_str().unwrap().to_owned()));
    }
    for name in ["competitors", "rude words"] {
        assert!(named.iter().any(|own| own == name), "{name} in {named:?}");
    }
    assert!(!named.iter().any(|own| own == "later"), "{named:?}");
    for (policy, side) in [(taught, "query"), (words, "response")] {
        let flagged = site.get(&format!("{policy}/flagged")).await;
        let items = flagged["items"].as_array().unwrap();
        assert_eq!(items.len(), 20, "{side}: {flagged}");
    }
    let summary = site.get("/v1/quality/summary?side=response").await;
    let signals = summary["groups"][0]["signals"].as_array().unwrap();
    let rude = signals.iter().find(|signal| signal["name"] == json!("policy/rude words"));
    assert_eq!(rude.unwrap()["count"], json!(STREAM / 2 / 5), "{signals:?}");
    site.stop().await;
}

/// What a reference holds decides what is off topic; what one conversation told is noticed in another;
/// a record without what is expected is counted.
async fn what_is_beyond_the_texts_alone_is_seen(mut site: Site) {
    let settings = json!({"expect": {"attributes": ["channel"]}});
    site.client().put("/v1/preparation", &settings).await.unwrap();
    let monitor = json!({"name": "assistant", "streams": ["query"]});
    let monitor = site.post("/v1/monitors", &monitor).await;
    site.feed(&traffic(0, REFERENCE, usize::MAX)).await;
    let source = json!({"kind": "time_range", "from": time(0), "to": time(REFERENCE)});
    let body = json!({"monitor_id": monitor["id"], "name": "first", "source": source});
    let asked = site.post("/v1/references", &body).await;
    site.frozen(&asked).await;

    let policy = json!({"name": "stay on topic", "kind": "off_topic", "false_alarms": 0.05});
    let policy = site.post("/v1/policies", &policy).await;
    let path = format!("/v1/policies/{}", policy["id"].as_str().unwrap());
    let fitted = site.post(&format!("{path}/fit"), &json!({})).await;
    let report = &fitted["policy"]["fitted"]["report"];
    assert!(report["false_alarms"]["rate"].as_f64().unwrap() < 0.15, "{report}");
    site.post(&format!("{path}/activate"), &json!({})).await;
    let far = "Which wine goes with grilled octopus and lemon?";
    let plain = ordinary(875).swap_remove(7 * (REFERENCE + 1) % 875);
    for (query, flagged) in [(far, true), (plain.as_str(), false)] {
        let request = json!({"query": query, "mode": "full"});
        let screened = site.post("/v1/screen", &request).await;
        let found = screened["policies"].as_array().is_some_and(|found| !found.is_empty());
        assert_eq!(found, flagged, "{query}: {screened}");
    }

    let item = |id: &str, session: &str, channel: Option<&str>, query: &str, response: &str| {
        let attributes = channel.map_or(json!({}), |channel| json!({ "channel": channel }));
        json!({"id": id, "occurred_at": time(REFERENCE), "session_id": session,
            "attributes": attributes, "query": query, "response": response})
    };
    let told = "I am thandi@example.co.za, why was I charged for the router?";
    let leak = "That was thandi@example.co.za.";
    site.feed(&[item("a", "s1", Some("web"), told, "See it in the app.")]).await;
    site.feed(&[item("b", "s2", None, far, leak)]).await;
    let counted = |summary: &Value, name: &str| -> Value {
        let signals = summary["groups"][0]["signals"].as_array().unwrap();
        signals
            .iter()
            .find(|signal| signal["name"] == json!(name))
            .map_or(json!(0), |s| s["count"].clone())
    };
    let queries = site.get("/v1/quality/summary?side=query").await;
    let responses = site.get("/v1/quality/summary?side=response").await;
    let flagged = site.get(&format!("{path}/flagged")).await;
    let ids: Vec<&Value> =
        flagged["items"].as_array().unwrap().iter().map(|item| &item["interaction_id"]).collect();
    assert!(ids.contains(&&json!("b")), "{flagged}");
    assert_eq!(counted(&queries, "policy/stay on topic"), json!(ids.len()), "{queries}");
    assert_eq!(counted(&queries, "incomplete"), json!(REFERENCE + 1), "{queries}");
    assert_eq!(counted(&responses, "foreign/EMAIL"), json!(1), "{responses}");
    let examples = site.get("/v1/quality/examples?signal=foreign/EMAIL&side=response").await;
    assert_eq!(examples["items"][0]["interaction_id"], json!("b"), "{examples}");
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    a_policy_whose_rate_rises_is_told(sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    a_policy_whose_rate_rises_is_told(postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn off_topic_foreign_and_incomplete_on_sqlite() {
    what_is_beyond_the_texts_alone_is_seen(sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn off_topic_foreign_and_incomplete_on_postgres() {
    what_is_beyond_the_texts_alone_is_seen(postgres().await).await;
}
