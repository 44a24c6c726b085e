//! Single posts share their commits: a commit costs a disk flush, whatever it holds.
//!
//! One task writes. While it commits, further posts queue up, and the next commit takes all of them
//! (up to `commit_rows`). A post that comes alone is committed at once, so nobody waits for a timer.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::api::config::Capacity;
use crate::api::error::{ApiError, Code};
use crate::clock::Clock;
use crate::id::ProjectId;
use crate::model::interaction::NewInteraction;
use crate::store::{InsertOutcome, Store, StoreError};

type Row = (ProjectId, NewInteraction);
type Answer = Result<InsertOutcome, ApiError>;

struct Job {
    row: Row,
    answer: oneshot::Sender<Answer>,
}

/// The way to the task that commits.
#[derive(Debug, Clone)]
pub(crate) struct GroupCommit {
    queue: mpsc::Sender<Job>,
}

impl GroupCommit {
    /// Starts the task; it ends when the last handle is gone and the queue is empty.
    pub(crate) fn start(store: Store, clock: Arc<dyn Clock>, capacity: &Capacity) -> Self {
        let (queue, jobs) = mpsc::channel(capacity.commit_queue);
        tokio::spawn(run(jobs, store, clock, capacity.commit_rows));
        Self { queue }
    }

    /// Stores one interaction together with those of other requests; returns once it is durable.
    pub(crate) async fn insert(
        &self,
        project: ProjectId,
        item: NewInteraction,
    ) -> Result<InsertOutcome, ApiError> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Job { row: (project, item), answer }).map_err(|_| {
            let detail = "too many interactions wait to be stored; try again, or send batches";
            ApiError::new(Code::Overloaded, detail)
        })?;
        let stopping = |_| ApiError::new(Code::Unavailable, "the server is stopping; try again");
        answered.await.map_err(stopping)?
    }
}

async fn run(mut jobs: mpsc::Receiver<Job>, store: Store, clock: Arc<dyn Clock>, max_rows: usize) {
    let mut group = Vec::new();
    while jobs.recv_many(&mut group, max_rows).await > 0 {
        let (rows, answers): (Vec<_>, Vec<_>) =
            group.drain(..).map(|job| (job.row, job.answer)).unzip();
        for (answer, outcome) in answers.into_iter().zip(commit(&store, &rows, &*clock).await) {
            // Whoever no longer waits has hung up; the row is stored all the same.
            let _ = answer.send(outcome);
        }
    }
}

/// Commits `rows` together, or one by one where one of them spoils the whole.
async fn commit(store: &Store, rows: &[Row], clock: &dyn Clock) -> Vec<Answer> {
    let error = match store.insert_interactions_grouped(rows, clock.now()).await {
        Ok(outcomes) => return outcomes.into_iter().map(Ok).collect(),
        Err(error) => error,
    };
    if rows.len() == 1 || matches!(error, StoreError::Unavailable(_)) {
        let error = ApiError::from(error);
        return rows.iter().map(|_| Err(error.clone())).collect();
    }
    let mut answers = Vec::with_capacity(rows.len());
    for row in rows.chunks(1) {
        let alone = store.insert_interactions_grouped(row, clock.now()).await;
        answers.push(alone.map(|outcomes| outcomes[0]).map_err(ApiError::from));
    }
    answers
}
