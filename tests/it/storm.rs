//! Thousands of messages through the real binary, which is killed in the midst of them, or stands
//! beside another one: nothing is lost, and how much comes twice is bounded and counted.

mod outbox;
mod sink;

use outbox::Outbox;
use seamark::model::delivery::DeliveryStatus;
use sink::Sink;
use sqlx::Connection as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::crash::process::Process;
use crate::pipeline::site::until;

const RECEIVERS: usize = 4;
const KILLS: usize = 3;

/// Messages on the wire, or told and not on record, when a daemon dies: four at each receiver.
const IN_FLIGHT: usize = 4 * RECEIVERS;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigkill_in_a_storm_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/seamark.db", folder.path().display());
    let twice = survives(&database, 10_000).await;
    println!("SQLite: {twice} of 10000 came twice after {KILLS} kills");
}

/// A dead daemon's claims are waited for: other daemons may live there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigkill_in_a_storm_on_postgres() {
    let twice = survives(&crate::pg::database().await, 10_000).await;
    println!("PostgreSQL: {twice} of 10000 came twice after {KILLS} kills");
}

/// Kills daemon after daemon while `messages` go out; how many came a second time.
async fn survives(database: &str, messages: usize) -> usize {
    let sink = Sink::start().await;
    let mut outbox = Outbox::open(database).await;
    outbox.fill(&sink.url, RECEIVERS, messages).await;
    for kill in 1..=KILLS {
        let mut process = Process::start(database, "").await.unwrap();
        sink.wait_for(messages * kill / (KILLS + 1)).await;
        process.kill();
        let came = sink.came();
        let delivered = outbox.listed(DeliveryStatus::Delivered, messages).await;
        let lost: Vec<_> =
            delivered.iter().filter(|d| !came.contains_key(&d.id.to_string())).collect();
        assert!(lost.is_empty(), "marked delivered, but never received: {lost:#?}");
    }
    let process = Process::start(database, "").await.unwrap();
    finish(&sink, &outbox, messages).await;
    assert_eq!(process.terminate(), Some(0));
    let twice = assert_all_came(&sink, &outbox, messages).await;
    assert!(twice <= KILLS * IN_FLIGHT, "{twice} came twice, {IN_FLIGHT} a kill at most");
    twice
}

async fn finish(sink: &Sink, outbox: &Outbox, messages: usize) {
    sink.wait_for(messages).await;
    until("the outbox is empty", async || {
        outbox.listed(DeliveryStatus::Pending, 1).await.is_empty().then_some(())
    })
    .await;
}

/// Everything that was put in came, under its own id, with its own body; how much came again.
async fn assert_all_came(sink: &Sink, outbox: &Outbox, messages: usize) -> usize {
    let came = sink.came();
    assert_eq!(outbox.listed(DeliveryStatus::Delivered, messages).await.len(), messages);
    assert!(came.keys().eq(outbox.bodies.keys()), "the ids are those of the outbox");
    assert!(came.values().all(|one| one.is_steady), "a repetition has the same body");
    assert!(came.values().map(|one| &one.body).eq(outbox.bodies.values()));
    came.values().map(|one| one.times - 1).sum()
}

/// No lease expires: it is a minute, and the storm is over before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_deliver_each_message_once() {
    const MESSAGES: usize = 10_000;
    let database = crate::pg::database().await;
    let sink = Sink::start().await;
    let mut outbox = Outbox::open(&database).await;
    let one = Process::start_with(&database, "", 60).await.unwrap();
    let two = Process::start_with(&database, "", 60).await.unwrap();
    outbox.fill(&sink.url, RECEIVERS, MESSAGES).await;
    finish(&sink, &outbox, MESSAGES).await;
    assert_eq!(assert_all_came(&sink, &outbox, MESSAGES).await, 0, "came twice");
    let mut connection = sqlx::PgConnection::connect(&database).await.unwrap();
    let again: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM deliveries WHERE claim_token <> 1")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(again, 0, "claimed again");
    let shares = [delivered_by(&one).await, delivered_by(&two).await];
    assert_eq!(shares.iter().sum::<usize>(), MESSAGES);
    assert!(shares.iter().all(|share| *share > 0), "both had their share: {shares:?}");
    println!("PostgreSQL, two daemons: {shares:?}, none twice");
}

/// What a daemon says that it has delivered.
async fn delivered_by(process: &Process) -> usize {
    let mut connection = TcpStream::connect(process.address).await.unwrap();
    let request = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    let name = r#"seamark_webhook_deliveries_total{result="delivered"} "#;
    answer.lines().find_map(|line| line.strip_prefix(name)).map_or(0, |n| n.parse().unwrap())
}
