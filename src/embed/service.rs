//! The asynchronous door to an embedder: threads own the work, bounded queues hold it back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::backend::{Embedder, Lookups, Side, Text};
use super::error::EmbedError;

enum Job {
    Embed(Vec<(Side, String)>, oneshot::Sender<Result<Vec<Vec<f32>>, EmbedError>>),
    Stop(oneshot::Sender<()>),
}

/// Calls of at most so many texts do not wait behind the large ones.
const SMALL: usize = 4;

/// A handle to the embedding threads; clones share them. One thread takes the calls of a few texts
/// each, which somebody may be waiting for, the other the rest. They end with the last handle, or
/// with [`EmbedService::shutdown`].
#[derive(Clone)]
pub struct EmbedService {
    small: mpsc::Sender<Job>,
    large: mpsc::Sender<Job>,
    embedder: Arc<dyn Embedder>,
}

impl EmbedService {
    /// Starts the threads. `queue` is how many calls may wait before the next one waits to queue.
    pub fn start(embedder: Arc<dyn Embedder>, queue: usize) -> Result<Self, EmbedError> {
        let lane = |name: &str| {
            let (jobs, receiver) = mpsc::channel(queue.max(1));
            let worker = Arc::clone(&embedder);
            thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || serve(worker.as_ref(), receiver))
                .map_err(|e| EmbedError::Device { device: "cpu", problem: e.to_string() })?;
            Ok(jobs)
        };
        Ok(Self { small: lane("embed-small")?, large: lane("embed-large")?, embedder })
    }

    /// The length of every vector.
    pub fn dimension(&self) -> usize {
        self.embedder.dimension()
    }

    /// See [`Embedder::model_digest`].
    pub fn model_digest(&self) -> &str {
        self.embedder.model_digest()
    }

    /// See [`Embedder::is_word`].
    pub fn is_word(&self, word: &str) -> Option<bool> {
        self.embedder.is_word(word)
    }

    /// See [`Embedder::lookups`].
    pub fn lookups(&self) -> Lookups {
        self.embedder.lookups()
    }

    /// One unit vector for each text, in order. Waits for room in the queue first.
    pub async fn embed(&self, texts: Vec<(Side, String)>) -> Result<Vec<Vec<f32>>, EmbedError> {
        let (answer, answered) = oneshot::channel();
        let lane = if texts.len() <= SMALL { &self.small } else { &self.large };
        lane.send(Job::Embed(texts, answer)).await.map_err(|_| EmbedError::Stopped)?;
        answered.await.map_err(|_| EmbedError::Stopped)?
    }

    /// Finishes what was queued before this call, then ends the threads; later calls get
    /// [`EmbedError::Stopped`].
    pub async fn shutdown(&self) {
        for lane in [&self.small, &self.large] {
            let (stopped, done) = oneshot::channel();
            if lane.send(Job::Stop(stopped)).await.is_ok() {
                let _ = done.await;
            }
        }
    }
}

fn serve(embedder: &dyn Embedder, mut jobs: mpsc::Receiver<Job>) {
    while let Some(job) = jobs.blocking_recv() {
        match job {
            // Nobody waits for it any more: the caller was cancelled.
            Job::Embed(_, answer) if answer.is_closed() => {}
            Job::Embed(texts, answer) => {
                let _ = answer.send(embed(embedder, &texts));
            }
            Job::Stop(stopped) => {
                drop(jobs);
                let _ = stopped.send(());
                return;
            }
        }
    }
}

fn embed(embedder: &dyn Embedder, texts: &[(Side, String)]) -> Result<Vec<Vec<f32>>, EmbedError> {
    let texts: Vec<Text<'_>> =
        texts.iter().map(|(side, text)| Text { side: *side, text }).collect();
    // One text that upsets a library must not end all embedding.
    catch_unwind(AssertUnwindSafe(|| embedder.embed(&texts)))
        .unwrap_or_else(|_| Err(EmbedError::Inference("the model panicked".to_owned())))
}
