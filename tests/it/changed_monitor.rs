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

use crate::pipeline::scenario::{Topic, interactions, time};
use crate::pipeline::site::{Site, sqlite, until};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_windows_are_calibrated_anew_and_the_segment_is_fixed() {
    let mut site = sqlite().await;
    let monitor = frozen_monitor(&site).await;
    let path = format!("/v1/monitors/{}", monitor["id"].as_str().unwrap());
    site.feed(&interactions(REFERENCE, &[(Topic::Airtime, 150)])).await;
    site.reports(&monitor, 6).await;

    let patch = json!({"windows": [{"name": "wide", "events": 200, "stride": 50}]});
    site.client().patch(&path, &patch).await.unwrap();
    let reference = format!("/v1/references/{}", monitor["reference"].as_str().unwrap());
    until("the reference is ready again", async || {
        (site.get(&reference).await["status"] == json!("ready")).then_some(())
    })
    .await;
    site.feed(&interactions(REFERENCE + 150, &[(Topic::Airtime, 250)])).await;
    let reports = site.reports(&monitor, 11).await;
    let newest = &reports.last().unwrap()["verdicts"];
    assert_eq!(newest[0]["window"], json!("wide"));
    assert_eq!(newest[0]["n_window"], json!(200));
    assert!(newest[0]["threshold"].is_number(), "{newest}");

    let refused = site.client().patch(&path, &json!({"segment": {"channel": "app"}})).await;
    assert!(refused.unwrap_err().to_string().contains("/segment"));
    site.stop().await;
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
        // 64 features of the scalar stream, 2048 of the others.
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_of_another_model_are_refused() {
    let mut site = sqlite().await;
    frozen_monitor(&site).await;
    site.stop().await;
    let context = Context {
        store: Store::open(&site.store_config()).await.unwrap(),
        clock: Arc::new(SystemClock),
        rng: Arc::new(Mutex::new(ChaCha8Rng::seed_from_u64(1))),
        metrics: Arc::new(Metrics::new("test")),
        wakers: Wakers::default(),
        config: Arc::new(Config::default()),
        holder: "test".into(),
    };
    let mut worker = EvaluationWorker::new(context, "another model".to_owned());
    let error = worker.tick().await.unwrap_err().to_string();
    assert!(error.contains("another embedding model") && error.contains("freeze"), "{error}");
}
