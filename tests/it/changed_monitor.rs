//! A monitor that is changed under way, and exact figures on demand.

use std::sync::{Arc, Mutex};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::clock::SystemClock;
use seamark::store::Store;
use seamark::telemetry::Metrics;
use seamark::worker::driver::Worker;
use seamark::worker::evaluation::EvaluationWorker;
use seamark::worker::{Config, Context, Wakers};
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};

use crate::cli::seamark::{Ended, Folder};
use crate::pipeline::scenario::{Topic, interactions, time};
use crate::pipeline::site::{Site, secret_key, sqlite, until};

const REFERENCE: usize = 700;

async fn frozen_monitor(site: &Site) -> Value {
    let spec = json!({
        "name": "assistant",
        "windows": [{"name": "short", "events": 100, "stride": 25}],
    });
    let monitor = site.post("/v1/monitors", &spec).await;
    site.feed(&interactions(0, &[(Topic::Airtime, REFERENCE)])).await;
    let source = json!({"kind": "time_range", "from": time(0), "to": time(REFERENCE)});
    let body = json!({"monitor_id": monitor["id"], "name": "first", "source": source});
    let asked = site.post("/v1/references", &body).await;
    let reference = site.frozen(&asked).await;
    json!({"id": monitor["id"], "reference": reference["id"]})
}

/// Changes the monitor's windows, and waits until its reference is calibrated for them.
async fn widen(site: &Site, monitor: &Value) {
    let path = format!("/v1/monitors/{}", monitor["id"].as_str().unwrap());
    let patch = json!({"windows": [{"name": "wide", "events": 200, "stride": 50}]});
    site.client().patch(&path, &patch).await.unwrap();
    let reference = format!("/v1/references/{}", monitor["reference"].as_str().unwrap());
    until("the reference is ready again", async || {
        (site.get(&reference).await["status"] == json!("ready")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_windows_are_calibrated_anew_and_the_segment_is_fixed() {
    let mut site = sqlite().await;
    let monitor = frozen_monitor(&site).await;
    site.feed(&interactions(REFERENCE, &[(Topic::Airtime, 150)])).await;
    site.reports(&monitor, 6).await;

    widen(&site, &monitor).await;
    site.feed(&interactions(REFERENCE + 150, &[(Topic::Airtime, 250)])).await;
    let reports = site.reports(&monitor, 11).await;
    let newest = &reports.last().unwrap()["verdicts"];
    assert_eq!(newest[0]["window"], json!("wide"));
    assert_eq!(newest[0]["n_window"], json!(200));
    assert!(newest[0]["threshold"].is_number(), "{newest}");

    let path = format!("/v1/monitors/{}", monitor["id"].as_str().unwrap());
    let refused = site.client().patch(&path, &json!({"segment": {"channel": "app"}})).await;
    assert!(refused.unwrap_err().to_string().contains("/segment"));
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_alert_outlives_a_new_calibration_and_ends_by_the_new_windows() {
    let mut site = sqlite().await;
    let monitor = frozen_monitor(&site).await;
    site.feed(&interactions(REFERENCE, &[(Topic::Fibre, 150)])).await;
    site.reports(&monitor, 6).await;
    let of_queries = async || {
        let mut alerts = site.all("/v1/alerts").await;
        alerts.retain(|alert| alert["kind"] == json!("query_drift"));
        assert_eq!(alerts.len(), 1, "{alerts:?}");
        alerts.remove(0)
    };
    let before = of_queries().await;
    assert_eq!(before["state"], json!("firing"));
    widen(&site, &monitor).await;
    let meanwhile = of_queries().await;
    assert_eq!((&meanwhile["id"], &meanwhile["state"]), (&before["id"], &json!("firing")));
    site.feed(&interactions(REFERENCE + 150, &[(Topic::Airtime, 500)])).await;
    site.reports(&monitor, 6 + 500 / 50).await;
    let after = of_queries().await;
    assert_eq!((&after["id"], &after["state"]), (&before["id"], &json!("resolved")));
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_calibration_is_shown_on_the_command_line() {
    let mut site = sqlite().await;
    let monitor = frozen_monitor(&site).await;
    site.feed(&interactions(REFERENCE, &[(Topic::Airtime, 150)])).await;
    site.reports(&monitor, 6).await;
    site.stop().await;
    let url = format!("store.url={}", site.store_config().url);
    let id = monitor["reference"].as_str().unwrap();
    let show = ["reference", "calibrate", "--report", id, "--set", &url];
    let folder = Folder::new();
    let run = |arguments: &[&str]| {
        let mut command = folder.command(arguments);
        let command = command.env("SEAMARK__STORE__SECRET_KEY", secret_key());
        Ended::of(command.output().unwrap())
    };
    let shown = run(&show).ok();
    for word in [
        "100 % of the project's budget",
        "relevance",
        "short",
        "whitened",
        "novelty",
        "exponential",
        "beyond what was simulated",
        "held out by fifths",
        "a new topic alarms within 1,000 events",
        "so far: 0 alarms",
    ] {
        assert!(shown.contains(word), "no {word:?} in {shown}");
    }
    let nobody =
        ["reference", "calibrate", "--report", &id.replace(['1', '2'], "3"), "--set", &url];
    run(&nobody).fails_saying(&["no calibrated reference"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exact_figures_stand_beside_the_sketch() {
    let mut site = sqlite().await;
    let monitor = frozen_monitor(&site).await;
    site.feed(&interactions(REFERENCE, &[(Topic::Airtime, 50), (Topic::Fibre, 50)])).await;
    let reports = site.reports(&monitor, 4).await;
    let id = reports.last().unwrap()["id"].as_str().unwrap();
    let exact = site.get(&format!("/v1/reports/{id}/exact")).await;
    let items = exact["items"].as_array().unwrap();
    assert_eq!(items.len(), 3, "{exact}");
    for item in items {
        let number = |name: &str| item[name].as_f64().unwrap();
        assert_eq!(item["n_window"], json!(100));
        let apart = (number("mmd2_exact") - number("mmd2_sketch")).abs();
        // 64 features of the scalar stream, 1024 of the others.
        let bound = if item["stream"] == json!("relevance") { 0.15 } else { 0.06 };
        assert!(apart < 0.002 + bound * number("mmd2_exact").abs(), "{item}");
        let of = |name: &str, part: &str| item[name][part].as_f64();
        assert!(of("frechet", "value") > of("frechet", "expected"), "{item}");
        assert!(of("gaussian_kl", "p_value").is_some() && item["axes"].is_u64(), "{item}");
        assert!((0.0..=1.0).contains(&number("classifier_auc")), "{item}");
        assert!(number("energy") > -0.1 && number("psi_expected") > 0.0 && number("psi") > 0.0);
        for name in ["ks", "wasserstein", "psi_deciles"] {
            assert_eq!(item[name].is_object(), item["stream"] == json!("relevance"), "{item}");
        }
    }
    // Half of the window is about something else: the queries tell, in every figure.
    let query = items.iter().find(|item| item["stream"] == json!("query")).unwrap();
    assert!(query["classifier_auc"].as_f64() > Some(0.65), "{query}");
    assert_eq!(query["frechet"]["p_value"], json!(0.01), "{query}");
    assert!(query["psi"].as_f64() > query["psi_expected"].as_f64(), "{query}");
    site.stop().await;
}

/// A worker over the stored state of `site`, which has stopped.
async fn worker(site: &Site, model: &str) -> EvaluationWorker {
    let context = Context {
        store: Store::open(&site.store_config()).await.unwrap(),
        clock: Arc::new(SystemClock),
        rng: Arc::new(Mutex::new(ChaCha8Rng::seed_from_u64(1))),
        metrics: Arc::new(Metrics::new("test")),
        wakers: Wakers::default(),
        config: Arc::new(Config::default()),
        holder: "test".into(),
    };
    EvaluationWorker::new(context, model.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_of_another_model_are_refused() {
    let mut site = sqlite().await;
    frozen_monitor(&site).await;
    site.stop().await;
    let error = worker(&site, "another model").await.tick().await.unwrap_err().to_string();
    assert!(error.contains("another embedding model") && error.contains("freeze"), "{error}");
}

/// Puts `profile` in the place of every reference's.
async fn replace_profiles(site: &Site, profile: &str) {
    let mut raw = SqliteConnection::connect(&site.store_config().url).await.unwrap();
    let replace = sqlx::query("UPDATE frozen_references SET profile = ?1, profile_key = NULL");
    replace.bind(profile.as_bytes()).execute(&mut raw).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_of_an_earlier_build_is_calibrated_anew() {
    let mut site = sqlite().await;
    let monitor = frozen_monitor(&site).await;
    replace_profiles(&site, "{\"version\":1,\"of\":\"another shape\"}").await;
    site.restart().await;
    site.feed(&interactions(REFERENCE, &[(Topic::Airtime, 150)])).await;
    let reports = site.reports(&monitor, 6).await;
    let verdict = &reports.last().unwrap()["verdicts"][0];
    assert!(verdict["threshold"].is_number(), "{verdict}");
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_of_a_later_build_is_left_alone() {
    let mut site = sqlite().await;
    frozen_monitor(&site).await;
    site.stop().await;
    replace_profiles(&site, "{\"version\":1000}").await;
    let error = worker(&site, "hashing").await.tick().await.unwrap_err().to_string();
    assert!(error.contains("version 1000 of a later build"), "{error}");
}
