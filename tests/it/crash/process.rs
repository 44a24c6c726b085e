//! The real binary as a daemon: started with a crash point armed, watched, started again.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;

use crate::pipeline::site::until;

/// A running `seamark serve`.
pub(crate) struct Process {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    printed: mpsc::UnboundedReceiver<String>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts a daemon on `database` and waits until it is ready; `None` when it died before.
    pub(crate) async fn start(database: &str, crash_at: &str) -> Option<Self> {
        Self::start_with(database, crash_at, 10).await
    }

    /// The same, where another's claims are taken over after `lease_seconds`.
    pub(crate) async fn start_with(
        database: &str,
        crash_at: &str,
        lease_seconds: u32,
    ) -> Option<Self> {
        Self::start_in(database, crash_at, lease_seconds, &[]).await
    }

    /// The same with more of the environment.
    pub(crate) async fn start_in(
        database: &str,
        crash_at: &str,
        lease_seconds: u32,
        environment: &[(&str, &str)],
    ) -> Option<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_seamark"))
            .args(["serve", "--bind", "127.0.0.1:0", "--database", database])
            .env("SEAMARK__EMBEDDING__BACKEND", "hashing")
            .env("SEAMARK__NOTIFY__ALLOW_PRIVATE", "127.0.0.1")
            .env("SEAMARK__WORKER__LEASE_SECONDS", lease_seconds.to_string())
            .env("SEAMARK__STORE__MAX_CONNECTIONS", "4")
            .env("SEAMARK__LOG__FORMAT", "json")
            .env("SEAMARK__LOG__LEVEL", "debug")
            .env("SEAMARK__DEBUG__CRASH_AT", crash_at)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let printed = lines(child.stdout.take().unwrap());
        let mut logged = lines(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let Some(address) = ready(&mut logged, &log).await else {
            child.wait().unwrap();
            return None;
        };
        let keep = log.clone();
        tokio::spawn(async move {
            while let Some(line) = logged.recv().await {
                keep.lock().unwrap().push(line);
            }
        });
        Some(Self { child, address, printed, log })
    }

    /// The key that it prints on the first start.
    pub(crate) async fn key(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(30), self.printed.recv()).await;
        line.unwrap().expect("the first start prints a key")
    }

    /// Waits for its end, which must be near: a request has just failed.
    pub(crate) async fn ended(&mut self) {
        let log = self.log.clone();
        until("the process has ended", async || self.child.try_wait().unwrap()).await;
        assert!(!log.lock().unwrap().iter().any(|line| line.contains("panicked")), "{log:#?}");
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// SIGTERM; its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn ready(
    logged: &mut mpsc::UnboundedReceiver<String>,
    log: &Mutex<Vec<String>>,
) -> Option<SocketAddr> {
    loop {
        let line = tokio::time::timeout(Duration::from_secs(30), logged.recv()).await.unwrap()?;
        let fields: Value = serde_json::from_str(&line).unwrap_or_default();
        log.lock().unwrap().push(line);
        if fields["message"] == "ready" {
            return Some(fields["address"].as_str().unwrap().parse().unwrap());
        }
    }
}

/// The lines of a pipe, read on a thread of its own so that the process never waits for us.
fn lines(pipe: impl Read + Send + 'static) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
