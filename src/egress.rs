//! The one way out: HTTP requests that go only where they may, bounded, never redirected.

mod address;
mod client;
mod daemon;
mod loopback;

pub use address::{AllowError, Guard, UrlError, is_public};
pub use client::{BuildError, GuardedClient, Limits, Request, Response, SendError};
pub use daemon::{DaemonClient, DaemonError, Verb};
pub use loopback::{LoopbackClient, LoopbackError};
