//! Every operation of the OpenAPI document, with every kind of caller, on things that exist.
//!
//! The operations come from the document, so that a new one is tested without being listed here. One
//! with an id in its path needs a real one in `world.rs`: the test fails until it has one.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod world;

use std::collections::BTreeMap;

use axum::body::Body;
use hyper::{Method, Request};
use seamark::api::openapi;
use seamark::model::key::Role;
use seamark::store::Store;
use serde_json::{Value, json};

use super::app::Answer;
use world::{Caller, MARK, World};

/// Operations that ask for nothing.
const OPEN: [&str; 5] =
    ["GET /livez", "GET /readyz", "GET /healthz", "GET /metrics", "GET /openapi.json"];
/// Operations that ask for a proof of their own, which no key is.
const PROOF: [&str; 2] = ["POST /v1/retrains/{id}/status", "GET /v1/retrains/{id}/dataset"];
/// What needs another role than the rule says: reading `read`, everything else `admin`.
const ROLES: [(&str, Role); 13] = [
    ("POST /v1/interactions", Role::Ingest),
    ("POST /v1/outcomes", Role::Ingest),
    ("POST /v1/screen", Role::Ingest),
    ("POST /v1/clean", Role::Read),
    ("POST /v1/policies/{id}/try", Role::Read),
    ("GET /v1/policies/{id}/examples", Role::Admin),
    ("POST /v1/rules/preview", Role::Read),
    ("GET /v1/audit", Role::Admin),
    ("GET /v1/audit/export", Role::Admin),
    ("GET /v1/audit/checkpoint", Role::Admin),
    ("GET /v1/erasures/{id}", Role::Admin),
    ("GET /v1/subjects/export", Role::Admin),
    ("GET /v1/keys", Role::Admin),
];
/// Names in a path that each project gives itself: naming a thing there makes one's own.
const OWN_NAMES: [&str; 1] = ["PUT /v1/outcomes/definitions/{name}"];

/// An operation of the document, with what is needed to reach the thing in its path.
struct Operation {
    name: String,
    method: Method,
    template: String,
    /// Whether the document says that a key is needed.
    needs_key: bool,
    /// Names of query parameters that hold ids of this API.
    id_parameters: Vec<String>,
}

fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut operations = Vec::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase();
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            operations.push(Operation {
                name: format!("{method} {template}"),
                method: method.parse().unwrap(),
                template: template.clone(),
                needs_key: operation.get("security").is_some(),
                id_parameters: parameters.iter().filter_map(id_parameter).collect(),
            });
        }
    }
    assert!(operations.len() > 80, "{}", operations.len());
    operations
}

/// The parameter's name, where it is in the query and its type is the id of something.
fn id_parameter(parameter: &Value) -> Option<String> {
    let of_type = parameter["schema"]["$ref"].as_str().is_some_and(|to| to.ends_with("Id"));
    (parameter["in"] == "query" && of_type).then(|| parameter["name"].as_str().unwrap().to_owned())
}

impl Operation {
    fn has_id(&self) -> bool {
        self.template.contains('{')
    }

    fn wanted(&self) -> Role {
        let exception = ROLES.iter().find(|(name, _)| *name == self.name);
        let rule = if self.method == Method::GET { Role::Read } else { Role::Admin };
        exception.map_or(rule, |(_, role)| *role)
    }

    /// The path of a thing that exists, with the query that the operation cannot do without.
    fn path(&self, world: &World) -> String {
        let query = match self.name.as_str() {
            "GET /v1/monitors/{id}/lead-lag" => format!("?outcome={MARK}"),
            "GET /v1/retrains/{id}/dataset" => "?expires=9999999999&signature=AAAA".to_owned(),
            _ => String::new(),
        };
        let Some((collection, rest)) = self.template.split_once("/{") else {
            return format!("{}{query}", self.template);
        };
        let id = world.ids.get(collection).unwrap_or_else(|| {
            panic!("{} has no real id: make such a thing in world.rs", self.name)
        });
        let rest = rest.split_once('}').unwrap().1;
        assert!(!rest.contains('{'), "{}: a second id needs its own table", self.name);
        format!("{collection}/{id}{rest}{query}")
    }

    /// A body with which the operation would do what it is for.
    fn body(&self) -> Value {
        match self.name.as_str() {
            "POST /v1/policies/{id}/examples" => {
                json!({"examples": [{"text": "x", "label": true}]})
            }
            "POST /v1/policies/{id}/try" => json!({"texts": ["x"]}),
            "POST /v1/alerts/{id}/comments" => json!({"text": "seen"}),
            "POST /v1/retrains/{id}/status" => json!({"status": "running"}),
            "PUT /v1/outcomes/definitions/{name}" => json!({"kind": "number"}),
            _ => json!({}),
        }
    }

    async fn call(&self, world: &World, caller: Caller, path: &str) -> Answer {
        let mut request = Request::builder().method(self.method.clone()).uri(path);
        if let Some(key) = world.key(caller) {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let has_body = self.method != Method::GET;
        let body = if has_body { Body::from(self.body().to_string()) } else { Body::empty() };
        let answer = world.app.send(request.body(body).unwrap()).await;
        assert!(answer.status.as_u16() < 500, "{} as {caller:?}: {answer:?}", self.name);
        answer
    }
}

async fn the_whole_matrix(store: Store) {
    let world = World::over(store).await;
    let operations = operations();
    for operation in &operations {
        who_may(&world, operation).await;
    }
    let before = all_that_is_read(&world, &operations).await;
    for operation in &operations {
        a_stranger_sees_nothing(&world, operation).await;
    }
    foreign_ids_in_bodies_are_refused(&world).await;
    assert_eq!(all_that_is_read(&world, &operations).await, before, "a stranger changed something");
    every_id_is_that_of_something(&world, operations).await;
}

/// Keys that open nothing, and roles that do not suffice; nothing is changed by any of it.
async fn who_may(world: &World, operation: &Operation) {
    let (name, path) = (&operation.name, operation.path(world));
    let open = OPEN.contains(&name.as_str());
    let proof = PROOF.contains(&name.as_str());
    assert_eq!(operation.needs_key, !open && !proof, "{name}: the document on its key");
    for caller in Caller::REFUSED {
        let answer = operation.call(world, caller, &path).await;
        assert_eq!(answer.status == 401, !open, "{name} as {caller:?}: {answer:?}");
    }
    for role in Role::ALL.into_iter().filter(|role| !role.allows(operation.wanted())) {
        let answer = operation.call(world, Caller::Own(role), &path).await;
        let wanted = if open {
            answer.status.as_u16()
        } else if proof {
            401
        } else {
            403
        };
        assert_eq!(answer.status.as_u16(), wanted, "{name} as {role:?}: {answer:?}");
    }
}

/// The answers to everything that reads one thing, for the project itself.
async fn all_that_is_read(
    world: &World,
    operations: &[Operation],
) -> BTreeMap<String, (u16, Vec<u8>)> {
    let mut answers = BTreeMap::new();
    for operation in operations {
        let reads = operation.method == Method::GET && operation.has_id();
        if reads && !PROOF.contains(&operation.name.as_str()) {
            let path = operation.path(world);
            let answer = operation.call(world, Caller::Own(Role::Admin), &path).await;
            // A problem holds the id of its request.
            let body = if answer.status == 200 { answer.body.to_vec() } else { Vec::new() };
            answers.insert(path, (answer.status.as_u16(), body));
        }
    }
    answers
}

async fn a_stranger_sees_nothing(world: &World, operation: &Operation) {
    let name = operation.name.as_str();
    if OPEN.contains(&name) {
        return;
    }
    let path = operation.path(world);
    if operation.has_id() {
        let answer = operation.call(world, Caller::Stranger, &path).await;
        if PROOF.contains(&name) {
            assert_eq!(answer.status, 401, "{name}: {answer:?}");
        } else if OWN_NAMES.contains(&name) {
            assert!(answer.status.is_success(), "{name}: {answer:?}");
            let undo = Request::delete(&path).header("x-api-key", stranger(world));
            let undo = world.app.send(undo.body(Body::empty()).unwrap()).await;
            assert_eq!(undo.status, 204, "{name}");
        } else {
            assert_eq!(answer.problem(), "not_found", "{name}: {answer:?}");
            nothing_shows(world, name, &answer);
        }
    } else if operation.method == Method::GET {
        let answer = operation.call(world, Caller::Stranger, &path).await;
        assert!(![401, 403, 404].contains(&answer.status.as_u16()), "{name}: {answer:?}");
        nothing_shows(world, name, &answer);
        for parameter in &operation.id_parameters {
            let id = match parameter.as_str() {
                "monitor_id" => &world.ids["/v1/monitors"],
                "alert_id" => &world.ids["/v1/alerts"],
                "receiver_id" => &world.ids["/v1/receivers"],
                other => panic!("{name}: what is {other}? Give it a real id here"),
            };
            let path = format!("{path}?{parameter}={id}");
            let answer = operation.call(world, Caller::Stranger, &path).await;
            let empty = answer.status == 200 && answer.json()["items"] == json!([]);
            assert!(empty || answer.status == 404, "{name} with {parameter}: {answer:?}");
        }
    }
}

fn stranger(world: &World) -> String {
    world.key(Caller::Stranger).unwrap()
}

fn nothing_shows(world: &World, name: &str, answer: &Answer) {
    let text = String::from_utf8_lossy(&answer.body);
    for secret in world.secrets() {
        assert!(!text.contains(secret), "{name} shows {secret}: {text}");
    }
}

/// Ids that stand in documents instead of paths.
async fn foreign_ids_in_bodies_are_refused(world: &World) {
    let (monitor, receiver) = (&world.ids["/v1/monitors"], &world.ids["/v1/receivers"]);
    let hook = json!({"name": "theirs", "kind": "webhook", "url": "https://a.example/hook"});
    let stranger = stranger(world);
    let theirs = world.app.call_as(&stranger, Method::POST, "/v1/receivers", Some(hook));
    let theirs = theirs.await.json()["id"].as_str().unwrap().to_owned();
    let source = json!({"kind": "next", "count": 100});
    let mut routing = world.app.get("/v1/routing").await.json();
    routing["route"]["receivers"] = json!([receiver]);
    let when = json!({"figure": "events", "minutes": 30, "below": 1});
    let about = json!({"alert_id": world.ids["/v1/alerts"]});
    let (preview, upload) = (
        format!("/v1/receivers/{theirs}/preview"),
        format!("/v1/references/upload?monitor_id={monitor}"),
    );
    for (method, path, body, status) in [
        ("POST", "/v1/references", json!({"monitor_id": monitor, "source": source}), 422),
        ("POST", "/v1/monitors", json!({"name": "theirs", "receivers": [receiver]}), 422),
        ("POST", "/v1/rules", json!({"name": "r", "when": when, "receivers": [receiver]}), 422),
        ("PUT", "/v1/routing", routing, 422),
        ("POST", preview.as_str(), about, 404),
        ("POST", upload.as_str(), json!({"query": "q"}), 422),
        ("GET", "/v1/outcomes/summary?name=ours-only", json!({}), 404),
    ] {
        let method = method.parse().unwrap();
        let answer = world.app.call_as(&stranger, method, path, Some(body)).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {answer:?}");
    }
    for target in ["interaction_id", "session_id", "subject"] {
        let asked = json!({target: MARK});
        let asked = world.app.call_as(&stranger, Method::POST, "/v1/erasures", Some(asked));
        assert_eq!(asked.await.status, 202, "they may ask, and find nothing of ours");
        while world.app.store.run_erasure(world.app.now()).await.unwrap().is_some() {}
    }
    let path = format!("/v1/subjects/export?subject={MARK}");
    let held = world.app.call_as(&stranger, Method::GET, &path, None).await;
    assert!(held.body.is_empty(), "{held:?}");
}

/// Last of all the project's own admin does everything: so 404 above was for whose it is.
async fn every_id_is_that_of_something(world: &World, mut operations: Vec<Operation>) {
    let order = |method: &Method| [Method::GET, Method::DELETE].iter().position(|m| m == method);
    // First what reads, then what changes, then what deletes; the monitor with all of its own last.
    operations.sort_by_key(|operation| match order(&operation.method) {
        Some(0) => 0,
        None => 1,
        Some(_) => 2 + u8::from(operation.template.starts_with("/v1/monitors")),
    });
    for operation in operations {
        let (name, path) = (&operation.name, operation.path(world));
        let answer = operation.call(world, Caller::Own(Role::Admin), &path).await;
        let proof = PROOF.contains(&name.as_str());
        assert_eq!(answer.status == 401, proof, "{name}: {answer:?}");
        assert_ne!(answer.status, 403, "{name}: {answer:?}");
        if answer.status == 404 {
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(!detail.contains("no such"), "{name}: its id is of nothing: {detail}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_for_every_caller_on_sqlite() {
    let store = crate::store::setup::sqlite().await;
    the_whole_matrix(store.clone()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_for_every_caller_on_postgres() {
    let store = crate::store::setup::postgres().await;
    the_whole_matrix(store.clone()).await;
}
