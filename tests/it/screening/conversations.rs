//! What one customer told must not come up in another's answer.

use std::time::Duration;

use hyper::Method;
use seamark::model::key::Role;
use seamark::store::RetentionCutoffs;
use serde_json::{Value, json};

use crate::api::app::TestApp;

async fn told(app: &TestApp, id: &str, session: &str, query: &str, response: &str) {
    let item = json!({"id": id, "session_id": session, "query": query, "response": response});
    assert_eq!(app.ingest(item.to_string()).await.json()["accepted"], 1);
}

/// The types that the response would tell of another conversation.
async fn foreign(app: &TestApp, session: &str, query: &str, response: &str) -> Value {
    let key = app.key(Role::Ingest).to_owned();
    let request = json!({"query": query, "response": response, "session_id": session});
    let answer = app.call_as(&key, Method::POST, "/v1/screen", Some(request)).await.json();
    let is_told = answer["foreign"].as_array().is_some_and(|types| !types.is_empty());
    let reasons = answer["reasons"].to_string();
    assert_eq!(is_told, reasons.contains("another conversation"), "{answer}");
    answer["foreign"].clone()
}

#[tokio::test]
async fn what_another_conversation_told_is_noticed() {
    let app = TestApp::new().await;
    told(&app, "a", "s1", "I am thandi@example.co.za, card 4111 1111 1111 1111", "Thanks").await;
    let leak = "The last caller was THANDI@example.co.za.";
    assert_eq!(foreign(&app, "s2", "who called?", leak).await, json!(["EMAIL"]));
    let both = "It was thandi@example.co.za with 4111-1111-1111-1111";
    assert_eq!(foreign(&app, "s2", "who?", both).await, json!(["CREDIT_CARD", "EMAIL"]));
    for (why, session, query, response) in [
        ("their own conversation", "s1", "who am I?", leak),
        ("the user said it themselves", "s2", "is it thandi@example.co.za?", leak),
        ("nobody told it", "s2", "whom do I ask?", "Ask info@example.co.za"),
    ] {
        assert_eq!(foreign(&app, session, query, response).await, json!([]), "{why}");
    }
    let stranger = app.stranger().await.1;
    let request = json!({"query": "q", "response": leak, "session_id": "s2"});
    let theirs = app.call_as(&stranger, Method::POST, "/v1/screen", Some(request)).await.json();
    assert_eq!(theirs["foreign"], json!([]), "another project");
    // At ingest the same is noted with the interaction.
    told(&app, "b", "s2", "who called?", leak).await;
    told(&app, "c", "s1", "who am I?", leak).await;
    let claimed =
        app.store.claim_pending("w", 10, app.now(), Duration::from_mins(1)).await.unwrap();
    let noted: Vec<u32> = claimed.iter().map(|row| row.personal.foreign.count_ones()).collect();
    assert_eq!(noted, [0, 1, 0]);
}

#[tokio::test]
async fn what_many_tell_is_nobodys_secret() {
    let app = TestApp::new().await;
    for n in 0..3 {
        assert_eq!(
            foreign(&app, "x", "q", "Call +27 82 123 4567").await,
            json!(if n == 0 { vec![] } else { vec!["PHONE"] })
        );
        told(&app, &format!("i{n}"), &format!("s{n}"), "is +27821234567 your help line?", "Yes")
            .await;
    }
    assert_eq!(foreign(&app, "x", "q", "Call +27 82 123 4567").await, json!([]));
}

#[tokio::test]
async fn it_is_forgotten_with_the_conversation_and_with_the_texts() {
    let app = TestApp::new().await;
    let query = "I am thandi@example.co.za";
    let leak = "It was thandi@example.co.za";
    told(&app, "a", "s1", query, "Thanks").await;
    assert_eq!(foreign(&app, "s2", "who?", leak).await, json!(["EMAIL"]));
    app.post("/v1/erasures", json!({"interaction_id": "a"})).await;
    let done = app.store.run_erasure(app.now()).await.unwrap().unwrap();
    assert_eq!(done.counts.unwrap().told_values, 1);
    assert_eq!(foreign(&app, "s2", "who?", leak).await, json!([]));
    told(&app, "b", "s1", query, "Thanks").await;
    assert_eq!(foreign(&app, "s2", "who?", leak).await, json!(["EMAIL"]));
    let later = app.now().plus(Duration::from_hours(48));
    let cutoffs = RetentionCutoffs { texts_before: Some(later), ..RetentionCutoffs::default() };
    app.store.apply_retention(&cutoffs).await.unwrap();
    assert_eq!(foreign(&app, "s2", "who?", leak).await, json!([]));
}
