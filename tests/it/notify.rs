//! The notifier against receivers that behave, and against those that do not.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::future::Future;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::{ChaCha8Rng, ChaCha20Rng};
use seamark::clock::Timestamp;
use seamark::id::{DeliveryId, ProjectId, ReceiverId};
use seamark::model::delivery::{Delivery, DeliveryStatus};
use seamark::model::receiver::{Receiver, ReceiverKind, ReceiverSettings};
use seamark::notify::{AttemptOutcome, Config, Headers, Next, Notifier, Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const BODY: &str = r#"{"type":"seamark.test","timestamp":"2023-11-14T22:13:20Z","data":{}}"#;

/// A receiver for one connection: hands the whole request to `answer`.
async fn double<F, R>(answer: F) -> (String, JoinHandle<R::Output>)
where
    F: FnOnce(TcpStream, String) -> R + Send + 'static,
    R: Future<Output: Send + 'static> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        answer(stream, request).await
    });
    (url, task)
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(BODY.as_bytes()) {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the request broke off");
    }
    String::from_utf8(bytes).unwrap()
}

/// A receiver that answers with `answer` and closes; gives back the request.
async fn saying(answer: &'static str) -> (String, JoinHandle<String>) {
    double(move |mut stream, request| async move {
        stream.write_all(answer.as_bytes()).await.unwrap();
        request
    })
    .await
}

fn receiver(kind: ReceiverKind, url: &str) -> Receiver {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    Receiver {
        id: ReceiverId::new(NOW, rng),
        project_id: ProjectId::new(NOW, rng),
        name: "ops".to_owned(),
        kind,
        url: url.to_owned(),
        secret: (kind == ReceiverKind::Webhook).then(|| secret().reveal()),
        settings: ReceiverSettings::default(),
        target: String::new(),
        disabled: false,
        created_at: NOW,
    }
}

fn secret() -> Secret {
    Secret::generate(&mut ChaCha20Rng::seed_from_u64(2))
}

fn delivery(attempts: i64) -> Delivery {
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    Delivery {
        id: DeliveryId::new(NOW, rng),
        project_id: ProjectId::new(NOW, rng),
        receiver_id: ReceiverId::new(NOW, rng),
        alert_id: None,
        event_type: "seamark.test".to_owned(),
        body: BODY.to_owned(),
        status: DeliveryStatus::Pending,
        attempts,
        created_at: NOW,
        next_attempt_at: NOW,
        delivered_at: None,
    }
}

async fn attempt_with(config: &Config, kind: ReceiverKind, url: &str) -> AttemptOutcome {
    let notifier = Notifier::new(config).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    notifier.deliver(&delivery(0), &receiver(kind, url), None, None, NOW, &mut rng).await
}

/// One attempt where private addresses are allowed, with a short deadline.
async fn attempt(kind: ReceiverKind, url: &str) -> AttemptOutcome {
    let config = Config {
        allow_private: vec!["127.0.0.1".to_owned()],
        timeout_ms: 1000,
        ..Config::default()
    };
    attempt_with(&config, kind, url).await
}

/// That the attempt failed and the next one is due in `seconds`, for the reason `error`.
fn assert_retry(outcome: &AttemptOutcome, seconds: std::ops::Range<u64>, error: &str) {
    let Next::RetryAt(at) = outcome.next else { panic!("{outcome:?}") };
    let wait = at.since(NOW).as_secs();
    assert!(seconds.contains(&wait), "{wait} s in {outcome:?}");
    let said = outcome.attempt.error.as_deref().unwrap_or_default();
    assert!(said.contains(error), "{said}");
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    let prefix = format!("{name}: ");
    request.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_else(|| {
        panic!("no {name} in {request}");
    })
}

#[tokio::test]
async fn a_webhook_arrives_signed() {
    let (url, task) = saying("HTTP/1.1 204 No Content\r\n\r\n").await;
    let outcome = attempt(ReceiverKind::Webhook, &url).await;
    assert_eq!(outcome.next, Next::Delivered);
    assert_eq!((outcome.attempt.number, outcome.attempt.status_code), (1, Some(204)));
    assert_eq!(outcome.attempt.error, None);

    let request = task.await.unwrap();
    assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
    assert_eq!(header(&request, "content-type"), "application/json");
    assert_eq!(header(&request, "webhook-id"), delivery(0).id.to_string());
    let headers = Headers {
        id: header(&request, "webhook-id"),
        timestamp: header(&request, "webhook-timestamp"),
        signature: header(&request, "webhook-signature"),
    };
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(secret().verify(&headers, body, NOW, Duration::from_mins(5)), Ok(()));
}

#[tokio::test]
async fn slack_must_say_ok() {
    let (url, task) = saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    assert_eq!(attempt(ReceiverKind::Slack, &url).await.next, Next::Delivered);
    assert!(!task.await.unwrap().contains("webhook-signature"));
    let (url, _task) = saying("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nno_service").await;
    assert_retry(&attempt(ReceiverKind::Slack, &url).await, 4..7, "200 \"no_service\"");
}

#[tokio::test]
async fn a_receiver_that_is_down_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/TOPSECRET", listener.local_addr().unwrap());
    drop(listener);
    let outcome = attempt(ReceiverKind::Webhook, &url).await;
    assert_retry(&outcome, 4..7, "no connection");
    assert_eq!(outcome.attempt.status_code, None);
    let said = outcome.attempt.error.unwrap();
    assert!(!said.contains("TOPSECRET"), "the URL may be a secret: {said}");
}

#[tokio::test]
async fn a_receiver_that_never_answers_is_left_at_the_deadline() {
    let (url, task) = double(|stream, _| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let outcome = attempt(ReceiverKind::Webhook, &url).await;
    assert_retry(&outcome, 4..8, "no answer in time");
    assert!((1000..5000).contains(&outcome.attempt.duration_ms), "{outcome:?}");
    task.abort();
}

#[tokio::test]
async fn throttling_is_obeyed() {
    let (url, _task) =
        saying("HTTP/1.1 429 Too Many Requests\r\nretry-after: 1800\r\ncontent-length: 0\r\n\r\n")
            .await;
    assert_retry(&attempt(ReceiverKind::Slack, &url).await, 1800..1802, "429");
}

#[tokio::test]
async fn errors_and_redirects_are_failures() {
    let (url, _task) =
        saying("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\noops").await;
    assert_retry(&attempt(ReceiverKind::Webhook, &url).await, 4..7, "500 \"oops\"");

    let canary = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = canary.local_addr().unwrap();
    for status in [301, 302, 303, 307, 308] {
        let (url, task) = double(move |mut stream, _| async move {
            let answer = format!(
                "HTTP/1.1 {status} Moved\r\nlocation: http://{target}/\r\ncontent-length: 0\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        assert_retry(&attempt(ReceiverKind::Webhook, &url).await, 4..7, &status.to_string());
        task.await.unwrap();
    }
    let nobody = tokio::time::timeout(Duration::from_millis(1), canary.accept()).await;
    assert!(nobody.is_err(), "a redirect was followed");
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_switched_off() {
    let (url, _task) = saying("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n").await;
    let outcome = attempt(ReceiverKind::Webhook, &url).await;
    assert_eq!(outcome.next, Next::Exhausted { disable_receiver: true });
}

#[tokio::test]
async fn an_endless_body_is_cut_and_the_status_counts() {
    let (url, task) = double(|mut stream, _| async move {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        let mut sent = 0_usize;
        while stream.write_all(chunk.as_bytes()).await.is_ok() {
            sent += chunk.len();
        }
        sent
    })
    .await;
    assert_eq!(attempt(ReceiverKind::Webhook, &url).await.next, Next::Delivered);
    assert!(task.await.unwrap() > 64 * 1024, "the client hung up, not the receiver");
}

#[tokio::test]
async fn broken_answers_are_told_apart() {
    let (url, _task) = saying("").await;
    assert_retry(&attempt(ReceiverKind::Webhook, &url).await, 4..7, "the exchange failed");
    let (url, _task) = saying("SMTP ready\r\n\r\n").await;
    assert_retry(&attempt(ReceiverKind::Webhook, &url).await, 4..7, "the exchange failed");
    // Half a body after a good status: the receiver has taken the message.
    let (url, _task) = saying("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
    assert_eq!(attempt(ReceiverKind::Webhook, &url).await.next, Next::Delivered);
    let (url, _task) = saying("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
    assert_retry(&attempt(ReceiverKind::Slack, &url).await, 4..7, "200 \"half\"");
}

#[tokio::test]
async fn private_addresses_are_refused_by_default() {
    let canary = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = canary.local_addr().unwrap().port();
    for host in ["127.0.0.1", "2130706433", "localhost", "[::ffff:127.0.0.1]"] {
        let url = format!("https://{host}:{port}/");
        let outcome = attempt_with(&Config::default(), ReceiverKind::Webhook, &url).await;
        assert_retry(&outcome, 4..7, "not a public address");
        assert_eq!(outcome.attempt.status_code, None);
    }
    let url = format!("http://localhost:{port}/");
    let outcome = attempt_with(&Config::default(), ReceiverKind::Webhook, &url).await;
    assert_retry(&outcome, 4..7, "use https");
    let nobody = tokio::time::timeout(Duration::from_millis(1), canary.accept()).await;
    assert!(nobody.is_err(), "a private address was contacted");
}

#[tokio::test]
async fn an_allowed_host_name_is_called_over_http() {
    let (url, _task) = saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let url = url.replace("127.0.0.1", "localhost");
    let config = Config { allow_private: vec!["localhost".to_owned()], ..Config::default() };
    let outcome = attempt_with(&config, ReceiverKind::Webhook, &url).await;
    assert_eq!(outcome.next, Next::Delivered, "{outcome:?}");
}

#[tokio::test]
async fn a_webhook_without_a_usable_secret_is_never_sent_unsigned() {
    let notifier = Notifier::new(&Config::default()).unwrap();
    let mut unsigned = receiver(ReceiverKind::Webhook, "https://example.com/");
    unsigned.secret = None;
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let outcome = notifier.deliver(&delivery(0), &unsigned, None, None, NOW, &mut rng).await;
    assert_retry(&outcome, 4..7, "signing secret is unusable");
    let outcome = notifier.deliver(&delivery(9), &unsigned, None, None, NOW, &mut rng).await;
    assert_eq!(outcome.next, Next::Exhausted { disable_receiver: true });
}

#[test]
fn bad_settings_are_refused_at_the_start() {
    let config = Config { allow_private: vec!["10.0.0.0/99".to_owned()], ..Config::default() };
    let error = Notifier::new(&config).unwrap_err();
    assert!(error.to_string().contains("10.0.0.0/99"), "{error}");
}
