//! The timeline's picture on its way: below a Slack bot's message, against a strict double of Slack, and
//! over the API.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod slack;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::Method;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::alert::EventKind;
use seamark::api::Config as ApiConfig;
use seamark::clock::Clock;
use seamark::id::{AlertId, DeliveryId, ReceiverId};
use seamark::model::alert::Alert;
use seamark::model::delivery::{Attempt, Delivery, DeliveryStatus};
use seamark::model::receiver::{Receiver, ReceiverKind, ReceiverSettings};
use seamark::notify::{Config, Notifier, test_body};
use seamark::sample::SamplingConfig;
use seamark::store::Store;
use seamark::telemetry::Metrics;
use seamark::worker::delivery::DeliveryWorker;
use seamark::worker::driver::Worker as _;
use seamark::worker::{Context, Wakers};
use serde_json::json;
use slack::Slack;

use crate::api::app::TestApp;
use crate::api::evaluations::evaluated;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A store with a firing alert, and a worker that delivers from it.
pub(crate) struct Bench {
    pub(crate) app: TestApp,
    pub(crate) alert: Alert,
    receiver: Receiver,
    worker: DeliveryWorker,
    rng: ChaCha8Rng,
}

impl Bench {
    /// Delivers to a receiver of `kind` at `url`.
    pub(crate) async fn new(
        store: Store,
        kind: ReceiverKind,
        url: &str,
        settings: ReceiverSettings,
    ) -> Self {
        let app = TestApp::over(store, ApiConfig::default(), SamplingConfig::default()).await;
        let (_, _, alert) = evaluated(&app, "support").await;
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let receiver = Receiver {
            id: ReceiverId::new(app.now(), &mut rng),
            project_id: alert.project_id,
            name: "ops".to_owned(),
            kind,
            url: url.to_owned(),
            secret: (kind == ReceiverKind::SlackBot).then(|| slack::TOKEN.to_owned()),
            settings,
            target: String::new(),
            disabled: false,
            created_at: app.now(),
        };
        app.store.insert_receiver(&receiver).await.unwrap();
        let context = Context {
            store: app.store.clone(),
            clock: app.clock.clone(),
            rng: Arc::new(Mutex::new(ChaCha8Rng::seed_from_u64(1))),
            metrics: Arc::new(Metrics::new("test")),
            wakers: Wakers::default(),
            config: Arc::new(seamark::worker::Config::default()),
            holder: "test".into(),
        };
        let allow_private = vec!["127.0.0.1".to_owned()];
        let config = Config { allow_private, timeout_ms: 1000, ..Config::default() };
        let worker = DeliveryWorker::new(context, Notifier::new(&config).unwrap());
        Self { app, alert, receiver, worker, rng }
    }

    /// One whose messages go to `slack`.
    async fn slack(store: Store, slack: &Slack, picture: Option<bool>) -> Self {
        let settings = ReceiverSettings {
            channel: Some("C0123".to_owned()),
            picture,
            ..ReceiverSettings::default()
        };
        Self::new(store, ReceiverKind::SlackBot, &format!("{}/api", slack.url), settings).await
    }

    /// A message about `alert`, brought as far as one attempt and its picture go.
    async fn tell(&mut self, event: EventKind, alert: Option<AlertId>) -> DeliveryId {
        let now = self.app.now();
        let id = DeliveryId::new(now, &mut self.rng);
        let body = test_body(&self.receiver, now);
        let delivery = Delivery::new(id, &self.receiver, alert, event.as_str(), body, now);
        self.app.store.insert_delivery(&delivery).await.unwrap();
        self.go_on().await;
        id
    }

    /// A message about the alert.
    pub(crate) async fn tell_of(&mut self, event: EventKind) -> DeliveryId {
        self.tell(event, Some(self.alert.id)).await
    }

    /// What is due is tried, and all of it has come to its end.
    async fn go_on(&mut self) {
        self.worker.tick().await.unwrap();
        self.worker.release().await;
    }

    pub(crate) async fn attempts(&self, id: DeliveryId) -> Vec<Attempt> {
        self.app.store.attempts(id).await.unwrap()
    }

    async fn status(&self, id: DeliveryId) -> DeliveryStatus {
        let project = self.receiver.project_id;
        self.app.store.find_delivery(project, id).await.unwrap().unwrap().status
    }
}

const UPLOAD: [&str; 3] = ["files.getUploadURLExternal", "upload", "files.completeUploadExternal"];

async fn an_alert_gets_its_picture_once(store: Store) {
    let slack = Slack::start().await;
    let mut bench = Bench::slack(store, &slack, None).await;
    let begun = bench.tell_of(EventKind::Firing).await;
    let [url, bytes, complete] = UPLOAD;
    assert_eq!(slack.calls(), ["chat.postMessage", url, bytes, complete]);
    let attempts = bench.attempts(begun).await;
    assert_eq!((attempts.len(), &attempts[0].error), (1, &None));
    let uploaded = slack.uploaded();
    assert!(uploaded.bytes.starts_with(PNG));
    assert!(uploaded.alt.contains("MMD² on window short of query, 5 evaluations"));
    assert_eq!(uploaded.title, "Timeline: MMD² on window short");
    let path = format!("/v1/alerts/{}/timeline.png", bench.alert.id);
    assert_eq!(bench.app.get(&path).await.body, uploaded.bytes, "the same as over the API");

    bench.tell_of(EventKind::Reminder).await;
    bench.tell_of(EventKind::Resolved).await;
    let (project, now) = (bench.receiver.project_id, bench.app.now());
    assert!(bench.app.store.replay_delivery(project, begun, now).await.unwrap());
    bench.go_on().await;
    let again = ["chat.postMessage", "chat.update", "chat.postMessage"];
    assert_eq!(slack.calls()[4..], again, "messages, and no further picture");
    assert_eq!(slack.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn an_alert_gets_its_picture_once_on_sqlite() {
    let store = crate::store::setup::sqlite().await;
    an_alert_gets_its_picture_once(store.clone()).await;
}

#[tokio::test]
async fn an_alert_gets_its_picture_once_on_postgres() {
    let store = crate::store::setup::postgres().await;
    an_alert_gets_its_picture_once(store.clone()).await;
}

/// An answer to a step of the upload: the step, status, body, and what is noted of it.
type Refusal = (&'static str, &'static str, &'static str, &'static str);

const REFUSALS: [Refusal; 10] = [
    (UPLOAD[0], "429 Too Many Requests", r#"{"ok":false,"error":"ratelimited"}"#, "429"),
    (UPLOAD[0], "200 OK", r#"{"ok":false,"error":"missing_scope"}"#, "files:write"),
    (UPLOAD[0], "200 OK", r#"{"ok":true}"#, "no upload_url"),
    (UPLOAD[0], "200 OK", "<html>", "<html>"),
    (
        UPLOAD[0],
        "200 OK",
        r#"{"ok":true,"file_id":"F1","upload_url":"https://10.0.0.1/u"}"#,
        "not a public address",
    ),
    (
        UPLOAD[0],
        "200 OK",
        r#"{"ok":true,"file_id":"F1","upload_url":"http://files.example/u"}"#,
        "the upload",
    ),
    (UPLOAD[1], "429 Too Many Requests", "slow down", "slow down"),
    (UPLOAD[1], "302 Found", "elsewhere", "302"),
    (UPLOAD[2], "429 Too Many Requests", r#"{"ok":false,"error":"ratelimited"}"#, "ratelimited"),
    (UPLOAD[2], "200 OK", r#"{"ok":false,"error":"file_not_found"}"#, "file_not_found"),
];

async fn a_picture_that_fails_repeats_nothing(store: Store, refusal: Refusal) {
    let (step, status, body, noted) = refusal;
    let slack = Slack::answering(step, status, body).await;
    let mut bench = Bench::slack(store, &slack, None).await;
    let begun = bench.tell_of(EventKind::Firing).await;
    assert_eq!(bench.status(begun).await, DeliveryStatus::Delivered, "{step} {body}");
    let before = slack.calls();
    assert_eq!(before.iter().filter(|call| *call == "chat.postMessage").count(), 1);
    bench.app.clock.set(bench.app.now().plus(Duration::from_hours(48)));
    bench.go_on().await;
    assert_eq!(slack.calls(), before, "{step} {body}: nothing is tried again");
    let attempts = bench.attempts(begun).await;
    assert_eq!((attempts.len(), attempts[0].status_code), (1, Some(200)));
    let error = attempts[0].error.as_deref().unwrap();
    assert!(error.starts_with("the message arrived, its picture did not: "), "{error}");
    assert!(error.contains(noted) && error.len() < 500, "{step} {body}: {error}");
    assert!(!error.contains(slack::TOKEN) && !error.contains("/upload/"), "{error}");
    let project = bench.receiver.project_id;
    let receiver = bench.app.store.find_receiver(project, bench.receiver.id).await.unwrap();
    assert!(!receiver.unwrap().disabled);
}

#[tokio::test]
async fn a_picture_that_fails_repeats_nothing_on_sqlite() {
    for refusal in REFUSALS {
        let store = crate::store::setup::sqlite().await;
        a_picture_that_fails_repeats_nothing(store.clone(), refusal).await;
    }
}

#[tokio::test]
async fn a_picture_that_fails_repeats_nothing_on_postgres() {
    for refusal in [REFUSALS[0], REFUSALS[6], REFUSALS[9]] {
        let store = crate::store::setup::postgres().await;
        a_picture_that_fails_repeats_nothing(store.clone(), refusal).await;
    }
}

#[tokio::test]
async fn an_upload_that_hangs_is_not_waited_for() {
    for step in UPLOAD {
        let slack = Slack::answering(step, slack::HANGS, "").await;
        let store = crate::store::setup::memory().await;
        let mut bench = Bench::slack(store.clone(), &slack, None).await;
        let begun = bench.tell_of(EventKind::Firing).await;
        assert_eq!(bench.status(begun).await, DeliveryStatus::Delivered);
        let error = bench.attempts(begun).await[0].error.clone().unwrap();
        assert!(error.contains("in time"), "{step}: {error}");
    }
}

#[tokio::test]
async fn where_none_is_wanted_or_none_can_be_drawn_none_is_sent() {
    let store = crate::store::setup::memory().await;
    let slack = Slack::start().await;
    let mut bench = Bench::slack(store.clone(), &slack, Some(false)).await;
    let begun = bench.tell_of(EventKind::Firing).await;
    assert_eq!(bench.attempts(begun).await[0].error, None);
    assert_eq!(slack.calls(), ["chat.postMessage"]);

    let store = crate::store::setup::memory().await;
    let slack = Slack::start().await;
    let mut bench = Bench::slack(store.clone(), &slack, None).await;
    let gone = AlertId::new(bench.app.clock.now(), &mut bench.rng);
    bench.tell(EventKind::Firing, Some(gone)).await;
    bench.tell(EventKind::Test, None).await;
    assert_eq!(slack.calls(), ["chat.postMessage", "chat.postMessage"]);
    assert_eq!(slack.faults(), Vec::<String>::new());
}

/// A message that does not arrive brings no picture; the one that does brings it.
#[tokio::test]
async fn the_picture_waits_for_its_message() {
    let store = crate::store::setup::memory().await;
    let slack = Slack::answering("chat.postMessage", "503 Busy", "").await;
    let mut bench = Bench::slack(store.clone(), &slack, None).await;
    let begun = bench.tell_of(EventKind::Firing).await;
    assert_eq!(slack.calls(), ["chat.postMessage"]);
    slack.recover();
    bench.app.clock.set(bench.app.now().plus(Duration::from_hours(1)));
    bench.go_on().await;
    assert_eq!(slack.calls()[1..], ["chat.postMessage", UPLOAD[0], UPLOAD[1], UPLOAD[2]]);
    assert_eq!(bench.attempts(begun).await.len(), 2);
}

#[tokio::test]
async fn only_kinds_that_can_carry_a_picture_may_be_asked_to() {
    let app = TestApp::new().await;
    let hook = |picture: bool| {
        let settings = json!({"picture": picture});
        json!({"name": "hook", "kind": "discord", "url": "https://a.example/hook", "settings": settings})
    };
    let refused = app.post("/v1/receivers", hook(true)).await;
    assert_eq!(refused.json()["errors"][0]["pointer"], "/settings/picture");
    assert_eq!(app.post("/v1/receivers", hook(false)).await.status, 201);
    let bot = json!({"name": "bot", "kind": "slack_bot", "secret": "xoxb-1",
        "settings": {"channel": "C0123", "picture": true}});
    let made = app.post("/v1/receivers", bot).await;
    assert_eq!(made.json()["settings"]["picture"], true, "{made:?}");
}

async fn the_picture_is_served(store: Store) {
    let app = TestApp::over(store, ApiConfig::default(), SamplingConfig::default()).await;
    let (monitor, _, alert) = evaluated(&app, "support").await;
    let path = format!("/v1/alerts/{}/timeline.png", alert.id);
    let answer = app.get(&path).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "image/png"));
    assert!(answer.body.starts_with(PNG) && answer.body.len() < 16 * 1024);
    assert_eq!(app.get(&path).await.body, answer.body);
    let (_, theirs) = app.stranger().await;
    assert_eq!(app.call_as(&theirs, Method::GET, &path, None).await.problem(), "not_found");
    let unknown = AlertId::new(app.now(), &mut ChaCha8Rng::seed_from_u64(9));
    let unknown = app.get(&format!("/v1/alerts/{unknown}/timeline.png")).await;
    assert_eq!(unknown.problem(), "not_found");
    app.call(Method::DELETE, &format!("/v1/monitors/{monitor}"), None).await;
    assert_eq!(app.get(&path).await.problem(), "not_found");
}

#[tokio::test]
async fn the_picture_is_served_on_sqlite() {
    let store = crate::store::setup::sqlite().await;
    the_picture_is_served(store.clone()).await;
}

#[tokio::test]
async fn the_picture_is_served_on_postgres() {
    let store = crate::store::setup::postgres().await;
    the_picture_is_served(store.clone()).await;
}
