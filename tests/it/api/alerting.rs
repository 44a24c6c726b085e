//! Kinds of receivers, routes and silences: made, read, refused with the reason.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::Method;
use seamark::model::delivery::Attempt;
use seamark::store::{AttemptResult, ClaimShare, DeliveryNext};
use serde_json::{Value, json};

use super::app::TestApp;

fn pointers(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().unwrap();
    errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn each_kind_says_what_it_needs() {
    let app = TestApp::new().await;
    let key = "0123456789abcdef0123456789abcdef";
    let url = "https://hooks.example/x";
    let mail = json!({"from": "alerts@shop.example", "to": ["a@shop.example", "b@shop.example"]});
    let good = [
        json!({"name": "a", "kind": "pagerduty", "secret": key}),
        json!({"name": "b", "kind": "opsgenie", "secret": "k"}),
        json!({"name": "c", "kind": "slack_bot", "secret": "xoxb-1", "settings": {"channel": "C01"}}),
        json!({"name": "d", "kind": "teams", "url": url}),
        json!({"name": "e", "kind": "discord", "url": url}),
        json!({"name": "f", "kind": "alertmanager", "url": url}),
        json!({"name": "g", "kind": "webhook", "url": url, "settings": {"envelope": "cloudevents"}}),
        json!({"name": "i", "kind": "email", "url": "smtps://mail.example", "settings": mail}),
        json!({"name": "j", "kind": "email", "url": "smtp://al%40shop.example@mail.example",
            "secret": "pass word", "settings": mail}),
    ];
    for input in good {
        let made = app.post("/v1/receivers", input.clone()).await;
        assert_eq!(made.status, 201, "{input}: {:?}", made.body);
        let is_made = input["kind"] == "webhook";
        assert_eq!(
            made.json()["secret"].is_string(),
            is_made,
            "what was given is not shown: {input}"
        );
    }
    let listed = String::from_utf8(app.get("/v1/receivers").await.body.to_vec()).unwrap();
    assert!(
        !listed.contains(key) && !listed.contains("xoxb") && listed.contains("\"channel\":\"C01\"")
    );
    for (input, wanted) in [
        (json!({"name": "h", "kind": "pagerduty", "secret": "short"}), "/secret"),
        (json!({"name": "h", "kind": "opsgenie"}), "/secret"),
        (json!({"name": "h", "kind": "slack_bot", "secret": "xoxb-1"}), "/settings/channel"),
        (json!({"name": "h", "kind": "teams"}), "/url"),
        (json!({"name": "h", "kind": "discord", "url": url, "secret": "s"}), "/secret"),
        (json!({"name": "h", "kind": "webhook", "url": url, "secret": "whsec_!"}), "/secret"),
    ] {
        let refused = app.post("/v1/receivers", input.clone()).await;
        assert_eq!(pointers(&refused.json()), [wanted], "{input}");
    }
}

#[tokio::test]
async fn mail_says_all_that_is_wrong_with_it_at_once() {
    let app = TestApp::new().await;
    let many = vec!["a@shop.example"; 21];
    let good = json!({"from": "a@shop.example", "to": ["a@shop.example"]});
    for (url, secret, settings, wanted) in [
        ("smtps://mail.example", None, json!({}), vec!["/settings/from", "/settings/to"]),
        (
            "smtps://mail.example",
            None,
            json!({"from": "a@b.example", "to": many}),
            vec!["/settings/to"],
        ),
        (
            "smtps://mail.example",
            None,
            json!({"from": "a@b.example\r\nBcc: x@y.example", "to": ["é@shop.example", "x", "a@b.example"]}),
            vec!["/settings/from", "/settings/to", "/settings/to"],
        ),
        ("smtps://u@mail.example", None, good.clone(), vec!["/secret"]),
        ("smtps://u@mail.example", Some("a\u{0}b"), good.clone(), vec!["/secret"]),
        ("smtps://mail.example", Some("p"), good.clone(), vec!["/secret"]),
        ("smtps://u:p@mail.example", Some("p"), good.clone(), vec!["/url"]),
        ("https://mail.example", None, good.clone(), vec!["/url"]),
        ("smtps://mail.example/x", None, good.clone(), vec!["/url"]),
        ("smtp://127.1:25", None, good.clone(), vec!["/url"]),
        ("", None, good.clone(), vec!["/url"]),
    ] {
        let mut input = json!({"name": "m", "kind": "email", "url": url, "settings": settings});
        if let Some(secret) = secret {
            input["secret"] = json!(secret);
        }
        let refused = app.post("/v1/receivers", input.clone()).await;
        assert_eq!(refused.status, 422, "{input}");
        assert_eq!(pointers(&refused.json()), wanted, "{input}");
    }
    let input = json!({"name": "m", "kind": "email", "url": "smtp://u@mail.example", "secret": "p", "settings": good});
    let made = app.post("/v1/receivers", input).await.json();
    assert_eq!(made["target"], "smtp://mail.example:587", "the user is not shown");
    assert_eq!(made["settings"], good);
    let path = format!("/v1/receivers/{}", made["id"].as_str().unwrap());
    let moved = json!({"url": "smtps://v@mail2.example", "settings": {"from": "c@d.example", "to": ["e@f.example"]}});
    let moved = app.call(Method::PATCH, &path, Some(moved)).await.json();
    assert_eq!(moved["target"], "smtps://mail2.example:465");
    let nobody =
        app.call(Method::PATCH, &path, Some(json!({"url": "smtps://mail2.example"}))).await;
    assert_eq!(pointers(&nobody.json()), ["/secret"], "a password needs its user");
}

#[tokio::test]
async fn a_preview_shows_the_message_in_the_receivers_own_words() {
    let app = TestApp::new().await;
    let input = json!({"name": "a", "kind": "webhook", "url": "https://hooks.example/x"});
    let made = app.post("/v1/receivers", input).await.json();
    let path = format!("/v1/receivers/{}/preview", made["id"].as_str().unwrap());
    let plain = app.post(&path, json!({})).await.json();
    assert_eq!(
        (&plain["event_type"], &plain["is_sample"]),
        (&json!("drift.alert.firing"), &json!(true))
    );
    assert_eq!(plain["body"]["data"]["title"], json!("Firing: Query drift in support"));
    let template = json!({
        "title": "{{ monitor.name }} {{ alert.kind }}",
        "body": "{\"t\": {{ title | tojson }}, \"n\": {{ reasons | length }}, \"e\": {{ type | tojson }}}",
    });
    let own = app.post(&path, json!({"template": template, "resolved": true})).await.json();
    let wanted = json!({"t": "support query_drift", "n": 2, "e": "drift.alert.resolved"});
    assert_eq!(own["body"], wanted);
    let broken = json!({"template": {"title": "{% if %}", "body": "{\"t\": {{ title }}}"}});
    let refused = app.post(&path, broken).await;
    assert_eq!(refused.status, 422);
    assert_eq!(pointers(&refused.json()), ["/template/title", "/template/body"]);
    let slack = json!({"name": "b", "kind": "discord", "url": "https://hooks.example/x",
        "settings": {"template": {"body": "{}"}}});
    let refused = app.post("/v1/receivers", slack).await;
    assert_eq!(pointers(&refused.json()), ["/settings/template/body"]);
}

#[tokio::test]
async fn a_rotation_shows_the_new_secret_once() {
    let app = TestApp::new().await;
    let input = json!({"name": "a", "kind": "webhook", "url": "https://hooks.example/x"});
    let made = app.post("/v1/receivers", input).await.json();
    let path = format!("/v1/receivers/{}", made["id"].as_str().unwrap());
    let rotated = app.call(Method::PATCH, &path, Some(json!({"rotate": true}))).await.json();
    let new = rotated["secret"].as_str().unwrap();
    assert!(new.starts_with("whsec_") && rotated["secret"] != made["secret"]);
    let id = made["id"].as_str().unwrap().parse().unwrap();
    let stored = &app.store.receivers_by_id(&[id]).await.unwrap()[0];
    let both = format!("{new} {}", made["secret"].as_str().unwrap());
    assert_eq!(stored.secret.as_deref(), Some(both.as_str()), "the old one signs on");
    let renamed = app.call(Method::PATCH, &path, Some(json!({"name": "b"}))).await.json();
    assert_eq!(renamed["secret"], Value::Null);
}

#[tokio::test]
async fn a_routing_is_replaced_as_a_whole() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/v1/routing").await.json()["route"]["routes"], json!([]));
    let input = json!({"name": "a", "kind": "discord", "url": "https://hooks.example/x"});
    let receiver = app.post("/v1/receivers", input).await.json()["id"].clone();
    let routing = json!({
        "route": {"receivers": [receiver], "group_by": ["monitor"], "routes": [
            {"matchers": ["severity=\"critical\""], "continue": true, "mute": ["nights"]}]},
        "mute_times": [{"name": "nights", "from_minute": 1320, "until_minute": 360}],
    });
    let set = app.call(Method::PUT, "/v1/routing", Some(routing)).await;
    assert_eq!(set.status, 200, "{:?}", set.body);
    assert_eq!(app.get("/v1/routing").await.json(), set.json());
    let unknown = json!({"route": {"receivers": ["01a21623-edf6-7000-8000-000000000000"]}});
    let refused = app.call(Method::PUT, "/v1/routing", Some(unknown)).await;
    assert!(refused.json()["errors"][0]["detail"].as_str().unwrap().contains("no receiver"));
    let wrong = json!({"route": {"routes": [{"matchers": ["severity"]}]}});
    let refused = app.call(Method::PUT, "/v1/routing", Some(wrong)).await;
    assert_eq!(refused.problem(), "invalid", "{:?}", refused.body);
    assert_eq!(app.get("/v1/routing").await.json(), set.json(), "nothing of a wrong one is stored");
}

#[tokio::test]
async fn a_silence_lasts_until_it_is_ended() {
    let app = TestApp::new().await;
    let until = app.now().plus(Duration::from_hours(1));
    let input =
        json!({"matchers": ["monitor=\"support\""], "ends_at": until, "comment": "load test"});
    let made = app.post("/v1/silences", input).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let path = made.header("location").to_owned();
    assert_eq!(app.get("/v1/silences").await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(app.get(&path).await.json()["comment"], "load test");
    assert_eq!(app.call(Method::DELETE, &path, None).await.status, 204);
    assert!(app.get("/v1/silences").await.json()["items"].as_array().unwrap().is_empty());
    assert_eq!(app.get(&path).await.status, 200, "it stays on record");
    let past = json!({"matchers": [], "ends_at": app.now()});
    let refused = app.post("/v1/silences", past).await;
    assert_eq!(pointers(&refused.json()), ["/matchers", "/ends_at"]);
    let (_, theirs) = app.stranger().await;
    assert_eq!(app.call_as(&theirs, Method::GET, &path, None).await.problem(), "not_found");
    assert_eq!(app.call_as(&theirs, Method::DELETE, &path, None).await.problem(), "not_found");
}

/// Dead letters: seen, replayed one by one, and all of a receiver's at once.
#[tokio::test]
async fn what_was_given_up_is_seen_and_sent_again() {
    let app = TestApp::new().await;
    let input = json!({"name": "a", "kind": "webhook", "url": "https://hooks.example/x"});
    let made = app.post("/v1/receivers", input).await.json();
    let path = format!("/v1/receivers/{}", made["id"].as_str().unwrap());
    for _ in 0..4 {
        assert_eq!(app.call(Method::POST, &format!("{path}/test"), None).await.status, 202);
    }
    give_up(&app).await;
    let count = async |status: &str| {
        let listed = app.get(&format!("/v1/deliveries?status={status}")).await.json();
        listed["items"].as_array().unwrap().len()
    };
    assert_eq!((count("exhausted").await, count("pending").await), (4, 0));

    let listed = app.get("/v1/deliveries?status=exhausted&limit=1").await.json();
    let one = format!("/v1/deliveries/{}", listed["items"][0]["id"].as_str().unwrap());
    assert_eq!(app.get(&one).await.json()["attempt_log"][0]["status_code"], 400);
    let again = app.call(Method::POST, &format!("{one}/replay"), None).await;
    assert_eq!((again.status.as_u16(), &again.json()["status"]), (202, &json!("pending")));
    assert_eq!((count("exhausted").await, count("pending").await), (3, 1));

    let (_, theirs) = app.stranger().await;
    let replay = format!("{path}/replay");
    assert_eq!(app.call_as(&theirs, Method::POST, &replay, None).await.problem(), "not_found");
    app.call(Method::PATCH, &path, Some(json!({"disabled": true}))).await;
    assert_eq!(app.call(Method::POST, &replay, None).await.problem(), "conflict");
    app.call(Method::PATCH, &path, Some(json!({"disabled": false}))).await;
    let all = app.call(Method::POST, &replay, None).await;
    assert_eq!((all.status.as_u16(), all.json()), (202, json!({"replayed": 3})));
    assert_eq!((count("exhausted").await, count("pending").await), (0, 4));
    assert_eq!(app.call(Method::POST, &replay, None).await.json(), json!({"replayed": 0}));
}

/// Records an attempt at each message that is due, after which it is given up.
async fn give_up(app: &TestApp) {
    let room = BTreeMap::new();
    let share = ClaimShare { limit: 50, per_receiver: 50, room: &room };
    let lease = Duration::from_mins(1);
    let claimed = app.store.claim_deliveries("w", &share, app.now(), lease).await.unwrap();
    let given_up = claimed.into_iter().map(|claimed| AttemptResult {
        delivery_id: claimed.delivery.id,
        token: claimed.token,
        attempt: Attempt {
            delivery_id: claimed.delivery.id,
            number: 1,
            at: app.now(),
            status_code: Some(400),
            duration_ms: 3,
            error: Some("the receiver answered 400".to_owned()),
        },
        next: DeliveryNext::Exhausted,
        remember: None,
        disable_receiver: false,
        farewells: Vec::new(),
    });
    let recorded = app.store.record_attempts(&given_up.collect::<Vec<_>>()).await.unwrap();
    assert!(!recorded.is_empty() && recorded.iter().all(|recorded| *recorded));
}
