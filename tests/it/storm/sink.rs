//! A receiver for storms: counts what comes under each id, and keeps nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What came under one id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Came {
    /// The first body.
    pub(super) body: String,
    /// How often.
    pub(super) times: usize,
    /// Whether every body was the first one.
    pub(super) is_steady: bool,
}

/// A running receiver.
pub(super) struct Sink {
    /// Where it listens.
    pub(super) url: String,
    came: Arc<Mutex<BTreeMap<String, Came>>>,
    distinct: watch::Receiver<usize>,
}

#[derive(Clone)]
struct Book {
    came: Arc<Mutex<BTreeMap<String, Came>>>,
    distinct: Arc<watch::Sender<usize>>,
}

impl Sink {
    /// Starts on a free port.
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (count, distinct) = watch::channel(0);
        let book = Book { came: Arc::default(), distinct: Arc::new(count) };
        let came = Arc::clone(&book.came);
        let router = Router::new().route("/hook", post(take)).with_state(book);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, came, distinct }
    }

    /// Waits until `count` different messages have come.
    pub(super) async fn wait_for(&self, count: usize) {
        let mut distinct = self.distinct.clone();
        let enough = distinct.wait_for(|n| *n >= count);
        let waited = tokio::time::timeout(Duration::from_mins(1), enough).await;
        assert!(waited.is_ok(), "{count} messages are due, {} came", self.came().len());
    }

    /// Everything that has come so far.
    pub(super) fn came(&self) -> BTreeMap<String, Came> {
        self.came.lock().unwrap().clone()
    }
}

async fn take(State(book): State<Book>, headers: HeaderMap, body: String) {
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let mut came = book.came.lock().unwrap();
    let entry = came.entry(id);
    let one = entry.or_insert_with(|| Came { body: body.clone(), times: 0, is_steady: true });
    one.times += 1;
    one.is_steady &= one.body == body;
    let distinct = came.len();
    drop(came);
    book.distinct.send_replace(distinct);
}
