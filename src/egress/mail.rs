//! The one client that hands in mail: guarded, encrypted, bounded.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use url::Host;

use crate::egress::address::{Guard, UrlError, bare};
use crate::egress::client::{BuildError, Limits, Response, SendError, resolve};
use crate::egress::mail_server::{MailServer, Security};
use crate::egress::smtp::{Dialogue, Stop, Wire};

/// One message and where to hand it in.
#[derive(Clone, Copy)]
pub struct Mail<'a> {
    /// The server, as [`MailServer::parse`] reads it.
    pub url: &'a str,
    /// The password of the user whom the URL names.
    pub password: Option<&'a str>,
    /// The sender: an address in ASCII, without white space and angle brackets.
    pub from: &'a str,
    /// The recipients: addresses in ASCII, without white space and angle brackets.
    pub to: &'a [String],
    /// The message with its headers: ASCII, lines of at most 998 bytes that end with CR LF.
    pub message: &'a [u8],
}

/// Hands in mail where the guard lets it. Cheap to clone.
#[derive(Clone)]
pub struct MailClient {
    guard: Arc<Guard>,
    tls: TlsConnector,
    limits: Limits,
}

impl std::fmt::Debug for MailClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailClient").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl MailClient {
    /// A client that goes where `guard` lets it and believes the system's CA certificates; where
    /// there are none, no certificate is believed.
    pub fn new(guard: Guard, limits: Limits) -> Result<Self, BuildError> {
        let builder = || {
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|error| BuildError(error.to_string()))
        };
        let config = match builder()?.with_platform_verifier() {
            Ok(builder) => builder.with_no_client_auth(),
            Err(_) => {
                builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
            }
        };
        Ok(Self { guard: Arc::new(guard), tls: Arc::new(config).into(), limits })
    }

    /// Hands in one message. Any code is an answer, whatever it answers to; the body of a 2xx names
    /// the recipients that were refused, and is empty where there are none.
    pub async fn send(&self, mail: Mail<'_>) -> Result<Response, SendError> {
        let server = MailServer::parse(&self.guard, mail.url)?;
        let deadline = Instant::now() + self.limits.exchange;
        let opened = timeout_at(deadline, self.open(&server, mail.password)).await;
        let said = match opened.map_err(|_| SendError::Timeout)? {
            Ok(mut dialogue) => {
                let post = dialogue.post(mail.from, mail.to, mail.message);
                let said = timeout_at(deadline, post).await.map_err(|_| SendError::Timeout)?;
                // The message is taken or refused: how the server takes leave changes nothing.
                drop(timeout_at(deadline, dialogue.quit()).await);
                said
            }
            Err(stop) => Err(stop),
        };
        match said {
            Ok(response) | Err(Stop::Refused(response)) => Ok(response),
            Err(Stop::Lost(error)) => Err(error),
        }
    }

    /// Up to where mail can be handed in: connected, encrypted, logged in.
    async fn open(&self, server: &MailServer, password: Option<&str>) -> Result<Dialogue, Stop> {
        let connecting = timeout(self.limits.connect, self.connect(server));
        let (wire, own) = connecting.await.map_err(|_| SendError::Timeout)??;
        let name = literal(own);
        let mut dialogue = Dialogue::open(wire, &name, self.limits.body_bytes).await?;
        let wanted = match server.security {
            Security::Tls => false,
            Security::StartTls if !dialogue.offers_tls() => {
                let what = "the server offers no STARTTLS; use smtps, or a server in \
                            notify.allow_private to send in the clear";
                return Err(SendError::Exchange(what.to_owned()).into());
            }
            Security::StartTls => true,
            Security::StartTlsIfOffered => dialogue.offers_tls(),
        };
        if wanted {
            let wire = self.encrypt(server, dialogue.start_tls().await?).await?;
            dialogue = Dialogue::resume(wire, &name, self.limits.body_bytes).await?;
        }
        if let Some(user) = &server.user {
            dialogue.log_in(user, password.unwrap_or_default()).await?;
        }
        Ok(dialogue)
    }

    /// Connects to an address that the guard has seen, and to no other; gives back our own too.
    async fn connect(&self, server: &MailServer) -> Result<(Box<dyn Wire>, IpAddr), SendError> {
        let addresses = match &server.host {
            Host::Ipv4(ip) => vec![SocketAddr::new((*ip).into(), server.port)],
            Host::Ipv6(ip) => vec![SocketAddr::new((*ip).into(), server.port)],
            Host::Domain(host) => {
                resolve(&self.guard, host, server.port).await.map_err(|error| {
                    match error.downcast::<UrlError>() {
                        Ok(refused) => SendError::Url(*refused),
                        Err(error) => SendError::Connect(error.to_string()),
                    }
                })?
            }
        };
        let no_connection = |error: std::io::Error| SendError::Connect(error.to_string());
        let stream = TcpStream::connect(&addresses[..]).await.map_err(no_connection)?;
        let own = stream.local_addr().map_err(no_connection)?.ip();
        let wire: Box<dyn Wire> = Box::new(stream);
        let wire = match server.security {
            Security::Tls => self.encrypt(server, wire).await?,
            Security::StartTls | Security::StartTlsIfOffered => wire,
        };
        Ok((wire, own))
    }

    /// The wire in TLS, with a server that proves the name in the URL.
    async fn encrypt(
        &self,
        server: &MailServer,
        wire: Box<dyn Wire>,
    ) -> Result<Box<dyn Wire>, SendError> {
        let name = match &server.host {
            Host::Ipv4(ip) => ServerName::from(IpAddr::from(*ip)),
            Host::Ipv6(ip) => ServerName::from(IpAddr::from(*ip)),
            Host::Domain(host) => ServerName::try_from(bare(host).to_owned())
                .map_err(|error| SendError::Connect(error.to_string()))?,
        };
        let encrypted = self.tls.connect(name, wire).await;
        Ok(Box::new(encrypted.map_err(|error| SendError::Connect(format!("TLS: {error}")))?))
    }
}

/// An address as EHLO says it where the host has no name of its own (RFC 5321, 4.1.3).
fn literal(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => format!("[{ip}]"),
        IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
    }
}

#[cfg(test)]
mod tests;
