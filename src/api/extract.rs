//! What handlers take from a request, with our own answers where it is wrong.

use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use hyper::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::api::body;
use crate::api::error::{ApiError, Code, Fault};
use crate::api::state::AppState;

/// A JSON document as body; unknown fields are errors where its type says so.
#[derive(Debug)]
pub(crate) struct Document<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<AppState> for Document<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let body = body::read(&parts.headers, body, state.document_limits(), &state.budget).await?;
        serde_json::from_slice(&body.bytes).map(Self).map_err(|error| wrong_document(&error))
    }
}

/// The error of a document that is not what it should be.
pub(crate) fn wrong_document(error: &serde_json::Error) -> ApiError {
    if !error.is_data() {
        return ApiError::new(Code::MalformedBody, format!("the body is not JSON: {error}"));
    }
    let detail = error.to_string();
    let fault = Fault::at(named_field(&detail), detail.clone());
    ApiError::new(Code::Invalid, "the document is not what is wanted here").with_errors(vec![fault])
}

/// The pointer to the field that serde names, as far as it does.
fn named_field(detail: &str) -> String {
    let known = ["unknown field `", "missing field `", "duplicate field `"];
    let name = known.iter().find_map(|prefix| detail.strip_prefix(prefix)?.split('`').next());
    name.map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1"))).unwrap_or_default()
}

/// The query string's parameters.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Query::try_from_uri(&parts.uri)
            .map_err(|error| ApiError::new(Code::InvalidParameter, error.body_text()))?;
        Ok(Self(query.0))
    }
}

/// The path's only parameter; what cannot be an id is the id of nothing.
#[derive(Debug)]
pub(crate) struct Id<T>(pub(crate) T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        let id = text.and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(|| ApiError::not_found("resource"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_that_serde_names_becomes_a_pointer() {
        assert_eq!(named_field("unknown field `na/me`, expected `name`"), "/na~1me");
        assert_eq!(named_field("missing field `url` at line 1"), "/url");
        assert_eq!(named_field("invalid type: integer"), "");
    }
}
