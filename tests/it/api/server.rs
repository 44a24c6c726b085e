//! The accept loop over real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use seamark::api::{Config, Peer, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Server {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    done: JoinHandle<()>,
}

async fn start(router: Router, config: Config) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let done = tokio::spawn(serve(listener, router, stop.clone(), config));
    Server { address, stop, done }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn half_a_head_and_silence_are_closed() {
    let mut config = Config::default();
    config.timeouts.header_seconds = 1;
    let server = start(Router::new(), config).await;
    for sent in [&b"GET / HTTP/1.1\r\nhost:"[..], b""] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(sent).await.unwrap();
        let closed = tokio::time::timeout(Duration::from_secs(10), read_all(&mut stream)).await;
        assert!(!closed.expect("the server closes").contains("200 OK"));
    }
}

#[tokio::test]
async fn connections_beyond_the_cap_wait_for_their_turn() {
    let mut config = Config::default();
    config.capacity.connections = 1;
    let server = start(Router::new().route("/", get(|| async { "here" })), config).await;
    let first = TcpStream::connect(server.address).await.unwrap();
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(REQUEST).await.unwrap();
    let mut byte = [0];
    let waiting = tokio::time::timeout(Duration::from_millis(100), second.read(&mut byte)).await;
    assert!(waiting.is_err(), "the second connection was served beside the first");
    drop(first);
    assert!(read_all(&mut second).await.ends_with("here"));
}

#[tokio::test]
async fn handlers_see_where_a_request_came_from() {
    let shown = |Extension(peer): Extension<Peer>| async move { peer.0.to_string() };
    let server = start(Router::new().route("/", get(shown)), Config::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    assert!(read_all(&mut stream).await.ends_with("127.0.0.1"));
}

#[tokio::test]
async fn a_stop_lets_open_requests_finish_and_takes_no_new_ones() {
    let (entered, enter) = tokio::sync::oneshot::channel();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let parts = std::sync::Arc::new(std::sync::Mutex::new(Some((entered, released))));
    let handler = move || {
        let (entered, released) = parts.lock().unwrap().take().unwrap();
        async move {
            entered.send(()).unwrap();
            released.await.unwrap();
            "finished"
        }
    };
    let server = start(Router::new().route("/", get(handler)), Config::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    enter.await.unwrap();
    server.stop.cancel();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    release.send(()).unwrap();
    assert!(read_all(&mut stream).await.ends_with("finished"));
    server.done.await.unwrap();
}
