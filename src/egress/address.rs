//! Which addresses a request may go to: the guard against requests into private networks (SSRF).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, c: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// The IANA special-purpose registry, multicast, and what clouds serve inside their networks.
const BLOCKED_V4: [Ipv4Net; 17] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(168, 63, 129, 16, 32), // the wire server of Azure
    v4(169, 254, 0, 0, 16),   // link local; instance metadata
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
    v4(255, 255, 255, 255, 32),
];

const BLOCKED_V6: [Ipv6Net; 13] = [
    v6(0, 0, 0, 96), // unspecified, loopback and the IPv4-compatible forms
    v6(0x64, 0xff9b, 0, 96),
    v6(0x64, 0xff9b, 1, 48),
    v6(0x100, 0, 0, 64),
    v6(0x2001, 0, 0, 23), // Teredo, ORCHID and other protocol assignments
    v6(0x2001, 0xdb8, 0, 32),
    v6(0x2002, 0, 0, 16), // 6to4
    v6(0x3fff, 0, 0, 20),
    v6(0x5f00, 0, 0, 16),
    v6(0xfc00, 0, 0, 7),
    v6(0xfe80, 0, 0, 10),
    v6(0xfec0, 0, 0, 10),
    v6(0xff00, 0, 0, 8),
];

/// Whether `ip` is reachable on the public internet and nothing else.
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => !BLOCKED_V4.iter().any(|net| net.contains(&ip)),
        IpAddr::V6(ip) => !BLOCKED_V6.iter().any(|net| net.contains(&ip)),
    }
}

/// An entry of `allow_private` that is neither an address range nor a host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("allow_private holds {0:?}; give a range such as 10.1.0.0/16, an address, or a host name")]
pub struct AllowError(String);

/// A URL that must not be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It does not parse.
    #[error("not a URL ({0}); write it like https://example.com/hook")]
    Syntax(String),
    /// Not HTTP.
    #[error("the scheme is {0:?}; use https")]
    Scheme(String),
    /// HTTP in the clear to the outside.
    #[error("plain http is allowed only for hosts in notify.allow_private; use https")]
    Plain,
    /// A user name or password inside.
    #[error("a URL must not hold a user name or password")]
    Credentials,
    /// Not where mail is handed in.
    #[error("not a mail server's URL ({0}); write it like smtps://mail.example.com:465")]
    MailServer(String),
    /// A password beside the user of a mail server.
    #[error("a URL must not hold a password; give it as the secret")]
    Password,
    /// A private address.
    #[error("{0} is not a public address; if that is meant, add it to notify.allow_private")]
    Private(IpAddr),
    /// A name with a private address.
    #[error(
        "{host} resolves to {ip}, which is not a public address; if that is meant, add it to notify.allow_private"
    )]
    ResolvesPrivate {
        /// The name.
        host: String,
        /// The address that it has.
        ip: IpAddr,
    },
}

/// Decides for URLs and addresses, by the blocklist and what the operator allows beyond it.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    networks: Vec<IpNet>,
    hosts: Vec<String>,
}

impl Guard {
    /// Allows each of `allow_private`: an address, a range in CIDR form, or a host name.
    pub fn new(allow_private: &[String]) -> Result<Self, AllowError> {
        let mut guard = Self::default();
        for entry in allow_private {
            if let Ok(network) = entry.parse::<IpNet>() {
                guard.networks.push(network);
            } else if let Ok(ip) = entry.parse::<IpAddr>() {
                guard.networks.push(ip.to_canonical().into());
            } else if let Ok(Host::Domain(host)) = Host::parse(entry)
                && !entry.contains('/')
            {
                guard.hosts.push(bare(&host).to_owned());
            } else {
                return Err(AllowError(entry.clone()));
            }
        }
        Ok(guard)
    }

    /// Allows the host of `url` and what it resolves to: for a URL of the settings.
    pub fn trusting(url: &Url) -> Self {
        let mut guard = Self::default();
        match url.host() {
            Some(Host::Ipv4(ip)) => guard.networks.push(IpAddr::from(ip).into()),
            Some(Host::Ipv6(ip)) => guard.networks.push(IpAddr::from(ip).to_canonical().into()),
            Some(Host::Domain(host)) => guard.hosts.push(bare(host).to_owned()),
            None => {}
        }
        guard
    }

    /// Parses and judges a URL without resolving names: for when it is entered.
    pub fn check(&self, url: &str) -> Result<Url, UrlError> {
        let url = Url::parse(url).map_err(|error| UrlError::Syntax(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        let host = url.host().ok_or_else(|| UrlError::Syntax("no host".to_owned()))?;
        if !self.check_host(&host)? && url.scheme() == "http" {
            return Err(UrlError::Plain);
        }
        Ok(url)
    }

    /// Judges a host without resolving its name; gives back whether it is one of the private ones
    /// that are allowed, where nothing has to be encrypted.
    pub(super) fn check_host<S: AsRef<str>>(&self, host: &Host<S>) -> Result<bool, UrlError> {
        match host {
            Host::Ipv4(ip) => self.check_literal((*ip).into()),
            Host::Ipv6(ip) => self.check_literal((*ip).into()),
            // A name inside an allowed range cannot be told before it is resolved.
            Host::Domain(host) => Ok(self.allows_host(host.as_ref())),
        }
    }

    fn check_literal(&self, ip: IpAddr) -> Result<bool, UrlError> {
        let allowed = self.allows_private(ip);
        if allowed || is_public(ip) { Ok(allowed) } else { Err(UrlError::Private(ip)) }
    }

    /// Judges the addresses that `host` resolved to: one bad address spoils them all.
    pub(super) fn check_resolved(
        &self,
        host: &str,
        mut ips: impl Iterator<Item = IpAddr>,
    ) -> Result<(), UrlError> {
        if self.allows_host(host) {
            return Ok(());
        }
        match ips.find(|ip| !is_public(*ip) && !self.allows_private(*ip)) {
            Some(ip) => Err(UrlError::ResolvesPrivate { host: host.to_owned(), ip }),
            None => Ok(()),
        }
    }

    fn allows_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(bare(host)))
    }

    fn allows_private(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.networks.iter().any(|network| network.contains(&ip))
    }
}

/// A host name without the dot that may end it.
pub(super) fn bare(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests;
