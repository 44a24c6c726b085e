//! Takes uploaded reference files for the API.

use std::future::Future;
use std::pin::Pin;

use crate::api::ReferenceUpload;
use crate::model::interaction::NewInteraction;
use crate::model::reference::Reference;
use crate::store::{Store, StoreError};
use crate::worker::Wakers;

/// Stores an uploaded reference with its rows in one commit; the reference worker embeds them.
pub(super) struct Uploads {
    store: Store,
    wakers: Wakers,
}

impl Uploads {
    /// A door to `store`.
    pub(super) fn new(store: Store, wakers: Wakers) -> Self {
        Self { store, wakers }
    }
}

impl ReferenceUpload for Uploads {
    fn accept(
        &self,
        reference: Reference,
        rows: Vec<NewInteraction>,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + '_>> {
        Box::pin(async move {
            self.store.insert_reference_upload(&reference, &rows).await?;
            self.wakers.reference.notify_one();
            Ok(())
        })
    }
}
