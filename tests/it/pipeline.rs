//! The whole way, on both stores: from interactions sent over HTTP to a signed webhook received.

pub(crate) mod receiver;
pub(crate) mod scenario;
pub(crate) mod site;

use std::collections::BTreeSet;
use std::time::Duration;

use scenario::{Topic, assert_same_reports, interactions, replayed, time};
use seamark::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use site::Site;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Runs every test of the list on both engines, as `pipeline::<engine>::<test>`.
macro_rules! pipeline_test_suite {
    ($($engine:ident),+; $tests:tt) => {
        $(mod $engine { pipeline_test_suite!(@tests $engine $tests); })+
    };
    (@tests $engine:ident { $($test:ident),+ }) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::site::$engine().await).await;
            }
        )+
    };
}

pipeline_test_suite! { sqlite, postgres; {
    drift_is_told_once_and_so_is_its_end,
    a_restart_changes_no_report,
    a_silence_holds_back_until_it_ends,
    a_receiver_that_is_gone_is_told_to_the_others,
    rules_fire_on_figures_and_say_when_there_are_none,
    uploaded_and_awaited_references_serve_too
} }

pub(crate) const REFERENCE: usize = 700;

pub(crate) fn stream() -> Vec<Value> {
    let parts = [(Topic::Airtime, 200), (Topic::Fibre, 150), (Topic::Airtime, 250)];
    interactions(REFERENCE, &parts)
}

/// Reports that the stream makes: one each 25 events.
pub(crate) const REPORTS: usize = 600 / 25;

pub(crate) fn watch(name: &str, receivers: &[Value]) -> Value {
    json!({
        "name": name,
        "windows": [{"name": "short", "events": 100, "stride": 25}],
        "thresholds": {"false_alarms_per_30d": 1.0},
        "alert": {"keep_firing_evaluations": 2},
        "receivers": receivers,
    })
}

/// A threshold for every detector, so that the outcome hangs on no calibration.
fn watch_fixed(name: &str) -> Value {
    let mut monitor = watch(name, &[]);
    monitor["thresholds"] = json!({"fixed": {"mmd": 0.05, "kl": 0.5, "centroid": 0.1}});
    monitor["streams"] = json!(["query"]);
    monitor
}

pub(crate) async fn freeze_range(site: &Site, monitor: &Value) -> Value {
    let source = json!({"kind": "time_range", "from": time(0), "to": time(REFERENCE)});
    let body = json!({"monitor_id": monitor["id"], "name": "first", "source": source});
    let asked = site.post("/v1/references", &body).await;
    site.frozen(&asked).await
}

fn seed(reference: &Value) -> u64 {
    reference["seed"].as_u64().unwrap()
}

async fn drift_is_told_once_and_so_is_its_end(mut site: Site) {
    let reference_rows = interactions(0, &[(Topic::Airtime, REFERENCE)]);
    let stream = stream();
    let (receiver, secret) = site.make_receiver().await;
    let spec = watch("assistant", &[receiver]);
    let monitor = site.post("/v1/monitors", &spec).await;
    site.feed(&reference_rows).await;
    let reference = freeze_range(&site, &monitor).await;
    assert_eq!(reference["n"], json!(REFERENCE));
    site.feed(&stream).await;

    let reports = site.reports(&monitor, REPORTS).await;
    let expected = replayed(&spec, &reference_rows, &stream, seed(&reference));
    assert_same_reports(&reports, &expected.reports);
    assert_is_told(&site, &expected, &secret).await;
    assert_timeline_shows(&site, &monitor, &reports).await;
    assert_detail(&site, &reports).await;
    assert_self_check(&site, &reference, expected.transitions("firing").len()).await;

    let status = site.get("/v1/status").await;
    let sent = (reference_rows.len() + stream.len()) as u64;
    for (count, value) in [("received", sent), ("accepted", sent), ("embedded", sent), ("late", 0)]
    {
        assert_eq!(status[count], json!(value), "{count} in {status}");
    }
    assert_eq!(status["conserved"], json!(true));
    site.stop().await;
}

/// One firing and one resolved message for every episode, each signed, recorded and about its alert.
async fn assert_is_told(
    site: &Site,
    expected: &scenario::Replayed,
    secret: &seamark::notify::Secret,
) {
    let (fired, resolved) = (expected.transitions("firing"), expected.transitions("resolved"));
    assert!(!fired.is_empty(), "the scenario drifts");
    let fired_ids: BTreeSet<_> = fired.iter().map(|line| line["alert_id"].to_string()).collect();
    let ended = resolved.iter().filter(|l| fired_ids.contains(&l["alert_id"].to_string())).count();
    assert_eq!(fired.len(), ended, "the scenario ends quietly");
    let messages = site.receiver.messages(fired.len() + ended).await;
    assert_eq!(messages.len(), fired.len() + ended, "no message twice");
    for message in &messages {
        assert_eq!(message.verify(secret), Ok(()));
    }

    let alerts = site.all("/v1/alerts").await;
    let told: Vec<&Value> = alerts.iter().filter(|alert| alert["fired_at"].is_string()).collect();
    assert_eq!(told.len(), fired.len());
    for alert in told {
        assert_eq!(alert["state"], json!("resolved"));
        let as_replayed =
            |line: &&&Value| line["kind"] == alert["kind"] && line["at"] == alert["fired_at"];
        assert!(fired.iter().any(|line| as_replayed(&line)), "{alert} fired at another time");
        let types: Vec<String> = messages
            .iter()
            .map(receiver::Message::json)
            .filter(|body| body["data"]["alert"]["id"] == alert["id"])
            .map(|body| body["type"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(types, ["drift.alert.firing", "drift.alert.resolved"], "of {alert}");
        let detail = site.get(&format!("/v1/alerts/{}", alert["id"].as_str().unwrap())).await;
        let states: Vec<&Value> =
            detail["transitions"].as_array().unwrap().iter().map(|t| &t["to"]).collect();
        assert_eq!(states.last(), Some(&&json!("resolved")), "{detail}");
    }
    assert_deliveries(site, &messages).await;
}

async fn assert_deliveries(site: &Site, messages: &[receiver::Message]) {
    // The receiver hears of a message before the daemon has noted that it arrived.
    site::until("every delivery is recorded", async || {
        let waiting = site.get("/v1/deliveries?status=pending").await;
        waiting["items"].as_array().unwrap().is_empty().then_some(())
    })
    .await;
    let deliveries = site.all("/v1/deliveries").await;
    assert_eq!(deliveries.len(), messages.len());
    for delivery in &deliveries {
        let message = messages.iter().find(|message| delivery["id"] == json!(message.id)).unwrap();
        assert_eq!(delivery["body"], json!(message.body));
        assert_eq!(delivery["status"], json!("delivered"));
        let id = delivery["id"].as_str().unwrap();
        let detail = site.get(&format!("/v1/deliveries/{id}")).await;
        let attempts = detail["attempt_log"].as_array().unwrap();
        assert_eq!(attempts.len(), 1, "{detail}");
        assert_eq!(attempts[0]["status_code"], json!(200));
    }
}

async fn assert_timeline_shows(site: &Site, monitor: &Value, reports: &[Value]) {
    let id = monitor["id"].as_str().unwrap();
    let path = format!("/v1/monitors/{id}/timeline?stream=query&detector=mmd");
    let timeline = site.get(&path).await;
    let series = timeline["series"].as_array().unwrap();
    assert_eq!(series.len(), 1);
    let points = series[0]["points"].as_array().unwrap();
    assert_eq!(points.len(), reports.len());
    for (point, report) in points.iter().zip(reports) {
        assert_eq!(point["report_id"], report["id"]);
        let verdicts = report["verdicts"].as_array().unwrap();
        let verdict = verdicts.iter().find(|v| v["stream"] == "query" && v["detector"] == "mmd");
        assert_eq!(point["statistic"], verdict.unwrap()["statistic"]);
    }
}

/// A drifted report names interactions of the new topic, with their texts.
async fn assert_detail(site: &Site, reports: &[Value]) {
    let drifted = reports.iter().find(|report| report["is_drift"] == json!(true)).unwrap();
    let detail = site.get(&format!("/v1/reports/{}", drifted["id"].as_str().unwrap())).await;
    let examples = detail["example_interactions"].as_array().unwrap();
    assert!(!examples.is_empty());
    let shown = examples.iter().find(|example| example["stream"] == "query").unwrap();
    let occurred = &shown["interaction"]["occurred_at"];
    let launch = json!(time(REFERENCE + 200));
    assert!(occurred.as_str() >= launch.as_str(), "{shown} is none of the new topic");
    let streams = detail["explanation"]["streams"].as_array().unwrap();
    let query = streams.iter().find(|stream| stream["stream"] == "query").unwrap();
    let rising: Vec<&Value> =
        query["rising"].as_array().unwrap().iter().map(|term| &term["term"]).collect();
    assert!(rising.contains(&&json!("fibre")), "{rising:?}");
    let quiet = reports.iter().find(|report| report["is_drift"] == json!(false)).unwrap();
    assert_eq!(quiet["explanation"], Value::Null);
}

/// Alarms are held against the promise in the reports' own time.
async fn assert_self_check(site: &Site, reference: &Value, fired: usize) {
    let id = reference["id"].as_str().unwrap();
    let calibration = site.get(&format!("/v1/references/{id}/calibration")).await;
    let check = &calibration["self_check"];
    assert_eq!(check["alarms"], json!(fired), "{check}");
    assert!(check["days"].as_f64().unwrap() > 0.0 && check["p_value"].as_f64().unwrap() < 0.01);
    let tried = &calibration["parts"][0]["streams"][0]["trial"];
    assert!(tried["held_out"]["evaluations"].as_u64().unwrap() > 0, "{tried}");
    assert!(tried["power"]["within_5000"].as_f64().unwrap() <= 1.0, "{tried}");
    let metrics = site.text("/metrics").await;
    let of_monitor = |name: &str| {
        let line = metrics.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert_eq!(of_monitor("seamark_reference_alarms{") as usize, fired);
    assert!(of_monitor("seamark_reference_alarms_p_value{") < 0.01);
}

/// A route without the monitor's help, a silence that holds back, and its end that tells.
async fn a_silence_holds_back_until_it_ends(mut site: Site) {
    let (receiver, _) = site.make_receiver().await;
    let routing = json!({"route": {"receivers": [receiver], "group_by": ["monitor"]}});
    site.client().put("/v1/routing", &routing).await.unwrap();
    let until = SystemClock.now().plus(Duration::from_hours(1));
    let silence = json!({"matchers": ["monitor=~\"quiet.*\""], "ends_at": until});
    let silence = site.post("/v1/silences", &silence).await;
    let monitors = [watch("quiet", &[]), watch("loud", &[])];
    let mut made = Vec::new();
    for spec in &monitors {
        made.push(site.post("/v1/monitors", spec).await);
    }
    site.feed(&interactions(0, &[(Topic::Airtime, REFERENCE)])).await;
    for monitor in &made {
        freeze_range(&site, monitor).await;
    }
    site.feed(&interactions(REFERENCE, &[(Topic::Airtime, 200), (Topic::Fibre, 200)])).await;
    for monitor in &made {
        site.reports(monitor, 400 / 25).await;
    }
    let of = |message: &receiver::Message| message.json()["data"]["monitor"]["name"].clone();
    let first = site.receiver.messages(1).await;
    assert!(first.iter().all(|message| of(message) == json!("loud")), "the other is silenced");
    let path = format!("/v1/silences/{}", silence["id"].as_str().unwrap());
    site.client().delete(&path).await.unwrap();
    let all = site.receiver.messages(first.len() + 1).await;
    assert!(all.iter().any(|message| of(message) == json!("quiet")));
    site.stop().await;
}

/// A joint rule over a monitor's figures and alerts fires with the figures in its message, ends when the
/// drift does, and a rule on a monitor that is not there says so.
async fn rules_fire_on_figures_and_say_when_there_are_none(mut site: Site) {
    let (receiver, _) = site.make_receiver().await;
    let mut monitor = watch_fixed("support");
    monitor["alert"]["annotations"] = json!({
        "summary": "{{ monitor }}, {{ stream }}: {{ value > 1 and reasons[0].ratio > 1 }}",
        "broken": "{{ nothing.at.all }}",
    });
    let monitor = site.post("/v1/monitors", &monitor).await;
    let joint = json!({
        "name": "Drift that lasts",
        "severity": "critical",
        "when": {"all": [
            {"figure": "ratio", "monitor": "support", "stream": "query"},
            {"figure": "alerts", "matchers": ["kind=query_drift", "monitor=support"]},
        ]},
        "annotations": {"summary": "{{ rule }}: {{ value | round(0) > 0 }}", "owner": "search team"},
        "receivers": [receiver],
    });
    let joint = site.post("/v1/rules", &joint).await;
    let path = format!("/v1/rules/{}", joint["id"].as_str().unwrap());
    let judged = site::until("the rule is judged", async || {
        Some(site.get(&path).await["state"].clone()).filter(|state| !state.is_null())
    });
    assert_eq!(judged.await["health"], json!("ok"), "no alert fires: that decides");
    let missing = json!({
        "name": "Nobody there",
        "when": {"figure": "p_value", "monitor": "nobody", "below": 0.01},
    });
    let missing = site.post("/v1/rules", &missing).await;
    site.feed(&interactions(0, &[(Topic::Airtime, REFERENCE)])).await;
    freeze_range(&site, &monitor).await;
    site.feed(&interactions(REFERENCE, &[(Topic::Airtime, 200), (Topic::Fibre, 150)])).await;
    site.reports(&monitor, 350 / 25).await;
    // A change of the rule wakes the worker, which else looks each 15 s.
    let wake = json!({"labels": {"team": "search"}});
    site.client().patch(&path, &wake).await.unwrap();
    let message = site.receiver.messages(1).await.remove(0).json();
    assert_eq!(message["type"], json!("drift.alert.firing"));
    let data = &message["data"];
    assert_eq!(data["title"], json!("Critical: Drift that lasts"));
    assert_eq!(data["summary"], json!("Drift that lasts: True"));
    assert_eq!((&data["rule"]["id"], &data["monitor"]["name"]), (&joint["id"], &json!("support")));
    assert_eq!(data["annotations"]["owner"], json!("search team"));
    assert!(data["figures"][0]["value"].as_f64().unwrap() > 1.0, "{data}");
    assert_eq!(
        data["figures"][1]["figure"],
        json!("firing alerts {kind=\"query_drift\", monitor=\"support\"}")
    );
    assert!(data["report"]["id"].is_string(), "tied to the report that caused it");
    let id = data["alert"]["id"].as_str().unwrap();
    let alert = site.get(&format!("/v1/alerts/{id}")).await;
    assert_eq!(
        (&alert["labels"]["rule"], &alert["labels"]["team"]),
        (&joint["name"], &json!("search"))
    );
    assert_eq!(alert["transitions"][0]["reason"], json!("threshold_crossed"));

    site.feed(&interactions(REFERENCE + 350, &[(Topic::Airtime, 250)])).await;
    site.reports(&monitor, 600 / 25).await;
    site.client().patch(&path, &json!({"labels": null})).await.unwrap();
    let end = site.receiver.messages(2).await.remove(1).json();
    assert_eq!(end["type"], json!("drift.alert.resolved"));
    assert_eq!(end["data"]["alert"]["id"], data["alert"]["id"]);
    let history = site.get(&format!("{path}/history?limit=1")).await;
    let entry = &history["items"][0];
    assert_eq!(
        (&entry["phase"], &entry["reason"]),
        (&json!("inactive"), &json!("quiet_for_long_enough"))
    );
    let cursor = history["next_cursor"].as_str().unwrap();
    let next = site.get(&format!("{path}/history?limit=1&cursor={cursor}")).await;
    assert_eq!(next["items"][0]["phase"], json!("firing"), "newest first");
    let (ended, begun) = (entry["at"].as_str().unwrap(), &next["items"][0]);
    let before = site.get(&format!("{path}/history?limit=1&to={ended}")).await;
    assert_eq!(&before["items"][0], begun);

    // The monitor's own alert says what its templates make of it.
    let alerts = site.get("/v1/alerts").await;
    let mut alerts = alerts["items"].as_array().unwrap().iter();
    let said = &alerts.find(|alert| alert["kind"] == json!("query_drift")).unwrap()["annotations"];
    assert_eq!(said["summary"], json!("support, query: True"));
    assert!(said["broken"].as_str().unwrap().contains("cannot be rendered"), "{said}");

    let path = format!("/v1/rules/{}", missing["id"].as_str().unwrap());
    let state = site.get(&path).await["state"].clone();
    assert_eq!((&state["health"], &state["phase"]), (&json!("error"), &json!("firing")));
    assert_eq!(state["detail"], json!("there is no monitor called \"nobody\""));
    site.stop().await;
}

/// 410 switches a receiver off, and the project's other receivers hear of it.
async fn a_receiver_that_is_gone_is_told_to_the_others(mut site: Site) {
    let (told, _) = site.make_receiver().await;
    let workflow = json!({"retrain": {"workflow": {"kind": "http"}}});
    let trainer = json!({"name": "trainer", "kind": "retrain", "url": site.receiver.url(), "settings": workflow});
    site.post("/v1/receivers", &trainer).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let gone = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        assert_ne!(stream.read(&mut request).await.unwrap(), 0);
        stream.write_all(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    });
    let input = json!({"name": "old", "kind": "webhook", "url": url});
    let old = site.post("/v1/receivers", &input).await;
    let path = format!("/v1/receivers/{}", old["id"].as_str().unwrap());
    site.post(&format!("{path}/test"), &Value::Null).await;
    gone.await.unwrap();
    let message = site.receiver.messages(1).await.remove(0).json();
    assert_eq!(message["type"], json!("seamark.receiver.disabled"));
    assert_eq!(message["data"]["receiver"], json!("old"));
    assert_eq!(site.get(&path).await["disabled"], json!(true));
    let farewells = site.all("/v1/deliveries").await;
    let farewells = farewells.iter().filter(|one| one["event_type"] == message["type"]);
    let to: Vec<&Value> = farewells.map(|one| &one["receiver_id"]).collect();
    assert_eq!(to, [&told], "no workflow is started by it");
    site.stop().await;
}

async fn a_restart_changes_no_report(mut site: Site) {
    let reference_rows = interactions(0, &[(Topic::Airtime, REFERENCE)]);
    let stream = stream();
    let spec = watch_fixed("restarted");
    let monitor = site.post("/v1/monitors", &spec).await;
    site.feed(&reference_rows).await;
    let reference = freeze_range(&site, &monitor).await;
    // Neither cut falls on the end of a stride; the second is in the middle of the drift.
    for part in [&stream[..110], &stream[110..263], &stream[263..]] {
        site.feed(part).await;
        site.restart().await;
    }
    let reports = site.reports(&monitor, REPORTS).await;
    let uninterrupted = replayed(&spec, &reference_rows, &stream, seed(&reference));
    assert_same_reports(&reports, &uninterrupted.reports);
    let alerts = site.all("/v1/alerts").await;
    let fired = alerts.iter().filter(|alert| alert["fired_at"].is_string()).count();
    assert_eq!(fired, uninterrupted.transitions("firing").len());
    site.stop().await;
}

async fn uploaded_and_awaited_references_serve_too(mut site: Site) {
    let reference_rows = interactions(0, &[(Topic::Airtime, REFERENCE)]);
    let stream = stream();
    let spec = watch_fixed("awaiting");
    let awaiting = site.post("/v1/monitors", &spec).await;
    let source = json!({"kind": "next", "count": REFERENCE});
    let body = json!({"monitor_id": awaiting["id"], "source": source});
    let awaited = site.post("/v1/references", &body).await;
    site.feed(&reference_rows[..300]).await;
    let path = format!("/v1/references/{}", awaited["id"].as_str().unwrap());
    assert_eq!(site.get(&path).await["status"], json!("collecting"), "400 are still to come");
    site.feed(&reference_rows[300..]).await;
    let awaited = site.frozen(&awaited).await;

    let uploading = site.post("/v1/monitors", &watch_fixed("uploading")).await;
    let id = uploading["id"].as_str().unwrap();
    let path = format!("/v1/references/upload?monitor_id={id}&name=file&file=week.jsonl");
    let uploaded = site.post(&path, &json!(reference_rows)).await;
    let uploaded = site.frozen(&uploaded).await;
    assert_eq!(uploaded["source"], json!({"kind": "file", "name": "week.jsonl"}));
    let status = site.get("/v1/status").await;
    assert_eq!(status["accepted"], json!(REFERENCE), "an uploaded row is no traffic: {status}");

    site.feed(&stream).await;
    for (monitor, reference) in [(awaiting, awaited), (uploading, uploaded)] {
        let reports = site.reports(&monitor, REPORTS).await;
        let expected = replayed(&spec, &reference_rows, &stream, seed(&reference));
        assert_same_reports(&reports, &expected.reports);
    }
    site.stop().await;
}
