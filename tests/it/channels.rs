//! Every kind of receiver against a strict local double: where its requests go, what they carry, and how
//! its answers are read.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::{ChaCha8Rng, ChaCha20Rng};
use seamark::clock::Timestamp;
use seamark::id::{AlertId, DeliveryId, ProjectId, ReceiverId};
use seamark::model::delivery::{Delivery, DeliveryStatus};
use seamark::model::receiver::{Envelope, Receiver, ReceiverKind, ReceiverSettings};
use seamark::notify::{AttemptOutcome, Config, Headers, Next, Notifier, Secret, test_body};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// One request as it came.
pub(crate) struct Request {
    /// `POST /path`.
    pub(crate) line: String,
    head: String,
    body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A server for one exchange that answers with `status` and `body`.
pub(crate) async fn double(
    status: &'static str,
    body: &'static str,
) -> (String, JoinHandle<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        let (head, rest) = loop {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the request broke off");
            let text = String::from_utf8(bytes.clone()).unwrap();
            let Some((head, rest)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if rest.len() == length.unwrap().parse::<usize>().unwrap() {
                break (head.to_owned(), rest.to_owned());
            }
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
        Request { line, head, body: rest }
    });
    (url, task)
}

fn receiver(kind: ReceiverKind, url: &str, secret: Option<&str>) -> Receiver {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    Receiver {
        id: ReceiverId::new(NOW, rng),
        project_id: ProjectId::new(NOW, rng),
        name: "ops".to_owned(),
        kind,
        url: url.to_owned(),
        secret: secret.map(str::to_owned),
        settings: ReceiverSettings::default(),
        target: String::new(),
        disabled: false,
        created_at: NOW,
    }
}

fn delivery(receiver: &Receiver, event: &str) -> Delivery {
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    Delivery {
        id: DeliveryId::new(NOW, rng),
        project_id: receiver.project_id,
        receiver_id: receiver.id,
        alert_id: Some(AlertId::new(NOW, rng)),
        event_type: event.to_owned(),
        body: test_body(receiver, NOW),
        status: DeliveryStatus::Pending,
        attempts: 0,
        created_at: NOW,
        next_attempt_at: NOW,
        delivered_at: None,
    }
}

async fn send(receiver: &Receiver, event: &str, remembered: Option<&str>) -> AttemptOutcome {
    let config = Config { allow_private: vec!["127.0.0.1".to_owned()], ..Config::default() };
    let notifier = Notifier::new(&config).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    notifier.deliver(&delivery(receiver, event), receiver, remembered, None, NOW, &mut rng).await
}

const FIRING: &str = "drift.alert.firing";
const RESOLVED: &str = "drift.alert.resolved";
const GIVEN_UP: Next = Next::Exhausted { disable_receiver: false };

#[tokio::test]
async fn pagerduty_gets_its_key_on_the_wire_only() {
    let key = "0123456789abcdef0123456789abcdef";
    let (url, task) = double("202 Accepted", r#"{"status":"success"}"#).await;
    let receiver = receiver(ReceiverKind::Pagerduty, &format!("{url}/v2/enqueue"), Some(key));
    assert!(!delivery(&receiver, FIRING).body.contains(key));
    assert_eq!(send(&receiver, FIRING, None).await.next, Next::Delivered);
    let request = task.await.unwrap();
    assert_eq!(request.line, "POST /v2/enqueue");
    assert_eq!(request.json()["routing_key"], key);
}

#[tokio::test]
async fn a_message_that_pagerduty_calls_wrong_is_not_repeated() {
    for (status, next) in [("400 Bad Request", Some(GIVEN_UP)), ("429 Too Many Requests", None)] {
        let (url, _task) = double(status, "{}").await;
        let receiver = receiver(ReceiverKind::Pagerduty, &url, Some("k"));
        let outcome = send(&receiver, FIRING, None).await;
        match next {
            Some(next) => assert_eq!(outcome.next, next),
            None => assert!(matches!(outcome.next, Next::RetryAt(_)), "{outcome:?}"),
        }
    }
}

#[tokio::test]
async fn opsgenie_opens_and_closes_by_the_alerts_id() {
    let (url, task) = double("202 Accepted", "{}").await;
    let opening = receiver(ReceiverKind::Opsgenie, &format!("{url}/v2/alerts"), Some("key"));
    assert_eq!(send(&opening, FIRING, None).await.next, Next::Delivered);
    let request = task.await.unwrap();
    assert_eq!(request.line, "POST /v2/alerts");
    assert_eq!(request.header("authorization"), Some("GenieKey key"));

    let (url, task) = double("202 Accepted", "{}").await;
    let closing = receiver(ReceiverKind::Opsgenie, &format!("{url}/v2/alerts"), Some("key"));
    assert_eq!(send(&closing, RESOLVED, None).await.next, Next::Delivered);
    let alert = delivery(&closing, RESOLVED).alert_id.unwrap();
    assert_eq!(
        task.await.unwrap().line,
        format!("POST /v2/alerts/{alert}/close?identifierType=alias")
    );
}

#[tokio::test]
async fn a_slack_bot_edits_the_message_that_it_sent() {
    let (url, task) = double("200 OK", r#"{"ok":true,"channel":"C1","ts":"17.5"}"#).await;
    let mut bot = receiver(ReceiverKind::SlackBot, &format!("{url}/api"), Some("xoxb-1"));
    bot.settings.channel = Some("C0123".to_owned());
    let outcome = send(&bot, FIRING, None).await;
    assert_eq!(outcome.next, Next::Delivered);
    let request = task.await.unwrap();
    assert_eq!(request.line, "POST /api/chat.postMessage");
    assert_eq!(request.header("authorization"), Some("Bearer xoxb-1"));
    assert_eq!(request.json()["channel"], "C0123");

    let (url, task) = double("200 OK", r#"{"ok":true,"channel":"C1","ts":"17.5"}"#).await;
    bot.url = format!("{url}/api");
    let remembered = outcome.remember.unwrap();
    assert_eq!(send(&bot, RESOLVED, Some(&remembered)).await.next, Next::Delivered);
    let request = task.await.unwrap();
    assert_eq!(request.line, "POST /api/chat.update");
    assert_eq!((&request.json()["channel"], &request.json()["ts"]), (&json!("C1"), &json!("17.5")));
}

#[tokio::test]
async fn a_slack_bot_tells_a_wrong_channel_from_a_wrong_moment() {
    let answer = |body| async move {
        let (url, _task) = double("200 OK", body).await;
        send(&receiver(ReceiverKind::SlackBot, &url, Some("xoxb-1")), FIRING, None).await
    };
    assert_eq!(answer(r#"{"ok":false,"error":"channel_not_found"}"#).await.next, GIVEN_UP);
    let later = answer(r#"{"ok":false,"error":"internal_error"}"#).await;
    assert!(matches!(later.next, Next::RetryAt(_)) && later.remember.is_none(), "{later:?}");
    assert!(matches!(answer("<html>").await.next, Next::RetryAt(_)));
}

#[tokio::test]
async fn discord_says_in_its_body_how_long_to_wait() {
    let (url, task) = double("429 Too Many Requests", r#"{"retry_after": 64.57}"#).await;
    let outcome = send(&receiver(ReceiverKind::Discord, &url, None), FIRING, None).await;
    let Next::RetryAt(at) = outcome.next else { panic!("{outcome:?}") };
    assert!((64..66).contains(&at.since(NOW).as_secs()));
    assert_eq!(task.await.unwrap().json()["allowed_mentions"], json!({ "parse": [] }));
}

#[tokio::test]
async fn teams_takes_a_card_with_202() {
    let (url, task) = double("202 Accepted", "").await;
    let teams = receiver(ReceiverKind::Teams, &format!("{url}/workflows/1?sig=x"), None);
    assert_eq!(send(&teams, FIRING, None).await.next, Next::Delivered);
    let request = task.await.unwrap();
    assert_eq!(request.line, "POST /workflows/1?sig=x");
    assert_eq!(request.json()["type"], "message");
}

#[tokio::test]
async fn an_alertmanager_is_called_at_its_alerts() {
    for path in ["", "/", "/api/v2/alerts"] {
        let (url, task) = double("200 OK", "").await;
        let peer = receiver(ReceiverKind::Alertmanager, &format!("{url}{path}"), None);
        assert_eq!(send(&peer, FIRING, None).await.next, Next::Delivered);
        let request = task.await.unwrap();
        assert_eq!(request.line, "POST /api/v2/alerts");
        assert!(request.json()[0]["labels"]["alertname"].is_string());
    }
}

#[tokio::test]
async fn after_a_rotation_both_secrets_sign() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let (new, old) = (Secret::generate(&mut rng), Secret::generate(&mut rng));
    let (url, task) = double("200 OK", "").await;
    let both = format!("{} {}", new.reveal(), old.reveal());
    let mut hook = receiver(ReceiverKind::Webhook, &url, Some(&both));
    hook.settings.envelope = Some(Envelope::Cloudevents);
    assert_eq!(send(&hook, FIRING, None).await.next, Next::Delivered);
    let request = task.await.unwrap();
    let headers = Headers {
        id: request.header("webhook-id").unwrap(),
        timestamp: request.header("webhook-timestamp").unwrap(),
        signature: request.header("webhook-signature").unwrap(),
    };
    for secret in [new, old] {
        assert_eq!(secret.verify(&headers, &request.body, NOW, Duration::from_mins(5)), Ok(()));
    }
    let stranger = Secret::generate(&mut rng);
    assert!(stranger.verify(&headers, &request.body, NOW, Duration::from_mins(5)).is_err());
    assert_eq!(request.header("content-type"), Some("application/cloudevents+json; charset=utf-8"));
    assert_eq!(request.json()["id"], headers.id, "a CloudEvent's id is the delivery's");
}
