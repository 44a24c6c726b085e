//! The documents about the API agree with the API.

use std::collections::BTreeSet;

use axum::body::Body;
use hyper::{Method, Request};
use seamark::api::{Code, Config, openapi, openapi_json, route_table};

use super::app::TestApp;

#[test]
fn the_openapi_document_is_the_committed_one() {
    insta::assert_snapshot!("openapi", openapi_json());
}

#[test]
fn every_route_is_documented_and_every_documented_route_is_there() {
    let routes: BTreeSet<_> = route_table(&Config::default())
        .into_iter()
        .map(|route| (route.path.to_owned(), route.method.to_string()))
        .collect();
    let document = serde_json::to_value(openapi()).unwrap();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys();
        documented.extend(methods.map(|method| (path.clone(), method.to_uppercase())));
    }
    assert_eq!(routes, documented);
}

#[test]
fn every_reference_within_the_document_leads_somewhere() {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut pointers = BTreeSet::new();
    collect(&document, &mut pointers);
    assert!(pointers.len() > 10);
    for pointer in pointers {
        let path = pointer.strip_prefix('#').unwrap();
        assert!(document.pointer(path).is_some(), "{pointer}");
    }
}

fn collect(value: &serde_json::Value, pointers: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                match value.as_str() {
                    Some(pointer) if key == "$ref" => drop(pointers.insert(pointer.to_owned())),
                    _ => collect(value, pointers),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, pointers)),
        _ => {}
    }
}

#[test]
fn every_code_has_its_heading_and_row() {
    let text = include_str!("../../../docs/API.md");
    for code in Code::ALL {
        let heading = format!("### {}\n", code.as_str());
        assert!(text.contains(&heading), "docs/API.md lacks {heading:?}");
        let row = format!("| [{0}](#{0}) | {1} |", code.as_str(), code.status().as_u16());
        assert!(text.contains(&row), "docs/API.md lacks {row:?}");
    }
    let documented = text.lines().filter(|line| line.starts_with("### ")).count();
    assert_eq!(documented, Code::ALL.len(), "a heading of the third level is a code");
}

#[test]
fn every_route_is_in_the_manual() {
    let text = include_str!("../../../docs/API.md");
    for route in route_table(&Config::default()) {
        let line = format!("`{} {}`", route.method, route.path);
        assert!(text.contains(&line), "docs/API.md lacks {line}");
    }
}

#[tokio::test]
async fn the_document_is_served() {
    let app = TestApp::new().await;
    let answer = app.get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.json()["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problem_documents() {
    let app = TestApp::new().await;
    let answer = app.get("/v1/nothing").await;
    assert_eq!((answer.problem().as_str(), answer.status.as_u16()), ("not_found", 404));
    let answer = app.call(Method::PUT, "/v1/monitors", None).await;
    assert_eq!((answer.problem().as_str(), answer.status.as_u16()), ("method_not_allowed", 405));
    assert!(answer.header("allow").contains("POST"), "{answer:?}");
}

#[tokio::test]
async fn a_sound_request_id_is_taken_over_and_another_is_made() {
    let app = TestApp::new().await;
    let with = |id: &str| Request::get("/livez").header("x-request-id", id).body(Body::empty());
    assert_eq!(app.send(with("trace-1").unwrap()).await.header("x-request-id"), "trace-1");
    let made = app.send(with("two words").unwrap()).await;
    assert_eq!(made.header("x-request-id").len(), 36);
    assert_eq!(made.header("x-content-type-options"), "nosniff");
}
