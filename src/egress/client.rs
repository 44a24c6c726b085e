//! The one HTTP client that calls other machines: guarded, bounded, never redirected.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect;

use crate::egress::address::{Guard, UrlError};

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the client could not be set up: {0}")]
pub struct BuildError(pub(super) String);

/// How long an exchange may take and how much of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the connection.
    pub connect: Duration,
    /// For the whole exchange, from the look-up of the name to the end of the body.
    pub exchange: Duration,
    /// More bytes of an answer are not read.
    pub body_bytes: usize,
    /// Connections kept open between exchanges; with none, every exchange resolves the name anew
    /// and is judged anew.
    pub idle_connections: usize,
}

/// A POST, of JSON unless a header says otherwise.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Where to.
    pub url: &'a str,
    /// Names in lower case; `content-type` takes the place of JSON's.
    pub headers: &'a [(&'static str, String)],
    /// What is posted.
    pub body: &'a [u8],
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The header `Retry-After` as it came.
    pub retry_after: Option<String>,
    /// Up to the limit, and what had come when the deadline passed or the connection broke.
    pub body: String,
}

/// Why there is no answer. Never holds the URL, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It must not be called.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The deadline passed.
    #[error("no answer in time")]
    Timeout,
    /// Nobody listens there, or the name has no address.
    #[error("no connection: {0}")]
    Connect(String),
    /// Everything else.
    #[error("the exchange failed: {0}")]
    Exchange(String),
}

/// Chooses the one cryptography of the process; a second call finds it chosen, which is as good.
pub(super) fn install_crypto_provider() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// A client that follows no redirect and uses no proxy, for a daemon that the operator names.
pub(super) fn direct() -> reqwest::ClientBuilder {
    install_crypto_provider();
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none())
}

/// What lies behind an error.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root_cause)
}

/// A client whose connections go only where the guard lets them.
#[derive(Debug, Clone)]
pub struct GuardedClient {
    client: reqwest::Client,
    guard: Arc<Guard>,
    body_bytes: usize,
}

impl GuardedClient {
    /// A client that goes where `guard` lets it.
    pub fn new(guard: Guard, limits: Limits) -> Result<Self, BuildError> {
        install_crypto_provider();
        let guard = Arc::new(guard);
        let make = |builder: fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder| {
            builder(reqwest::Client::builder())
                .dns_resolver(GuardedResolver { guard: Arc::clone(&guard) })
                .redirect(redirect::Policy::none())
                .no_proxy()
                .referer(false)
                .connect_timeout(limits.connect)
                .timeout(limits.exchange)
                .pool_max_idle_per_host(limits.idle_connections)
                .user_agent(concat!("seamark/", env!("CARGO_PKG_VERSION")))
                .build()
        };
        let client = make(reqwest::ClientBuilder::tls_backend_rustls)
            .or_else(|error| {
                tracing::warn!(
                    error = %chain(&error),
                    "no system CA certificates: https addresses cannot be reached; install ca-certificates"
                );
                make(|builder| builder.tls_certs_only([]))
            })
            .map_err(|error| BuildError(chain(&error)))?;
        Ok(Self { client, guard, body_bytes: limits.body_bytes })
    }

    /// Posts. Any status is an answer.
    pub async fn send(&self, request: Request<'_>) -> Result<Response, SendError> {
        let url = self.guard.check(request.url)?;
        let sent = self.client.post(url).headers(headers(request.headers)?);
        self.exchange(sent.body(request.body.to_owned())).await
    }

    /// Reads what is at `url`. Any status is an answer.
    pub async fn get(&self, url: &str) -> Result<Response, SendError> {
        let url = self.guard.check(url)?;
        self.exchange(self.client.get(url)).await
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Response, SendError> {
        let sent = request.send().await;
        let mut answer = sent.map_err(|error| explain(&error.without_url()))?;
        let retry_after = answer.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = read_body(&mut answer, self.body_bytes).await;
        Ok(Response { status: answer.status().as_u16(), retry_after, body })
    }
}

fn headers(pairs: &[(&'static str, String)]) -> Result<HeaderMap, SendError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in pairs {
        let value = HeaderValue::from_str(value)
            .map_err(|_| SendError::Exchange(format!("header {name} cannot be sent")))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// The status is the answer; a body that breaks off or never ends does not undo it.
async fn read_body(answer: &mut reqwest::Response, limit: usize) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        let room = limit - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == limit {
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}

fn explain(error: &reqwest::Error) -> SendError {
    if let Some(refused) = find_refusal(error) {
        return SendError::Url(refused);
    }
    if error.is_timeout() {
        SendError::Timeout
    } else if error.is_connect() {
        SendError::Connect(chain(error))
    } else {
        SendError::Exchange(chain(error))
    }
}

fn find_refusal(error: &reqwest::Error) -> Option<UrlError> {
    sources(error).find_map(|source| source.downcast_ref::<UrlError>().cloned())
}

/// The error and its causes, without repeating those that quote their own cause.
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    for source in sources(error) {
        let part = source.to_string();
        if !text.contains(&part) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&part);
        }
    }
    text
}

fn sources<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let first: &'a (dyn Error + 'static) = error;
    std::iter::successors(Some(first), |error: &&'a (dyn Error + 'static)| {
        let error: &'a (dyn Error + 'static) = *error;
        error.source()
    })
}

/// Resolves names with the system's resolver and hands on only addresses that passed the guard:
/// what is judged is what is connected to.
#[derive(Debug)]
struct GuardedResolver {
    guard: Arc<Guard>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.guard);
        Box::pin(async move {
            let addresses: Addrs = Box::new(resolve(&guard, name.as_str(), 0).await?.into_iter());
            Ok(addresses)
        })
    }
}

/// The addresses of `host`, once `guard` has passed all of them. The error may be a [`UrlError`].
pub(super) async fn resolve(
    guard: &Guard,
    host: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, Box<dyn Error + Send + Sync>> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    if addresses.is_empty() {
        return Err(io::Error::other("the name has no address").into());
    }
    guard.check_resolved(host, addresses.iter().map(SocketAddr::ip))?;
    Ok(addresses)
}
