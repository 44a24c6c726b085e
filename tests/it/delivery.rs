//! The delivery worker among receivers that behave, and those that do not: each has its own schedule
//! and its own rate, and none holds up another.

mod peer;
mod workbench;

use std::time::Duration;

use chrono::{DateTime, Utc};
use peer::{Manner, Peer};
use seamark::clock::{Clock, Timestamp};
use seamark::id::{DeliveryId, ReceiverId};
use seamark::model::delivery::DeliveryStatus;
use seamark::notify::{Config, Rate, Rates};
use workbench::{START, Workbench};

use crate::pipeline::receiver::Receiver;
use crate::pipeline::site::until;

const HOUR: u64 = 3600;

/// Seconds before attempts 2 to 10, as docs/RECEIVERS.md says.
const SCHEDULE: [u64; 9] =
    [5, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// What is known of a failing receiver.
struct Case {
    name: &'static str,
    receiver: ReceiverId,
    delivery: DeliveryId,
    /// Part of what its attempts say.
    error: &'static str,
    status: Option<i64>,
    /// It asks to wait so long, or until then.
    asked: Option<Asked>,
}

enum Asked {
    For(u64),
    Until(Timestamp),
}

impl Case {
    /// At least so many seconds are to pass after an attempt at `at`.
    fn asked_seconds(&self, at: Timestamp) -> u64 {
        match self.asked {
            None => 0,
            Some(Asked::For(seconds)) => seconds,
            Some(Asked::Until(then)) => then.since(at).as_secs(),
        }
    }
}

async fn case(
    bench: &mut Workbench,
    name: &'static str,
    url: &str,
    status: Option<i64>,
    error: &'static str,
) -> Case {
    let receiver = bench.receiver(name, url).await;
    let delivery = bench.send(receiver).await;
    Case { name, receiver, delivery, error, status, asked: None }
}

/// One receiver for each way to fail.
async fn cases(bench: &mut Workbench, canary: &Peer) -> Vec<Case> {
    let then = START.plus(Duration::from_secs(3 * HOUR));
    let date = DateTime::<Utc>::from_timestamp_micros(then.as_micros()).unwrap();
    let date = format!("retry-after: {}\r\n", date.format("%a, %d %b %Y %H:%M:%S GMT"));
    let location = format!("location: {}\r\n", canary.url);
    let absent = Peer::absent().await;
    let hanging = Peer::start(Manner::Hangs).await.url;
    let seconds = Peer::answering("429 Too Many Requests", "retry-after: 3600\r\n").await.url;
    let dated = Peer::answering("429 Too Many Requests", &date).await.url;
    let broken = Peer::answering("500 Internal Server Error", "").await.url;
    let moved = Peer::answering("307 Temporary Redirect", &location).await.url;
    let half = Peer::start(Manner::Says("HTTP/1.1 200 OK\r\ncontent-len".to_owned())).await.url;
    let endless = "HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n";
    let endless = Peer::start(Manner::NeverEnds(endless)).await.url;
    vec![
        case(bench, "absent", &absent, None, "no connection").await,
        case(bench, "hanging", &hanging, None, "no answer in time").await,
        Case {
            asked: Some(Asked::For(HOUR)),
            ..case(bench, "throttled for an hour", &seconds, Some(429), "429").await
        },
        Case {
            asked: Some(Asked::Until(then)),
            ..case(bench, "throttled until a date", &dated, Some(429), "429").await
        },
        case(bench, "broken", &broken, Some(500), "500").await,
        case(bench, "moved", &moved, Some(307), "307").await,
        case(bench, "closing in its answer", &half, None, "the exchange failed").await,
        case(bench, "endless", &endless, Some(503), "503 \"xxx").await,
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_failure_keeps_the_documented_schedule() {
    // Nobody but the one that hangs comes near to it.
    let mut bench = Workbench::new(Config { timeout_ms: 700, ..Config::default() }).await;
    let canary = Peer::answering("200 OK", "").await;
    let cases = cases(&mut bench, &canary).await;
    let good = Peer::answering("204 No Content", "").await;
    let receiver = bench.receiver("good", &good.url).await;
    let message = bench.send(receiver).await;
    for (round, seconds) in SCHEDULE.into_iter().enumerate() {
        attempted(&mut bench, &cases, round as i64 + 1).await;
        let mut next = bench.clock.now();
        for case in &cases {
            let delivery = bench.find(case.receiver, case.delivery).await;
            assert_eq!(delivery.status, DeliveryStatus::Pending, "{}", case.name);
            let at = bench.attempts(case.delivery).await.last().unwrap().at;
            let wait = delivery.next_attempt_at.since(at).as_secs_f64();
            let asked = case.asked_seconds(at);
            let (least, most) = (seconds * 4 / 5, (seconds * 6 / 5).max(asked) + 5);
            assert!(
                (least.max(asked) as f64..=most as f64).contains(&wait),
                "{}: {wait} s after attempt {}, {least} to {most} wanted",
                case.name,
                round + 1
            );
            next = next.max(delivery.next_attempt_at);
        }
        bench.clock.set(next);
    }
    attempted(&mut bench, &cases, 10).await;
    for case in &cases {
        let delivery = bench.find(case.receiver, case.delivery).await;
        assert_eq!(delivery.status, DeliveryStatus::Exhausted, "{}", case.name);
        assert!(bench.is_disabled(case.receiver).await, "{}", case.name);
        for attempt in bench.attempts(case.delivery).await {
            let error = attempt.error.unwrap();
            assert!(error.contains(case.error) && error.len() < 400, "{}: {error}", case.name);
            assert_eq!(attempt.status_code, case.status, "{}", case.name);
        }
    }
    assert_eq!(canary.requests(), 0, "a redirect was followed");
    let told = bench.find(receiver, message).await;
    assert_eq!((told.status, told.attempts), (DeliveryStatus::Delivered, 1));
    assert_eq!(good.requests(), 1);
}

/// Ticks until each case has had `count` attempts.
async fn attempted(bench: &mut Workbench, cases: &[Case], count: i64) {
    until("everything was attempted", async || {
        bench.tick().await;
        for case in cases {
            if bench.find(case.receiver, case.delivery).await.attempts < count {
                return None;
            }
        }
        Some(())
    })
    .await;
}

/// More of them than there are places, each until a deadline that is far away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_that_hang_hold_up_nobody_else() {
    let mut bench = Workbench::new(Config { timeout_ms: 600_000, ..Config::default() }).await;
    let hanging = Peer::start(Manner::Hangs).await;
    let mut held = Vec::new();
    for n in 0..6 {
        let receiver = bench.receiver(&format!("hanging {n}"), &hanging.url).await;
        for _ in 0..6 {
            held.push((receiver, bench.send(receiver).await));
        }
    }
    until("all places are taken", async || {
        bench.tick().await;
        (hanging.requests() >= 16).then_some(())
    })
    .await;
    let good = Peer::answering("204 No Content", "").await;
    let receiver = bench.receiver("good", &good.url).await;
    let mut messages = Vec::new();
    for _ in 0..3 {
        messages.push(bench.send(receiver).await);
    }
    until("the good one has all its messages", async || {
        bench.tick().await;
        for message in &messages {
            let status = bench.find(receiver, *message).await.status;
            if status != DeliveryStatus::Delivered {
                return None;
            }
        }
        Some(())
    })
    .await;
    for (receiver, delivery) in held {
        assert_eq!(bench.find(receiver, delivery).await.attempts, 0, "it hangs still");
    }
    assert!(hanging.requests() <= 16 + 6, "places are places: {}", hanging.requests());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_beyond_the_rate_waits_and_loses_no_attempt() {
    let other = Rate { messages_per_minute: 60, burst: 2 };
    let slow = Rates { other, ..Rates::default() };
    let mut bench = Workbench::new(Config { rates: slow, ..Config::default() }).await;
    let limited = Receiver::start().await;
    let to = bench.receiver("limited", &limited.url()).await;
    let mut messages = Vec::new();
    for _ in 0..6 {
        messages.push(bench.send(to).await);
    }
    delivered(&mut bench, to, &messages, 2).await;
    assert!(!bench.tick().await && !bench.tick().await, "the burst is used up");

    // Another one has its own.
    let beside = Receiver::start().await;
    let other = bench.receiver("beside", &beside.url()).await;
    let message = bench.send(other).await;
    delivered(&mut bench, other, &[message], 1).await;

    bench.clock.advance(Duration::from_millis(999));
    assert!(!bench.tick().await, "not yet");
    bench.clock.advance(Duration::from_millis(1));
    delivered(&mut bench, to, &messages, 3).await;
    assert!(!bench.tick().await, "one a second");
    bench.clock.set(START);
    assert!(!bench.tick().await, "a clock set back gives nothing");
    bench.clock.advance(Duration::from_secs(1));
    delivered(&mut bench, to, &messages, 4).await;
    bench.clock.advance(Duration::from_mins(10));
    delivered(&mut bench, to, &messages, 6).await;
    assert_eq!(limited.messages(6).await.len(), 6);
    for message in messages {
        assert_eq!(bench.find(to, message).await.attempts, 1, "no attempt was used up by waiting");
    }
}

/// Ticks until `count` of `messages` are delivered; the others are as they were.
async fn delivered(bench: &mut Workbench, to: ReceiverId, messages: &[DeliveryId], count: usize) {
    until("what the rate allows is delivered", async || {
        bench.tick().await;
        let mut done = 0;
        for message in messages {
            let delivery = bench.find(to, *message).await;
            done += usize::from(delivery.status == DeliveryStatus::Delivered);
        }
        assert!(done <= count, "{done} are delivered, {count} may be");
        (done == count).then_some(())
    })
    .await;
    for message in messages {
        let delivery = bench.find(to, *message).await;
        let is_done = delivery.status == DeliveryStatus::Delivered;
        assert_eq!(delivery.attempts, i64::from(is_done));
    }
}
