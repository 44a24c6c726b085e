//! What handlers share.

use std::collections::HashMap;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;

use crate::api::body::BodyLimits;
use crate::api::budget::Budget;
use crate::api::config::Config;
use crate::api::error::{ApiError, Code};
use crate::api::guards::Guards;
use crate::api::ingest::backlog::Backlog;
use crate::api::ingest::group_commit::GroupCommit;
use crate::api::oidc::Oidc;
use crate::api::throttle::Throttles;
use crate::clock::{Clock, Timestamp};
use crate::embed::EmbedService;
use crate::id::{KeyId, ProjectId};
use crate::model::interaction::NewInteraction;
use crate::model::key::ApiKey;
use crate::model::reference::Reference;
use crate::notify::Notifier;
use crate::sample::{self, Decision, MinuteBudget, SamplingConfig};
use crate::screen::NameFinder;
use crate::store::{Store, StoreError};
use crate::telemetry::Metrics;
use crate::worker::Wakers;

/// How long a found key is believed: another process' revocation counts after this at the latest.
const KEY_TTL: Duration = Duration::from_secs(5);
/// How long a key that was seen lets its holder pass an address that is refused.
const KEY_KNOWN: Duration = Duration::from_mins(15);
/// Keys that are remembered at most.
const KEYS_REMEMBERED: usize = 1024;
/// Bytes of a JSON document other than interactions.
const DOCUMENT_BYTES: usize = 1 << 20;

/// Takes an uploaded reference file: rows that are no traffic and are in no window.
pub trait ReferenceUpload: Send + Sync + 'static {
    /// Stores `reference` and its rows durably in one step; they are embedded and frozen later.
    fn accept(
        &self,
        reference: Reference,
        rows: Vec<NewInteraction>,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + '_>>;
}

/// What the API is made of; each part comes from the composition root.
pub struct Parts {
    /// The store.
    pub store: Store,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// For ids and secrets; seeded from the system's entropy outside of tests.
    pub rng: Arc<Mutex<ChaCha8Rng>>,
    /// Counters and histograms.
    pub metrics: Arc<Metrics>,
    /// To wake the workers.
    pub wakers: Wakers,
    /// Settings.
    pub config: Config,
    /// Judges the URLs of receivers.
    pub notifier: Notifier,
    /// What links in messages begin with.
    pub public_url: String,
    /// Which interactions are kept.
    pub sampling: SamplingConfig,
    /// The project of everyone where nobody is asked for a key.
    pub default_project: ProjectId,
    /// Whether the model is loaded.
    pub embedder_ready: Arc<AtomicBool>,
    /// The model, once it is loaded: for texts that somebody waits for.
    pub embedder: Arc<OnceLock<EmbedService>>,
    /// The model of names, where there is one: loaded before anything is taken in, so that nothing passes it.
    pub names: Option<Arc<dyn NameFinder>>,
    /// Knows the OpenID provider, where there is one.
    pub oidc: Option<Oidc>,
    /// Where reference files go.
    pub uploads: Arc<dyn ReferenceUpload>,
}

/// What handlers share; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// The parts and what the API keeps beside them.
pub struct Shared {
    parts: Parts,
    keys: Mutex<HashMap<KeyId, (ApiKey, Timestamp)>>,
    budgets: Mutex<HashMap<ProjectId, MinuteBudget>>,
    pub(crate) guards: Guards,
    pub(crate) throttles: Throttles,
    pub(crate) budget: Budget,
    pub(crate) commits: GroupCommit,
    pub(crate) backlog: Backlog,
}

impl Deref for Shared {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl AppState {
    /// The state of an API made of `parts`; starts the task of the common commits, so it needs a
    /// running tokio runtime.
    pub fn new(parts: Parts) -> Self {
        let capacity = &parts.config.capacity;
        let clock = Arc::clone(&parts.clock);
        Self(Arc::new(Shared {
            keys: Mutex::default(),
            budgets: Mutex::default(),
            guards: Guards::default(),
            throttles: Throttles::default(),
            budget: Budget::new(capacity.body_bytes_in_flight),
            commits: GroupCommit::start(parts.store.clone(), clock, capacity),
            backlog: Backlog::new(capacity.max_pending),
            parts,
        }))
    }
}

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Runs `make` with the generator; it must be quick.
    pub(crate) fn random<T>(&self, make: impl FnOnce(&mut ChaCha8Rng) -> T) -> T {
        make(&mut self.rng.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The key of this id, revoked or not, from memory where it was seen a moment ago.
    pub(crate) async fn find_key(&self, id: KeyId) -> Result<Option<ApiKey>, ApiError> {
        let now = self.now();
        if let Some((key, seen)) = self.remembered().get(&id)
            && now.since(*seen) < KEY_TTL
            && *seen <= now
        {
            return Ok(Some(key.clone()));
        }
        let key = self.store.find_key(id).await?;
        let mut remembered = self.remembered();
        if remembered.len() >= KEYS_REMEMBERED {
            remembered.clear();
        }
        if let Some(key) = &key {
            remembered.insert(id, (key.clone(), now));
        }
        Ok(key)
    }

    /// The key of this id as it was seen a while ago, without a look at the store: it may have ended since.
    pub(crate) fn known_key(&self, id: KeyId) -> Option<ApiKey> {
        let remembered = self.remembered();
        let (key, seen) = remembered.get(&id)?;
        (self.now().since(*seen) < KEY_KNOWN).then(|| key.clone())
    }

    /// Forgets a key that was revoked or rotated.
    pub(crate) fn forget_key(&self, id: KeyId) {
        self.remembered().remove(&id);
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<KeyId, (ApiKey, Timestamp)>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The probability with which `row` is kept; `None` when it is left out.
    pub(crate) fn sample(
        &self,
        project: ProjectId,
        row: &NewInteraction,
        now: Timestamp,
    ) -> Option<f64> {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        let budget = budgets.entry(project).or_default();
        let session = row.session_id.as_deref();
        let name = project.to_string();
        match sample::decide(&self.sampling, &name, session, &row.id, budget, now) {
            Decision::Keep { probability } => Some(probability),
            Decision::Drop => None,
        }
    }

    /// The model, for texts that somebody waits for.
    pub(crate) fn embed_service(&self) -> Result<&EmbedService, ApiError> {
        let detail = "the model is not loaded yet: try again in a moment";
        self.embedder.get().ok_or_else(|| ApiError::new(Code::Unavailable, detail))
    }

    /// What a body of interactions may cost.
    pub(crate) fn batch_limits(&self) -> BodyLimits {
        BodyLimits {
            wire: self.config.limits.body_bytes,
            decompressed: self.config.limits.decompressed_bytes,
            idle: Duration::from_secs(self.config.timeouts.body_idle_seconds),
        }
    }

    /// What any other document may cost.
    pub(crate) fn document_limits(&self) -> BodyLimits {
        BodyLimits { wire: DOCUMENT_BYTES, decompressed: DOCUMENT_BYTES, ..self.batch_limits() }
    }
}
