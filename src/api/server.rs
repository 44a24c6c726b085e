//! The accept loop: what `axum::serve` does not give, which is a time limit on request heads, a cap
//! on connections and a bounded graceful stop.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::util::MapRequest;

use crate::api::config::Config;
use crate::api::throttle::Peer;

/// Bytes of a request head; hyper answers 431 beyond.
const HEAD_BYTES: usize = 32 << 10;

/// Serves `router` on `listener` until `shutdown` is cancelled.
///
/// Then it stops accepting, lets open requests finish within `timeouts.shutdown_seconds`, and
/// returns; connections that are still open after that are dropped with the runtime.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
    config: Config,
) {
    let permits = Arc::new(Semaphore::new(config.capacity.connections));
    let graceful = GracefulShutdown::new();
    let http = http_builder(&config);
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let Some((stream, peer, permit)) = accepted else { continue };
        let service = MapRequest::new(router.clone(), move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            request
        });
        let service = TowerToHyperService::new(service);
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // Clients hang up, send half a head or speak another protocol: nothing to act upon.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    let grace = Duration::from_secs(config.timeouts.shutdown_seconds);
    if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish within the grace of the shutdown");
    }
}

fn http_builder(config: &Config) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(config.timeouts.header_seconds))
        .keep_alive(true)
        .max_buf_size(HEAD_BYTES);
    http
}

/// The next connection together with its address and its permit; `None` after a failure that may pass.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, Peer, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => {
            // Answers are written whole: waiting for more only delays them.
            let _ = stream.set_nodelay(true);
            Some((stream, Peer(address.ip()), permit))
        }
        Err(error) => {
            tracing::warn!(%error, "could not accept a connection");
            // Out of file descriptors, most likely: give others time to close theirs.
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}
