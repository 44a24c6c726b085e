//! Where mail is handed in: the URL of a mail server, judged.

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::egress::address::{Guard, UrlError};

/// The port of mail in TLS from its first byte (RFC 8314).
const SMTPS_PORT: u16 = 465;
/// The port of submission (RFC 6409).
const SMTP_PORT: u16 = 587;

/// A mail server that the guard lets mail go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    pub(super) host: Host<String>,
    pub(super) port: u16,
    pub(super) security: Security,
    /// Who logs in; nobody where it is missing.
    pub(super) user: Option<String>,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS, or nothing is sent.
    StartTls,
    /// STARTTLS where the server has it: for private hosts that are allowed.
    StartTlsIfOffered,
}

impl MailServer {
    /// Parses and judges a URL such as `smtps://mail.example.com` or
    /// `smtp://alerts%40example.com@mail.example.com:587`, without resolving the name.
    pub fn parse(guard: &Guard, text: &str) -> Result<Self, UrlError> {
        let wrong = |what: &str| UrlError::MailServer(what.to_owned());
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        let (encrypted, default_port) = match url.scheme() {
            "smtps" => (true, SMTPS_PORT),
            "smtp" => (false, SMTP_PORT),
            other => return Err(wrong(&format!("the scheme is {other:?}"))),
        };
        if url.password().is_some() {
            return Err(UrlError::Password);
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("something follows the host and port"));
        }
        // The parser knows numeric addresses in all their spellings only in the hosts of web URLs.
        let host =
            url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("no host"))?;
        let host = Host::parse(host).map_err(|error| wrong(&error.to_string()))?;
        let privately_allowed = guard.check_host(&host)?;
        let security = match (encrypted, privately_allowed) {
            (true, _) => Security::Tls,
            (false, false) => Security::StartTls,
            (false, true) => Security::StartTlsIfOffered,
        };
        let user = percent_decode_str(url.username())
            .decode_utf8()
            .ok()
            .filter(|user| user.len() <= 320 && !user.chars().any(char::is_control))
            .ok_or_else(|| wrong("the user is not a text of at most 320 bytes"))?;
        let user = (!user.is_empty()).then(|| user.into_owned());
        Ok(Self { host, port: url.port().unwrap_or(default_port), security, user })
    }

    /// Scheme, host and port, for people.
    pub fn target(&self) -> String {
        let scheme = if self.security == Security::Tls { "smtps" } else { "smtp" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<MailServer, UrlError> {
        MailServer::parse(&Guard::default(), url)
    }

    #[test]
    fn ports_and_users_are_read() {
        let server = parse("smtps://mail.example.com").unwrap();
        assert_eq!((server.port, server.security, server.user.clone()), (465, Security::Tls, None));
        assert_eq!(server.target(), "smtps://mail.example.com:465");
        let server = parse("smtp://alerts%40shop.example@mail.shop.example:2525/").unwrap();
        assert_eq!((server.port, server.security), (2525, Security::StartTls));
        assert_eq!(server.user.as_deref(), Some("alerts@shop.example"));
        assert_eq!(server.target(), "smtp://mail.shop.example:2525", "the user is not shown");
    }

    #[test]
    fn an_address_in_the_clear_has_to_be_allowed() {
        let guard = Guard::new(&["10.0.0.0/8".to_owned(), "relay.internal".to_owned()]).unwrap();
        for url in ["smtp://10.1.2.3", "smtp://relay.internal:25"] {
            let server = MailServer::parse(&guard, url).unwrap();
            assert_eq!(server.security, Security::StartTlsIfOffered, "{url}");
        }
        assert_eq!(
            MailServer::parse(&guard, "smtp://8.8.8.8").unwrap().security,
            Security::StartTls
        );
    }

    #[test]
    fn private_addresses_are_refused_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "017700000001",
            "127。0。0。1",
            "%31%32%37.0.0.1",
            "169.254.169.254",
            "10.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[fe80::1]",
        ] {
            for scheme in ["smtp", "smtps"] {
                let url = format!("{scheme}://{host}:25");
                assert!(
                    matches!(parse(&url), Err(UrlError::Private(_))),
                    "{url}: {:?}",
                    parse(&url)
                );
            }
        }
    }

    #[test]
    fn what_is_no_mail_server_is_refused() {
        for url in [
            "",
            "mail.example.com",
            "https://mail.example.com",
            "smtp:mail.example.com",
            "smtp://",
            "smtp://u@",
            "smtps://mail.example.com/inbox",
            "smtps://mail.example.com?starttls=no",
            "smtps://mail.example.com#x",
            "smtps://a b",
            "smtps://a%0d%0ab",
            "smtps://x:70000",
            "smtps://a%0d%0aQUIT@mail.example.com",
            "smtps://a%00b@mail.example.com",
            "smtps://%ff@mail.example.com",
        ] {
            assert!(matches!(parse(url), Err(UrlError::MailServer(_))), "{url}: {:?}", parse(url));
        }
        assert_eq!(parse("smtps://u:p@mail.example.com"), Err(UrlError::Password));
    }
}
