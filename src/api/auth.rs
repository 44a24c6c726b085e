//! Who calls, and what they may do.
//!
//! A key is `seamark_<id>_<secret>`: the id finds its row, the secret's SHA-256 must be the stored
//! one. A bearer token that is no key is one of the OpenID provider, where the settings name one.
//! Every route says what it needs; a route that says nothing cannot be written.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Uri};
use rand::RngCore;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::api::config::AuthMode;
use crate::api::error::{ApiError, Code};
use crate::api::oidc::{self, Identity, Oidc};
use crate::api::state::AppState;
use crate::api::throttle::{self, Holder, OwnLimits, Peer};
use crate::clock::Timestamp;
use crate::id::{KeyId, ProjectId};
use crate::model::key::{ApiKey, Role};

const PREFIX: &str = "seamark_";
const API_KEY_HEADER: &str = "x-api-key";
/// Names under which people put keys into URLs.
const KEY_PARAMETERS: [&str; 5] = ["key", "api_key", "apikey", "token", "access_token"];

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Open,
    /// A proof of its own, which the handler checks: the token or the signature of one retraining.
    Proof,
    /// A key whose role allows this.
    Needs(Role),
}

/// The caller, once known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    /// The project whose data the request sees.
    pub(crate) project: ProjectId,
    /// What it may do.
    pub(crate) role: Role,
    /// The key's name, or the provider's id of who signed in, for records of who did what.
    pub(crate) name: Arc<str>,
    /// The key; none for who signed in, and where nobody is asked for one.
    pub(crate) key: Option<KeyId>,
}

impl Principal {
    /// Who it is, for the audit trail.
    pub(crate) fn actor(&self) -> String {
        self.key.map_or_else(|| self.name.to_string(), |key| format!("{} ({key})", self.name))
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = ApiError;

    /// The caller that [`guard`] found: a route without a guard refuses everybody.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get().cloned().ok_or_else(refused)
    }
}

/// A new key of `project`: the text to be shown once, and the row to be stored. It has no end and no
/// limits of its own.
pub fn generate_key(
    project: ProjectId,
    name: &str,
    role: Role,
    now: Timestamp,
    rng: &mut impl RngCore,
) -> (String, ApiKey) {
    let id = KeyId::new(now, rng);
    let mut secret = [0; 32];
    rng.fill_bytes(&mut secret);
    let secret = hex(&secret);
    let key = ApiKey {
        id,
        project_id: project,
        name: name.to_owned(),
        role,
        secret_hash: hash(&secret),
        created_at: now,
        revoked_at: None,
        expires_at: None,
        successor_id: None,
        requests_per_minute: None,
        bytes_per_minute: None,
    };
    (format!("{PREFIX}{}_{secret}", id.to_string().replace('-', "")), key)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Lets a request pass that fulfils `access`, and tells the handler who calls.
pub(crate) async fn guard(
    State((state, access)): State<(AppState, Access)>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    refuse_key_in_url(request.uri())?;
    let peer = request.extensions().get().copied();
    match access {
        Access::Open => Ok(next.run(request).await),
        Access::Proof => proven(&state, peer, request, next).await,
        Access::Needs(wanted) => {
            let (principal, mut request) = admit(&state, peer, request).await?;
            if !principal.role.allows(wanted) {
                let detail = format!(
                    "this needs a key of role {}; the key's role is {}",
                    wanted.as_str(),
                    principal.role.as_str()
                );
                return Err(ApiError::new(Code::Forbidden, detail));
            }
            request.extensions_mut().insert(principal);
            Ok(next.run(request).await)
        }
    }
}

/// Runs a handler that checks a proof, and counts its refusals as it counts wrong keys.
async fn proven(
    state: &AppState,
    peer: Option<Peer>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let settings = &state.config.auth;
    state.throttles.admit(peer, settings, state.now())?;
    let answer = next.run(request).await;
    if answer.status() == Code::Unauthenticated.status() {
        state.throttles.failed(peer, settings, state.now());
    }
    Ok(answer)
}

/// Who calls, with the request counted against the limits of the key.
async fn admit(
    state: &AppState,
    peer: Option<Peer>,
    request: Request,
) -> Result<(Principal, Request), ApiError> {
    if state.config.auth.mode == AuthMode::None {
        let (project, name) = (state.default_project, Arc::from("anyone"));
        return Ok((Principal { project, role: Role::Admin, name, key: None }, request));
    }
    let given = presented(request.headers()).ok_or_else(refused)?;
    if let Some(oidc) = state.oidc.as_ref().filter(|_| is_token(given)) {
        let identity = signed_in(state, oidc, peer, given).await?;
        let holder = Holder::Subject(hash(&identity.subject));
        let request = throttle::count(state, holder, OwnLimits::default(), request)?;
        return Ok((principal(state, identity).await?, request));
    }
    let key = authenticate(state, peer, given).await?;
    let request = throttle::count(state, Holder::Key(key.id), OwnLimits::from(&key), request)?;
    let (name, id) = (key.name.into(), Some(key.id));
    Ok((Principal { project: key.project_id, role: key.role, name, key: id }, request))
}

/// Whether it has the form of a signed token; a key has no dot.
fn is_token(given: &str) -> bool {
    given.split('.').count() == 3
}

async fn signed_in(
    state: &AppState,
    oidc: &Oidc,
    peer: Option<Peer>,
    token: &str,
) -> Result<Identity, ApiError> {
    let (settings, now) = (&state.config.auth, state.now());
    state.throttles.admit(peer, settings, now)?;
    oidc.identify(token, now).await.map_err(|refusal| match refusal {
        oidc::Refusal::Wrong => {
            state.throttles.failed(peer, settings, now);
            refused()
        }
        oidc::Refusal::Unavailable => {
            let detail = "the OpenID provider's keys cannot be read at present; try again";
            ApiError::new(Code::Unavailable, detail)
        }
    })
}

/// What the claims allow here; what they do not say is not allowed.
async fn principal(state: &AppState, identity: Identity) -> Result<Principal, ApiError> {
    let role = identity.role.ok_or_else(|| {
        let detail = "the token is good and gives no role here: see server.auth.oidc.role_claim";
        ApiError::new(Code::Forbidden, detail)
    })?;
    let project = match &identity.project {
        None => Some(state.default_project),
        Some(name) => state.store.find_project(name).await?,
    };
    let project = project.ok_or_else(|| {
        let detail =
            "the token is good and names no project here: see server.auth.oidc.project_claim";
        ApiError::new(Code::Forbidden, detail)
    })?;
    let name = Arc::from(format!("oidc:{}", identity.subject));
    Ok(Principal { project, role, name, key: None })
}

/// The key that was sent. An address that has sent too many wrong ones is refused without a look at
/// the store, unless the key was seen to be right a while ago.
async fn authenticate(
    state: &AppState,
    peer: Option<Peer>,
    given: &str,
) -> Result<ApiKey, ApiError> {
    let (settings, now) = (&state.config.auth, state.now());
    let sent = parse(given).map(|(id, secret)| (id, hash(secret)));
    if let Err(error) = state.throttles.admit(peer, settings, now) {
        let known = sent.is_some_and(|(id, hash)| is_secret(state.known_key(id).as_ref(), &hash));
        if !known {
            return Err(error);
        }
    }
    let found = match sent {
        Some((id, hash)) => valid(state.find_key(id).await?, &hash, now),
        None => Err(Refusal::Wrong),
    };
    found.map_err(|refusal| match refusal {
        Refusal::Wrong => {
            state.throttles.failed(peer, settings, now);
            refused()
        }
        Refusal::Expired => {
            let detail = "the key has expired: ask for a new one, or for its successor";
            ApiError::new(Code::Unauthenticated, detail)
        }
    })
}

/// Why a key opens nothing.
enum Refusal {
    /// It is unknown or revoked, or the secret is another: all alike to the caller.
    Wrong,
    /// It has expired; only who has the secret is told.
    Expired,
}

fn valid(key: Option<ApiKey>, hash: &[u8; 32], now: Timestamp) -> Result<ApiKey, Refusal> {
    let same = is_secret(key.as_ref(), hash);
    match key {
        Some(key) if same && key.revoked_at.is_none() => {
            if key.is_expired(now) {
                Err(Refusal::Expired)
            } else {
                Ok(key)
            }
        }
        _ => Err(Refusal::Wrong),
    }
}

/// Whether `hash` is that of the key's secret; an unknown key costs the same comparison.
fn is_secret(key: Option<&ApiKey>, hash: &[u8; 32]) -> bool {
    let stored = key.map_or([0; 32], |key| key.secret_hash);
    bool::from(stored.ct_eq(hash)) && key.is_some()
}

fn refused() -> ApiError {
    let detail = "send a valid key as Authorization: Bearer seamark_… or as X-API-Key";
    ApiError::new(Code::Unauthenticated, detail)
}

/// The bearer token of a request, whatever it is.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION).and_then(|_| presented(headers))
}

fn presented(headers: &HeaderMap) -> Option<&str> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    match text(AUTHORIZATION.as_str()) {
        Some(value) => {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
        }
        None => text(API_KEY_HEADER).map(str::trim),
    }
}

fn parse(key: &str) -> Option<(KeyId, &str)> {
    let (id, secret) = key.strip_prefix(PREFIX)?.split_once('_')?;
    let sound = id.len() == 32 && secret.len() == 64;
    Some((id.parse().ok().filter(|_| sound)?, secret))
}

fn refuse_key_in_url(uri: &Uri) -> Result<(), ApiError> {
    let carries_key = |pair: &str| {
        let name = pair.split('=').next().unwrap_or("");
        pair.contains(PREFIX) || KEY_PARAMETERS.iter().any(|key| name.eq_ignore_ascii_case(key))
    };
    if !uri.query().unwrap_or("").split('&').any(carries_key) {
        return Ok(());
    }
    let detail = "a key in a URL ends up in logs: send it as a header, and revoke this one";
    Err(ApiError::new(Code::InvalidParameter, detail))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_key_is_found_again_by_its_text() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let now = Timestamp::from_micros(1_000_000);
        let project = ProjectId::new(now, &mut rng);
        let (text, key) = generate_key(project, "first", Role::Read, now, &mut rng);
        let (id, secret) = parse(&text).unwrap();
        assert_eq!((id, hash(secret)), (key.id, key.secret_hash));
        assert_eq!(text.len(), 8 + 32 + 1 + 64);
        assert!(parse(&text[..text.len() - 1]).is_none());
        assert!(parse("seamark__").is_none());
    }

    #[test]
    fn keys_come_from_two_headers_and_never_from_the_url() {
        let headers = |name: &'static str, value: &str| {
            HeaderMap::from_iter([(
                hyper::header::HeaderName::from_static(name),
                value.parse().unwrap(),
            )])
        };
        assert_eq!(presented(&headers("authorization", "bearer abc")), Some("abc"));
        assert_eq!(presented(&headers("x-api-key", "abc")), Some("abc"));
        assert_eq!(presented(&headers("authorization", "Basic abc")), None);
        for uri in ["/v1/alerts?api_key=x", "/v1/alerts?a=b&Token=x", "/livez?x=seamark_1_2"] {
            assert!(refuse_key_in_url(&uri.parse().unwrap()).is_err(), "{uri}");
        }
        assert!(refuse_key_in_url(&"/v1/alerts?state=firing".parse().unwrap()).is_ok());
    }
}
