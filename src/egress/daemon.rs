//! A client for a daemon wherever the operator says it is: for `seamark apply` and `export`.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::egress::client::{direct, root_cause};

/// For the connection.
const CONNECT: Duration = Duration::from_secs(10);
/// For the whole exchange.
const EXCHANGE: Duration = Duration::from_mins(1);
/// A longer answer is none of a daemon's.
const BODY_BYTES: usize = 64 * 1024 * 1024;

/// What to do with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Read it.
    Get,
    /// Make one.
    Post,
    /// Change it.
    Patch,
    /// Replace it.
    Put,
    /// Delete it.
    Delete,
}

/// A request to a daemon failed.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Not an address.
    #[error("{0:?} is not a daemon's address; write it like https://seamark.example")]
    Address(String),
    /// No answer.
    #[error("no answer from the daemon at {address}: {reason}")]
    NoAnswer {
        /// Where it should listen.
        address: String,
        /// The system's reason.
        reason: String,
    },
    /// An answer that is no success.
    #[error("the daemon answered {status}")]
    Refused {
        /// The status.
        status: u16,
        /// The body: a problem document, where it came from a daemon.
        body: String,
    },
    /// A success without JSON.
    #[error("what listens at {0} is not a Seamark daemon: its answer is not JSON")]
    Stranger(String),
}

/// Talks JSON to a daemon on any machine. It goes where the operator says, and nowhere else: no
/// redirects, no proxies.
#[derive(Clone)]
pub struct DaemonClient {
    client: reqwest::Client,
    address: String,
    key: Option<String>,
}

impl DaemonClient {
    /// A client of the daemon at `address`, `http://…` or `https://…`, with or without a path.
    pub fn new(address: &str, key: Option<String>) -> Result<Self, DaemonError> {
        let wrong = || DaemonError::Address(address.to_owned());
        let url = Url::parse(address).map_err(|_| wrong())?;
        let is_plain = url.username().is_empty() && url.password().is_none();
        let is_whole = url.query().is_none() && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || !is_plain || !is_whole {
            return Err(wrong());
        }
        let address = url.as_str().trim_end_matches('/').to_owned();
        let client = direct()
            .connect_timeout(CONNECT)
            .timeout(EXCHANGE)
            .user_agent(concat!("seamark/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| DaemonError::NoAnswer {
                address: address.clone(),
                reason: root_cause(&error),
            })?;
        Ok(Self { client, address, key })
    }

    /// Where it talks to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// One exchange; `Null` is an answer without a body.
    pub async fn send(
        &self,
        verb: Verb,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, DaemonError> {
        let method = match verb {
            Verb::Get => reqwest::Method::GET,
            Verb::Post => reqwest::Method::POST,
            Verb::Patch => reqwest::Method::PATCH,
            Verb::Put => reqwest::Method::PUT,
            Verb::Delete => reqwest::Method::DELETE,
        };
        let mut request = self.client.request(method, format!("{}{path}", self.address));
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let mut answer = request.send().await.map_err(|error| self.lost(&error))?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.lost(&error))? {
            if bytes.len() + chunk.len() > BODY_BYTES {
                return Err(DaemonError::Stranger(self.address.clone()));
            }
            bytes.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            let body = String::from_utf8_lossy(&bytes).into_owned();
            return Err(DaemonError::Refused { status: status.as_u16(), body });
        }
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|_| DaemonError::Stranger(self.address.clone()))
    }

    fn lost(&self, error: &reqwest::Error) -> DaemonError {
        let reason = if error.is_timeout() { "too late".to_owned() } else { root_cause(error) };
        DaemonError::NoAnswer { address: self.address.clone(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_is_an_address() {
        let address = |text: &str| DaemonClient::new(text, None).map(|c| c.address().to_owned());
        assert_eq!(address("http://127.0.0.1:8080/").unwrap(), "http://127.0.0.1:8080");
        assert_eq!(address("https://a.example/seamark/").unwrap(), "https://a.example/seamark");
        for wrong in ["", "a.example", "ftp://a", "https://me:pw@a.example", "https://a/?x=1"] {
            assert!(matches!(address(wrong), Err(DaemonError::Address(_))), "{wrong}");
        }
    }
}
