//! The composition root: opens the parts, starts the tasks, stops them in order.

pub mod demo;
pub mod embedder;
pub mod files;
mod kept_texts;
pub mod lock;
mod outcomes;
pub mod replay;
mod uploads;
pub mod vectors;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api::{self, AppState, AuthMode, Oidc, Parts, generate_key};
use crate::app::lock::DataLock;
use crate::app::uploads::Uploads;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::embed::{EmbedService, Embedder, NamesModel, Progress};
use crate::id::{KeyId, ProjectId};
use crate::model::audit::AuditRecord;
use crate::model::key::Role;
use crate::notify::Notifier;
use crate::screen::NameFinder;
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::worker::delivery::DeliveryWorker;
use crate::worker::dispatch::DispatchWorker;
use crate::worker::driver::{self, Worker};
use crate::worker::embedding::EmbeddingWorker;
use crate::worker::encryption::EncryptionWorker;
use crate::worker::erasure::ErasureWorker;
use crate::worker::evaluation::EvaluationWorker;
use crate::worker::reference::ReferenceWorker;
use crate::worker::retention::RetentionWorker;
use crate::worker::retrain::RetrainWorker;
use crate::worker::rules::RuleWorker;
use crate::worker::{Context, Wakers};

/// The name of whoever holds an embedded database. Its lock lets in one daemon at a time, so what
/// a killed one had claimed is its successor's at once: in the same order, and without a wait.
const SOLE_HOLDER: &str = "sole";

/// The project that everything belongs to until there are more.
pub const DEFAULT_PROJECT: &str = "default";

/// Batches that wait for the embedder at most.
const EMBED_QUEUE: usize = 4;

/// Time between two looks at retrainings that wait for their guard or for the end of their request.
const RETRAIN_POLL: Duration = Duration::from_secs(2);

/// Time between two looks for erasures that another daemon was asked for.
const ERASURE_POLL: Duration = Duration::from_secs(5);

/// Time between two looks for texts that are not sealed with the newest key.
const ENCRYPTION_POLL: Duration = Duration::from_mins(1);

/// How often retention is looked after.
const RETENTION_PERIOD: Duration = Duration::from_hours(1);

/// A running daemon.
pub struct Daemon {
    /// Where it listens.
    pub address: SocketAddr,
    /// The first key, when one was made: to be shown once.
    pub first_key: Option<String>,
    /// Its database.
    pub store: Store,
    /// Its project.
    pub project: ProjectId,
    server: tokio::task::JoinHandle<()>,
    stop_server: CancellationToken,
    workers: JoinSet<()>,
    stop_workers: CancellationToken,
    _lock: Option<DataLock>,
}

/// What a daemon is started from besides its settings.
pub struct Launch {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: ChaCha8Rng,
    /// An embedder that is there already; opened from the settings when `None`.
    pub embedder: Option<Arc<dyn Embedder>>,
    /// A model of names that is there already; opened from the settings when `None`.
    pub names: Option<Arc<dyn NameFinder>>,
    /// Hears of the model being fetched and loaded.
    pub progress: Box<dyn Fn(Progress<'_>) + Send>,
}

impl Default for Launch {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            rng: seeded_rng(),
            embedder: None,
            names: None,
            progress: Box::new(|_| ()),
        }
    }
}

/// A generator seeded by the system.
pub fn seeded_rng() -> ChaCha8Rng {
    ChaCha8Rng::from_os_rng()
}

impl Daemon {
    /// Opens everything and starts serving: it listens early and is ready late, when the model is
    /// loaded. Fails with one clear line.
    pub async fn start(config: Config, launch: Launch) -> anyhow::Result<Self> {
        // Flags such as --bind come after the settings were checked.
        if let Some((key, detail)) = config.server.problems().into_iter().next() {
            anyhow::bail!("server.{key}: {detail}");
        }
        let names = open_names(&config, launch.names).await?;
        let lock = DataLock::of_store(&config.store)?;
        let store = Store::open(&config.store).await.context("cannot open the database")?;
        store.migrate().await.context("cannot bring the database up to date")?;
        store.check_text_keys().await.context("cannot open the texts of the database")?;
        let now = launch.clock.now();
        let mut rng = launch.rng;
        let project = store.ensure_project(DEFAULT_PROJECT, now, &mut rng).await?;
        store.ensure_partitions(now).await?;
        let listener = listen(config.server.bind).await?;
        let address = listener.local_addr()?;
        let first_key = first_key(&config, &store, project, &launch.clock, &mut rng).await?;

        let wakers = Wakers::default();
        let rng = Arc::new(Mutex::new(rng));
        let mut worker_config = config.worker.clone();
        if worker_config.public_url.is_empty() {
            worker_config.public_url = format!("http://{address}");
        }
        let holder = if lock.is_some() {
            store.release_claims(SOLE_HOLDER).await?;
            store.release_deliveries(SOLE_HOLDER).await?;
            SOLE_HOLDER.to_owned()
        } else {
            let mut rng = rng.lock().map_err(|_| anyhow::anyhow!("generator is poisoned"))?;
            KeyId::new(now, &mut *rng).to_string()
        };
        let context = Context {
            store: store.clone(),
            clock: launch.clock.clone(),
            rng: rng.clone(),
            metrics: Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"))),
            wakers: wakers.clone(),
            config: Arc::new(worker_config),
            holder: holder.into(),
        };
        let notifier = Notifier::new(&config.notify)?;
        let ready = Arc::new(AtomicBool::new(false));
        let loaded = Arc::new(OnceLock::new());
        let state = AppState::new(Parts {
            store: store.clone(),
            clock: launch.clock,
            rng,
            metrics: context.metrics.clone(),
            wakers: wakers.clone(),
            config: config.server.clone(),
            sampling: config.sampling,
            default_project: project,
            embedder_ready: ready.clone(),
            embedder: loaded.clone(),
            uploads: Arc::new(Uploads::new(store.clone(), wakers.clone())),
            names,
            oidc: Oidc::new(&config.server.auth.oidc)?,
            notifier: notifier.clone(),
            public_url: context.config.public_url.clone(),
        });
        let stop_server = CancellationToken::new();
        let server = tokio::spawn(api::serve(
            listener,
            api::router(state),
            stop_server.clone(),
            config.server.clone(),
        ));
        let mut daemon = Self {
            address,
            first_key,
            store,
            project,
            server,
            stop_server,
            workers: JoinSet::new(),
            stop_workers: CancellationToken::new(),
            _lock: lock,
        };
        match open_embedder(&config, launch.embedder, launch.progress).await {
            Ok(embedder) => {
                let service = EmbedService::start(embedder, EMBED_QUEUE)?;
                daemon.start_workers(&context, &service, notifier);
                // Nobody has set it before.
                let _ = loaded.set(service);
            }
            Err(error) => {
                daemon.stop().await;
                return Err(error);
            }
        }
        ready.store(true, Ordering::Release);
        Ok(daemon)
    }

    fn start_workers(&mut self, context: &Context, service: &EmbedService, notifier: Notifier) {
        let digest = service.model_digest().to_owned();
        let poll = Duration::from_millis(context.config.poll_milliseconds);
        self.spawn(
            context,
            EmbeddingWorker::new(context.clone(), service.clone()),
            |w| &w.embedding,
            poll,
        );
        let references = ReferenceWorker::new(context.clone(), service.clone());
        self.spawn(context, references, |w| &w.reference, poll);
        let evaluation = EvaluationWorker::new(context.clone(), digest);
        self.spawn(context, evaluation, |w| &w.evaluation, poll);
        let dispatch = DispatchWorker::new(context.clone());
        self.spawn(context, dispatch, |w| &w.dispatch, poll);
        let retrain = RetrainWorker::new(context.clone());
        self.spawn(context, retrain, |w| &w.retrain, RETRAIN_POLL);
        let rules_period = Duration::from_secs(context.config.rules_seconds);
        self.spawn(context, RuleWorker::new(context.clone()), |w| &w.rules, rules_period);
        let delivery = DeliveryWorker::new(context.clone(), notifier);
        self.spawn(context, delivery, |w| &w.delivery, poll);
        let erasure = ErasureWorker::new(context.clone());
        self.spawn(context, erasure, |w| &w.erasure, ERASURE_POLL);
        let encryption = EncryptionWorker::new(context.clone());
        self.spawn(context, encryption, |w| &w.encryption, ENCRYPTION_POLL);
        let retention = RetentionWorker::new(context.clone());
        self.spawn(context, retention, |w| &w.retention, RETENTION_PERIOD);
    }

    fn spawn<W: Worker + Send + 'static>(
        &mut self,
        context: &Context,
        worker: W,
        waker: fn(&Wakers) -> &tokio::sync::Notify,
        period: Duration,
    ) {
        let (wakers, stop) = (context.wakers.clone(), self.stop_workers.clone());
        self.workers.spawn(async move { driver::run(worker, waker(&wakers), period, stop).await });
    }

    /// Stops in order: no new requests, open ones finished, workers done with what they hold or
    /// having given it back, database closed.
    pub async fn stop(mut self) {
        self.stop_server.cancel();
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the server ended early");
        }
        self.stop_workers.cancel();
        while let Some(ended) = self.workers.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a worker ended early");
            }
        }
        self.store.close().await;
    }
}

async fn listen(bind: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(bind).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "port {} is taken on {}: stop the program that uses it, or choose another with --bind",
            bind.port(),
            bind.ip()
        ),
        _ => anyhow::anyhow!("cannot listen on {bind}: {error}"),
    })
}

/// On loopback the first start makes an admin key, so that the second command can be a request.
async fn first_key(
    config: &Config,
    store: &Store,
    project: ProjectId,
    clock: &Arc<dyn Clock>,
    rng: &mut ChaCha8Rng,
) -> anyhow::Result<Option<String>> {
    let wanted = config.server.auth.mode == AuthMode::Keys && config.server.bind.ip().is_loopback();
    if !wanted || store.count_keys().await? > 0 {
        return Ok(None);
    }
    let (text, key) = generate_key(project, "first", Role::Admin, clock.now(), rng);
    store.insert_key(&key).await?;
    let payload = serde_json::json!({ "after": key });
    let record = AuditRecord::by_system("key.create", key.id.to_string(), payload);
    store.append_audit(project, &record, clock.now()).await?;
    Ok(Some(text))
}

/// Loads the model of names before anything listens, so that no text is taken in without it.
async fn open_names(
    config: &Config,
    given: Option<Arc<dyn NameFinder>>,
) -> anyhow::Result<Option<Arc<dyn NameFinder>>> {
    if given.is_some() {
        return Ok(given);
    }
    let settings = config.screening.names.clone();
    let opened = tokio::task::spawn_blocking(move || NamesModel::open(&settings)).await??;
    let Some(model) = opened else { return Ok(None) };
    let (folder, digest) = (config.screening.names.model.display(), model.digest());
    tracing::info!(%folder, digest, threshold = model.threshold(), "names are found by a model");
    Ok(Some(Arc::new(model)))
}

async fn open_embedder(
    config: &Config,
    given: Option<Arc<dyn Embedder>>,
    progress: Box<dyn Fn(Progress<'_>) + Send>,
) -> anyhow::Result<Arc<dyn Embedder>> {
    if let Some(embedder) = given {
        return Ok(embedder);
    }
    let settings = config.embedding.clone();
    Ok(tokio::task::spawn_blocking(move || embedder::open(&settings, &*progress)).await??)
}
