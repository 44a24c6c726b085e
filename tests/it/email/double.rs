//! A mail server for one connection that believes in the grammar of RFC 5321 and in nothing else: what
//! is not to the letter fails the test.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Instead of an answer: nothing more is said, and the connection stays.
pub(super) const HANG: &str = "hang";
/// Instead of an answer: the server ends its side.
pub(super) const CLOSE: &str = "close";

/// What the server offers, and what it answers instead of its own.
pub(super) struct Double {
    /// Extensions.
    pub(super) offers: Vec<String>,
    /// By the beginning of a command; `greeting` before all and `.` after the message.
    pub(super) answers: Vec<(&'static str, &'static str)>,
}

/// What the client did.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// Mechanism, user and password.
    pub(super) login: Option<(String, String, String)>,
    pub(super) from: Option<String>,
    /// Who was accepted.
    pub(super) to: Vec<String>,
    /// Messages that were taken, without the doubled dots.
    pub(super) messages: Vec<String>,
    pub(super) quit: bool,
}

impl Double {
    pub(super) fn answering(answers: &[(&'static str, &'static str)]) -> Self {
        let offers = vec!["PIPELINING".to_owned(), "SIZE 100000".to_owned()];
        Self { offers, answers: answers.to_vec() }
    }

    pub(super) fn offering(extension: &str) -> Self {
        Self { offers: vec![extension.to_owned()], answers: Vec::new() }
    }

    pub(super) async fn start(self) -> (SocketAddr, JoinHandle<Received>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut session = Session { wire: BufReader::new(stream), double: self };
            session.run().await
        });
        (address, task)
    }
}

struct Session {
    wire: BufReader<TcpStream>,
    double: Double,
}

impl Session {
    async fn run(&mut self) -> Received {
        let mut received = Received::default();
        let mut greeted = false;
        let mut go_on = self.answer("greeting", "220 mail.example ready").await;
        while go_on && let Some(line) = self.line(512).await {
            let own = match line.as_str() {
                "DATA" => {
                    assert!(!received.to.is_empty(), "DATA without a recipient");
                    "354 go on".to_owned()
                }
                "QUIT" => {
                    received.quit = true;
                    "221 bye".to_owned()
                }
                _ if line.starts_with("EHLO ") => {
                    let name = &line["EHLO ".len()..];
                    assert!(!greeted && name.starts_with('[') && name.ends_with(']'), "{line}");
                    greeted = true;
                    self.hello()
                }
                _ if line.starts_with("AUTH ") => {
                    received.login = Some(self.login(&line).await);
                    "235 welcome".to_owned()
                }
                _ if line.starts_with("MAIL FROM:") => {
                    assert!(greeted && received.from.is_none(), "{line}");
                    received.from = Some(address(&line["MAIL FROM:".len()..]));
                    "250 sender ok".to_owned()
                }
                _ if line.starts_with("RCPT TO:") => {
                    assert!(received.from.is_some(), "RCPT before MAIL");
                    "250 recipient ok".to_owned()
                }
                _ => panic!("not a command: {line:?}"),
            };
            let given = self.given(&line).unwrap_or(own.as_str()).to_owned();
            if line.starts_with("RCPT TO:") && given.starts_with("250") {
                received.to.push(address(&line["RCPT TO:".len()..]));
            }
            go_on = self.answer(&line, &own).await && !given.starts_with("421");
            if line == "DATA" && given.starts_with("354") {
                let Some(message) = self.message().await else { break };
                if self.given(".").is_none() {
                    received.messages.push(message);
                }
                go_on = self.answer(".", "250 queued").await;
            }
        }
        received
    }

    fn hello(&self) -> String {
        let mut lines = vec!["mail.example".to_owned()];
        lines.extend(self.double.offers.iter().cloned());
        let last = lines.pop().unwrap();
        format!("250-{}\r\n250 {last}", lines.join("\r\n250-"))
    }

    async fn login(&mut self, line: &str) -> (String, String, String) {
        let decode = |text: &str| String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
        if let Some(proof) = line.strip_prefix("AUTH PLAIN ") {
            let proof = decode(proof);
            let fields: Vec<&str> = proof.split('\0').collect();
            let [identity, user, password] = fields[..] else { panic!("{proof:?}") };
            assert_eq!(identity, "");
            return ("PLAIN".to_owned(), user.to_owned(), password.to_owned());
        }
        assert_eq!(line, "AUTH LOGIN");
        self.write("334 VXNlcm5hbWU6").await;
        let user = decode(&self.line(512).await.unwrap());
        self.write("334 UGFzc3dvcmQ6").await;
        let password = decode(&self.line(512).await.unwrap());
        ("LOGIN".to_owned(), user, password)
    }

    fn given(&self, command: &str) -> Option<&'static str> {
        let found = self.double.answers.iter().find(|(start, _)| command.starts_with(start));
        found.map(|(_, answer)| *answer)
    }

    /// Answers `command`; whether the connection goes on.
    async fn answer(&mut self, command: &str, own: &str) -> bool {
        match self.given(command) {
            Some(HANG) => {
                // Until the client has had enough.
                drop(self.wire.read_to_end(&mut Vec::new()).await);
                false
            }
            Some(CLOSE) => {
                self.wire.shutdown().await.unwrap();
                false
            }
            given => {
                self.write(given.unwrap_or(own)).await;
                command != "QUIT"
            }
        }
    }

    async fn write(&mut self, answer: &str) {
        self.wire.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
    }

    /// A line without its end; `None` at the end of the connection.
    async fn line(&mut self, limit: usize) -> Option<String> {
        let mut line = Vec::new();
        if self.wire.read_until(b'\n', &mut line).await.unwrap_or(0) == 0 {
            return None;
        }
        assert!(line.len() <= limit, "{} bytes in a line", line.len());
        let line = String::from_utf8(line).unwrap();
        let line = line.strip_suffix("\r\n").unwrap_or_else(|| panic!("no CR LF: {line:?}"));
        assert!(line.is_ascii() && !line.contains(['\r', '\0']), "{line:?}");
        Some(line.to_owned())
    }

    async fn message(&mut self) -> Option<String> {
        let mut message = String::new();
        loop {
            let line = self.line(1000).await?;
            match line.strip_prefix('.') {
                Some("") => return Some(message),
                Some(rest) => {
                    assert!(rest.starts_with('.'), "a dot was not doubled: {line:?}");
                    message.push_str(rest);
                }
                None => message.push_str(&line),
            }
            message.push_str("\r\n");
        }
    }
}

/// The address in angle brackets, and nothing behind it.
fn address(path: &str) -> String {
    let inner = path.strip_prefix('<').and_then(|path| path.strip_suffix('>'));
    let inner = inner.unwrap_or_else(|| panic!("not a path: {path:?}"));
    assert!(!inner.contains(['<', '>', ' ']) && inner.matches('@').count() == 1, "{path:?}");
    inner.to_owned()
}
