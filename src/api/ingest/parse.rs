//! A whole body → its interactions, each read on its own.

use crate::api::config::Limits;
use crate::api::error::{ApiError, Code, Fault};
use crate::api::ingest::item::{self, Received, Rules};
use crate::api::ingest::split::{self, SplitError};
use crate::clock::Timestamp;

/// What a body holds.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// The sound items with their places in the request.
    pub(crate) items: Vec<(usize, Received)>,
    /// What is wrong with the others, in their order; an item may have several faults.
    pub(crate) faults: Vec<Fault>,
    /// How many items were refused.
    pub(crate) rejected: usize,
}

/// Reads at most `max_items` interactions from `body`.
pub(crate) fn parse(
    body: &[u8],
    limits: &Limits,
    max_items: usize,
    now: Timestamp,
) -> Result<Parsed, ApiError> {
    let pieces = split::split(body, max_items, limits.item_bytes).map_err(|error| match error {
        SplitError::Malformed(detail) => ApiError::new(Code::MalformedBody, detail),
        SplitError::TooLong => {
            let detail = format!("more than {max_items} interactions; send smaller batches");
            ApiError::new(Code::BatchTooLong, detail)
        }
    })?;
    let mut parsed = Parsed::default();
    for (index, piece) in pieces.into_iter().enumerate() {
        let read = match piece {
            Ok(json) => item::read(json, Rules { limits, now }),
            Err(detail) => Err(vec![Fault::at("", detail)]),
        };
        match read {
            Ok(item) => parsed.items.push((index, item)),
            Err(faults) => {
                parsed.rejected += 1;
                let faults = faults.into_iter();
                parsed.faults.extend(faults.map(|fault| Fault { index: Some(index), ..fault }));
            }
        }
    }
    Ok(parsed)
}
