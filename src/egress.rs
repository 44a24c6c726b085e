//! The one way out: HTTP requests that go only where they may, bounded, never redirected.

mod address;
mod client;
mod loopback;

pub use address::{AllowError, Guard, UrlError, is_public};
pub use client::{BuildError, GuardedClient, Limits, Request, Response, SendError};
pub use loopback::{LoopbackClient, LoopbackError};
