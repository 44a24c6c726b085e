//! Mail against a strict server: what it is told, what it gets, and how its answers are read.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod double;
mod mime;

use std::time::Duration;

use double::{Double, Received};
use mime::Entity;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::alert::EventKind;
use seamark::clock::Timestamp;
use seamark::id::{AlertId, DeliveryId, ProjectId, ReceiverId};
use seamark::model::delivery::{Delivery, DeliveryStatus};
use seamark::model::receiver::{Receiver, ReceiverKind, ReceiverSettings};
use seamark::notify::{AttemptOutcome, Config, Next, Notifier, test_body};
use serde_json::json;
use tokio::net::TcpListener;

use crate::pictures::Bench;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const GIVEN_UP: Next = Next::Exhausted { disable_receiver: false };

fn receiver(url: &str, secret: Option<&str>) -> Receiver {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let to = ["ann@shop.example", "bob@shop.example"].map(str::to_owned).to_vec();
    Receiver {
        id: ReceiverId::new(NOW, rng),
        project_id: ProjectId::new(NOW, rng),
        name: "ops".to_owned(),
        kind: ReceiverKind::Email,
        url: url.to_owned(),
        secret: secret.map(str::to_owned),
        settings: ReceiverSettings {
            from: Some("alerts@shop.example".to_owned()),
            to,
            ..Default::default()
        },
        target: String::new(),
        disabled: false,
        created_at: NOW,
    }
}

fn delivery(receiver: &Receiver, body: String) -> Delivery {
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    Delivery {
        id: DeliveryId::new(NOW, rng),
        project_id: receiver.project_id,
        receiver_id: receiver.id,
        alert_id: Some(AlertId::new(NOW, rng)),
        event_type: "drift.alert.firing".to_owned(),
        body,
        status: DeliveryStatus::Pending,
        attempts: 0,
        created_at: NOW,
        next_attempt_at: NOW,
        delivered_at: None,
    }
}

async fn attempt(receiver: &Receiver, body: String) -> AttemptOutcome {
    let config = Config {
        allow_private: vec!["127.0.0.1".to_owned()],
        timeout_ms: 1000,
        ..Config::default()
    };
    let notifier = Notifier::new(&config).unwrap();
    let later = NOW.plus(Duration::from_hours(5));
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    notifier.deliver(&delivery(receiver, body), receiver, None, None, later, &mut rng).await
}

/// A test message to a server that gives `answers` instead of its own.
async fn exchange(answers: &[(&'static str, &'static str)]) -> (AttemptOutcome, Received) {
    let (address, task) = Double::answering(answers).start().await;
    let receiver = receiver(&format!("smtp://{address}"), None);
    let outcome = attempt(&receiver, test_body(&receiver, NOW)).await;
    (outcome, task.await.unwrap())
}

fn assert_retry(outcome: &AttemptOutcome, error: &str) {
    assert!(matches!(outcome.next, Next::RetryAt(_)), "{outcome:?}");
    let said = outcome.attempt.error.as_deref().unwrap_or_default();
    assert!(said.contains(error), "{said}");
}

#[tokio::test]
async fn a_mail_arrives_in_two_forms() {
    let (outcome, received) = exchange(&[]).await;
    assert_eq!(outcome.next, Next::Delivered, "{outcome:?}");
    assert_eq!((outcome.attempt.status_code, outcome.attempt.error), (Some(250), None));
    assert_eq!(received.from.as_deref(), Some("alerts@shop.example"));
    assert_eq!(received.to, ["ann@shop.example", "bob@shop.example"]);
    assert!(received.quit, "it takes leave");
    let mail = Entity::parse(&received.messages[0]);
    assert_eq!(mail.header("From"), "Seamark <alerts@shop.example>");
    assert_eq!(mail.header("To"), "ann@shop.example, bob@shop.example");
    assert_eq!(mail.header("Subject"), "Seamark: Test message for ops");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("MIME-Version"), "1.0");
    assert_eq!(mail.header("Date"), "Tue, 14 Nov 2023 22:13:20 +0000", "when it was written");
    let sent = delivery(&receiver("", None), String::new());
    assert_eq!(mail.header("Message-ID"), format!("<{}@shop.example>", sent.id));
    let thread = format!("<{}@shop.example>", sent.alert_id.unwrap());
    assert_eq!((mail.header("References"), mail.header("In-Reply-To")), (&*thread, &*thread));
    let parts = mail.parts("multipart/alternative");
    assert_eq!(parts.len(), 2);
    for (part, kind) in parts.iter().zip(["text/plain", "text/html"]) {
        assert!(part.header("Content-Type").starts_with(kind), "the best form is the last");
        assert!(part.text().contains("Test message from Seamark for receiver ops."));
    }
}

/// As the worker sends it: drawn when it is sent, within the second form, with words in its place.
#[tokio::test]
async fn a_picture_of_the_timeline_comes_along() {
    for (wish, wanted) in [(None, true), (Some(true), true), (Some(false), false)] {
        let (address, task) = Double::answering(&[]).start().await;
        let settings = ReceiverSettings { picture: wish, ..receiver("", None).settings };
        let (store, url) = (crate::store::setup::memory().await, format!("smtp://{address}"));
        let mut bench = Bench::new(store.clone(), ReceiverKind::Email, &url, settings).await;
        let told = bench.tell_of(EventKind::Firing).await;
        assert_eq!(bench.attempts(told).await[0].error, None);
        let mail = Entity::parse(&task.await.unwrap().messages[0]);
        let forms = mail.parts("multipart/alternative");
        assert!(forms[0].text().contains("Test message from Seamark"));
        if !wanted {
            assert!(!forms[1].text().contains("<img"), "{wish:?}");
            continue;
        }
        let parts = forms[1].parts("multipart/related");
        let [html, image] = parts.as_slice() else { panic!("{parts:?}") };
        assert_eq!(image.header("Content-Type"), "image/png");
        assert!(image.header("Content-Disposition").starts_with("inline"));
        let content = format!("timeline-{told}@shop.example");
        assert_eq!(image.header("Content-ID"), format!("<{content}>"));
        let html = html.text();
        assert!(html.contains(&format!("<img src=\"cid:{content}\"")), "{html}");
        assert!(html.contains("alt=\"Timeline: MMD² on window short of query, 5 evaluations"));
        let path = format!("/v1/alerts/{}/timeline.png", bench.alert.id);
        assert_eq!(image.bytes(), bench.app.get(&path).await.body);
    }
}

#[tokio::test]
async fn the_text_comes_as_it_was_stored() {
    let (address, task) = Double::answering(&[]).start().await;
    let receiver = receiver(&format!("smtp://{address}"), None);
    let text = ".\n..dots\nprix en € “cité” 👩\u{200D}🚀\n.\nFrom here\n";
    let html = format!("<p>{}</p>\n", "é".repeat(3000));
    let subject = "Firing: Query drift in soutien\r\nBcc: evil@example.com 漂移";
    let body = json!({ "subject": subject, "text": text, "html": html }).to_string();
    assert_eq!(attempt(&receiver, body).await.next, Next::Delivered);
    let received = task.await.unwrap();
    assert_eq!(received.to.len(), 2, "nobody was added");
    let mail = Entity::parse(&received.messages[0]);
    assert!(mail.headers.iter().all(|(name, _)| name != "Bcc"));
    let parts = mail.parts("multipart/alternative");
    let unix = |part: &Entity| part.text().replace("\r\n", "\n");
    assert_eq!(unix(&parts[0]).trim_end_matches('\n'), text.trim_end_matches('\n'));
    assert_eq!(unix(&parts[1]).trim_end_matches('\n'), html.trim_end_matches('\n'));
}

#[tokio::test]
async fn who_logs_in_says_so_once() {
    for (offers, wanted) in [("PLAIN LOGIN", "PLAIN"), ("LOGIN XOAUTH2", "LOGIN")] {
        let (address, task) = Double::offering(&format!("AUTH {offers}")).start().await;
        let receiver = receiver(&format!("smtp://al%40shop.example@{address}"), Some("pässwörd"));
        let outcome = attempt(&receiver, test_body(&receiver, NOW)).await;
        assert_eq!(outcome.next, Next::Delivered, "{outcome:?}");
        let login = task.await.unwrap().login.unwrap();
        assert_eq!(login, (wanted.to_owned(), "al@shop.example".to_owned(), "pässwörd".to_owned()));
    }
    let (address, task) = Double::offering("AUTH GSSAPI").start().await;
    let receiver = receiver(&format!("smtp://u@{address}"), Some("p"));
    assert_retry(&attempt(&receiver, test_body(&receiver, NOW)).await, "neither AUTH PLAIN");
    assert!(task.await.unwrap().messages.is_empty());
}

#[tokio::test]
async fn a_wrong_password_waits_for_the_right_one() {
    let double =
        Double { offers: vec!["AUTH PLAIN".to_owned()], answers: vec![("AUTH", "535 5.7.8 no")] };
    let (address, _task) = double.start().await;
    let receiver = receiver(&format!("smtp://u@{address}"), Some("wrong-one"));
    let outcome = attempt(&receiver, test_body(&receiver, NOW)).await;
    assert_retry(&outcome, "535 \"5.7.8 no\"");
    assert_eq!(outcome.attempt.status_code, Some(535));
    assert!(!format!("{outcome:?}").contains("wrong-one"));
}

#[tokio::test]
async fn a_moment_is_told_from_a_refusal() {
    for (answers, code) in [
        (&[("greeting", "421 too many connections")][..], 421),
        (&[("EHLO", "502 not today")][..], 502),
        (&[("MAIL", "451 local error")][..], 451),
        (&[("RCPT", "450 greylisted")][..], 450),
        (&[("RCPT TO:<bob", "421 closing")][..], 421),
        (&[("RCPT TO:<ann", "550 no such user"), ("RCPT TO:<bob", "452 full")][..], 452),
        (&[("DATA", "452 no space")][..], 452),
        (&[(".", "451 scanner is away")][..], 451),
    ] {
        let (outcome, received) = exchange(answers).await;
        assert_retry(&outcome, &code.to_string());
        assert_eq!(outcome.attempt.status_code, Some(code), "{answers:?}");
        assert!(received.messages.is_empty(), "{answers:?}");
    }
    for (answers, code) in [
        (&[("MAIL", "553 not your address")][..], 553),
        (&[("RCPT", "550 5.1.1 no such user")][..], 550),
        (&[("DATA", "554 no valid recipients")][..], 554),
        (&[(".", "554 looks like spam")][..], 554),
    ] {
        let (outcome, _) = exchange(answers).await;
        assert_eq!(outcome.next, GIVEN_UP, "{answers:?}");
        assert_eq!(outcome.attempt.status_code, Some(code));
        assert!(outcome.attempt.error.unwrap().contains(&code.to_string()));
    }
}

#[tokio::test]
async fn whom_the_server_refuses_is_noted_and_the_others_get_it() {
    for answer in ["550 5.1.1 no such user", "452 mailbox full"] {
        let (outcome, received) = exchange(&[("RCPT TO:<ann", answer)]).await;
        assert_eq!(outcome.next, Next::Delivered, "{outcome:?}");
        assert_eq!((received.to.len(), received.messages.len()), (1, 1));
        let noted = format!("not accepted for ann@shop.example: {answer}");
        assert_eq!(outcome.attempt.error.as_deref(), Some(&*noted));
        assert_eq!(outcome.attempt.status_code, Some(250));
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_not_waited_for() {
    for stage in ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        let (outcome, received) = exchange(&[(stage, double::HANG)]).await;
        assert_retry(&outcome, "no answer in time");
        assert_eq!(outcome.attempt.status_code, None, "{stage}");
        assert!((1000..5000).contains(&outcome.attempt.duration_ms), "{stage}: {outcome:?}");
        assert!(received.messages.is_empty());
    }
}

#[tokio::test]
async fn a_connection_that_ends_early_is_tried_again() {
    for stage in ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        let (outcome, _) = exchange(&[(stage, double::CLOSE)]).await;
        assert_retry(&outcome, "the exchange failed");
        assert_eq!(outcome.attempt.status_code, None, "{stage}");
    }
}

#[tokio::test]
async fn how_a_server_takes_leave_undoes_nothing() {
    for answer in [double::HANG, double::CLOSE, "500 what", "never mind"] {
        let (outcome, received) = exchange(&[("QUIT", answer)]).await;
        assert_eq!(outcome.next, Next::Delivered, "{answer}: {outcome:?}");
        assert_eq!(received.messages.len(), 1);
    }
}

#[tokio::test]
async fn private_mail_servers_are_refused_by_default() {
    let canary = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = canary.local_addr().unwrap().port();
    let notifier = Notifier::new(&Config::default()).unwrap();
    for host in ["127.0.0.1", "2130706433", "localhost", "[::ffff:127.0.0.1]"] {
        for scheme in ["smtp", "smtps"] {
            let receiver = receiver(&format!("{scheme}://{host}:{port}"), None);
            let delivery = delivery(&receiver, test_body(&receiver, NOW));
            let mut rng = ChaCha8Rng::seed_from_u64(4);
            let outcome = notifier.deliver(&delivery, &receiver, None, None, NOW, &mut rng).await;
            assert_retry(&outcome, "not a public address");
        }
    }
    let nobody = tokio::time::timeout(Duration::from_millis(1), canary.accept()).await;
    assert!(nobody.is_err(), "a private address was contacted");
}

#[tokio::test]
async fn what_does_not_speak_tls_gets_no_mail_that_needs_it() {
    let (address, task) = Double::answering(&[]).start().await;
    let receiver = receiver(&format!("smtps://{address}"), None);
    assert_retry(&attempt(&receiver, test_body(&receiver, NOW)).await, "TLS");
    task.abort();
}
