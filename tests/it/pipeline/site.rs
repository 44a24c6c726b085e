//! A daemon in this process, its receiver, and the requests that the tests make.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::app::{Daemon, Launch};
use seamark::config::Config;
use seamark::egress::LoopbackClient;
use seamark::embed::{Embedder, HashingEmbedder};
use seamark::notify::Secret;
use seamark::store::SealingKey;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::receiver::Receiver;

/// Interactions in one request.
const BATCH: usize = 100;

/// A daemon with everything around it.
pub(crate) struct Site {
    daemon: Option<Daemon>,
    client: Option<LoopbackClient>,
    key: String,
    config: Config,
    embedder: Arc<dyn Embedder>,
    /// Where alerts go.
    pub(crate) receiver: Receiver,
    /// The folder of its database, if that is a file.
    pub(crate) folder: TempDir,
}

pub(crate) async fn sqlite() -> Site {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/seamark.db", folder.path().display());
    Site::start(url, folder).await
}

pub(crate) async fn postgres() -> Site {
    let folder = tempfile::tempdir().unwrap();
    Site::start(crate::pg::database().await, folder).await
}

impl Site {
    async fn start(url: String, folder: TempDir) -> Self {
        let mut config = Config::default();
        config.store.url = url;
        config.store.max_connections = 4;
        // All of it runs on sealed texts.
        config.store.secret_key = Some(SealingKey::new(&secret_key()));
        config.server.bind = "127.0.0.1:0".parse().unwrap();
        config.notify.allow_private = vec!["127.0.0.1".to_owned()];
        let receiver = Receiver::start().await;
        let (key, embedder) = (String::new(), Arc::new(HashingEmbedder::new()));
        let mut site = Self { daemon: None, client: None, key, config, embedder, receiver, folder };
        site.launch().await;
        site
    }

    async fn launch(&mut self) {
        let launch = Launch {
            rng: ChaCha8Rng::from_os_rng(),
            embedder: Some(Arc::clone(&self.embedder)),
            ..Launch::default()
        };
        let daemon = Daemon::start(self.config.clone(), launch).await.unwrap();
        if let Some(key) = &daemon.first_key {
            self.key.clone_from(key);
        }
        self.client = Some(LoopbackClient::new(daemon.address, Some(self.key.clone())).unwrap());
        self.daemon = Some(daemon);
    }

    /// Stops the daemon in order.
    pub(crate) async fn stop(&mut self) {
        self.client = None;
        self.daemon.take().unwrap().stop().await;
    }

    /// Stops the daemon in order and starts another on the same database.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.launch().await;
    }

    /// Starts anew with another embedder.
    pub(crate) async fn embed_with(&mut self, embedder: Arc<dyn Embedder>) {
        self.embedder = embedder;
        self.restart().await;
    }

    /// What a bare HTTP request answers: its status line and body.
    pub(crate) async fn raw(&self, request: &str) -> (String, String) {
        let address = self.daemon.as_ref().unwrap().address;
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }

    /// Where its database is.
    pub(crate) fn store_config(&self) -> seamark::store::Config {
        self.config.store.clone()
    }

    pub(crate) fn client(&self) -> &LoopbackClient {
        self.client.as_ref().unwrap()
    }

    /// GETs `path`.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.client().get(path).await.unwrap()
    }

    /// The body of `path` as it comes.
    pub(crate) async fn text(&self, path: &str) -> String {
        let address = self.daemon.as_ref().unwrap().address;
        let mut connection = TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// POSTs `body` to `path`.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        self.client().post(path, body).await.unwrap()
    }

    /// All items of a list, page by page, oldest first.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = format!("{path}?limit=7");
        loop {
            let page = self.get(&next).await;
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("{path}?limit=7&cursor={cursor}");
        }
        items.reverse();
        items
    }

    /// Sends interactions and waits until they are embedded.
    pub(crate) async fn feed(&self, interactions: &[Value]) {
        for batch in interactions.chunks(BATCH) {
            let answer = self.post("/v1/interactions", &json!(batch)).await;
            assert_eq!(answer["accepted"], json!(batch.len()), "{answer}");
        }
        until("everything is embedded", async || {
            (self.get("/v1/status").await["pending"] == json!(0)).then_some(())
        })
        .await;
    }

    /// Makes a webhook receiver; its id and secret.
    pub(crate) async fn make_receiver(&self) -> (Value, Secret) {
        let body = json!({"name": "ops", "kind": "webhook", "url": self.receiver.url()});
        let made = self.post("/v1/receivers", &body).await;
        let secret = Secret::parse(made["secret"].as_str().unwrap()).unwrap();
        (made["id"].clone(), secret)
    }

    /// Waits until a reference is ready.
    pub(crate) async fn frozen(&self, asked: &Value) -> Value {
        let path = format!("/v1/references/{}", asked["id"].as_str().unwrap());
        until("the reference is ready", async || {
            let reference = self.get(&path).await;
            assert_ne!(reference["status"], json!("failed"), "{reference}");
            (reference["status"] == json!("ready")).then_some(reference)
        })
        .await
    }

    /// The monitor's reports, oldest first, once there are `count`.
    pub(crate) async fn reports(&self, monitor: &Value, count: usize) -> Vec<Value> {
        let path = format!("/v1/monitors/{}/reports", monitor["id"].as_str().unwrap());
        until("the last report is there", async || {
            let newest = self.get(&format!("{path}?limit=1")).await;
            (newest["items"][0]["sequence"].as_u64() >= Some(count as u64)).then_some(())
        })
        .await;
        self.all(&path).await
    }
}

/// The key that the texts of sites are sealed with.
pub(crate) fn secret_key() -> String {
    format!("{}E=", "AQ".repeat(21))
}

/// Asks again and again until there is an answer. The daemon under test says nothing by itself, so
/// this one place waits by the clock; it gives up after two minutes: seven daemons at once on a busy
/// machine take one.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..6000 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("waited too long until {what}");
}
