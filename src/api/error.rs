//! Every error that the API answers, in one table, as RFC 9457 problem documents.

use std::error::Error;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;

use crate::store::StoreError;

/// The media type of problem documents.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:ident, $title:literal;)*) => {
        /// What went wrong, by a code that never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in the order of `docs/API.md`.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as it is on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The answer's HTTP status.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// The same few words for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The body is not JSON, or not what its `Content-Encoding` says.
    MalformedBody = "malformed_body", BAD_REQUEST, "The body cannot be read";
    /// A query parameter, a cursor or a header is wrong.
    InvalidParameter = "invalid_parameter", BAD_REQUEST, "A parameter is wrong";
    /// No valid key came with the request.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "A valid API key is needed";
    /// The key's role does not allow it.
    Forbidden = "forbidden", FORBIDDEN, "The key does not allow this";
    /// There is no such thing, or it belongs to another project.
    NotFound = "not_found", NOT_FOUND, "There is no such resource";
    /// The path exists, the method does not.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The resource has no such method";
    /// The body came too slowly.
    BodyTimeout = "body_timeout", REQUEST_TIMEOUT, "The body came too slowly";
    /// The name or the state is in the way.
    Conflict = "conflict", CONFLICT, "It conflicts with what is there";
    /// Bytes beyond a limit, on the wire or after decompression.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// More interactions than one request may hold.
    BatchTooLong = "batch_too_long", PAYLOAD_TOO_LARGE, "The batch is too long";
    /// A `Content-Encoding` other than gzip and zstd.
    UnsupportedEncoding = "unsupported_encoding", UNSUPPORTED_MEDIA_TYPE,
        "The content encoding is not supported";
    /// It was understood, and its content is wrong.
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "The content is not valid";
    /// Every interaction of the request was refused.
    AllRejected = "all_rejected", UNPROCESSABLE_ENTITY, "Every interaction was rejected";
    /// Too many interactions wait for their embeddings.
    BacklogFull = "backlog_full", TOO_MANY_REQUESTS, "Too much work is waiting";
    /// The key has asked for as much as it may.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "The key's limit is reached";
    /// The address has sent too many wrong keys.
    TooManyFailures = "too_many_failures", TOO_MANY_REQUESTS, "Too many failed attempts";
    /// A defect; the log has its cause under the request id.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something went wrong here";
    /// The process holds as many requests as it may.
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "The server is at its capacity";
    /// The store or the model is not there at present.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "A part of the service is not available";
    /// The answer took too long.
    Timeout = "timeout", SERVICE_UNAVAILABLE, "The request took too long";
}

/// One thing that is wrong with a request's content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Fault {
    /// The item of a batch, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// The item's id, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `conflict`: the same id is stored with another content. `blocked`: the policy on personal data
    /// refuses it. `invalid`: anything else.
    pub code: String,
    /// JSON pointer to the field within the item or document; empty for the whole.
    pub pointer: String,
    /// What is wrong, and the remedy.
    pub detail: String,
}

impl Fault {
    /// A fault of a document's field.
    pub(crate) fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            code: Code::Invalid.as_str().to_owned(),
            pointer: pointer.into(),
            detail: detail.into(),
            ..Self::default()
        }
    }
}

/// An error answer.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// What went wrong.
    pub code: Code,
    /// What is wrong with this request, and the remedy.
    pub detail: String,
    /// Its faults one by one, where there may be several.
    pub errors: Vec<Fault>,
    /// Seconds after which a new attempt makes sense.
    pub retry_after: Option<u64>,
    /// For the log, never for the answer.
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// An error of `code` with its detail.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let retry = matches!(code.status(), StatusCode::TOO_MANY_REQUESTS)
            || matches!(code.status(), StatusCode::SERVICE_UNAVAILABLE);
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: retry.then_some(1),
            cause: None,
        }
    }

    /// The same error with its faults.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<Fault>) -> Self {
        self.errors = errors;
        self
    }

    /// An error with `faults` where there are any: what was sent is not valid, as `detail` says.
    pub(crate) fn refuse(faults: Vec<Fault>, detail: &str) -> Result<(), Self> {
        if faults.is_empty() {
            return Ok(());
        }
        Err(Self::new(Code::Invalid, detail).with_errors(faults))
    }

    /// The same error, to be tried again after so many seconds.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// A defect of ours: the cause goes to the log, not to the caller.
    pub fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        let mut error = Self::new(Code::Internal, "the cause is in the log under the request id");
        error.cause = Some(Arc::new(cause));
        error
    }

    /// Something else we need is not there: the cause goes to the log.
    pub fn unavailable(detail: &str, cause: impl Error + Send + Sync + 'static) -> Self {
        let mut error = Self::new(Code::Unavailable, detail);
        error.cause = Some(Arc::new(cause));
        error
    }

    /// No `kind` of this id in this project.
    pub fn not_found(kind: &str) -> Self {
        Self::new(Code::NotFound, format!("this project has no such {kind}"))
    }

    /// What the log says of it: the cause and its causes.
    pub(crate) fn cause(&self) -> Option<String> {
        let mut error: &dyn Error = &**self.cause.as_ref()?;
        let mut text = error.to_string();
        while let Some(source) = error.source() {
            text = format!("{text}: {source}");
            error = source;
        }
        Some(text)
    }

    /// The answer, with the request's id in it.
    pub(crate) fn render(&self, request_id: &str) -> Response {
        let problem = Problem {
            kind: format!("docs/API.md#{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status().as_u16(),
            detail: self.detail.clone(),
            code: self.code.as_str().to_owned(),
            request_id: request_id.to_owned(),
            errors: self.errors.clone(),
        };
        let body = serde_json::to_string(&problem).unwrap_or_default();
        let mut response = (self.code.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == Code::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"seamark\""));
        }
        response
    }
}

impl IntoResponse for ApiError {
    /// Hands the error to the outermost layer, which knows the request's id and renders it.
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Taken { .. } => Self::new(Code::Conflict, error.to_string()),
            StoreError::Unavailable(_) | StoreError::NotMigrated { .. } => {
                Self::unavailable("the store does not answer at present; try again", error)
            }
            _ => Self::internal(error),
        }
    }
}

/// An RFC 9457 problem document.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Problem {
    /// Where the error is described: an anchor in `docs/API.md`.
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    pub kind: String,
    /// The same few words for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request, and the remedy.
    pub detail: String,
    /// The error's code.
    pub code: String,
    /// The request's id, as in the `x-request-id` header and in the log.
    pub request_id: String,
    /// The faults one by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}
