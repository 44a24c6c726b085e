//! The binary as people and scripts call it: what it prints, what it writes, how it exits.

mod apply;
mod names;
pub(crate) mod seamark;

use std::net::TcpListener;
use std::process::Command;

use seamark::Folder;
use serde_json::{Value, json};

use crate::crash::process::Process;
use crate::embed::endpoint::{Double, Server};
use crate::pipeline::scenario::{Topic, interactions, read_lines, write_lines};

const MONITORS: &str = r#"
[[monitors]]
name = "whatsapp"
streams = ["query", "response"]
segment = { channel = "whatsapp" }
windows = [{ name = "short", events = 60, stride = 20 }]
thresholds = { fixed = { mmd = 0.05, centroid = 0.1 } }
alert = { keep_firing_evaluations = 2 }
"#;

fn reference() -> Vec<Value> {
    interactions(0, &[(Topic::Airtime, 240)])
}

fn stream() -> Vec<Value> {
    interactions(240, &[(Topic::Airtime, 60), (Topic::Fibre, 60), (Topic::Airtime, 120)])
}

fn replay(folder: &Folder, reference: &str, stream: &str, out: &str) -> seamark::Ended {
    let files = ["--reference", reference, "--stream", stream, "--monitors", "monitors.toml"];
    folder.run(&[&["replay", "--out", out][..], &files].concat())
}

fn with_files() -> Folder {
    let folder = Folder::new();
    std::fs::write(folder.path("monitors.toml"), MONITORS).unwrap();
    write_lines(&folder.path("reference.jsonl"), &reference());
    write_lines(&folder.path("stream.jsonl"), &stream());
    folder
}

#[test]
fn replay_writes_reports_alerts_and_a_summary() {
    let folder = with_files();
    let table = replay(&folder, "reference.jsonl", "stream.jsonl", "out").ok();
    assert!(table.contains("whatsapp") && table.contains("query_drift × 1"), "{table}");

    let reports = read_lines(&folder.path("out/reports.jsonl"));
    assert_eq!(reports.len(), 240 / 20);
    assert_eq!(reports[0]["event_index"], json!(19));
    let alerts = read_lines(&folder.path("out/alerts.jsonl"));
    let query: Vec<&Value> = alerts.iter().filter(|line| line["kind"] == "query_drift").collect();
    let states: Vec<&Value> = query.iter().map(|line| &line["state"]).collect();
    assert_eq!(states, ["firing", "resolved"]);
    for line in &query {
        let index = line["event_index"].as_u64().unwrap() as usize;
        assert_eq!(line["at"], stream()[index]["occurred_at"]);
        assert_eq!(line["segment"], json!({"channel": "whatsapp"}));
        assert_eq!(line["alert_id"], query[0]["alert_id"]);
    }
    let first = query[0]["event_index"].as_u64().unwrap();
    assert!((60..=100).contains(&first), "the new topic begins at 60 and was seen at {first}");
    let summary = std::fs::read(folder.path("out/summary.json")).unwrap();
    let summary: Value = serde_json::from_slice(&summary).unwrap();
    assert_eq!(summary["events"], json!(240));
    assert_eq!(summary["monitors"][0]["fired"]["query_drift"], json!(1));
}

#[test]
fn the_same_seed_gives_the_same_bytes_gzip_or_not() {
    let folder = with_files();
    folder.gzip("reference.jsonl.gz", &reference());
    folder.gzip("stream.jsonl.gz", &stream());
    replay(&folder, "reference.jsonl", "stream.jsonl", "plain").ok();
    replay(&folder, "reference.jsonl.gz", "stream.jsonl.gz", "gzip").ok();
    for file in ["reports.jsonl", "alerts.jsonl"] {
        let read = |run: &str| std::fs::read(folder.path(run).join(file)).unwrap();
        assert!(read("plain") == read("gzip"), "{file} differs between two runs");
    }
}

#[test]
fn bad_lines_are_skipped_and_named() {
    let folder = with_files();
    let mut text = std::fs::read_to_string(folder.path("stream.jsonl")).unwrap();
    text.insert_str(0, "{\"id\": \"x\", \"query\": 7}\n");
    text.push_str("not json\n");
    std::fs::write(folder.path("bad.jsonl"), text).unwrap();
    let ended = replay(&folder, "reference.jsonl", "bad.jsonl", "out").exits(0);
    assert!(ended.err.contains("skipped line 1: /query"), "{}", ended.err);
    assert!(ended.err.contains("skipped line 242"), "{}", ended.err);
    let summary = std::fs::read(folder.path("out/summary.json")).unwrap();
    let summary: Value = serde_json::from_slice(&summary).unwrap();
    assert_eq!((&summary["events"], &summary["bad_lines"]), (&json!(240), &json!(2)));
}

#[test]
fn what_cannot_be_replayed_is_said_in_one_line() {
    let folder = with_files();
    std::fs::write(folder.path("empty.jsonl"), "").unwrap();
    write_lines(&folder.path("short.jsonl"), &reference()[..50]);
    let missing = replay(&folder, "nowhere.jsonl", "stream.jsonl", "out");
    missing.fails_saying(&["nowhere.jsonl", "No such file"]);
    let empty = replay(&folder, "empty.jsonl", "stream.jsonl", "out");
    empty.fails_saying(&["empty.jsonl holds no usable interaction"]);
    let short = replay(&folder, "short.jsonl", "stream.jsonl", "out");
    short.fails_saying(&["needs at least 200 events", "has 50"]);
    replay(&folder, "reference.jsonl", "nowhere.jsonl", "out").fails_saying(&["nowhere.jsonl"]);
}

#[test]
fn check_exits_by_what_it_finds() {
    let folder = Folder::new();
    write_lines(&folder.path("a.jsonl"), &reference());
    write_lines(&folder.path("same.jsonl"), &interactions(240, &[(Topic::Airtime, 200)]));
    write_lines(&folder.path("other.jsonl"), &interactions(240, &[(Topic::Fibre, 200)]));
    write_lines(&folder.path("few.jsonl"), &reference()[..5]);
    let check =
        |current: &str| folder.run(&["check", "--reference", "a.jsonl", "--current", current]);
    assert!(check("same.jsonl").exits(0).out.contains("drift: no"));
    let drifted = check("other.jsonl").exits(1);
    assert!(drifted.out.contains("DRIFT") && drifted.out.contains("drift: yes"), "{drifted:?}");
    check("few.jsonl").fails_saying(&["too few interactions", "240 and 5"]);
    check("nowhere.jsonl").fails_saying(&["nowhere.jsonl"]);
    folder.run(&["check"]).exits(2);
}

#[test]
fn settings_are_shown_and_their_problems_named_all_at_once() {
    let folder = Folder::new();
    let url = "store.url=postgres://me:hunter2@db.example/seamark";
    let shown = folder.run(&["check-config", "--set", url]).ok();
    assert!(shown.contains("db.example") && !shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("backend = \"hashing\""), "the environment counts: {shown}");
    let defaults = folder.run(&["check-config", "--defaults"]).ok();
    assert_eq!(defaults.trim_end(), include_str!("../../config/default.toml").trim_end());

    let wrong = ["check-config", "--set", "server.bnd=x", "--set", "worker.lease_seconds=1"];
    let ended = folder.run(&wrong).exits(1);
    assert!(
        ended.err.contains("server.bnd") && ended.err.contains("worker.lease_seconds"),
        "{}",
        ended.err
    );
    let open =
        ["check-config", "--set", "server.auth.mode=none", "--set", "server.bind=0.0.0.0:80"];
    folder.run(&open).fails_saying(&["server.auth.mode", "loopback"]);
    let endpoint = ["check-config", "--set", "embedding.backend=endpoint"];
    let err = folder.run(&endpoint).exits(1).err;
    assert!(err.contains("embedding.endpoint.url") && err.contains("endpoint.model"), "{err}");
}

#[test]
fn documents_and_help_are_printed() {
    let folder = Folder::new();
    let openapi: Value = serde_json::from_str(&folder.run(&["openapi"]).ok()).unwrap();
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(folder.run(&["completions", "bash"]).ok().contains("_seamark()"));
    let help = folder.run(&["--help"]).ok();
    for command in ["serve", "demo", "replay", "check", "model", "reference", "monitor", "key"] {
        assert!(help.contains(&format!("\n  {command}")), "{command} is not in {help}");
        folder.run(&[command, "--help"]).ok();
    }
    assert!(help.contains("Exit codes"), "{help}");
    folder.run(&["no-such-command"]).exits(2);
}

#[test]
fn keys_are_made_listed_and_revoked() {
    let folder = Folder::new();
    let key = folder.run(&["key", "create", "--role", "ingest", "--name", "app"]).ok();
    let listed = folder.run(&["key", "list"]).ok();
    let row = listed.lines().find(|line| line.contains("app")).unwrap();
    assert!(row.contains("ingest"), "{row}");
    assert!(!listed.contains(key.trim()), "a key is shown once");
    let id = row.split_whitespace().next().unwrap();
    assert_eq!(folder.run(&["key", "revoke", id]).ok().trim(), format!("revoked {id}"));
    folder.run(&["key", "revoke", id]).fails_saying(&["no active key", id]);
    folder.run(&["key", "revoke", "no-id"]).exits(2);
}

#[test]
fn keys_end_by_themselves_and_are_rotated() {
    let folder = Folder::new();
    let create = ["key", "create", "--role", "ingest", "--name", "app", "--expires"];
    folder.run(&[&create[..], &["2020-01-01T00:00:00Z"]].concat()).fails_saying(&["the future"]);
    folder.run(&[&create[..], &["tomorrow"]].concat()).exits(2);
    let limits = ["--requests-per-minute", "60", "--bytes-per-minute", "1000000"];
    let old = folder.run(&[&create[..], &["2100-01-01T00:00:00Z"], &limits].concat()).ok();
    let row = |listed: &str, n: usize| -> Vec<String> {
        let row = listed.lines().filter(|line| line.contains("app")).nth(n).unwrap();
        row.split_whitespace().map(str::to_owned).collect()
    };
    let before = row(&folder.run(&["key", "list"]).ok(), 0);
    assert!(before[4].starts_with("2100-01-01"), "{before:?}");
    let new = folder.run(&["key", "rotate", &before[0], "--grace", "0"]).ok();
    assert_ne!(old, new);
    let listed = folder.run(&["key", "list"]).ok();
    let (ended, next) = (row(&listed, 0), row(&listed, 1));
    assert!(!ended[4].starts_with("2100"), "it has ended: {ended:?}");
    assert_eq!((ended.last(), &next[2]), (next.first(), &"ingest".to_owned()));
    folder.run(&["key", "rotate", &before[0]]).fails_saying(&["rotated before"]);
}

#[test]
fn monitors_are_made_and_listed() {
    let folder = Folder::new();
    let id = folder.run(&["monitor", "create", "--name", "assistant"]).ok();
    let listed = folder.run(&["monitor", "list"]).ok();
    assert!(listed.contains("assistant") && listed.contains(id.trim()), "{listed}");
    folder.run(&["monitor", "show", "nobody"]).fails_saying(&["nobody", "assistant"]);
    let again = folder.run(&["monitor", "create", "--name", "assistant"]).exits(1);
    assert!(again.err.contains("assistant"), "{}", again.err);
    let freeze = ["reference", "freeze", "--monitor", "assistant", "--next", "500"];
    folder.run(&freeze).ok();
    assert!(folder.run(&["reference", "list"]).ok().contains("collecting"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_ends_well_and_is_alone_in_its_folder() {
    let folder = Folder::new();
    let database = format!("sqlite://{}", folder.path("seamark.db").display());
    let daemon = Process::start(&database, "").await.unwrap();
    let second = ["serve", "--bind", "127.0.0.1:0", "--database", &database];
    folder.run(&second).fails_saying(&["is in use by another seamark"]);
    let bind = daemon.address.to_string();
    let other = format!("sqlite://{}", folder.path("other/seamark.db").display());
    let port = format!("port {} is taken", daemon.address.port());
    folder.run(&["serve", "--bind", &bind, "--database", &other]).fails_saying(&[&port, "--bind"]);
    assert_eq!(
        folder.run(&["health", "--set", &format!("server.bind={bind}")]).ok().trim(),
        "ready"
    );
    assert_eq!(daemon.terminate(), Some(0), "SIGTERM is a good end");
    folder.run(&["health", "--set", &format!("server.bind={bind}")]).fails_saying(&["no answer"]);
}

#[test]
fn an_open_door_is_refused() {
    let folder = Folder::new();
    let serve = ["serve", "--bind", "0.0.0.0:0", "--set", "server.auth.mode=none"];
    folder.run(&serve).fails_saying(&["auth.mode", "loopback"]);
}

#[test]
fn a_demo_without_its_port_says_so() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    let demo: &mut Command = &mut folder.command(&["demo", "--exit", "--bind", &bind]);
    seamark::Ended::of(demo.output().unwrap()).fails_saying(&["is taken"]);
}

#[test]
fn an_endpoints_key_comes_from_the_named_variable() {
    let server = Server::start(Double::with_key("sk-secret"));
    let folder = Folder::new();
    let url = format!("embedding.endpoint.url={}", server.settings().url);
    let arguments = [
        "--set",
        "embedding.backend=endpoint",
        "--set",
        &url,
        "--set",
        "embedding.endpoint.model=tiny",
        "--set",
        "embedding.endpoint.api_key_env=TEST_ENDPOINT_KEY",
        "model",
        "bench",
        "--seconds",
        "0.01",
    ];
    let missing = ["the environment variable TEST_ENDPOINT_KEY is not set"];
    folder.run(&arguments).fails_saying(&missing);
    let with_key = folder.command(&arguments).env("TEST_ENDPOINT_KEY", "sk-secret").output();
    let shown = seamark::Ended::of(with_key.unwrap()).ok();
    assert!(shown.contains("digest") && !shown.contains("secret"), "{shown}");
}
