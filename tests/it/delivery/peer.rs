//! Receivers that are down, slow, throttling, broken, or answer without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a peer does once it has the whole request.
#[derive(Debug, Clone)]
pub(super) enum Manner {
    /// Says this and closes.
    Says(String),
    /// Holds the connection and is silent.
    Hangs,
    /// Says this head and then a body without end.
    NeverEnds(&'static str),
}

/// A running peer.
pub(super) struct Peer {
    /// Where it listens.
    pub(super) url: String,
    requests: Arc<AtomicUsize>,
}

impl Peer {
    /// Starts on a free port.
    pub(super) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, manner.clone(), Arc::clone(&count)));
            }
        });
        Self { url, requests }
    }

    /// Answers with `status` and `headers`.
    pub(super) async fn answering(status: &str, headers: &str) -> Self {
        let answer = format!("HTTP/1.1 {status}\r\n{headers}content-length: 0\r\n\r\n");
        Self::start(Manner::Says(answer)).await
    }

    /// Where nobody listens.
    pub(super) async fn absent() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/hook", listener.local_addr().unwrap())
    }

    /// Whole requests that came.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn converse(mut stream: TcpStream, manner: Manner, count: Arc<AtomicUsize>) {
    let mut bytes = Vec::new();
    // Every body of these tests ends so.
    while !bytes.ends_with(b"}}") {
        match stream.read_buf(&mut bytes).await {
            Ok(n) if n > 0 => {}
            _ => return,
        }
    }
    count.fetch_add(1, Ordering::SeqCst);
    match manner {
        Manner::Says(answer) => {
            let _ = stream.write_all(answer.as_bytes()).await;
        }
        Manner::Hangs => std::future::pending().await,
        Manner::NeverEnds(head) => {
            let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
            let mut sent = stream.write_all(head.as_bytes()).await;
            while sent.is_ok() {
                sent = stream.write_all(chunk.as_bytes()).await;
            }
        }
    }
}
