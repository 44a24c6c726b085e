//! The one way out: HTTP requests and mail that go only where they may, bounded, never redirected.

mod address;
mod client;
mod daemon;
mod loopback;
mod mail;
mod mail_server;
mod smtp;

pub use address::{AllowError, Guard, UrlError, is_public};
pub use client::{BuildError, GuardedClient, Limits, Request, Response, SendError};
pub use daemon::{DaemonClient, DaemonError, Verb};
pub use loopback::{LoopbackClient, LoopbackError};
pub use mail::{Mail, MailClient};
pub use mail_server::MailServer;
