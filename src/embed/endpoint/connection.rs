//! One batch of texts to the endpoint and back: the request, its repetitions, and who is to blame.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde_json::json;

use super::answer::unit_vectors;
use super::settings::{ApiKey, EndpointConfig};
use crate::egress::{Guard, GuardedClient, Limits, Request, Response, SendError};
use crate::embed::error::EmbedError;
use crate::text::shorten;

/// A text that any model can embed; it asks for the dimension and whether the endpoint works.
const PROBE: &str = "seamark";

const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// More of an answer is not read: thousands of long vectors.
const BODY_LIMIT: usize = 64 << 20;

/// The wait before the first repetition; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// The endpoint cannot ask for a longer wait. The caller comes back later anyway.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The way to the endpoint.
pub(super) struct Connection {
    client: GuardedClient,
    url: String,
    key: Option<ApiKey>,
    model: String,
    retries: u32,
    /// The length of every vector; 0 for any.
    pub(super) dimension: usize,
}

/// Why one request gave no vectors.
struct Fault {
    /// Without anything that the endpoint wrote: it may quote the texts.
    problem: String,
    /// The beginning of what it wrote.
    excerpt: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Too many requests; the wait that was asked for.
    Throttled(Option<Duration>),
    /// Nobody is there.
    Unreachable,
    /// It may go well the next time; the wait that was asked for.
    Passing(Option<Duration>),
    /// It would end the same way.
    Lasting,
}

impl Connection {
    pub(super) fn new(settings: &EndpointConfig, key: Option<&ApiKey>) -> Result<Self, EmbedError> {
        let unusable = |problem: String| EmbedError::Endpoint(format!("its url {problem}"));
        let url = settings.parsed_url().map_err(unusable)?;
        let limits = Limits {
            connect: CONNECT_DEADLINE,
            exchange: Duration::from_millis(settings.timeout_ms),
            body_bytes: BODY_LIMIT,
            idle_connections: settings.concurrency,
        };
        let client = GuardedClient::new(Guard::trusting(&url), limits)
            .map_err(|error| EmbedError::Endpoint(error.to_string()))?;
        Ok(Self {
            client,
            url: url.into(),
            key: key.cloned(),
            model: settings.model.clone(),
            retries: settings.retries,
            dimension: settings.dimension,
        })
    }

    /// The length of the vector of a fixed text.
    pub(super) async fn learn_dimension(&self) -> Result<usize, EmbedError> {
        let probe = [PROBE.to_owned()];
        let vectors = self.repeated(&probe).await.map_err(Fault::of_endpoint)?;
        Ok(vectors[0].len())
    }

    /// One unit vector for each of `texts`, in order.
    pub(super) async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        match self.repeated(texts).await {
            Ok(vectors) => Ok(vectors),
            Err(fault) => Err(self.blame(fault).await),
        }
    }

    /// Whether the endpoint or the texts are at fault: a poison text must cost only itself, and an
    /// endpoint that is away must cost no text.
    async fn blame(&self, fault: Fault) -> EmbedError {
        if matches!(fault.kind, Kind::Throttled(_) | Kind::Unreachable) {
            return EmbedError::Endpoint(fault.problem);
        }
        match self.once(&self.body(&[PROBE.to_owned()]), 1).await {
            Ok(_) => EmbedError::Inference(format!("the endpoint works, but {}", fault.problem)),
            Err(own) => own.of_endpoint(),
        }
    }

    async fn repeated(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Fault> {
        let body = self.body(texts);
        let mut repetition = 0;
        loop {
            let fault = match self.once(&body, texts.len()).await {
                Ok(vectors) => return Ok(vectors),
                Err(fault) => fault,
            };
            let asked = match fault.kind {
                _ if repetition == self.retries => return Err(fault),
                Kind::Lasting => return Err(fault),
                Kind::Unreachable => None,
                Kind::Throttled(asked) | Kind::Passing(asked) => asked,
            };
            let pause = pause(repetition, asked, &body);
            tracing::debug!(problem = fault.problem, retry_in = ?pause, "embeddings endpoint");
            tokio::time::sleep(pause).await;
            repetition += 1;
        }
    }

    fn body(&self, texts: &[String]) -> String {
        json!({ "model": self.model, "input": texts, "encoding_format": "float" }).to_string()
    }

    async fn once(&self, body: &str, count: usize) -> Result<Vec<Vec<f32>>, Fault> {
        let authorization = self.key.as_ref().map(|key| ("authorization", key.bearer()));
        let headers: Vec<_> = authorization.into_iter().collect();
        let request = Request { url: &self.url, headers: &headers, body: body.as_bytes() };
        let response = self.client.send(request).await.map_err(|error| not_sent(&error))?;
        if response.status != 200 {
            return Err(self.refused(&response));
        }
        unit_vectors(&response.body, count, self.dimension).map_err(|problem| Fault {
            problem,
            excerpt: self.excerpt(&response.body),
            kind: Kind::Lasting,
        })
    }

    fn refused(&self, response: &Response) -> Fault {
        // A date instead of seconds counts as nothing asked for.
        let asked = response.retry_after.as_deref().and_then(|text| text.trim().parse().ok());
        let asked = asked.map(Duration::from_secs);
        Fault {
            problem: format!("it answered {}", response.status),
            excerpt: self.excerpt(&response.body),
            kind: match response.status {
                429 => Kind::Throttled(asked),
                408 | 500.. => Kind::Passing(asked),
                _ => Kind::Lasting,
            },
        }
    }

    /// The beginning of an answer, escaped, without the key.
    fn excerpt(&self, body: &str) -> String {
        let clean = self.key.as_ref().map_or(body.to_owned(), |key| key.removed_from(body));
        format!("{:?}", shorten(clean.trim(), 200))
    }
}

impl Fault {
    /// The error of a request that held no user's text.
    fn of_endpoint(self) -> EmbedError {
        EmbedError::Endpoint(format!("{} {}", self.problem, self.excerpt).trim_end().to_owned())
    }
}

fn not_sent(error: &SendError) -> Fault {
    let kind = match error {
        SendError::Connect(_) => Kind::Unreachable,
        SendError::Timeout | SendError::Exchange(_) => Kind::Passing(None),
        SendError::Url(_) => Kind::Lasting,
    };
    Fault { problem: error.to_string(), excerpt: String::new(), kind }
}

/// How long to wait before the repetition after `repetition` others: what was asked for, else a
/// doubling wait ± 20 %, spread by the body so that daemons do not come back all at once.
fn pause(repetition: u32, asked: Option<Duration>, body: &str) -> Duration {
    let own = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(repetition));
    let mut hasher = DefaultHasher::new();
    (repetition, body).hash(&mut hasher);
    let spread = 0.8 + 0.4 * (hasher.finish() as f64 / u64::MAX as f64);
    asked.unwrap_or_else(|| own.min(LONGEST_WAIT).mul_f64(spread)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_within_their_spread_and_stay_bounded() {
        for repetition in 0..40 {
            let own = 0.25 * 2.0_f64.powi(repetition as i32);
            for body in ["a", "b", "c"] {
                let waited = pause(repetition, None, body).as_secs_f64();
                assert!(waited >= 0.8 * own.min(20.0) && waited <= (1.2 * own).min(20.0));
            }
        }
        assert_ne!(pause(3, None, "a"), pause(3, None, "b"));
    }

    #[test]
    fn the_endpoint_can_ask_for_a_wait_within_bounds() {
        assert_eq!(pause(0, Some(Duration::from_secs(7)), ""), Duration::from_secs(7));
        assert_eq!(pause(5, Some(Duration::ZERO), ""), Duration::ZERO);
        assert_eq!(pause(0, Some(Duration::from_hours(1)), ""), LONGEST_WAIT);
    }
}
