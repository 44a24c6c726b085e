//! TLS: who is believed, and that nothing goes out before it where it must not.

use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::*;

const HELLO: &str = "250-mail\r\n250 AUTH PLAIN\r\n";
const HELLO_TLS: &str = "250-mail\r\n250 STARTTLS\r\n";

const OK: &str = "250 ok\r\n";

/// A certificate for `name` that vouches for itself.
fn certificate(name: &str) -> (CertificateDer<'static>, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let (cert, key) = (made.cert.der().clone(), made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.clone()], PrivateKeyDer::Pkcs8(key.into()))
        .unwrap();
    (cert, Arc::new(config).into())
}

/// A client that believes `root` and nobody else.
fn client(root: CertificateDer<'static>) -> MailClient {
    let guard = Guard::new(&["127.0.0.0/8".to_owned(), "::1".to_owned()]).unwrap();
    let limits = Limits {
        connect: Duration::from_secs(5),
        exchange: Duration::from_secs(5),
        body_bytes: 4096,
        idle_connections: 0,
    };
    let mut client = MailClient::new(guard, limits).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.tls = Arc::new(config).into();
    client
}

async fn send(client: &MailClient, url: &str) -> Result<Response, SendError> {
    let to = ["b@shop.example".to_owned()];
    let from = "a@shop.example";
    client
        .send(Mail { url, password: Some("p"), from, to: &to, message: b"Subject: x\r\n\r\n" })
        .await
}

/// Answers each line with the next of `answers`, the greeting first; gives back what was said.
async fn talk(
    wire: &mut (impl AsyncBufReadExt + AsyncWriteExt + Unpin),
    answers: &[&str],
) -> String {
    let mut heard = String::new();
    for (i, answer) in answers.iter().enumerate() {
        if i > 0 && wire.read_line(&mut heard).await.unwrap_or(0) == 0 {
            break;
        }
        if wire.write_all(answer.as_bytes()).await.is_err() || wire.flush().await.is_err() {
            break;
        }
    }
    heard
}

/// A server for one connection: `plain` answers before TLS, `encrypted` ones in it.
async fn server(
    acceptor: TlsAcceptor,
    plain: &'static [&'static str],
    encrypted: &'static [&'static str],
) -> (u16, JoinHandle<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let mut wire = BufReader::new(listener.accept().await.unwrap().0);
        let before = talk(&mut wire, plain).await;
        let Ok(wire) = acceptor.accept(wire.into_inner()).await else {
            return (before, String::new());
        };
        let after = talk(&mut BufReader::new(wire), encrypted).await;
        (before, after)
    });
    (port, task)
}

#[tokio::test]
async fn a_server_that_proves_its_name_gets_mail() {
    let (root, acceptor) = certificate("localhost");
    let answers =
        &["220 mail\r\n", HELLO, "235 in\r\n", OK, OK, "354 go\r\n", "", "", OK, "221 bye\r\n"];
    let (port, task) = server(acceptor, &[], answers).await;
    // The name that is proved is the URL's; the connection goes to the address that was judged.
    let answer = send(&client(root), &format!("smtps://u%40x@localhost:{port}")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (250, ""));
    let (before, after) = task.await.unwrap();
    assert_eq!(before, "");
    assert!(
        after.starts_with("EHLO [127.0.0.1]\r\nAUTH PLAIN AHVAeABw\r\nMAIL FROM:<a@"),
        "{after}"
    );
    assert!(after.ends_with("DATA\r\nSubject: x\r\n\r\n.\r\nQUIT\r\n"), "{after}");
}

#[tokio::test]
async fn after_starttls_everything_is_said_again_in_tls() {
    let (root, acceptor) = certificate("localhost");
    let plain = &["220 mail\r\n", HELLO_TLS, "220 go\r\n"];
    let encrypted = &["", HELLO, "235 in\r\n", OK, OK, "354 go\r\n", "", "", OK, "221 bye\r\n"];
    let (port, task) = server(acceptor, plain, encrypted).await;
    let answer = send(&client(root), &format!("smtp://u@localhost:{port}")).await.unwrap();
    assert_eq!(answer.status, 250);
    let (before, after) = task.await.unwrap();
    assert_eq!(before, "EHLO [127.0.0.1]\r\nSTARTTLS\r\n", "no password in the clear");
    assert!(after.starts_with("EHLO [127.0.0.1]\r\nAUTH PLAIN "), "{after}");
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let (_, acceptor) = certificate("localhost");
    let (stranger, _) = certificate("localhost");
    let (port, task) = server(acceptor, &[], &[]).await;
    let error = send(&client(stranger), &format!("smtps://localhost:{port}")).await.unwrap_err();
    assert!(error.to_string().contains("TLS: invalid peer certificate"), "{error}");
    assert_eq!(task.await.unwrap().1, "");

    let (root, acceptor) = certificate("mail.shop.example");
    let (port, task) = server(acceptor, &["220 mail\r\n", HELLO_TLS, "220 go\r\n"], &[]).await;
    let error = send(&client(root), &format!("smtp://u@localhost:{port}")).await.unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
    assert_eq!(task.await.unwrap(), ("EHLO [127.0.0.1]\r\nSTARTTLS\r\n".to_owned(), String::new()));
}

#[tokio::test]
async fn what_was_said_before_tls_does_not_count_after_it() {
    let (root, acceptor) = certificate("localhost");
    let plain = &["220 mail\r\n", HELLO_TLS, "220 go\r\n250 AUTH PLAIN\r\n235 in\r\n"];
    let (port, _task) = server(acceptor, plain, &[]).await;
    let error = send(&client(root), &format!("smtp://u@localhost:{port}")).await.unwrap_err();
    assert!(error.to_string().contains("went on in the clear"), "{error}");
}

#[tokio::test]
async fn a_public_server_without_starttls_gets_nothing() {
    let (root, acceptor) = certificate("localhost");
    let (port, task) = server(acceptor, &["220 mail\r\n", HELLO, "235 in\r\n"], &[]).await;
    // As if the address were public: the server is then one that has to encrypt.
    let client = client(root);
    let url = format!("smtp://u@127.0.0.1:{port}");
    let mut server = MailServer::parse(&client.guard, &url).unwrap();
    server.security = Security::StartTls;
    let Err(Stop::Lost(error)) = client.open(&server, Some("p")).await else { panic!() };
    assert!(error.to_string().contains("offers no STARTTLS"), "{error}");
    assert_eq!(task.await.unwrap().0, "EHLO [127.0.0.1]\r\n");
}

#[tokio::test]
async fn a_private_server_that_offers_tls_is_not_spoken_to_in_the_clear() {
    let (root, acceptor) = certificate("127.0.0.1");
    let plain = &["220 mail\r\n", HELLO_TLS, "220 go\r\n"];
    let encrypted = &["", HELLO, OK, OK, "354 go\r\n", "", "", OK, "221 bye\r\n"];
    let (port, task) = server(acceptor, plain, encrypted).await;
    let answer = send(&client(root), &format!("smtp://127.0.0.1:{port}")).await.unwrap();
    assert_eq!(answer.status, 250);
    assert_eq!(task.await.unwrap().0, "EHLO [127.0.0.1]\r\nSTARTTLS\r\n");
}

#[test]
fn an_address_is_said_as_a_literal() {
    assert_eq!(literal("192.0.2.1".parse().unwrap()), "[192.0.2.1]");
    assert_eq!(literal("::ffff:192.0.2.1".parse().unwrap()), "[192.0.2.1]");
    assert_eq!(literal("2001:db8::1".parse().unwrap()), "[IPv6:2001:db8::1]");
}
