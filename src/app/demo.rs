//! The demo: the real daemon, fed a bundled scenario through its real API.

pub mod receiver;

/// The generator itself lives in `examples/telecom`, where it is an example of its own.
#[path = "../../examples/telecom/generator.rs"]
pub mod scenario;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::app::demo::receiver::DemoReceiver;
use crate::app::demo::scenario::{Interaction, Scenario};
use crate::app::lock::DataLock;
use crate::app::{Daemon, Launch};
use crate::clock::Timestamp;
use crate::config::Config;
use crate::egress::LoopbackClient;
use crate::embed::Progress;
use crate::notify::Secret;

/// Days of the scenario that become the reference.
pub const REFERENCE_DAYS: u32 = 8;

const DAY_MICROS: i64 = 86_400_000_000;

/// South African Standard Time, the operator's own.
const SAST_MICROS: i64 = 2 * 3_600_000_000;

/// Interactions sent in one request.
const BATCH: usize = 250;

/// How often the demo looks whether something moved.
const LOOK: Duration = Duration::from_millis(150);

/// What the demo tells while it goes.
pub trait Stage {
    /// A step of `total` units begins.
    fn begin(&mut self, label: &str, total: u64);
    /// `done` units are done.
    fn at(&mut self, done: u64);
}

/// A demo under way.
pub struct Demo {
    /// The daemon.
    pub daemon: Daemon,
    /// Where its messages arrive.
    pub receiver: DemoReceiver,
    /// The admin key.
    pub key: String,
    /// The monitor's id.
    pub monitor: String,
    /// Event time of the product launch.
    pub launch: Timestamp,
    client: LoopbackClient,
    scenario: Scenario,
    interactions: Vec<Interaction>,
}

/// Settings of the demo: the user's, with an embedded database of its own in `data`.
pub fn settings(mut config: Config, data: &Path) -> Config {
    config.store.url = format!("sqlite://{}", database(data).display());
    config.notify.allow_private.push("127.0.0.1".to_owned());
    config
}

fn database(data: &Path) -> PathBuf {
    data.join("demo.db")
}

/// Removes what an earlier demo left in `data`; refuses while a daemon works there.
pub fn clean(config: &Config, data: &Path) -> anyhow::Result<()> {
    let lock = DataLock::of_store(&config.store)?;
    for suffix in ["", "-wal", "-shm"] {
        let path = PathBuf::from(format!("{}{suffix}", database(data).display()));
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot remove {}", path.display()));
            }
        }
    }
    drop(lock);
    Ok(())
}

impl Demo {
    /// Starts daemon and receiver, and makes receivers and monitor through the API.
    pub async fn start(
        config: Config,
        now: Timestamp,
        progress: impl Fn(Progress<'_>) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let mut scenario = Scenario::default();
        // The scenario's two weeks end today, on the first midnight (South African time) before now.
        let today = (now.as_micros() + SAST_MICROS).div_euclid(DAY_MICROS);
        scenario.start_micros = (today - i64::from(scenario.days)) * DAY_MICROS - SAST_MICROS;
        let interactions = scenario::generate(&scenario);

        let launch = Launch { progress: Box::new(progress), ..Launch::default() };
        let daemon = Daemon::start(config, launch).await?;
        let key = daemon.first_key.clone().context("the demo's daemon asks for keys")?;
        let client = LoopbackClient::new(daemon.address, Some(key.clone()))?;
        let receiver = DemoReceiver::start().await?;
        let monitor = set_up(&client, &receiver).await?;
        let launch = Timestamp::from_micros(scenario.launch_micros());
        Ok(Self { daemon, receiver, key, monitor, launch, client, scenario, interactions })
    }

    /// Sends the interactions of days `from..to` and waits until they are embedded.
    pub async fn feed(&self, from: u32, to: u32, stage: &mut dyn Stage) -> anyhow::Result<usize> {
        let day = |d: u32| self.day(d).as_micros();
        let last = to >= self.scenario.days;
        let chosen: Vec<Value> = self
            .interactions
            .iter()
            .filter(|i| {
                i.occurred_at_micros >= day(from) && (last || i.occurred_at_micros < day(to))
            })
            .map(Interaction::to_json)
            .collect();
        for batch in chosen.chunks(BATCH) {
            let answer = self.client.post("/v1/interactions", &json!(batch)).await?;
            if answer["rejected"].as_u64() != Some(0) {
                bail!("the daemon rejected interactions of the scenario: {answer}");
            }
        }
        stage.begin("embed", chosen.len() as u64);
        loop {
            let pending = self.status("pending").await?;
            stage.at((chosen.len() as u64).saturating_sub(pending));
            if pending == 0 {
                return Ok(chosen.len());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Freezes the first days as the reference and waits for its calibration.
    pub async fn freeze(&self, stage: &mut dyn Stage) -> anyhow::Result<Value> {
        let source =
            json!({"kind": "time_range", "from": self.day(0), "to": self.day(REFERENCE_DAYS)});
        let body = json!({"monitor_id": self.monitor, "name": "first-week", "source": source});
        let made = self.client.post("/v1/references", &body).await?;
        let id = made["id"].as_str().context("a reference has an id")?.to_owned();
        stage.begin("calibrate", 100);
        loop {
            let reference = self.client.get(&format!("/v1/references/{id}")).await?;
            stage.at((100.0 * reference["progress"].as_f64().unwrap_or(0.0)) as u64);
            match reference["status"].as_str() {
                Some("ready") => return Ok(reference),
                Some("failed") => bail!("the reference was refused: {}", reference["message"]),
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Waits until every embedded interaction has been evaluated.
    pub async fn settle(&self) -> anyhow::Result<()> {
        let mut before = None;
        loop {
            let page = self.reports("?limit=1").await?;
            let sequence = page["items"][0]["sequence"].as_i64();
            if sequence.is_some() && sequence == before {
                return Ok(());
            }
            before = sequence;
            tokio::time::sleep(4 * LOOK).await;
        }
    }

    /// The first alert that fired, and the report that caused it.
    pub async fn first_alert(&self) -> anyhow::Result<Option<(Value, Value)>> {
        let alerts = self.client.get("/v1/alerts?limit=200").await?;
        let fired = alerts["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|alert| alert["fired_at"].is_string())
            .min_by_key(|alert| alert["fired_at"].as_str().map(ToOwned::to_owned));
        let Some(alert) = fired else { return Ok(None) };
        let at = alert["fired_at"].as_str().unwrap_or_default();
        let page = self.reports(&format!("?drift=true&limit=200&from={at}")).await?;
        let report = page["items"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|report| report["evaluated_at"] == alert["fired_at"]);
        let Some(id) = report.and_then(|report| report["id"].as_str()) else { return Ok(None) };
        let report = self.client.get(&format!("/v1/reports/{id}")).await?;
        Ok(Some((alert.clone(), report)))
    }

    async fn reports(&self, query: &str) -> anyhow::Result<Value> {
        Ok(self.client.get(&format!("/v1/monitors/{}/reports{query}", self.monitor)).await?)
    }

    async fn status(&self, count: &str) -> anyhow::Result<u64> {
        let status = self.client.get("/v1/status").await?;
        status[count].as_u64().with_context(|| format!("no {count} in {status}"))
    }

    /// The beginning of day `day` of the scenario.
    fn day(&self, day: u32) -> Timestamp {
        let micros = i64::from(day) * DAY_MICROS;
        Timestamp::from_micros(self.scenario.start_micros + micros)
    }
}

/// Two receivers and a monitor, through the API as a user makes them.
async fn set_up(client: &LoopbackClient, receiver: &DemoReceiver) -> anyhow::Result<String> {
    let base = format!("http://{}", receiver.address);
    let slack = json!({"name": "slack", "kind": "slack", "url": format!("{base}/slack")});
    let slack = client.post("/v1/receivers", &slack).await?;
    let webhook = json!({"name": "webhook", "kind": "webhook", "url": format!("{base}/webhook")});
    let webhook = client.post("/v1/receivers", &webhook).await?;
    let secret = webhook["secret"].as_str().context("a new webhook shows its secret once")?;
    receiver.trust(Secret::parse(secret)?);
    let monitor = json!({"name": "assistant", "receivers": [slack["id"], webhook["id"]]});
    let monitor = client.post("/v1/monitors", &monitor).await?;
    Ok(monitor["id"].as_str().context("a monitor has an id")?.to_owned())
}
