//! The embedding worker claims ahead, and loses nothing by it however slow the model is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::clock::ManualClock;
use seamark::embed::{EmbedError, EmbedService, Embedder, HashingEmbedder, Text};
use seamark::store::Store;
use seamark::telemetry::Metrics;
use seamark::worker::driver::Worker;
use seamark::worker::embedding::EmbeddingWorker;
use seamark::worker::{Config, Context, Wakers};

use crate::store::sample::{at, insert, project};

/// The hashing embedder, for which each call takes `pace`; it counts how often it saw a text.
struct Slow {
    inner: HashingEmbedder,
    clock: Arc<ManualClock>,
    pace: Duration,
    seen: Mutex<HashMap<String, usize>>,
}

impl Embedder for Slow {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn model_digest(&self) -> &str {
        self.inner.model_digest()
    }

    fn embed(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<f32>>, EmbedError> {
        for text in texts {
            *self.seen.lock().unwrap().entry(text.text.to_owned()).or_default() += 1;
        }
        self.clock.advance(self.pace);
        self.inner.embed(texts)
    }
}

#[tokio::test]
async fn a_model_slower_than_the_lease_embeds_every_text_once() {
    for seconds in [0, 31, 59, 61, 200] {
        let url = "sqlite::memory:".to_owned();
        let config = seamark::store::Config { url, ..seamark::store::Config::default() };
        let store = Store::open(&config).await.unwrap();
        store.migrate().await.unwrap();
        let project = project(&store).await;
        insert(&store, project, 0..7).await;
        let clock = Arc::new(ManualClock::new(at(1)));
        let slow = Arc::new(Slow {
            inner: HashingEmbedder::new(),
            clock: Arc::clone(&clock),
            pace: Duration::from_secs(seconds),
            seen: Mutex::default(),
        });
        let context = Context {
            store: store.clone(),
            clock,
            rng: Arc::new(Mutex::new(ChaCha8Rng::seed_from_u64(1))),
            metrics: Arc::new(Metrics::new("test")),
            wakers: Wakers::default(),
            config: Arc::new(Config { embedding_batch: 2, ..Config::default() }),
            holder: "test".into(),
        };
        let service = EmbedService::start(Arc::clone(&slow) as Arc<dyn Embedder>, 2).unwrap();
        let mut worker = EmbeddingWorker::new(context, service);
        for tick in 0..4 {
            assert!(worker.tick().await.unwrap(), "{seconds} s, tick {tick}");
        }
        assert!(!worker.tick().await.unwrap());
        let counts = store.counts(project).await.unwrap();
        assert_eq!((counts.embedded, counts.pending, counts.quarantined), (7, 0, 0), "{seconds} s");
        let seen = slow.seen.lock().unwrap();
        assert!(seen.values().all(|&times| times == 1), "{seconds} s: {seen:?}");
    }
}
