//! What all workers share.

use std::sync::{Arc, Mutex, PoisonError};

use rand_chacha::ChaCha8Rng;
use tokio::sync::Notify;

use crate::clock::{Clock, Timestamp};
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::worker::config::Config;

/// What all workers share; cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids and jitter.
    pub rng: Arc<Mutex<ChaCha8Rng>>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Signals between the workers.
    pub wakers: Wakers,
    /// Settings.
    pub config: Arc<Config>,
    /// This process in leases and claims.
    pub holder: Arc<str>,
}

impl Context {
    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Calls `f` with the generator.
    pub fn with_rng<T>(&self, f: impl FnOnce(&mut ChaCha8Rng) -> T) -> T {
        f(&mut self.rng.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One signal per worker: "there may be work". Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Wakers {
    /// New interactions wait for their embeddings.
    pub embedding: Arc<Notify>,
    /// A reference was asked for, or rows for one arrived.
    pub reference: Arc<Notify>,
    /// New embeddings or a new reference wait for evaluation.
    pub evaluation: Arc<Notify>,
    /// Rules changed, or figures that they compare.
    pub rules: Arc<Notify>,
    /// Alerts, routes, silences or acknowledgements changed.
    pub dispatch: Arc<Notify>,
    /// A workflow was asked for, or someone decided on one.
    pub retrain: Arc<Notify>,
    /// New messages wait in the outbox.
    pub delivery: Arc<Notify>,
    /// Something is to be erased.
    pub erasure: Arc<Notify>,
    /// A new key is to seal texts.
    pub encryption: Arc<Notify>,
    /// Nobody signals it: retention goes by its timer.
    pub retention: Arc<Notify>,
}
