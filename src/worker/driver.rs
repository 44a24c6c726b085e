//! Runs a worker: on a signal and on a timer, until told to stop.

use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A worker's tick failed; the next tick is the retry.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The store.
    #[error("store: {0}")]
    Store(#[from] crate::store::StoreError),
    /// The embedder.
    #[error("embedder: {0}")]
    Embed(#[from] crate::embed::EmbedError),
    /// Stored state that cannot be used.
    #[error("monitor {monitor}: {reason}")]
    Monitor {
        /// The monitor.
        monitor: crate::id::MonitorId,
        /// Why.
        reason: String,
    },
    /// A computation was cut off.
    #[error("a background computation ended early: {0}")]
    Join(#[from] tokio::task::JoinError),
}

/// Something that looks for work and does it.
pub trait Worker {
    /// Its name in the log.
    const NAME: &'static str;

    /// Does a bounded piece of work; `true` when there may be more at once.
    fn tick(&mut self) -> impl Future<Output = Result<bool, WorkerError>> + Send;

    /// Gives back what is claimed, before the process ends.
    fn release(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// Ticks `worker` whenever `wake` signals or `period` has passed, until `stop`.
///
/// A failed tick is logged once and retried after a pause that doubles up to 30 s, so that a
/// database that is away for hours costs neither the process nor the log.
pub async fn run<W: Worker>(
    mut worker: W,
    wake: &Notify,
    period: Duration,
    stop: CancellationToken,
) {
    let mut pause = period;
    while !stop.is_cancelled() {
        let more = match worker.tick().await {
            Ok(more) => {
                pause = period;
                more
            }
            Err(error) => {
                pause = (pause * 2).clamp(Duration::from_secs(1), Duration::from_secs(30));
                tracing::error!(worker = W::NAME, %error, retry_in = ?pause, "tick failed");
                false
            }
        };
        if !more {
            tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }
    worker.release().await;
    tracing::debug!(worker = W::NAME, "stopped");
}
