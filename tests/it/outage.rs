//! An embedder that is away costs no interaction; a text that it cannot take costs only itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::clock::SystemClock;
use seamark::embed::{EmbedError, EmbedService, Embedder, HashingEmbedder, Text};
use seamark::store::Store;
use seamark::telemetry::Metrics;
use seamark::worker::driver::Worker;
use seamark::worker::embedding::EmbeddingWorker;
use seamark::worker::{Config, Context, Wakers};

use crate::store::sample::{insert, project};

/// The hashing embedder behind an endpoint that may be away and cannot take "query of i1".
#[derive(Default)]
struct Remote {
    inner: HashingEmbedder,
    is_away: AtomicBool,
}

impl Embedder for Remote {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn model_digest(&self) -> &str {
        self.inner.model_digest()
    }

    fn embed(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<f32>>, EmbedError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(EmbedError::Endpoint("no connection".to_owned()));
        }
        if texts.iter().any(|text| text.text == "query of i1") {
            return Err(EmbedError::Inference("it answered 422".to_owned()));
        }
        self.inner.embed(texts)
    }
}

#[tokio::test]
async fn an_outage_of_the_endpoint_quarantines_nothing() {
    let url = "sqlite::memory:".to_owned();
    let config = seamark::store::Config { url, ..seamark::store::Config::default() };
    let store = Store::open(&config).await.unwrap();
    store.migrate().await.unwrap();
    let project = project(&store).await;
    insert(&store, project, 0..3).await;
    let context = Context {
        store: store.clone(),
        clock: Arc::new(SystemClock),
        rng: Arc::new(Mutex::new(ChaCha8Rng::seed_from_u64(1))),
        metrics: Arc::new(Metrics::new("test")),
        wakers: Wakers::default(),
        config: Arc::new(Config::default()),
        holder: "test".into(),
    };
    let remote = Arc::new(Remote::default());
    let service = EmbedService::start(Arc::clone(&remote) as Arc<dyn Embedder>, 2).unwrap();
    let mut worker = EmbeddingWorker::new(context, service);

    remote.is_away.store(true, Ordering::Relaxed);
    for _ in 0..5 {
        let error = worker.tick().await.unwrap_err().to_string();
        assert!(error.contains("the embeddings endpoint is not usable"), "{error}");
        let counts = store.counts(project).await.unwrap();
        assert_eq!((counts.pending, counts.quarantined), (3, 0));
    }
    remote.is_away.store(false, Ordering::Relaxed);
    // Claims were given back: nothing waits for a lease to run out.
    worker.tick().await.unwrap();
    let counts = store.counts(project).await.unwrap();
    assert_eq!((counts.embedded, counts.pending, counts.quarantined), (2, 1, 0));
}
