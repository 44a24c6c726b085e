//! Runs a calibration on a thread of its own: with progress, and on from where an interruption left it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::detect::freeze::steps::{Step, Steps};
use crate::detect::freeze::{FreezeError, freeze_with_outcomes};
use crate::detect::outcomes::freeze::OutcomeSpec;
use crate::detect::profile::{PROFILE_VERSION, ReferenceProfile, StreamPart};
use crate::model::interaction::Event;
use crate::model::monitor::MonitorSpec;
use crate::model::reference::{Reference, ReferenceStatus};
use crate::model::stream::Stream;
use crate::store::{Store, StoreError, digest_of_rows};
use crate::worker::driver::WorkerError;

/// What a calibration depends on.
pub(in crate::worker) struct Inputs {
    pub(in crate::worker) rows: Vec<Event>,
    pub(in crate::worker) spec: MonitorSpec,
    pub(in crate::worker) outcomes: Vec<OutcomeSpec>,
    pub(in crate::worker) model_digest: String,
    pub(in crate::worker) seed: u64,
}

impl Inputs {
    fn digest(&self) -> Result<String, StoreError> {
        // Outcomes are calibrated last; what they change in a step is its rate, which a freeze looks at.
        let settings =
            serde_json::json!([PROFILE_VERSION, self.spec, self.model_digest, self.seed]);
        digest_of_rows(settings.to_string().as_bytes(), &self.rows)
    }

    fn freeze(
        &self,
        steps: &dyn Steps,
        progress: &(dyn Fn(f64) + Sync),
    ) -> Result<ReferenceProfile, FreezeError> {
        let Self { rows, spec, outcomes, model_digest, seed } = self;
        freeze_with_outcomes(rows, spec, outcomes, model_digest, *seed, steps, progress)
    }
}

/// Calibrates `reference`, keeps each step and writes the progress every half second.
pub(in crate::worker) async fn calibrate(
    store: &Store,
    reference: &Reference,
    inputs: Arc<Inputs>,
) -> Result<Result<ReferenceProfile, FreezeError>, WorkerError> {
    let own = inputs.clone();
    let digest = tokio::task::spawn_blocking(move || own.digest()).await??;
    let (kept, mut keep) = kept(store, reference, &digest).await?;
    let done = Arc::new(AtomicU64::new(0));
    let heard = done.clone();
    let mut task = tokio::task::spawn_blocking(move || {
        inputs.freeze(&kept, &|share| {
            heard.fetch_max((share * 1e6) as u64, Ordering::Relaxed);
        })
    });
    loop {
        tokio::select! {
            biased;
            Some((step, result)) = keep.recv() => {
                store.keep_calibration_step(reference.id, &step, &digest, &result).await?;
                crate::fault::point("reference.step_kept");
            }
            result = &mut task => return Ok(result?),
            () = tokio::time::sleep(Duration::from_millis(500)) => {
                let (share, status) =
                    (done.load(Ordering::Relaxed) as f64 / 1e6, ReferenceStatus::Computing);
                store.set_reference_progress(reference.id, status, share, None).await?;
            }
        }
    }
}

/// Steps that were stored, and those to be.
struct Kept {
    done: HashMap<Step, StreamPart>,
    keep: UnboundedSender<(String, String)>,
}

impl Steps for Kept {
    fn done(&self, step: Step) -> Option<StreamPart> {
        self.done.get(&step).cloned()
    }

    fn keep(&self, step: Step, result: &StreamPart) {
        if let Ok(result) = serde_json::to_string(result) {
            // Nobody listens any more where the worker stops: the step is made again then.
            let _ = self.keep.send((name(step), result));
        }
    }
}

async fn kept(
    store: &Store,
    reference: &Reference,
    digest: &str,
) -> Result<(Kept, UnboundedReceiver<(String, String)>), StoreError> {
    let stored = store.calibration_steps(reference.id, digest).await?;
    let read = |(name, result): (String, String)| {
        Some((step(&name)?, serde_json::from_str(&result).ok()?))
    };
    let done: HashMap<Step, StreamPart> = stored.into_iter().filter_map(read).collect();
    if !done.is_empty() {
        let steps = done.len();
        tracing::info!(reference = %reference.id, steps, "calibration goes on where it stopped");
    }
    let (keep, listen) = unbounded_channel();
    Ok((Kept { done, keep }, listen))
}

/// `query/0`.
fn name(step: Step) -> String {
    format!("{}/{}", step.stream, step.part)
}

fn step(name: &str) -> Option<Step> {
    let (stream, part) = name.split_once('/')?;
    Some(Step { stream: Stream::parse(stream)?, part: part.parse().ok()? })
}
