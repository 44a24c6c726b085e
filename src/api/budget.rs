//! A bound on the bytes of all bodies that are in work, so that overload answers before memory grows.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::error::{ApiError, Code};

/// Accounting unit: semaphores count in `u32`.
const UNIT: usize = 1024;

/// The bytes that all requests together may hold.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS))))
    }

    /// An empty share of the budget, to be grown as bytes come.
    pub(crate) fn share(&self) -> Share {
        Share { budget: Arc::clone(&self.0), held: None, bytes: 0, units: 0 }
    }
}

/// What one request holds of the budget; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    bytes: usize,
    units: usize,
}

impl Share {
    /// Takes `bytes` more, at once or not at all: waiting while holding a share could lock up.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.bytes += bytes;
        let wanted = self.bytes.div_ceil(UNIT);
        let more = u32::try_from(wanted - self.units).unwrap_or(u32::MAX);
        if more == 0 {
            return Ok(());
        }
        let permit = Arc::clone(&self.budget).try_acquire_many_owned(more).map_err(|_| {
            ApiError::new(
                Code::Overloaded,
                "too many bytes of other requests are in work; try again",
            )
        })?;
        self.units = wanted;
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_comes_back_when_its_request_ends() {
        let budget = Budget::new(4 * UNIT);
        let mut first = budget.share();
        first.grow(10).unwrap();
        first.grow(3 * UNIT).unwrap();
        let mut second = budget.share();
        assert_eq!(second.grow(1).unwrap_err().code, Code::Overloaded);
        drop(first);
        assert!(budget.share().grow(4 * UNIT).is_ok());
    }
}
