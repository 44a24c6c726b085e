//! The leases that a worker holds: who works on what, where several daemons share a database.

use std::collections::HashMap;

use crate::store::{LeaseProof, StoreError};
use crate::worker::context::Context;

/// Leases by name, with their tokens.
#[derive(Debug, Default)]
pub(super) struct Leases(HashMap<String, i64>);

impl Leases {
    /// Takes or renews the lease called `name`; `None` while another daemon holds it.
    pub(super) async fn acquire(
        &mut self,
        context: &Context,
        name: String,
    ) -> Result<Option<LeaseProof>, StoreError> {
        let (holder, lasts) = (&context.holder, context.config.lease());
        let token = context.store.acquire_lease(&name, holder, context.now(), lasts).await?;
        match token {
            Some(token) => self.0.insert(name.clone(), token),
            None => self.0.remove(&name),
        };
        Ok(token.map(|token| LeaseProof { name, token }))
    }

    /// Gives back all, so that the next daemon need not wait for their expiry.
    pub(super) async fn release(&mut self, context: &Context) {
        for (name, token) in self.0.drain() {
            if let Err(error) = context.store.release_lease(&name, token).await {
                tracing::warn!(%error, %name, "could not give back a lease; it will expire");
            }
        }
    }
}
