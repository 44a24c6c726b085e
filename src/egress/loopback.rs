//! A client for the daemon on this very machine: for `seamark health` and the demo.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::egress::client::{direct, root_cause};

/// A request to the local daemon failed.
#[derive(Debug, thiserror::Error)]
pub enum LoopbackError {
    /// The address is another machine's.
    #[error("{0} is not on this machine")]
    NotLoopback(SocketAddr),
    /// No answer.
    #[error("no answer from the daemon at {address}: {reason}")]
    NoAnswer {
        /// Where it should listen.
        address: SocketAddr,
        /// The system's reason.
        reason: String,
    },
    /// An answer that is no success.
    #[error("{path} answered {status}: {body}")]
    Refused {
        /// The path that was asked for.
        path: String,
        /// The status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
}

/// Talks JSON to a daemon on a loopback address.
#[derive(Debug, Clone)]
pub struct LoopbackClient {
    client: reqwest::Client,
    address: SocketAddr,
    key: Option<String>,
}

impl LoopbackClient {
    /// A client of the daemon at `address`; an unspecified address means this machine.
    pub fn new(mut address: SocketAddr, key: Option<String>) -> Result<Self, LoopbackError> {
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        if !address.ip().is_loopback() {
            return Err(LoopbackError::NotLoopback(address));
        }
        let client = direct()
            .timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| LoopbackError::NoAnswer { address, reason: error.to_string() })?;
        Ok(Self { client, address, key })
    }

    /// GETs `path` and reads its JSON.
    pub async fn get(&self, path: &str) -> Result<Value, LoopbackError> {
        self.exchange(path, self.client.get(self.url(path))).await
    }

    /// POSTs `body` to `path` and reads the JSON of the answer.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, LoopbackError> {
        self.exchange(path, self.client.post(self.url(path)).json(body)).await
    }

    /// PATCHes `path` with `body` and reads the JSON of the answer.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, LoopbackError> {
        self.exchange(path, self.client.patch(self.url(path)).json(body)).await
    }

    /// PUTs `body` at `path` and reads the JSON of the answer.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, LoopbackError> {
        self.exchange(path, self.client.put(self.url(path)).json(body)).await
    }

    /// DELETEs `path`.
    pub async fn delete(&self, path: &str) -> Result<(), LoopbackError> {
        self.exchange(path, self.client.delete(self.url(path))).await.map(drop)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn exchange(
        &self,
        path: &str,
        mut request: reqwest::RequestBuilder,
    ) -> Result<Value, LoopbackError> {
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let lost = |error: reqwest::Error| LoopbackError::NoAnswer {
            address: self.address,
            reason: root_cause(&error),
        };
        let response = request.send().await.map_err(lost)?;
        let status = response.status();
        let text = response.text().await.map_err(lost)?;
        if !status.is_success() {
            let body = crate::text::shorten(&text, 500);
            return Err(LoopbackError::Refused {
                path: path.to_owned(),
                status: status.as_u16(),
                body,
            });
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}
