//! The dialogue with a mail server: RFC 5321, with STARTTLS (RFC 3207) and AUTH (RFC 4954).
//!
//! It is our own, since every answer has to be bounded and nothing that came before TLS may count
//! after it: the server is whatever a user entered.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use crate::egress::client::{Response, SendError};

/// What a dialogue runs over.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Why a dialogue ended before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The server's refusal is the answer.
    Refused(Response),
    /// There is no answer.
    Lost(SendError),
}

impl From<SendError> for Stop {
    fn from(error: SendError) -> Self {
        Self::Lost(error)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Lost(SendError::Exchange(error.to_string()))
    }
}

/// One reply of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reply {
    code: u16,
    /// Without their codes; bytes that are no UTF-8 are replaced.
    lines: Vec<String>,
}

impl Reply {
    fn response(&self) -> Response {
        Response { status: self.code, retry_after: None, body: self.lines.join(" ") }
    }

    /// The parameters of an extension that the answer to EHLO names.
    fn extension(&self, name: &str) -> Option<Vec<&str>> {
        self.lines.iter().skip(1).find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            words.next().filter(|word| word.eq_ignore_ascii_case(name))?;
            Some(words.collect())
        })
    }
}

/// The client's side of a connection.
pub(super) struct Dialogue {
    wire: BufReader<Box<dyn Wire>>,
    /// Bytes of answers that are still read.
    left: usize,
    /// The answer to the last EHLO, which lists the extensions.
    offered: Reply,
}

impl Dialogue {
    /// Waits for the greeting and says hello as `name`, a domain or an address in brackets.
    pub(super) async fn open(
        wire: Box<dyn Wire>,
        name: &str,
        answer_bytes: usize,
    ) -> Result<Self, Stop> {
        let mut dialogue = Self::over(wire, answer_bytes);
        let greeting = dialogue.reply().await?;
        expect(220, greeting)?;
        dialogue.hello(name).await?;
        Ok(dialogue)
    }

    /// Whether the server can go on in TLS.
    pub(super) fn offers_tls(&self) -> bool {
        self.offered.extension("STARTTLS").is_some()
    }

    /// Asks for TLS; gives back the wire on which its handshake comes next.
    pub(super) async fn start_tls(mut self) -> Result<Box<dyn Wire>, Stop> {
        self.ask("STARTTLS", 220).await?;
        // Who sits on the line could have added answers, which would count as the server's.
        if !self.wire.buffer().is_empty() {
            return Err(lost("the server went on in the clear after it had agreed to TLS"));
        }
        Ok(self.wire.into_inner())
    }

    /// Says hello again, on the wire that is now encrypted.
    pub(super) async fn resume(
        wire: Box<dyn Wire>,
        name: &str,
        answer_bytes: usize,
    ) -> Result<Self, Stop> {
        let mut dialogue = Self::over(wire, answer_bytes);
        dialogue.hello(name).await?;
        Ok(dialogue)
    }

    fn over(wire: Box<dyn Wire>, answer_bytes: usize) -> Self {
        let offered = Reply { code: 0, lines: Vec::new() };
        Self { wire: BufReader::new(wire), left: answer_bytes, offered }
    }

    async fn hello(&mut self, name: &str) -> Result<(), Stop> {
        self.offered = self.ask(&format!("EHLO {name}"), 250).await?;
        Ok(())
    }

    /// Logs in by PLAIN, or by LOGIN, which is all that some large providers have.
    pub(super) async fn log_in(&mut self, user: &str, password: &str) -> Result<(), Stop> {
        let offered = self.offered.extension("AUTH").unwrap_or_default();
        let offers = |name: &str| offered.iter().any(|word| word.eq_ignore_ascii_case(name));
        if offers("PLAIN") {
            let proof = STANDARD.encode(format!("\0{user}\0{password}"));
            self.ask(&format!("AUTH PLAIN {proof}"), 235).await?;
        } else if offers("LOGIN") {
            self.ask("AUTH LOGIN", 334).await?;
            self.ask(&STANDARD.encode(user), 334).await?;
            self.ask(&STANDARD.encode(password), 235).await?;
        } else {
            return Err(lost("the server offers neither AUTH PLAIN nor AUTH LOGIN"));
        }
        Ok(())
    }

    /// Hands in one message for everyone of `to` whom the server accepts.
    ///
    /// The body of a 2xx answer names those whom it refused, and is empty where there are none. If
    /// it refused all, the answer is the first refusal that may pass, or else the first.
    pub(super) async fn post(
        &mut self,
        from: &str,
        to: &[String],
        message: &[u8],
    ) -> Result<Response, Stop> {
        self.ask(&format!("MAIL FROM:<{from}>"), 250).await?;
        let mut refusals = Vec::new();
        for address in to {
            let reply = self.say(&format!("RCPT TO:<{address}>")).await?;
            match reply.code {
                250 | 251 => {}
                // The server is about to close.
                421 => return Err(Stop::Refused(reply.response())),
                _ => refusals.push((address, reply)),
            }
        }
        if refusals.len() == to.len() {
            let passing = refusals.iter().find(|(_, reply)| (400..500).contains(&reply.code));
            let Some((address, reply)) = passing.or(refusals.first()) else {
                return Err(lost("nobody to send it to"));
            };
            let mut response = reply.response();
            response.body = format!("{address}: {}", response.body);
            return Err(Stop::Refused(response));
        }
        self.ask("DATA", 354).await?;
        self.wire.write_all(&stuffed(message)).await?;
        self.wire.flush().await?;
        let taken = self.reply().await?;
        expect(250, taken.clone())?;
        let named = |(address, reply): &(&String, Reply)| {
            format!("{address}: {} {}", reply.code, reply.lines.join(" "))
        };
        let body = refusals.iter().map(named).collect::<Vec<_>>().join("; ");
        Ok(Response { status: taken.code, retry_after: None, body })
    }

    /// Takes leave; what comes of it changes nothing.
    pub(super) async fn quit(&mut self) {
        drop(self.say("QUIT").await);
        drop(self.wire.shutdown().await);
    }

    /// Says `line`; an answer other than `code` ends the dialogue.
    async fn ask(&mut self, line: &str, code: u16) -> Result<Reply, Stop> {
        let reply = self.say(line).await?;
        expect(code, reply)
    }

    async fn say(&mut self, line: &str) -> Result<Reply, Stop> {
        self.wire.write_all(format!("{line}\r\n").as_bytes()).await?;
        self.wire.flush().await?;
        self.reply().await
    }

    async fn reply(&mut self) -> Result<Reply, Stop> {
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            let room = u64::try_from(self.left).unwrap_or(u64::MAX);
            self.left -= (&mut self.wire).take(room).read_until(b'\n', &mut line).await?;
            if !line.ends_with(b"\n") {
                return Err(lost(match self.left {
                    0 => "the server's answers do not end",
                    _ => "the connection ended before the answer",
                }));
            }
            let line = String::from_utf8_lossy(&line);
            let (code, text) = line.trim_end().split_at_checked(3).unwrap_or_default();
            let code = code.parse().ok().filter(|code| (200..600).contains(code));
            let more = text.starts_with('-');
            let (Some(code), true) = (code, more || text.is_empty() || text.starts_with(' '))
            else {
                return Err(lost("the answer is not one of a mail server"));
            };
            lines.push(text.get(1..).unwrap_or_default().to_owned());
            if !more {
                return Ok(Reply { code, lines });
            }
        }
    }
}

fn lost(what: &str) -> Stop {
    Stop::Lost(SendError::Exchange(what.to_owned()))
}

/// `reply` if it has `code`. Another one that is no refusal is as good as none: it would be taken for
/// success.
fn expect(code: u16, reply: Reply) -> Result<Reply, Stop> {
    match reply.code {
        found if found == code => Ok(reply),
        400.. => Err(Stop::Refused(reply.response())),
        found => Err(lost(&format!("the server answered {found} instead of {code}"))),
    }
}

/// The message with its dots doubled where they begin a line, and the dot that ends it.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 64);
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_that_begin_a_line_are_doubled() {
        assert_eq!(stuffed(b"a\r\n.\r\n..b\r\nc."), b"a\r\n..\r\n...b\r\nc.\r\n.\r\n");
        assert_eq!(stuffed(b".x\r\n"), b"..x\r\n.\r\n");
        assert_eq!(stuffed(b""), b"\r\n.\r\n");
    }

    async fn reply_to(bytes: &[u8], limit: usize) -> Result<Reply, Stop> {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut dialogue = Dialogue::over(Box::new(ours), limit);
        let writing = async {
            drop(theirs.write_all(bytes).await);
            drop(theirs);
        };
        let reading = async move { dialogue.reply().await };
        tokio::join!(reading, writing).0
    }

    #[tokio::test]
    async fn replies_are_read_whole_and_bounded() {
        let reply =
            reply_to(b"250-mail\r\n250-AUTH LOGIN plain\r\n250 starttls\r\n", 999).await.unwrap();
        assert_eq!((reply.code, reply.lines.len()), (250, 3));
        assert_eq!(reply.extension("AUTH"), Some(vec!["LOGIN", "plain"]));
        assert_eq!(reply.extension("STARTTLS"), Some(vec![]));
        assert_eq!(reply.extension("SIZE"), None);
        assert_eq!(reply_to(b"250\n", 999).await.unwrap().lines, [""]);
        assert_eq!(reply_to(b"550 caf\xe9\r\n", 999).await.unwrap().lines, ["caf\u{fffd}"]);
        for (bytes, said) in [
            (&b"250 never ends"[..], "before the answer"),
            (b"250-half\r\n", "before the answer"),
            (b"", "before the answer"),
            (b"HTTP/1.1 400 Bad Request\r\n", "not one of a mail server"),
            (b"25\r\n", "not one of a mail server"),
            (b"2500\r\n", "not one of a mail server"),
            (b"999 no\r\n", "not one of a mail server"),
            (b"\xff\xff\xff\xff\r\n", "not one of a mail server"),
        ] {
            let Err(Stop::Lost(error)) = reply_to(bytes, 999).await else { panic!("{bytes:?}") };
            assert!(error.to_string().contains(said), "{bytes:?}: {error}");
        }
        let endless = "250-more\r\n".repeat(1000);
        let Err(Stop::Lost(error)) = reply_to(endless.as_bytes(), 999).await else { panic!() };
        assert!(error.to_string().contains("do not end"), "{error}");
    }
}
