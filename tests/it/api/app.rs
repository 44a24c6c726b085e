//! A whole API, over an in-memory store unless another is given, with a clock that stands still.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use hyper::{HeaderMap, Method, Request, StatusCode};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::api::{AppState, Config, Oidc, Parts, ReferenceUpload, generate_key, router};
use seamark::clock::{Clock, ManualClock, Timestamp};
use seamark::embed::{EmbedService, Embedder, HashingEmbedder};
use seamark::id::ProjectId;
use seamark::model::interaction::NewInteraction;
use seamark::model::key::Role;
use seamark::model::reference::Reference;
use seamark::notify::{self, Notifier};
use seamark::sample::SamplingConfig;
use seamark::screen::NameFinder;
use seamark::store::{self, SealingKey, Store, StoreError};
use seamark::telemetry::Metrics;
use seamark::worker::Wakers;

use serde_json::Value;
use tower::ServiceExt;

pub(crate) struct TestApp {
    pub(crate) router: Router,
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) embedder_ready: Arc<AtomicBool>,
    pub(crate) uploads: Arc<Uploads>,
    /// Keys by role: ingest, read, admin.
    pub(crate) keys: [String; 3],
}

/// Remembers what was uploaded.
#[derive(Default)]
pub(crate) struct Uploads(pub(crate) Mutex<Vec<(Reference, Vec<NewInteraction>)>>);

impl ReferenceUpload for Uploads {
    fn accept(
        &self,
        reference: Reference,
        rows: Vec<NewInteraction>,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + '_>> {
        self.0.lock().unwrap().push((reference, rows));
        Box::pin(async { Ok(()) })
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}: {:?}", self.status, self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The error's code, after checking that the answer is a whole problem document.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        assert_eq!(json["request_id"], self.header("x-request-id"));
        assert!(!json["title"].as_str().unwrap().is_empty());
        assert!(!json["detail"].as_str().unwrap().is_empty());
        let code = json["code"].as_str().unwrap();
        assert_eq!(json["type"], format!("docs/API.md#{code}"));
        let retry = matches!(self.status.as_u16(), 429 | 503);
        assert_eq!(retry, self.headers.contains_key("retry-after"), "{self:?}");
        code.to_owned()
    }
}

/// What reads the texts.
pub(crate) struct Models {
    pub(crate) embedder: Arc<dyn Embedder>,
    /// Finds names, where there is one.
    pub(crate) names: Option<Arc<dyn NameFinder>>,
}

impl Default for Models {
    fn default() -> Self {
        Self { embedder: Arc::new(HashingEmbedder::new()), names: None }
    }
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default(), SamplingConfig::default()).await
    }

    pub(crate) async fn with(config: Config, sampling: SamplingConfig) -> Self {
        let url = "sqlite::memory:".to_owned();
        // Subjects need a key.
        let secret_key = Some(SealingKey::new("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="));
        let config_of_store = store::Config { url, secret_key, ..store::Config::default() };
        let store = Store::open(&config_of_store).await.unwrap();
        store.migrate().await.unwrap();
        Self::over(store, config, sampling).await
    }

    /// The same over an opened store.
    pub(crate) async fn over(store: Store, config: Config, sampling: SamplingConfig) -> Self {
        Self::with_models(store, config, sampling, Models::default()).await
    }

    /// The same with other models.
    pub(crate) async fn with_models(
        store: Store,
        config: Config,
        sampling: SamplingConfig,
        models: Models,
    ) -> Self {
        let now = Timestamp::parse("2026-11-23T08:00:00Z").unwrap();
        let clock = Arc::new(ManualClock::new(now));
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let project = store.ensure_project("default", now, &mut rng).await.unwrap();
        let keys = keys(&store, project, now, &mut rng).await;
        let (rng, uploads) = (Arc::new(Mutex::new(rng)), Arc::new(Uploads::default()));
        let embedder_ready = Arc::new(AtomicBool::new(true));
        let embedder = EmbedService::start(models.embedder, 8).unwrap();
        let oidc = Oidc::new(&config.auth.oidc).unwrap();
        let state = AppState::new(Parts {
            store: store.clone(),
            clock: clock.clone(),
            rng,
            metrics: Arc::new(Metrics::new("test")),
            wakers: Wakers::default(),
            config,
            names: models.names,
            oidc,
            notifier: Notifier::new(&notify::Config::default()).unwrap(),
            public_url: "https://seamark.example".to_owned(),
            sampling,
            default_project: project,
            embedder_ready: Arc::clone(&embedder_ready),
            embedder: Arc::new(OnceLock::from(embedder)),
            uploads: uploads.clone(),
        });
        let router = router(state);
        Self { router, store, clock, embedder_ready, uploads, keys }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Another project with its admin key.
    pub(crate) async fn stranger(&self) -> (ProjectId, String) {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let project = self.store.ensure_project("other", self.now(), &mut rng).await.unwrap();
        let [_, _, admin] = keys(&self.store, project, self.now(), &mut rng).await;
        (project, admin)
    }

    pub(crate) fn key(&self, role: Role) -> &str {
        match role {
            Role::Ingest => &self.keys[0],
            Role::Read => &self.keys[1],
            Role::Admin => &self.keys[2],
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// A request with the admin key and a JSON body, if any.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let key = self.key(Role::Admin).to_owned();
        self.call_as(&key, method, path, body).await
    }

    pub(crate) async fn call_as(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let request = Request::builder().method(method).uri(path).header("x-api-key", key);
        let body = body.map_or(Body::empty(), |json| Body::from(json.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Posts raw bytes to the ingest route.
    pub(crate) async fn ingest(&self, body: impl Into<Body>) -> Answer {
        self.ingest_encoded(body, None).await
    }

    pub(crate) async fn ingest_encoded(
        &self,
        body: impl Into<Body>,
        encoding: Option<&str>,
    ) -> Answer {
        let key = format!("Bearer {}", self.key(Role::Ingest));
        let mut request = Request::post("/v1/interactions").header("authorization", key);
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        self.send(request.body(body.into()).unwrap()).await
    }
}

async fn keys(
    store: &Store,
    project: ProjectId,
    now: Timestamp,
    rng: &mut ChaCha8Rng,
) -> [String; 3] {
    let mut texts = [const { String::new() }; 3];
    for (role, text) in Role::ALL.into_iter().zip(&mut texts) {
        let (shown, key) = generate_key(project, role.as_str(), role, now, rng);
        store.insert_key(&key).await.unwrap();
        *text = shown;
    }
    texts
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
