//! Tokens of an OpenID provider, against a double that serves its discovery and its keys.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::Method;
use ring::signature::{Ed25519KeyPair, KeyPair};
use seamark::api::{Config, OidcConfig};
use seamark::sample::SamplingConfig;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::app::{Answer, TestApp};

/// A provider: its keys by name and seed, whether it answers, and how often it was asked for keys.
struct Provider {
    issuer: String,
    keys: Mutex<Vec<(&'static str, u8)>>,
    is_up: Mutex<bool>,
    asked: AtomicUsize,
}

impl Provider {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Arc::new(Self {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            keys: Mutex::new(vec![("a", 1)]),
            is_up: Mutex::new(true),
            asked: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .with_state(Arc::clone(&provider));
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn app(&self, change: impl FnOnce(&mut OidcConfig)) -> TestApp {
        let mut config = Config::default();
        config.auth.oidc.issuer.clone_from(&self.issuer);
        "seamark".clone_into(&mut config.auth.oidc.audience);
        change(&mut config.auth.oidc);
        assert_eq!(config.problems(), []);
        TestApp::with(config, SamplingConfig::default()).await
    }

    fn claims(&self, app: &TestApp, role: &str) -> Value {
        json!({"iss": self.issuer, "aud": "seamark", "sub": "ada", "roles": ["x", role],
            "exp": app.now().as_seconds() + 300})
    }

    /// A good token for `role`, signed by the key `a`.
    fn token(&self, app: &TestApp, role: &str) -> String {
        sign(&json!({"alg": "EdDSA", "kid": "a"}), &self.claims(app, role), 1)
    }
}

async fn discovery(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let keys = format!("{}/keys", provider.issuer);
    Json(json!({"issuer": provider.issuer, "jwks_uri": keys}))
}

async fn keys(State(provider): State<Arc<Provider>>) -> Response {
    provider.asked.fetch_add(1, Ordering::SeqCst);
    if !*provider.is_up.lock().unwrap() {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let keys = provider.keys.lock().unwrap();
    let keys: Vec<Value> = keys
        .iter()
        .map(|(kid, seed)| {
            let x = URL_SAFE_NO_PAD.encode(pair(*seed).public_key());
            json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "alg": "EdDSA"})
        })
        .collect();
    Json(json!({"keys": keys})).into_response()
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn sign(header: &Value, claims: &Value, seed: u8) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(pair(seed).sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

async fn call(app: &TestApp, token: &str, path: &str) -> Answer {
    app.call_as(token, Method::GET, path, None).await
}

#[tokio::test]
async fn a_token_opens_what_its_role_allows_and_nothing_without_one() {
    let provider = Provider::start().await;
    let app = provider.app(|_| {}).await;
    for (role, wanted) in [
        ("seamark-admin", [200, 200]),
        ("seamark-read", [200, 403]),
        ("seamark-ingest", [403, 403]),
        ("nobody", [403, 403]),
        ("", [403, 403]),
    ] {
        let token = provider.token(&app, role);
        let seen = [call(&app, &token, "/v1/status").await, call(&app, &token, "/v1/keys").await];
        assert_eq!(seen.map(|answer| answer.status.as_u16()), wanted, "{role}");
    }
    assert_eq!(provider.asked(), 1, "its keys are remembered");
    let token = provider.token(&app, "seamark-admin");
    let made = app.call_as(&token, Method::POST, "/v1/monitors", Some(json!({"name": "m"}))).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(app.get("/v1/audit").await.json()["items"][0]["actor"], "oidc:ada");
}

#[tokio::test]
async fn tokens_that_are_not_the_providers_for_us_are_refused_alike() {
    let provider = Provider::start().await;
    let app = provider.app(|_| {}).await;
    let (eddsa, good) =
        (json!({"alg": "EdDSA", "kid": "a"}), provider.claims(&app, "seamark-admin"));
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        sign(&eddsa, &claims, 1)
    };
    let nones = format!("{}.{}.", encode(&json!({"alg": "none"})), encode(&good));
    let details = async |tokens: &[String]| {
        let mut details = Vec::new();
        for token in tokens {
            let answer = call(&app, token, "/v1/status").await;
            assert_eq!(answer.problem(), "unauthenticated", "{token}");
            details.push(answer.json()["detail"].clone());
        }
        details
    };
    let mut seen = details(&[
        nones,
        sign(&json!({"alg": "HS256", "kid": "a"}), &good, 1),
        with("aud", json!("another")),
        with("iss", json!("https://id.example")),
        with("exp", json!(app.now().as_seconds() - 61)),
        "a.b.c".to_owned(),
    ])
    .await;
    assert_eq!(provider.asked(), 0, "none of them costs a look at the provider");
    seen.extend(details(&[sign(&eddsa, &good, 2), sign(&json!({"alg": "ES256"}), &good, 1)]).await);
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn a_new_key_is_looked_for_once_a_minute_and_an_old_one_goes() {
    let provider = Provider::start().await;
    let app = provider.app(|_| {}).await;
    let old = provider.token(&app, "seamark-read");
    assert_eq!(call(&app, &old, "/v1/status").await.status, 200);
    *provider.keys.lock().unwrap() = vec![("b", 2)];
    let next = |claims: &Value| sign(&json!({"alg": "EdDSA", "kid": "b"}), claims, 2);
    let claims = provider.claims(&app, "seamark-read");
    for _ in 0..5 {
        assert_eq!(call(&app, &next(&claims), "/v1/status").await.status, 401);
    }
    assert_eq!(provider.asked(), 1, "whatever tokens ask for");
    app.clock.advance(Duration::from_mins(1));
    assert_eq!(call(&app, &next(&claims), "/v1/status").await.status, 200);
    assert_eq!((provider.asked(), call(&app, &old, "/v1/status").await.status.as_u16()), (2, 401));
}

#[tokio::test]
async fn a_provider_that_is_away_is_needed_after_a_day() {
    let provider = Provider::start().await;
    let app = provider.app(|_| {}).await;
    *provider.is_up.lock().unwrap() = false;
    let token = || provider.token(&app, "seamark-read");
    assert_eq!(call(&app, &token(), "/v1/status").await.problem(), "unavailable");
    assert_eq!(call(&app, &token(), "/v1/status").await.problem(), "unavailable");
    assert_eq!(provider.asked(), 1);
    *provider.is_up.lock().unwrap() = true;
    app.clock.advance(Duration::from_mins(1));
    assert_eq!(call(&app, &token(), "/v1/status").await.status, 200);
    *provider.is_up.lock().unwrap() = false;
    app.clock.advance(Duration::from_hours(2));
    assert_eq!(call(&app, &token(), "/v1/status").await.status, 200);
    app.clock.advance(Duration::from_hours(22));
    assert_eq!(call(&app, &token(), "/v1/status").await.problem(), "unavailable");
}

#[tokio::test]
async fn the_project_comes_from_its_claim_where_there_is_one() {
    let provider = Provider::start().await;
    let set = |oidc: &mut OidcConfig| {
        "shop".clone_into(&mut oidc.project_claim);
        "realm.roles".clone_into(&mut oidc.role_claim);
    };
    let app = provider.app(set).await;
    app.post("/v1/monitors", json!({"name": "ours"})).await;
    app.stranger().await;
    let monitors = async |shop: Value| {
        let mut claims = provider.claims(&app, "none");
        claims["realm"] = json!({"roles": "openid seamark-read"});
        claims["shop"] = shop;
        let token = sign(&json!({"alg": "EdDSA", "kid": "a"}), &claims, 1);
        call(&app, &token, "/v1/monitors").await
    };
    for (shop, count) in [("default", 1), ("other", 0)] {
        let seen = monitors(json!(shop)).await.json();
        assert_eq!(seen["items"].as_array().unwrap().len(), count, "{shop}");
    }
    for shop in [json!("unknown"), json!(""), json!(null), json!(["default"])] {
        assert_eq!(monitors(shop.clone()).await.problem(), "forbidden", "{shop}");
    }
}

#[tokio::test]
async fn who_signed_in_has_the_limits_of_the_settings() {
    let provider = Provider::start().await;
    let mut config = Config::default();
    config.auth.oidc.issuer.clone_from(&provider.issuer);
    "seamark".clone_into(&mut config.auth.oidc.audience);
    config.auth.requests_per_minute = 1;
    let app = TestApp::with(config, SamplingConfig::default()).await;
    let of = |subject: &str| {
        let mut claims = provider.claims(&app, "seamark-read");
        claims["sub"] = json!(subject);
        sign(&json!({"alg": "EdDSA", "kid": "a"}), &claims, 1)
    };
    assert_eq!(call(&app, &of("ada"), "/v1/status").await.status, 200);
    assert_eq!(call(&app, &of("ada"), "/v1/status").await.problem(), "rate_limited");
    assert_eq!(call(&app, &of("bob"), "/v1/status").await.status, 200);
}

#[tokio::test]
async fn without_an_issuer_no_token_opens_anything() {
    let provider = Provider::start().await;
    let app = TestApp::new().await;
    let token = provider.token(&app, "seamark-admin");
    assert_eq!(call(&app, &token, "/v1/status").await.problem(), "unauthenticated");
    assert_eq!(provider.asked(), 0);
}

#[test]
fn an_issuer_needs_https_and_an_audience() {
    let problems = |issuer: &str, audience: &str| -> Vec<String> {
        let mut config = Config::default();
        issuer.clone_into(&mut config.auth.oidc.issuer);
        audience.clone_into(&mut config.auth.oidc.audience);
        config.problems().into_iter().map(|(key, _)| key).collect()
    };
    assert!(problems("", "").is_empty());
    assert!(problems("https://id.example/realms/shop", "seamark").is_empty());
    assert!(problems("http://localhost:8081", "seamark").is_empty());
    assert_eq!(problems("http://id.example", ""), ["auth.oidc.issuer", "auth.oidc.audience"]);
    assert_eq!(problems("nonsense", "seamark"), ["auth.oidc.issuer"]);
}
