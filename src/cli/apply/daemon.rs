//! The running daemon: what it has, and what it answers when something is wrong.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::fault::{Fault, label};
use super::kind::{Fields, KINDS, Kind, Observed};
use super::names::Names;
use crate::egress::{DaemonClient, DaemonError, Verb};

/// More pages than this are no list.
const PAGES: usize = 1000;

/// What the daemon has of the kinds that were read.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    items: BTreeMap<&'static str, Vec<Observed>>,
    /// The receivers.
    pub(super) names: Names,
}

impl State {
    /// The state in which the daemon answered so, kind by kind in the order of [`KINDS`].
    pub(super) fn of(answers: Vec<(&'static dyn Kind, Vec<Fields>)>) -> Result<Self, String> {
        let mut state = Self::default();
        for (kind, answers) in answers {
            for answer in &answers {
                let (id, name) = (text(answer, "id"), text(answer, "name"));
                if kind.key() == "receivers" {
                    state.names.insert(&name, &id);
                }
                let named = state.names.named(answer);
                let spec = kind.observed(&named).map_err(|fault| {
                    let label = label(kind.key(), (!kind.is_single()).then_some(name.as_str()));
                    format!(
                        "{label} of the daemon cannot be understood: {fault}; \
                         use the seamark of the daemon's version"
                    )
                })?;
                let observed = Observed { id, name, spec, answer: answer.clone() };
                state.items.entry(kind.key()).or_default().push(observed);
            }
            state.items.entry(kind.key()).or_default();
        }
        Ok(state)
    }

    /// The items of a kind.
    pub(super) fn items(&self, kind: &dyn Kind) -> &[Observed] {
        self.items.get(kind.key()).map_or(&[], Vec::as_slice)
    }

    /// Whether the kind was read: a daemon of another version may not have it.
    pub(super) fn has(&self, kind: &dyn Kind) -> bool {
        self.items.contains_key(kind.key())
    }
}

fn text(answer: &Fields, key: &str) -> String {
    answer.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Reads the kinds that `wants` asks for, and the receivers, which others name.
pub(super) async fn read(
    client: &DaemonClient,
    wants: impl Fn(&dyn Kind) -> bool,
) -> anyhow::Result<State> {
    let mut answers = Vec::new();
    for kind in KINDS {
        if kind.key() != "receivers" && !wants(kind) {
            continue;
        }
        match list(client, kind).await {
            Ok(items) => answers.push((kind, items)),
            // A kind that came later than the daemon.
            Err(ref error @ DaemonError::Refused { status: 404, .. })
                if refusal(error).is_some() => {}
            Err(error) => return Err(anyhow::anyhow!(explained(client, &error))),
        }
    }
    State::of(answers).map_err(anyhow::Error::msg)
}

async fn list(client: &DaemonClient, kind: &dyn Kind) -> Result<Vec<Fields>, DaemonError> {
    let stranger = || DaemonError::Stranger(client.address().to_owned());
    let mut path = kind.path().to_owned();
    let mut items = Vec::new();
    for _ in 0..PAGES {
        let Value::Object(mut answer) = client.send(Verb::Get, &path, None).await? else {
            return Err(stranger());
        };
        if kind.is_single() {
            return Ok(vec![answer]);
        }
        let Some(Value::Array(page)) = answer.remove("items") else { return Err(stranger()) };
        for item in page {
            let Value::Object(item) = item else { return Err(stranger()) };
            items.push(item);
        }
        match answer.get("next_cursor").and_then(Value::as_str) {
            None => return Ok(items),
            Some(cursor) => path = format!("{}?cursor={cursor}", kind.path()),
        }
    }
    Err(stranger())
}

/// A problem document, as far as it is used here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    detail: String,
    errors: Vec<ProblemFault>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ProblemFault {
    pointer: String,
    detail: String,
}

/// What a failed request means, in one line.
pub(super) fn explained(client: &DaemonClient, error: &DaemonError) -> String {
    let DaemonError::Refused { status, body } = error else { return error.to_string() };
    let address = client.address();
    let remedy = match status {
        401 => "; name the key's file with --key-file, or set SEAMARK_API_KEY",
        403 => "; apply needs a key of role admin, export one of role read",
        _ => "",
    };
    match problem(body) {
        Some(problem) => format!("{address} answered {status}: {}{remedy}", said(&problem)),
        None => format!("{address} answered {status}, and is no Seamark daemon"),
    }
}

/// What is wrong with an item that the daemon refused; `None` where the request itself failed.
pub(super) fn refusal(error: &DaemonError) -> Option<Vec<Fault>> {
    let DaemonError::Refused { status, body } = error else { return None };
    let problem = problem(body).filter(|_| !matches!(status, 401 | 403))?;
    if problem.errors.is_empty() {
        return Some(vec![Fault::at("", said(&problem))]);
    }
    let faults = problem.errors.into_iter();
    Some(faults.map(|fault| Fault::at(fault.pointer, fault.detail)).collect())
}

fn problem(body: &str) -> Option<Problem> {
    let problem: Problem = serde_json::from_str(body).ok()?;
    (!problem.title.is_empty() || !problem.detail.is_empty()).then_some(problem)
}

fn said(problem: &Problem) -> String {
    match (problem.title.as_str(), problem.detail.as_str()) {
        ("", one) | (one, "") => plain(one),
        (title, detail) => plain(&format!("{title}: {detail}")),
    }
}

/// A text of the other side, without control characters.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> DaemonError {
        DaemonError::Refused { status, body: body.to_owned() }
    }

    #[test]
    fn a_problem_document_becomes_faults_of_the_item() {
        let body = r#"{"title": "The content is not valid", "detail": "see errors",
            "errors": [{"pointer": "/url", "detail": "use https"}]}"#;
        assert_eq!(refusal(&refused(422, body)).unwrap(), [Fault::at("/url", "use https")]);
        let body = r#"{"title": "It conflicts", "detail": "the name is taken"}"#;
        let wanted = [Fault::at("", "It conflicts: the name is taken")];
        assert_eq!(refusal(&refused(409, body)).unwrap(), wanted);
        assert_eq!(refusal(&refused(403, body)), None, "the key's fault, not the item's");
        assert_eq!(refusal(&refused(502, "<html>")), None);
    }

    #[test]
    fn a_failed_request_is_explained_in_a_line() {
        let client = DaemonClient::new("http://127.0.0.1:1", None).unwrap();
        let body = r#"{"title": "A valid API key is needed", "detail": "none\ncame"}"#;
        let line = explained(&client, &refused(401, body));
        assert!(line.contains("none came") && line.contains("--key-file"), "{line}");
        let line = explained(&client, &refused(502, "<html>"));
        assert_eq!(line, "http://127.0.0.1:1 answered 502, and is no Seamark daemon");
    }
}
