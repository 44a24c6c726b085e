//! The embedding threads: answer in order, hold back, survive a panic, stop cleanly.

use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use seamark::embed::{EmbedError, EmbedService, Embedder, HashingEmbedder, Side, Text};

use super::{Noted, queries};

fn ask(text: &str) -> Vec<(Side, String)> {
    vec![(Side::Query, text.to_owned())]
}

#[tokio::test]
async fn calls_at_once_each_get_their_own_vectors() {
    let service = EmbedService::start(Arc::new(HashingEmbedder::new()), 2).unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|i| {
            let service = service.clone();
            tokio::spawn(async move { service.embed(ask(&format!("text {i}"))).await.unwrap() })
        })
        .collect();
    for (i, task) in tasks.into_iter().enumerate() {
        let direct = HashingEmbedder::new().embed(&queries(&[&format!("text {i}")])).unwrap();
        assert_eq!(task.await.unwrap(), direct);
    }
}

#[tokio::test]
async fn a_panic_of_the_model_fails_one_call_only() {
    let service = EmbedService::start(Arc::new(Noted::default()), 2).unwrap();
    let error = service.embed(ask("panic")).await.unwrap_err();
    assert!(matches!(error, EmbedError::Inference(_)), "{error}");
    assert_eq!(service.embed(ask("calm")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn shutdown_finishes_what_was_queued_and_refuses_the_rest() {
    let service = EmbedService::start(Arc::new(HashingEmbedder::new()), 8).unwrap();
    let queued = service.embed(ask("queued"));
    let (queued, ()) = tokio::join!(queued, service.shutdown());
    assert_eq!(queued.unwrap().len(), 1);
    let late = service.embed(ask("late")).await.unwrap_err();
    assert!(matches!(late, EmbedError::Stopped), "{late}");
    tokio::time::timeout(Duration::from_secs(10), service.shutdown())
        .await
        .expect("a second shutdown has nothing to wait for");
}

#[tokio::test]
async fn a_call_that_nobody_awaits_any_more_is_not_computed() {
    let noted = Arc::new(Noted::default());
    let service = EmbedService::start(Arc::clone(&noted) as Arc<dyn Embedder>, 8).unwrap();
    let mut kept = Box::pin(service.embed(ask("kept")));
    let mut left = Box::pin(service.embed(ask("left")));
    {
        // While this is held the thread cannot get past its first call.
        let _held = noted.asked.lock().unwrap();
        let mut context = Context::from_waker(Waker::noop());
        assert!(kept.as_mut().poll(&mut context).is_pending());
        assert!(left.as_mut().poll(&mut context).is_pending());
        drop(left);
    }
    assert_eq!(kept.await.unwrap().len(), 1);
    service.shutdown().await;
    assert_eq!(noted.take(), ["kept"]);
}

/// Large calls wait until `held` is let go.
#[derive(Default)]
struct Gate {
    inner: HashingEmbedder,
    held: Mutex<()>,
}

impl Embedder for Gate {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn model_digest(&self) -> &str {
        self.inner.model_digest()
    }

    fn embed(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let _held = (texts.len() > 4).then(|| self.held.lock().unwrap());
        self.inner.embed(texts)
    }
}

#[test]
fn a_small_call_does_not_wait_behind_a_large_one() {
    let gate = Arc::new(Gate::default());
    let service = EmbedService::start(Arc::clone(&gate) as Arc<dyn Embedder>, 2).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let held = gate.held.lock().unwrap();
    let mut large = Box::pin(service.embed((0..5).flat_map(|_| ask("large")).collect()));
    assert!(large.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(runtime.block_on(service.embed(ask("small"))).unwrap().len(), 1);
    drop(held);
    assert_eq!(runtime.block_on(large).unwrap().len(), 5);
}
