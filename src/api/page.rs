//! Cursor pages: newest first, the cursor being the opaque place of the last row shown.

use std::str::FromStr;

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::Uri;
use hyper::header::{HeaderValue, LINK};
use serde::Serialize;

use crate::api::error::{ApiError, Code};
use crate::clock::Timestamp;

/// Rows of a page when nothing is asked for.
const DEFAULT_LIMIT: u32 = 50;
/// Most rows of a page.
const MAX_LIMIT: u32 = 200;

/// The place in a list of its last row shown.
pub(crate) type Place<Id> = (Timestamp, Id);

/// What a page shows and where it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageRequest<Id> {
    /// Rows to show.
    pub(crate) limit: u32,
    /// Start behind this row; `None` for the first page.
    pub(crate) before: Option<Place<Id>>,
}

impl<Id: FromStr> PageRequest<Id> {
    /// From the query parameters `limit` and `cursor`.
    pub(crate) fn new(limit: Option<u32>, cursor: Option<&str>) -> Result<Self, ApiError> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            let detail = format!("limit must be 1 to {MAX_LIMIT}, not {limit}");
            return Err(ApiError::new(Code::InvalidParameter, detail));
        }
        let before = cursor.map(decode).transpose()?;
        Ok(Self { limit, before })
    }

    /// One row more than is shown: whether it comes tells whether there is a next page.
    pub(crate) const fn fetch(&self) -> i64 {
        self.limit as i64 + 1
    }
}

/// One page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Page<T> {
    /// The rows.
    pub(crate) items: Vec<T>,
    /// `cursor` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

/// The answer: the first `limit` of `rows`, and a cursor where there are more.
pub(crate) fn respond<T: Serialize, Id: ToString>(
    request: &PageRequest<Id>,
    mut rows: Vec<T>,
    place: impl Fn(&T) -> Place<Id>,
    uri: &Uri,
) -> Response {
    let more = rows.len() > request.limit as usize;
    rows.truncate(request.limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| encode(&place(row)));
    let link = next_cursor.as_ref().and_then(|cursor| next_link(uri, cursor));
    let mut response = Json(Page { items: rows, next_cursor }).into_response();
    if let Some(link) = link {
        response.headers_mut().insert(LINK, link);
    }
    response
}

fn next_link(uri: &Uri, cursor: &str) -> Option<HeaderValue> {
    let kept = uri.query().unwrap_or("").split('&').filter(|pair| !pair.is_empty());
    let kept = kept.filter(|pair| !pair.starts_with("cursor="));
    let cursor = format!("cursor={cursor}");
    let query = kept.chain([cursor.as_str()]).collect::<Vec<_>>().join("&");
    HeaderValue::from_str(&format!("<{}?{query}>; rel=\"next\"", uri.path())).ok()
}

fn encode<Id: ToString>((at, id): &Place<Id>) -> String {
    URL_SAFE_NO_PAD.encode(format!("{},{}", at.as_micros(), id.to_string()))
}

fn decode<Id: FromStr>(cursor: &str) -> Result<Place<Id>, ApiError> {
    let place = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let (micros, id) = text.split_once(',')?;
        Some((Timestamp::from_micros(micros.parse().ok()?), id.parse().ok()?))
    };
    place().ok_or_else(|| {
        let detail = "cursor is not one of ours; leave it out to start at the first page";
        ApiError::new(Code::InvalidParameter, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_round_trips_and_strangers_are_refused() {
        let place = (Timestamp::from_micros(-5), "x,y".to_owned());
        let request = PageRequest::<String>::new(Some(3), Some(&encode(&place))).unwrap();
        assert_eq!(request, PageRequest { limit: 3, before: Some(place) });
        for cursor in ["", "!!", "YWJj"] {
            let error = PageRequest::<String>::new(None, Some(cursor)).unwrap_err();
            assert_eq!(error.code, Code::InvalidParameter, "{cursor:?}");
        }
        assert!(PageRequest::<String>::new(Some(0), None).is_err());
        assert!(PageRequest::<String>::new(Some(201), None).is_err());
    }

    #[test]
    fn the_link_keeps_the_filters_and_replaces_the_cursor() {
        let uri = Uri::from_static("/v1/alerts?state=firing&cursor=old&limit=2");
        let link = next_link(&uri, "new").unwrap();
        assert_eq!(link, "</v1/alerts?state=firing&limit=2&cursor=new>; rel=\"next\"");
    }
}
