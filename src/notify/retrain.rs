//! A workflow that is started: GitHub, GitLab, Airflow, Argo Events, or any address.
//!
//! What is stored with the delivery is one document for all; each workflow's own request is made of it
//! when it is sent. A start that is tried again may start twice: the document's `retrain_id` tells.
//! *Limits:* GitHub takes ten properties and 64 kB of `client_payload`, so the document is one of them;
//! `workflow_dispatch` takes only the inputs that the workflow declares, as texts.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use crate::egress::Response;
use crate::model::receiver::ReceiverSettings;
use crate::model::retrain::{AirflowApi, Retrain, Workflow};
use crate::notify::Failure;
use crate::notify::channel::{
    Answer, Channel, Note, Outgoing, Post, Posting, Problem, SecretUse, by_strict_status,
    secret_given,
};
use crate::notify::message::AlertMessage;
use crate::notify::text::cut;

/// The type of deliveries that start workflows.
pub const RETRAIN_EVENT: &str = "seamark.retrain";

/// GitHub's REST API as this file speaks it.
const GITHUB_VERSION: &str = "2022-11-28";
/// Characters of an example's text.
const TEXT_LIMIT: usize = 500;
/// Characters kept of the answer.
const ANSWER_LIMIT: usize = 500;

pub(super) struct Retraining;

/// Where a run finds its data and reports back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrainLinks {
    /// The drifted slice as JSON lines, readable for a while.
    pub dataset_url: String,
    /// Where the run's status is posted.
    pub callback_url: String,
}

/// The document that a workflow is started with.
pub fn retrain_body(retrain: &Retrain, message: &AlertMessage<'_>, links: &RetrainLinks) -> String {
    let mut document = document(message);
    document["retrain_id"] = json!(retrain.id);
    document["dataset_url"] = json!(links.dataset_url);
    document["callback_url"] = json!(links.callback_url);
    document["callback_token"] = json!(retrain.token);
    document.to_string()
}

/// What is told of the alert.
fn document(message: &AlertMessage<'_>) -> Value {
    let alert = message.alert;
    let examples: Vec<String> =
        message.shown_examples().map(|example| cut(&example.text, TEXT_LIMIT)).collect();
    json!({
        "type": RETRAIN_EVENT,
        "alert_id": alert.id,
        "kind": alert.kind,
        "severity": alert.severity,
        "stream": alert.stream,
        "segment": alert.segment,
        "started_at": alert.started_at,
        "monitor_id": alert.monitor_id,
        "monitor": message.monitor_name().map(|name| cut(name, 200)),
        "report_id": alert.report_id,
        "links": message.links.named().into_iter().collect::<BTreeMap<_, _>>(),
        "title": message.title(),
        "summary": message.summary(),
        "changes": message.changes(),
        "examples": examples,
    })
}

/// A delivery's body as people may see it: without what lets its bearer read data or speak for the run.
pub fn without_capabilities(body: &str) -> String {
    let Ok(mut document) = serde_json::from_str::<Value>(body) else { return String::new() };
    for name in ["dataset_url", "callback_token"] {
        if let Some(value) = document.get_mut(name) {
            *value = json!("[redacted]");
        }
    }
    document.to_string()
}

impl Channel for Retraining {
    /// Alerts make retrainings, which have bodies of their own: see [`retrain_body`].
    fn body(&self, _: &ReceiverSettings, message: &AlertMessage<'_>) -> String {
        document(message).to_string()
    }

    fn note_body(&self, _: &ReceiverSettings, note: &Note<'_>) -> String {
        json!({ "type": note.event.as_str(), "summary": note.text }).to_string()
    }

    fn request(&self, posting: &Posting<'_>) -> Result<Outgoing, Failure> {
        let document: Value = serde_json::from_str(&posting.delivery.body)
            .map_err(|error| Failure::Body(error.to_string()))?;
        let settings = posting.receiver.settings.retrain.as_ref();
        let workflow = settings.map(|settings| &settings.workflow);
        let base = posting.receiver.url.trim_end_matches('/');
        let bearer = ("authorization", format!("Bearer {}", posting.secret()));
        Ok(Outgoing::Post(match workflow {
            Some(Workflow::GithubDispatch { repository, event_type }) => github(
                format!("{base}/repos/{repository}/dispatches"),
                &json!({ "event_type": event_type, "client_payload": { "seamark": document } }),
                bearer,
            ),
            Some(Workflow::GithubWorkflow { repository, workflow, git_ref }) => github(
                format!("{base}/repos/{repository}/actions/workflows/{workflow}/dispatches"),
                &json!({ "ref": git_ref, "inputs": inputs(&document) }),
                bearer,
            ),
            Some(Workflow::Gitlab { project, git_ref }) => Post {
                url: format!(
                    "{base}/api/v4/projects/{}/trigger/pipeline",
                    project.replace('/', "%2F")
                ),
                headers: Vec::new(),
                // The trigger's token is part of the body; it goes in at the last moment.
                body: json!({
                    "token": posting.secret(),
                    "ref": git_ref,
                    "variables": variables(&document),
                })
                .to_string(),
            },
            Some(Workflow::Airflow { dag, api }) => airflow(base, dag, *api, &document, posting),
            Some(Workflow::Argo | Workflow::Http) | None => Post {
                url: posting.receiver.url.clone(),
                headers: if posting.secret().is_empty() { Vec::new() } else { vec![bearer] },
                body: document.to_string(),
            },
        }))
    }

    /// A run of that id is there already: an earlier attempt did start it.
    fn answer(&self, response: &Response) -> Answer {
        match response.status {
            409 => Answer::Delivered,
            _ => by_strict_status(response),
        }
    }

    /// What the workflow's server said of the run.
    fn remember(&self, response: &Response) -> Option<String> {
        let text = cut(response.body.trim(), ANSWER_LIMIT);
        Some(json!({ "status": response.status, "body": text }).to_string())
    }

    fn secret(&self) -> SecretUse {
        SecretUse::Optional
    }

    fn problems(&self, settings: &ReceiverSettings, secret: Option<&str>) -> Vec<Problem> {
        let Some(retrain) = &settings.retrain else {
            let detail = "say which workflow is started: see docs/RETRAINING.md";
            return vec![("/settings/retrain", detail.to_owned())];
        };
        let mut problems = retrain.problems();
        let needs = match retrain.workflow {
            Workflow::GithubDispatch { .. } | Workflow::GithubWorkflow { .. } => {
                Some("a token that may write to the repository's contents or actions")
            }
            Workflow::Gitlab { .. } => Some("the pipeline trigger's token"),
            Workflow::Airflow { .. } => Some("user:password or a bearer token"),
            Workflow::Argo | Workflow::Http => secret.map(|_| "the bearer token"),
        };
        problems.extend(needs.map_or_else(Vec::new, |what| secret_given(secret, what)));
        problems
    }
}

fn github(url: String, body: &Value, bearer: (&'static str, String)) -> Post {
    let headers = vec![
        bearer,
        ("accept", "application/vnd.github+json".to_owned()),
        ("x-github-api-version", GITHUB_VERSION.to_owned()),
        ("user-agent", "seamark".to_owned()),
    ];
    Post { url, headers, body: body.to_string() }
}

/// The inputs that a workflow has to declare.
fn inputs(document: &Value) -> Value {
    json!({
        "retrain_id": text_of(document, "retrain_id"),
        "dataset_url": text_of(document, "dataset_url"),
        "callback_url": text_of(document, "callback_url"),
        "payload": document.to_string(),
    })
}

fn variables(document: &Value) -> Value {
    let mut variables = Map::new();
    for name in ["retrain_id", "dataset_url", "callback_url", "callback_token"] {
        let variable = format!("SEAMARK_{}", name.to_uppercase());
        variables.insert(variable, json!(text_of(document, name)));
    }
    variables.insert("SEAMARK_PAYLOAD".to_owned(), json!(document.to_string()));
    Value::Object(variables)
}

/// The run's id makes a second attempt answer 409 instead of starting a second run.
fn airflow(
    base: &str,
    dag: &str,
    api: AirflowApi,
    document: &Value,
    posting: &Posting<'_>,
) -> Post {
    let run = format!("seamark__{}", posting.delivery.id);
    let mut body = json!({ "dag_run_id": run, "conf": document });
    let version = match api {
        AirflowApi::V1 => "v1",
        AirflowApi::V2 => {
            body["logical_date"] = Value::Null;
            "v2"
        }
    };
    let secret = posting.secret();
    let authorization = if secret.contains(':') {
        format!("Basic {}", BASE64.encode(secret))
    } else {
        format!("Bearer {secret}")
    };
    Post {
        url: format!("{base}/api/{version}/dags/{dag}/dagRuns"),
        headers: vec![("authorization", authorization)],
        body: body.to_string(),
    }
}

fn text_of(document: &Value, name: &str) -> String {
    document[name].as_str().unwrap_or_default().to_owned()
}
