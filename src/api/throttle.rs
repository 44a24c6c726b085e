//! How much each key may ask for, and how often an address may fail: token buckets in memory.
//!
//! Each process counts for itself. A bucket may fall into debt, which has to be paid before the next
//! request: so a body of any size passes, and the long run keeps to the rate exactly.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use futures_util::StreamExt;

use crate::api::config::AuthConfig;
use crate::api::error::{ApiError, Code};
use crate::api::state::AppState;
use crate::clock::Timestamp;
use crate::id::KeyId;
use crate::model::key::ApiKey;

/// Buckets of one kind that are remembered at most.
const BUCKETS: usize = 10_000;

/// The address that a request came from; [`serve`](crate::api::serve) puts it among the request's
/// extensions. Without it nobody's failures are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// What one party can be assumed to hold: an IPv4 address, or a network of 64 bits.
    fn network(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
            }
            address @ IpAddr::V4(_) => address,
        }
    }
}

/// How much at once, and how quickly it comes back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    burst: f64,
    per_second: f64,
}

impl Rate {
    /// A minute's amount, all at once if need be.
    fn per_minute(amount: u64) -> Self {
        let amount = amount as f64;
        Self { burst: amount, per_second: amount / 60.0 }
    }
}

#[derive(Debug)]
struct Bucket {
    balance: f64,
    at: Timestamp,
}

impl Bucket {
    fn refill(&mut self, rate: Rate, now: Timestamp) {
        let come = now.since(self.at).as_secs_f64() * rate.per_second;
        self.balance = (self.balance + come).min(rate.burst);
        // A clock that was set back gives nothing, and does not stop what comes after it.
        self.at = now;
    }

    /// How long until there is something in it; `None` when there is.
    fn wait(&self, rate: Rate) -> Option<Duration> {
        let missing = 1.0 - self.balance;
        let seconds = (missing / rate.per_second).min(86_400.0);
        (missing > 0.0).then(|| Duration::from_secs_f64(seconds))
    }
}

/// One bucket for each of those that are counted.
#[derive(Debug)]
struct Buckets<K>(Mutex<HashMap<K, Bucket>>);

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash + Copy> Buckets<K> {
    /// Takes `amount` if there is anything left, or says how long until there is.
    fn take(&self, of: K, rate: Rate, amount: f64, now: Timestamp) -> Result<(), Duration> {
        self.with(of, rate, now, |bucket| {
            if let Some(wait) = bucket.wait(rate) {
                return Err(wait);
            }
            bucket.balance -= amount;
            Ok(())
        })
    }

    /// Takes one in any case.
    fn charge(&self, of: K, rate: Rate, now: Timestamp) {
        self.with(of, rate, now, |bucket| bucket.balance -= 1.0);
    }

    /// How long until there is anything left; remembers nothing.
    fn wait(&self, of: K, rate: Rate, now: Timestamp) -> Option<Duration> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.get_mut(&of)?;
        bucket.refill(rate, now);
        bucket.wait(rate)
    }

    fn with<T>(&self, of: K, rate: Rate, now: Timestamp, act: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS && !buckets.contains_key(&of) {
            buckets.retain(|_, bucket| {
                bucket.refill(rate, now);
                bucket.balance < rate.burst
            });
            // Against so many at once a count by each is no help.
            if buckets.len() >= BUCKETS {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(of).or_insert(Bucket { balance: rate.burst, at: now });
        bucket.refill(rate, now);
        act(bucket)
    }
}

/// Whose requests and bytes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// A key.
    Key(KeyId),
    /// Who signed in at the OpenID provider: a hash of the provider's id of them.
    Subject([u8; 32]),
}

/// What a holder may ask for in a minute, where that is not left to the settings.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OwnLimits {
    requests: Option<u32>,
    bytes: Option<u64>,
}

impl From<&ApiKey> for OwnLimits {
    fn from(key: &ApiKey) -> Self {
        Self { requests: key.requests_per_minute, bytes: key.bytes_per_minute }
    }
}

/// What is counted of callers.
#[derive(Debug, Default)]
pub(crate) struct Throttles {
    requests: Buckets<Holder>,
    bytes: Buckets<Holder>,
    failures: Buckets<IpAddr>,
}

impl Throttles {
    /// Refuses an address that has failed too often of late.
    pub(crate) fn admit(
        &self,
        peer: Option<Peer>,
        settings: &AuthConfig,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let waits = peer.zip(settings.failure_rate()).and_then(|(peer, (burst, per_minute))| {
            self.failures.wait(peer.network(), failure_rate(burst, per_minute), now)
        });
        waits.map_or(Ok(()), |wait| {
            let detail = "too many requests from this address had no valid key; wait, and check \
                the key";
            Err(limited(Code::TooManyFailures, detail.to_owned(), wait))
        })
    }

    /// Counts a failure of an address.
    pub(crate) fn failed(&self, peer: Option<Peer>, settings: &AuthConfig, now: Timestamp) {
        if let Some((peer, (burst, per_minute))) = peer.zip(settings.failure_rate()) {
            self.failures.charge(peer.network(), failure_rate(burst, per_minute), now);
        }
    }

    fn take_request(&self, of: Holder, limit: u64, now: Timestamp) -> Result<(), ApiError> {
        self.requests.take(of, Rate::per_minute(limit), 1.0, now).map_err(|wait| {
            let detail =
                format!("this caller may make {limit} requests a minute: requests_per_minute");
            limited(Code::RateLimited, detail, wait)
        })
    }

    fn take_bytes(&self, of: Holder, limit: u64, n: u64, now: Timestamp) -> Result<(), OverLimit> {
        let taken = self.bytes.take(of, Rate::per_minute(limit), n as f64, now);
        taken.map_err(|wait| OverLimit { limit, wait })
    }
}

fn failure_rate(burst: u32, per_minute: u32) -> Rate {
    Rate { burst: f64::from(burst), per_second: f64::from(per_minute) / 60.0 }
}

fn limited(code: Code, detail: String, wait: Duration) -> ApiError {
    ApiError::new(code, detail).retry_after(wait.as_secs_f64().ceil().max(1.0) as u64)
}

/// More bytes than the caller may send; also what a body ends with that goes on beyond them.
#[derive(Debug, Clone, thiserror::Error)]
#[error("this caller may send {limit} bytes a minute: bytes_per_minute")]
pub(crate) struct OverLimit {
    limit: u64,
    wait: Duration,
}

impl From<OverLimit> for ApiError {
    fn from(over: OverLimit) -> Self {
        limited(Code::RateLimited, over.to_string(), over.wait)
    }
}

/// Counts a request of a holder and its bytes, or refuses it.
///
/// An announced length is counted before the first byte is read; a body without one while it is read.
/// So neither a length that is left out nor many requests at once get past the limit.
pub(crate) fn count(
    state: &AppState,
    of: Holder,
    own: OwnLimits,
    request: Request,
) -> Result<Request, ApiError> {
    let (settings, now) = (&state.config.auth, state.now());
    let limit = own.requests.map_or(settings.requests_per_minute, u64::from);
    if limit > 0 {
        state.throttles.take_request(of, limit, now)?;
    }
    let limit = own.bytes.unwrap_or(settings.bytes_per_minute);
    match request.body().size_hint().exact() {
        _ if limit == 0 => Ok(request),
        Some(0) => Ok(request),
        Some(length) => {
            state.throttles.take_bytes(of, limit, length, now)?;
            Ok(request)
        }
        None => Ok(request.map(|body| metered(state.clone(), of, limit, body))),
    }
}

fn metered(state: AppState, of: Holder, limit: u64, body: Body) -> Body {
    Body::from_stream(body.into_data_stream().map(move |piece| {
        let piece = piece.map_err(axum::Error::into_inner)?;
        state.throttles.take_bytes(of, limit, piece.len() as u64, state.now())?;
        Ok::<_, axum::BoxError>(piece)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_000_000_000);

    fn after(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let (buckets, rate) = (Buckets::default(), Rate::per_minute(60));
        for _ in 0..60 {
            buckets.take(1, rate, 1.0, START).unwrap();
        }
        assert_eq!(buckets.take(1, rate, 1.0, START), Err(Duration::from_secs(1)));
        buckets.take(2, rate, 1.0, START).unwrap();
        buckets.take(1, rate, 1.0, after(1)).unwrap();
        assert!(buckets.take(1, rate, 1.0, after(1)).is_err());
        for _ in 0..60 {
            buckets.take(1, rate, 1.0, after(3600)).unwrap();
        }
        assert!(
            buckets.take(1, rate, 1.0, after(3600)).is_err(),
            "no more than the burst is saved"
        );
    }

    #[test]
    fn a_debt_is_paid_before_anything_else() {
        let (buckets, rate) = (Buckets::default(), Rate::per_minute(60));
        buckets.take(1, rate, 180.0, START).unwrap();
        assert_eq!(buckets.wait(1, rate, START), Some(Duration::from_secs(121)));
        assert!(buckets.take(1, rate, 1.0, after(120)).is_err());
        buckets.take(1, rate, 1.0, after(121)).unwrap();
    }

    #[test]
    fn a_clock_that_was_set_back_neither_gives_nor_stops() {
        let (buckets, rate) = (Buckets::default(), Rate::per_minute(1));
        buckets.take(1, rate, 1.0, after(3600)).unwrap();
        assert!(buckets.take(1, rate, 1.0, START).is_err());
        buckets.take(1, rate, 1.0, after(60)).unwrap();
    }

    #[test]
    fn there_are_never_more_buckets_than_remembered() {
        let (buckets, rate) = (Buckets::default(), Rate::per_minute(60));
        for n in 0..BUCKETS {
            buckets.charge(n, rate, if n == 0 { START } else { after(1) });
        }
        buckets.charge(BUCKETS, rate, after(1));
        let held = |n: usize| buckets.0.lock().unwrap().contains_key(&n);
        assert!(!held(0) && held(1), "a full one goes first");
        buckets.charge(BUCKETS + 1, rate, after(1));
        assert_eq!(buckets.0.lock().unwrap().len(), 1, "all still count: all go");
    }

    #[test]
    fn a_party_is_an_address_or_a_network() {
        let network = |text: &str| Peer(text.parse().unwrap()).network().to_string();
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
