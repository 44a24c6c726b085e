//! What texts are like and what became of interactions: from HTTP to the alert, on both stores.

use seamark::egress::LoopbackError;
use serde_json::{Value, json};

use crate::bad_texts::corpus;
use crate::pipeline::scenario::time;
use crate::pipeline::site::{Site, until};

/// Runs every test of the list on both engines, as `quality::<engine>::<test>`.
macro_rules! quality_test_suite {
    ($($engine:ident),+; $tests:tt) => {
        $(mod $engine { quality_test_suite!(@tests $engine $tests); })+
    };
    (@tests $engine:ident { $($test:ident),+ }) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::pipeline::site::$engine().await).await;
            }
        )+
    };
}

quality_test_suite! { sqlite, postgres; {
    bad_texts_are_taken_or_named_and_none_is_lost,
    what_is_no_users_is_counted_and_left_out,
    failing_answers_and_falling_outcomes_are_told
} }

async fn bad_texts_are_taken_or_named_and_none_is_lost(mut site: Site) {
    let corpus = corpus();
    assert!(corpus.len() >= 500);
    let (mut accepted, mut rejected) = (0, 0);
    for (chunk, texts) in corpus.chunks(50).enumerate() {
        let item = |(i, (_, text)): (usize, &(&str, String))| {
            let id = format!("bad-{chunk}-{i}");
            json!({"id": id, "occurred_at": time(chunk), "query": text, "response": text})
        };
        let batch: Vec<Value> = texts.iter().enumerate().map(item).collect();
        let answer = site.post("/v1/interactions", &json!(batch)).await;
        let count = |name: &str| answer[name].as_u64().unwrap();
        assert_eq!(count("accepted") + count("rejected"), texts.len() as u64, "{answer}");
        for error in answer["errors"].as_array().into_iter().flatten() {
            let pointer = error["pointer"].as_str().unwrap();
            assert!(["/query", "/response"].contains(&pointer), "{error}");
            assert!(!error["detail"].as_str().unwrap().is_empty() && error["id"].is_string());
        }
        accepted += count("accepted");
        rejected += count("rejected");
    }
    assert!(rejected < accepted / 10, "{rejected} rejected, {accepted} accepted");
    until("all are embedded", async || {
        (site.get("/v1/status").await["pending"] == json!(0)).then_some(())
    })
    .await;
    let status = site.get("/v1/status").await;
    assert_eq!((&status["accepted"], &status["quarantined"]), (&json!(accepted), &json!(0)));
    assert_eq!(status["conserved"], json!(true));
    let summary = site.get("/v1/quality/summary?side=query").await;
    let texts = summary["groups"][0]["texts"].as_u64().unwrap();
    let excluded = excluded(&summary);
    assert_eq!(texts + excluded, accepted, "each is counted once: {summary}");
    // The next good one passes.
    site.feed(&[json!({"id": "good", "query": "Where is my order?"})]).await;
    let cleaned: Vec<&str> = corpus.iter().map(|(_, text)| text.as_str()).take(100).collect();
    let answer = site.post("/v1/clean", &json!({"texts": cleaned})).await;
    assert_eq!(answer["items"].as_array().unwrap().len(), 100);
    site.stop().await;
}

fn excluded(summary: &Value) -> u64 {
    let signals = summary["groups"][0]["signals"].as_array().unwrap();
    let is_excluded = |signal: &&Value| signal["name"].as_str().unwrap().starts_with("excluded/");
    signals.iter().filter(is_excluded).map(|signal| signal["count"].as_u64().unwrap()).sum()
}

async fn what_is_no_users_is_counted_and_left_out(mut site: Site) {
    let settings = json!({"keep_original": true, "exclude": {"custom": [
        {"name": "load_test", "attribute": "source", "one_of": ["k6"]}]}});
    let set = site.client().put("/v1/preparation", &settings).await.unwrap();
    assert_eq!((&set["version"], &set["clean"]["html"]), (&json!(1), &json!(true)));
    let wrong = json!({"exclude": {"custom": [{"name": "x", "query": "("}]}});
    let refused = site.client().put("/v1/preparation", &wrong).await.unwrap_err();
    let LoopbackError::Refused { status, body, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(status, 422);
    assert!(body.contains("/exclude/custom/0/query"), "{body}");

    let of = |id: &str, query: &str, source: &str| {
        json!({"id": id, "query": query, "response": "It is on its way.",
               "attributes": {"channel": "web", "source": source}})
    };
    site.feed(&[
        of("a", "<p>Where is the cafÃ© voucher?</p>", "app"),
        of("b", "health check", "app"),
        of("c", "Where is my parcel, please?", "k6"),
        json!({"id": "d", "query": "When does it arrive?", "response": "500 Internal Server Error"}),
    ])
    .await;
    let stored = site.get("/v1/interactions/a").await;
    assert_eq!(stored["query"], json!("Where is the café voucher?"));
    let summary = site.get("/v1/quality/summary?side=query").await;
    assert_eq!((&summary["groups"][0]["texts"], excluded(&summary)), (&json!(2), 2), "{summary}");
    let names: Vec<&str> = summary["groups"][0]["signals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|signal| signal["name"].as_str().unwrap())
        .collect();
    for name in ["cleaned/html", "cleaned/encoding", "excluded/load_test", "excluded/health_check"]
    {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let examples = site.get("/v1/quality/examples?signal=error_text").await;
    let items = examples["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["interaction_id"]), (1, &json!("d")));
    let tried = json!({"texts": ["a — b"], "preparation": {"clean": {"punctuation": false}}});
    let answer = site.post("/v1/clean", &tried).await;
    assert_eq!(answer["items"][0]["text"], json!("a — b"));
    site.stop().await;
}

const REFERENCE: usize = 700;
const STREAM: usize = 600;

/// Ordinary questions; from `bad_from` on a third of the answers are errors and few are resolved.
fn traffic(first: usize, count: usize, bad_from: usize) -> (Vec<Value>, Vec<Value>) {
    let words = ["voucher", "parcel", "invoice", "booking", "card", "number", "address"];
    let interaction = |i: usize| {
        let is_bad = i >= bad_from && i.is_multiple_of(3);
        let response = if is_bad { "Internal Server Error" } else { "You can do that in the app." };
        let query = format!("How can I change the {} of my {}?", words[i % 7], words[i / 7 % 7]);
        json!({"id": format!("i{i}"), "occurred_at": time(i), "query": query, "response": response})
    };
    let outcome = |i: usize| {
        let resolved = if i >= bad_from { i.is_multiple_of(2) } else { !i.is_multiple_of(10) };
        json!({"interaction_id": format!("i{i}"), "name": "resolved", "value": resolved,
               "occurred_at": time(i + 2)})
    };
    let all = first..first + count;
    (all.clone().map(interaction).collect(), all.map(outcome).collect())
}

async fn failing_answers_and_falling_outcomes_are_told(mut site: Site) {
    let monitor = json!({
        "name": "assistant",
        "windows": [{"name": "short", "events": 100, "stride": 25}],
        "streams": ["response_quality", "outcome"],
        "thresholds": {"false_alarms_per_30d": 1.0},
    });
    let monitor = site.post("/v1/monitors", &monitor).await;
    let (interactions, outcomes) = traffic(0, REFERENCE, usize::MAX);
    site.feed(&interactions).await;
    let answer = site.post("/v1/outcomes", &json!(outcomes)).await;
    assert_eq!(answer["accepted"], json!(REFERENCE), "{answer}");
    let source = json!({"kind": "time_range", "from": time(0), "to": time(REFERENCE)});
    let body = json!({"monitor_id": monitor["id"], "name": "first", "source": source});
    let asked = site.post("/v1/references", &body).await;
    site.frozen(&asked).await;

    // The outcomes wait for their interactions, which happened long ago.
    let (interactions, outcomes) = traffic(REFERENCE, STREAM, REFERENCE + STREAM / 2);
    site.post("/v1/outcomes", &json!(outcomes)).await;
    site.feed(&interactions).await;
    let kinds = until("both alerts fire", async || {
        let alerts = site.get("/v1/alerts").await;
        let kinds: Vec<String> = alerts["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|alert| alert["state"] != json!("pending"))
            .map(|alert| alert["kind"].as_str().unwrap().to_owned())
            .collect();
        let has = |kind: &str| kinds.iter().any(|own| own == kind);
        (has("text_quality") && has("outcome_drop")).then_some(kinds)
    })
    .await;
    assert!(kinds.iter().all(|kind| kind == "text_quality" || kind == "outcome_drop"), "{kinds:?}");
    let reports =
        site.all(&format!("/v1/monitors/{}/reports", monitor["id"].as_str().unwrap())).await;
    let details = async |wanted: &str| {
        for report in &reports {
            let path = format!("/v1/reports/{}", report["id"].as_str().unwrap());
            let detail = site.get(&path).await;
            let drifted = detail["verdicts"].as_array().unwrap().iter();
            if drifted.clone().any(|v| v["stream"] == json!(wanted) && v["is_drift"] == json!(true))
            {
                return detail;
            }
        }
        panic!("no report of a drift in {wanted}")
    };
    let quality = details("response_quality").await;
    let rates = quality["explanation"]["rates"].as_array().unwrap();
    assert!(rates.iter().any(|rate| rate["name"] == json!("error_text")), "{rates:?}");
    let outcome = details("outcome").await;
    let figures: Vec<&Value> = outcome["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|verdict| &verdict["outcome"])
        .filter(|figures| figures.is_object())
        .collect();
    assert!(
        figures.iter().any(|f| f["name"] == json!("resolved") && f["high"].as_f64() < Some(0.0))
    );
    let path =
        format!("/v1/monitors/{}/lead-lag?outcome=resolved", monitor["id"].as_str().unwrap());
    let lag = site.get(&path).await;
    assert_eq!(lag["move_together"], json!(false));
    assert!(lag["summary"].as_str().unwrap().contains("30 that change are needed"), "{lag}");
    site.stop().await;
}
