//! A client that never gives up: whatever was not answered is sent again to the next process.

use seamark::egress::{LoopbackClient, LoopbackError};
use serde_json::{Value, json};

use crate::crash::process::Process;
use crate::pipeline::site::until;

/// A database, the process on it, and the key to it.
pub(crate) struct Rig {
    database: String,
    process: Option<Process>,
    client: Option<LoopbackClient>,
    key: Option<String>,
    /// Processes that died.
    pub(crate) deaths: usize,
}

impl Rig {
    /// Starts the first process with `crash_at` armed.
    pub(crate) async fn start(database: String, crash_at: &str) -> Self {
        let mut rig = Self { database, process: None, client: None, key: None, deaths: 0 };
        let process = Process::start(&rig.database, crash_at).await;
        let mut process = process.expect("nothing has happened yet that could crash");
        rig.key = Some(process.key().await);
        rig.use_process(process);
        rig
    }

    fn use_process(&mut self, process: Process) {
        self.client = Some(LoopbackClient::new(process.address, self.key.clone()).unwrap());
        self.process = Some(process);
    }

    /// SIGKILL from outside; the next request finds the process dead.
    pub(crate) fn kill(&mut self) {
        self.process.as_mut().unwrap().kill();
    }

    /// GETs `path`, from the next process if need be.
    pub(crate) async fn get(&mut self, path: &str) -> Value {
        loop {
            let answer = self.client.as_ref().unwrap().get(path).await;
            if let Some(value) = self.survive(answer).await {
                return value;
            }
        }
    }

    /// POSTs `body` to `path` until it is answered: what was not acknowledged is sent again.
    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Value {
        loop {
            let answer = self.client.as_ref().unwrap().post(path, body).await;
            if let Some(value) = self.survive(answer).await {
                return value;
            }
        }
    }

    /// The answer, or `None` after the dead process was replaced by one without a crash point.
    async fn survive(&mut self, answer: Result<Value, LoopbackError>) -> Option<Value> {
        match answer {
            Ok(value) => Some(value),
            Err(LoopbackError::NoAnswer { .. }) => {
                self.replace().await;
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn replace(&mut self) {
        self.process.as_mut().unwrap().ended().await;
        self.deaths += 1;
        let process = Process::start(&self.database, "").await;
        self.use_process(process.expect("it starts again on what the dead one left"));
    }

    /// Asks for `path` until `enough` is content with the answer.
    pub(crate) async fn wait(
        &mut self,
        what: &str,
        path: &str,
        enough: impl Fn(&Value) -> bool,
    ) -> Value {
        until(what, async || Some(self.get(path).await).filter(|value| enough(value))).await
    }

    /// Waits for the crash of a point that is passed after the last answer.
    pub(crate) async fn settle(&mut self) {
        if !self.process.as_mut().unwrap().is_alive() {
            self.replace().await;
        }
    }

    /// Whether the living process has logged a line with `text`.
    pub(crate) fn has_logged(&self, text: &str) -> bool {
        self.process.as_ref().unwrap().log().iter().any(|line| line.contains(text))
    }

    /// All items of a list, oldest first.
    pub(crate) async fn all(&mut self, path: &str) -> Vec<Value> {
        let page = self.get(&format!("{path}?limit=200")).await;
        assert_eq!(page["next_cursor"], json!(null), "the scenario is smaller than a page");
        let mut items = page["items"].as_array().unwrap().clone();
        items.reverse();
        items
    }
}
