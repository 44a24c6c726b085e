//! Addresses, headers that nothing can be put into, and what a mail server's answers mean.

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::clock::Timestamp;
use crate::id::{AlertId, DeliveryId, ProjectId, ReceiverId};
use crate::model::delivery::{Delivery, DeliveryStatus};

const AT: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn delivery(alert: bool) -> Delivery {
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    Delivery {
        id: DeliveryId::new(AT, rng),
        project_id: ProjectId::new(AT, rng),
        receiver_id: ReceiverId::new(AT, rng),
        alert_id: alert.then(|| AlertId::new(AT, rng)),
        event_type: "drift.alert.firing".to_owned(),
        body: String::new(),
        status: DeliveryStatus::Pending,
        attempts: 0,
        created_at: AT,
        next_attempt_at: AT,
        delivered_at: None,
    }
}

fn render(subject: &str, text: &str, alert: bool) -> String {
    let draft = Draft { subject: subject.to_owned(), text: text.to_owned(), html: text.to_owned() };
    let (from, to) = (parse("alerts@shop.example").unwrap(), parse("a@shop.example").unwrap());
    String::from_utf8(mime::render(&draft, &delivery(alert), None, &from, &[to]).unwrap()).unwrap()
}

/// The names of the headers before the first empty line.
fn names(message: &str) -> Vec<&str> {
    let (head, _) = message.split_once("\r\n\r\n").unwrap();
    let fields = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    fields.map(|line| line.split_once(':').unwrap().0).collect()
}

fn assert_sendable(message: &str) {
    assert!(message.is_ascii());
    for line in message.split("\r\n") {
        assert!(line.len() <= 998 && !line.contains(['\r', '\n', '\0']), "{line:?}");
    }
}

#[test]
fn every_attempt_sends_the_same_bytes() {
    let message = render("Firing: Query drift in support", "hello\n", true);
    assert_eq!(message, render("Firing: Query drift in support", "hello\n", true));
    let Delivery { id, alert_id, .. } = delivery(true);
    let alert = alert_id.unwrap();
    for line in [
        "From: Seamark <alerts@shop.example>".to_owned(),
        "To: a@shop.example".to_owned(),
        "Subject: Firing: Query drift in support".to_owned(),
        "Date: Tue, 14 Nov 2023 22:13:20 +0000".to_owned(),
        format!("Message-ID: <{id}@shop.example>"),
        format!("In-Reply-To: <{alert}@shop.example>"),
        format!("References: <{alert}@shop.example>"),
        "Auto-Submitted: auto-generated".to_owned(),
        "MIME-Version: 1.0".to_owned(),
    ] {
        assert!(message.contains(&format!("{line}\r\n")), "{line} is missing in {message}");
    }
    assert!(!names(&render("x", "y", false)).contains(&"References"), "a note is no thread");
}

#[test]
fn a_subject_adds_no_header() {
    let plain = render("x", "y", true);
    for subject in [
        "a\r\nBcc: evil@example.com",
        "a\nBcc: evil@example.com",
        "a\rBcc: evil@example.com",
        "a\r\n\r\nevil",
        "a\u{2028}Bcc: evil@example.com\0",
        "=?utf-8?q?=0D=0ABcc:_evil?=",
    ] {
        let message = render(subject, "y", true);
        assert_eq!(names(&message), names(&plain), "{message}");
        assert_sendable(&message);
    }
}

#[test]
fn a_long_domain_breaks_no_line() {
    let domain = format!("{0}.{0}.{0}.example", "d".repeat(60));
    let address = parse(&format!("{}@{domain}", "l".repeat(50))).unwrap();
    let draft = Draft { subject: "x".repeat(200), text: "é".repeat(9000), html: String::new() };
    let to = vec![address.clone(); RECIPIENTS];
    let message = mime::render(&draft, &delivery(true), None, &address, &to).unwrap();
    let message = String::from_utf8(message).unwrap();
    assert_sendable(&message);
    let id = format!("<{}@{domain}>", delivery(true).id);
    assert!(message.contains(&id), "an id is never folded or encoded: {message}");
}

#[test]
fn addresses_are_plain_or_refused() {
    for good in ["a@b.example", "alerts+drift@mail.shop.example", "o'neil@shop.example"] {
        assert_eq!(parse(good).map(|address| address.to_string()), Ok(good.to_owned()));
    }
    for bad in [
        "",
        "a",
        "@b.example",
        "a@",
        "a@b@c.example",
        "a b@c.example",
        "\"a b\"@c.example",
        "\"a>\"@c.example",
        "Ann <a@b.example>",
        "a@b.example, c@d.example",
        "a@b.example\r\nRCPT TO:<c@d.example>",
        "a\u{0}@b.example",
        "é@b.example",
        "a@bücher.example",
    ] {
        assert!(parse(bad).is_err(), "{bad:?}");
    }
    assert!(parse(&format!("a@{}", "b.".repeat(130))).is_err());
}

#[test]
fn user_and_password_come_together() {
    let (with, without) = ("smtps://u@mail.example.com", "smtps://mail.example.com");
    assert_eq!(login_problem(with, Some("p")), None);
    assert_eq!(login_problem(without, None), None);
    assert!(login_problem(with, None).unwrap().1.contains("password of the user"));
    assert!(login_problem(without, Some("p")).unwrap().1.contains("names no user"));
}

#[test]
fn codes_tell_a_wrong_message_from_a_wrong_moment() {
    let answer =
        |status| Email.answer(&Response { status, retry_after: None, body: String::new() });
    for status in [250, 251] {
        assert_eq!(answer(status), Answer::Delivered);
    }
    for status in [421, 450, 451, 452, 454, 500, 503, 521, 530, 534, 535, 538] {
        assert_eq!(answer(status), Answer::Later(Duration::ZERO), "{status}");
    }
    for status in [550, 551, 552, 553, 554, 555, 556] {
        assert_eq!(answer(status), Answer::Refused, "{status}");
    }
}

proptest! {
    #[test]
    fn any_text_can_be_sent(subject in "\\PC{0,80}", text in "(?s).{0,400}") {
        let message = render(&cut(&subject, 200), &text.replace('\r', " "), true);
        assert_sendable(&message);
        assert_eq!(names(&message), names(&render("x", "y", true)));
    }
}
