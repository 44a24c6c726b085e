//! The outermost layer: request id, time limit, problem documents, one log line, one measurement.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::header::{CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{HeaderMap, Method};

use crate::api::error::{ApiError, Code};
use crate::api::state::AppState;
use crate::id;
use crate::telemetry::RequestLabels;

/// The header that carries a request's id both ways.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_BYTES: usize = 128;
/// The route's label where no route matched: paths are made up at will.
const UNMATCHED: &str = "unmatched";

/// Answers every request, whatever happens within.
pub(crate) async fn observe(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers()).unwrap_or_else(|| make_id(&state));
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(UNMATCHED.to_owned(), |path| path.as_str().to_owned());
    let response = within(&state, next.run(request)).await;
    let response = finish(response, &id);
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    let labels = RequestLabels { method: label(&method), route: route.clone(), status };
    state.metrics.http_request_duration.get_or_create(&labels).observe(elapsed.as_secs_f64());
    let elapsed_ms = elapsed.as_secs_f64() * 1e3;
    tracing::debug!(request_id = id, %method, route, status, elapsed_ms, "request answered");
    response
}

/// The method as a label: methods can be made up at will too.
fn label(method: &Method) -> String {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE];
    if known.contains(method) { method.to_string() } else { "other".to_owned() }
}

async fn within(state: &AppState, answer: impl Future<Output = Response>) -> Response {
    let limit = Duration::from_secs(state.config.timeouts.request_seconds);
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
        let detail = format!("no answer within {} s; try again", limit.as_secs());
        ApiError::new(Code::Timeout, detail).into_response()
    })
}

/// Renders an error that a handler or layer answered, and adds what every answer carries.
fn finish(mut response: Response, id: &str) -> Response {
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        if let Some(cause) = error.cause() {
            tracing::error!(request_id = id, code = error.code.as_str(), cause, "request failed");
        }
        let mut problem = error.render(id);
        for (name, value) in response.headers() {
            // The router says in `Allow` which methods there are.
            if name == hyper::header::ALLOW {
                problem.headers_mut().insert(name, value.clone());
            }
        }
        response = problem;
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The caller's id of the request, where it is one that can stand in a log line.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(REQUEST_ID)?.to_str().ok()?;
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=REQUEST_ID_BYTES).contains(&text.len()).then_some(())?;
    text.bytes().all(sound).then(|| text.to_owned())
}

fn make_id(state: &AppState) -> String {
    state.random(|rng| id::interaction_id(state.now(), rng))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_that_cannot_forge_log_lines_are_taken_over() {
        let taken = |text: &str| {
            request_id(&HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(text).unwrap())]))
        };
        assert_eq!(taken("abc-123:x_y.z").as_deref(), Some("abc-123:x_y.z"));
        assert_eq!(taken("a b"), None);
        assert_eq!(taken(""), None);
        assert_eq!(taken(&"x".repeat(129)), None);
    }
}
