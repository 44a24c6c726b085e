//! A whole body → its items, each read on its own.

use crate::api::error::{ApiError, Code, Fault};
use crate::api::ingest::split::{self, SplitError};
use crate::api::ingest::value::Rules;

/// What a body holds.
#[derive(Debug)]
pub(crate) struct Parsed<T> {
    /// The sound items with their places in the request.
    pub(crate) items: Vec<(usize, T)>,
    /// What is wrong with the others, in their order; an item may have several faults.
    pub(crate) faults: Vec<Fault>,
    /// How many items were refused.
    pub(crate) rejected: usize,
}

/// Reads one item from its JSON, or says everything that is wrong with it.
pub(crate) type ReadItem<T> = fn(&[u8], Rules<'_>) -> Result<T, Vec<Fault>>;

/// Reads at most `max_items` items from `body`.
pub(crate) fn parse<T>(
    body: &[u8],
    rules: Rules<'_>,
    max_items: usize,
    read_item: ReadItem<T>,
) -> Result<Parsed<T>, ApiError> {
    let pieces =
        split::split(body, max_items, rules.limits.item_bytes).map_err(|error| match error {
            SplitError::Malformed(detail) => ApiError::new(Code::MalformedBody, detail),
            SplitError::TooLong => {
                let detail = format!("more than {max_items} items; send smaller batches");
                ApiError::new(Code::BatchTooLong, detail)
            }
        })?;
    let mut parsed = Parsed { items: Vec::new(), faults: Vec::new(), rejected: 0 };
    for (index, piece) in pieces.into_iter().enumerate() {
        let read = match piece {
            Ok(json) => read_item(json, rules),
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
