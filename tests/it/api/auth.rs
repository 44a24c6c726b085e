//! Who may do what: every route with every role, and every way not to have a key.

use axum::body::Body;
use hyper::{Method, Request};
use seamark::api::{Access, AuthMode, Config, route_table};
use seamark::model::key::Role;
use seamark::sample::SamplingConfig;
use serde_json::json;

use super::app::TestApp;

/// A path of the route's template that names nothing.
fn concrete(path: &str) -> String {
    path.replace("{id}", "018f0000-0000-7000-8000-000000000000").replace("{name}", "nothing")
}

#[tokio::test]
async fn every_route_asks_for_its_role() {
    let app = TestApp::new().await;
    let strangers_key = format!("seamark_{}_{}", "0".repeat(32), "0".repeat(64));
    for route in route_table(&Config::default()) {
        let path = concrete(route.path);
        let nobody = Request::builder().method(route.method.clone()).uri(&path);
        let nobody = app.send(nobody.body(Body::empty()).unwrap()).await;
        let stranger = app.call_as(&strangers_key, route.method.clone(), &path, None).await;
        let name = format!("{} {path}", route.method);
        let Access::Needs(wanted) = route.access else {
            assert_ne!(nobody.status, 401, "{name}");
            continue;
        };
        assert_eq!(nobody.problem(), "unauthenticated", "{name}");
        assert_eq!(stranger.problem(), "unauthenticated", "{name}");
        assert!(nobody.header("www-authenticate").starts_with("Bearer"));
        for role in Role::ALL {
            let answer = app.call_as(app.key(role), route.method.clone(), &path, None).await;
            let refused = answer.status == 403;
            assert_eq!(refused, !role.allows(wanted), "{name} as {}", role.as_str());
            assert_ne!(answer.status, 401, "{name}");
            assert!(answer.status.as_u16() < 500, "{name}: {:?}", answer.body);
        }
    }
}

#[test]
fn only_probes_metrics_and_the_document_are_open() {
    let open = |config: &Config| -> Vec<&'static str> {
        let routes = route_table(config).into_iter();
        routes.filter(|route| route.access == Access::Open).map(|route| route.path).collect()
    };
    let mut config = Config::default();
    assert_eq!(open(&config), ["/livez", "/readyz", "/healthz", "/metrics", "/openapi.json"]);
    let proven = route_table(&config).into_iter().filter(|route| route.access == Access::Proof);
    let proven: Vec<_> = proven.map(|route| route.path).collect();
    assert_eq!(proven, ["/v1/retrains/{id}/status", "/v1/retrains/{id}/dataset"]);
    config.metrics_public = false;
    assert_eq!(open(&config), ["/livez", "/readyz", "/healthz", "/openapi.json"]);
}

#[tokio::test]
async fn wrong_keys_are_all_refused_alike() {
    let app = TestApp::new().await;
    let good = app.key(Role::Read).to_owned();
    let other_secret = format!("{}{}", &good[..good.len() - 64], "0".repeat(64));
    let mut answers = Vec::new();
    for header in [
        format!("Bearer {other_secret}"),
        format!("Bearer {}", good.replace("seamark_", "seamark-")),
        format!("Basic {good}"),
        "Bearer".to_owned(),
        String::new(),
    ] {
        let request = Request::get("/v1/status").header("authorization", header);
        let answer = app.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.problem(), "unauthenticated");
        answers.push(answer.json()["detail"].clone());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
}

#[tokio::test]
async fn a_key_in_the_url_is_refused_even_beside_a_good_one() {
    let app = TestApp::new().await;
    let path = format!("/v1/status?api_key={}", app.key(Role::Read));
    assert_eq!(app.get(&path).await.problem(), "invalid_parameter");
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_from_then_on() {
    let app = TestApp::new().await;
    let made = app.post("/v1/keys", json!({"name": "ci", "role": "read"})).await;
    assert_eq!(made.status, 201);
    let (key, id) = (made.json()["key"].clone(), made.json()["id"].clone());
    let (key, id) = (key.as_str().unwrap(), id.as_str().unwrap());
    assert_eq!(app.call_as(key, Method::GET, "/v1/status", None).await.status, 200);
    let path = format!("/v1/keys/{id}");
    assert_eq!(app.call(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(
        app.call_as(key, Method::GET, "/v1/status", None).await.problem(),
        "unauthenticated"
    );
    let listed = String::from_utf8(app.get("/v1/keys").await.body.to_vec()).unwrap();
    assert!(listed.contains(id) && !listed.contains(&key[41..]), "{listed}");
}

#[tokio::test]
async fn foreign_ids_are_as_if_they_were_not_there() {
    let app = TestApp::new().await;
    let (_, theirs) = app.stranger().await;
    let monitor = app.post("/v1/monitors", json!({"name": "mine"})).await.json()["id"].clone();
    let receiver = json!({"name": "r", "kind": "webhook", "url": "https://a.example/hook"});
    let receiver = app.post("/v1/receivers", receiver).await.json()["id"].clone();
    let keys = app.get("/v1/keys").await.json()["items"][0]["id"].clone();
    app.ingest(r#"{"id": "mine", "query": "secret"}"#).await;
    let (monitor, receiver) = (monitor.as_str().unwrap(), receiver.as_str().unwrap());
    let calls = [
        (Method::GET, format!("/v1/monitors/{monitor}")),
        (Method::PATCH, format!("/v1/monitors/{monitor}")),
        (Method::DELETE, format!("/v1/monitors/{monitor}")),
        (Method::GET, format!("/v1/monitors/{monitor}/reports")),
        (Method::GET, format!("/v1/monitors/{monitor}/timeline")),
        (Method::GET, format!("/v1/references?monitor_id={monitor}")),
        (Method::GET, format!("/v1/receivers/{receiver}")),
        (Method::PATCH, format!("/v1/receivers/{receiver}")),
        (Method::DELETE, format!("/v1/receivers/{receiver}")),
        (Method::POST, format!("/v1/receivers/{receiver}/test")),
        (Method::DELETE, format!("/v1/keys/{}", keys.as_str().unwrap())),
        (Method::GET, "/v1/interactions/mine".to_owned()),
    ];
    for (method, path) in calls {
        let body = (method == Method::PATCH).then(|| json!({"name": "theirs"}));
        let answer = app.call_as(&theirs, method.clone(), &path, body).await;
        assert_eq!(answer.problem(), "not_found", "{method} {path}");
    }
    let reference = json!({"monitor_id": monitor, "source": {"kind": "next", "count": 100}});
    let answer = app.call_as(&theirs, Method::POST, "/v1/references", Some(reference)).await;
    assert_eq!(answer.problem(), "invalid");
    let spec = json!({"name": "theirs", "receivers": [receiver]});
    let answer = app.call_as(&theirs, Method::POST, "/v1/monitors", Some(spec)).await;
    assert_eq!(answer.json()["errors"][0]["pointer"], "/receivers/0");
    assert_eq!(app.get(&format!("/v1/monitors/{monitor}")).await.status, 200);
}

#[tokio::test]
async fn without_auth_everyone_is_admin_of_the_default_project() {
    let mut config = Config::default();
    config.auth.mode = AuthMode::None;
    let app = TestApp::with(config, SamplingConfig::default()).await;
    let request = Request::get("/v1/keys").body(Body::empty()).unwrap();
    assert_eq!(app.send(request).await.status, 200);
}
