//! Bearer tokens of an OpenID provider, for people and programs that sign in there.
//!
//! Beside API keys, and off until an issuer is set. A token opens something only if the provider signed
//! it for this audience, and if its claims give a role here: nothing is allowed by default.

mod token;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::api::oidc::token::{Token, VerifyingKey};
use crate::clock::Timestamp;
use crate::egress::{BuildError, Guard, GuardedClient, Limits};
use crate::model::key::Role;

/// After this the provider's keys are read anew.
const LIFE: Duration = Duration::from_hours(1);
/// Keys that cannot be read anew are used no longer than this.
const LAST: Duration = Duration::from_hours(24);
/// Between two attempts to read the keys, whatever tokens ask for.
const PAUSE: Duration = Duration::from_mins(1);
/// How far the provider's clock may be off.
const SKEW: Duration = Duration::from_mins(1);
/// Keys of a provider that are looked at.
const KEYS: usize = 64;

/// Whose tokens are taken, and what they allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OidcConfig {
    /// The provider, as `iss` names it; empty for none.
    pub issuer: String,
    /// What `aud` must hold.
    pub audience: String,
    /// The claim that names the project; empty: everyone is in the default project.
    pub project_claim: String,
    /// The claim that gives the role, dots between its levels: a text, words in one, or a list.
    pub role_claim: String,
    /// The claim's value for the role `ingest`; empty gives it to nobody.
    pub role_ingest: String,
    /// The claim's value for the role `read`; empty gives it to nobody.
    pub role_read: String,
    /// The claim's value for the role `admin`; empty gives it to nobody.
    pub role_admin: String,
}

impl Default for OidcConfig {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: String::new(),
            project_claim: String::new(),
            role_claim: "roles".to_owned(),
            role_ingest: "seamark-ingest".to_owned(),
            role_read: "seamark-read".to_owned(),
            role_admin: "seamark-admin".to_owned(),
        }
    }
}

impl OidcConfig {
    /// Every problem, as (key, what is wrong and the remedy).
    pub(super) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.issuer.is_empty() {
            return problems;
        }
        if let Err(problem) = self.place() {
            problems.push(("issuer", problem));
        }
        for (key, value) in [("audience", &self.audience), ("role_claim", &self.role_claim)] {
            if value.is_empty() {
                problems.push((key, "must be given where there is an issuer".to_owned()));
            }
        }
        problems
    }

    fn place(&self) -> Result<Url, String> {
        let url = Url::parse(&self.issuer)
            .map_err(|error| format!("not a URL ({error}); write it like https://id.example"))?;
        let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() == "https" || (url.scheme() == "http" && loopback) {
            Ok(url)
        } else {
            Err("must be https, but on this machine itself".to_owned())
        }
    }

    /// The highest role that the claims give; `ingest` last, for it reads nothing.
    fn role(&self, claims: &Value) -> Option<Role> {
        let claim = self.role_claim.split('.').try_fold(claims, |at, name| at.get(name))?;
        let given: Vec<&str> = match claim {
            Value::String(text) => text.split_whitespace().collect(),
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let values = [
            (&self.role_admin, Role::Admin),
            (&self.role_read, Role::Read),
            (&self.role_ingest, Role::Ingest),
        ];
        let given_to = |value: &String| !value.is_empty() && given.contains(&value.as_str());
        values.into_iter().find(|(value, _)| given_to(value)).map(|(_, role)| role)
    }
}

/// Who a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The provider's id of them.
    pub(crate) subject: String,
    /// The project's name; none where the settings name no claim for it.
    pub(crate) project: Option<String>,
    /// What they may do; none where no claim gives a role.
    pub(crate) role: Option<Role>,
}

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is not one of the provider's for us, or not any more.
    Wrong,
    /// The provider's keys could not be read.
    Unavailable,
}

/// Knows the provider's keys.
#[derive(Debug)]
pub struct Oidc {
    settings: OidcConfig,
    client: GuardedClient,
    known: Mutex<Known>,
    /// Held by the one that reads the keys.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    keys: Arc<[VerifyingKey]>,
    read_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

impl Oidc {
    /// What checks the tokens of the issuer; none where the settings name no issuer.
    pub fn new(settings: &OidcConfig) -> Result<Option<Self>, BuildError> {
        let Ok(issuer) = settings.place() else { return Ok(None) };
        let limits = Limits {
            connect: Duration::from_secs(5),
            exchange: Duration::from_secs(10),
            body_bytes: 1 << 20,
            idle_connections: 0,
        };
        // The operator named it, so it may be inside; where it refers to elsewhere must be public.
        let client = GuardedClient::new(Guard::trusting(&issuer), limits)?;
        let (settings, known) = (settings.clone(), Mutex::default());
        Ok(Some(Self { settings, client, known, reading: tokio::sync::Mutex::default() }))
    }

    /// Whom the token is for, if the provider signed it and it holds at `now`.
    pub(crate) async fn identify(&self, text: &str, now: Timestamp) -> Result<Identity, Refusal> {
        let token = Token::parse(text).ok_or(Refusal::Wrong)?;
        // What is not for us costs no look at the provider.
        if !token.holds(&self.settings, now) {
            return Err(Refusal::Wrong);
        }
        for anew in [false, true] {
            let keys = self.keys(anew, now).await?;
            let mut fitting = keys.iter().filter(|key| key.fits(&token)).peekable();
            if fitting.peek().is_none() {
                continue;
            }
            let verified = fitting.any(|key| key.verifies(&token));
            return verified.then(|| self.identity(token.claims())).ok_or(Refusal::Wrong);
        }
        Err(Refusal::Wrong)
    }

    fn identity(&self, claims: &Value) -> Identity {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let claim = self.settings.project_claim.as_str();
        Identity {
            subject: text("sub").to_owned(),
            project: (!claim.is_empty()).then(|| text(claim).to_owned()),
            role: self.settings.role(claims),
        }
    }

    /// The provider's keys; read `anew` where that was not tried just now.
    async fn keys(&self, anew: bool, now: Timestamp) -> Result<Arc<[VerifyingKey]>, Refusal> {
        if anew || !self.known().is_fresh(now) {
            // Only those wait for the provider that need it.
            let _one = self.reading.lock().await;
            let known = self.known();
            if (anew || !known.is_fresh(now)) && known.may_try(now) {
                self.read(now).await;
            }
        }
        let known = self.known();
        let usable = known.read_at.is_some_and(|at| now.since(at) < LAST);
        usable.then_some(known.keys).ok_or(Refusal::Unavailable)
    }

    async fn read(&self, now: Timestamp) {
        let found = self.fetch().await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.tried_at = Some(now);
        match found {
            Ok(keys) => {
                known.keys = keys.into();
                known.read_at = Some(now);
            }
            Err(problem) => tracing::warn!(problem, "the keys of the OpenID provider"),
        }
    }

    async fn fetch(&self) -> Result<Vec<VerifyingKey>, String> {
        let issuer = &self.settings.issuer;
        let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let about = self.document(&place).await?;
        if about["issuer"].as_str() != Some(issuer) {
            return Err("the provider names another issuer than the settings".to_owned());
        }
        let place = about["jwks_uri"].as_str().ok_or("the provider names no jwks_uri")?;
        let set = self.document(place).await?;
        let keys = set["keys"].as_array().ok_or("the provider's key set has no keys")?;
        let keys: Vec<_> = keys.iter().filter_map(VerifyingKey::read).take(KEYS).collect();
        if keys.is_empty() { Err("no key of the provider is usable".to_owned()) } else { Ok(keys) }
    }

    async fn document(&self, url: &str) -> Result<Value, String> {
        let answer = self.client.get(url).await.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("the provider answered {}", answer.status));
        }
        serde_json::from_str(&answer.body).map_err(|error| format!("it is not JSON: {error}"))
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Known {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.read_at.is_some_and(|at| now.since(at) < LIFE)
    }

    fn may_try(&self, now: Timestamp) -> bool {
        // A clock that was set back must not put it off for long.
        self.tried_at.is_none_or(|at| at > now || now.since(at) >= PAUSE)
    }
}
