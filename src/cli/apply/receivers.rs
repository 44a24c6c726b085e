//! Receivers in a document: their URLs and secrets by reference, since the daemon never shows them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::fault::Fault;
use super::kind::{Fields, Kind, Observed, Variables, Wanted, own_fields};
use super::normal;
use super::secret::{Reader, Source};
use crate::model::receiver::{ReceiverKind, ReceiverSettings};
use crate::notify::{self, SecretUse};

const DECIDED: &[&str] = &["id", "project_id", "created_at"];

/// `[[receivers]]`.
pub(super) struct Receivers;

/// A receiver as a document has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    name: String,
    kind: ReceiverKind,
    url: Option<Value>,
    secret: Option<Value>,
    #[serde(default)]
    settings: ReceiverSettings,
    disabled: Option<bool>,
}

/// A receiver as the daemon shows it: its normal form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    name: String,
    kind: ReceiverKind,
    /// Where the document does not say, or its URL cannot be looked up, it stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    settings: ReceiverSettings,
    /// Where the document does not say, the daemon may have switched it off, and it stays so.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<bool>,
}

impl Kind for Receivers {
    fn key(&self) -> &'static str {
        "receivers"
    }

    fn path(&self) -> &'static str {
        "/v1/receivers"
    }

    fn wanted(&self, item: &Fields, read: Reader<'_>) -> Result<Wanted, Vec<Fault>> {
        let item: Item = normal::read(item).map_err(|fault| vec![fault])?;
        let (mut faults, mut hidden, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        let mut target = notify::default_url(item.kind).and_then(|url| target(url).ok());
        let mut hide = |field: &'static str, value: Option<&Value>, literal| {
            let parsed = Source::parse(value?).and_then(|source| match &source {
                Source::Literal(_) => literal_allowed(item.kind, literal).map(|()| source),
                _ => Ok(source),
            });
            let source =
                parsed.map_err(|detail| faults.push(Fault::at(format!("/{field}"), detail)));
            let source = source.ok()?;
            hidden.push((field, source.clone()));
            Some(source)
        };
        let url = hide("url", item.url.as_ref(), Literal::Url);
        hide("secret", item.secret.as_ref(), Literal::Secret);
        if let Some(source) = url {
            target = match read(&source).map(|url| self::target(&url)) {
                Ok(Ok(target)) => Some(target),
                Ok(Err(detail)) => {
                    faults.push(Fault::at("/url", detail));
                    None
                }
                Err(reason) => {
                    notes.push(format!("its url is not compared: {reason}"));
                    None
                }
            };
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let Item { name, kind, settings, disabled, .. } = item;
        let spec = fields(&Shown { name, kind, target, settings, disabled });
        Ok(Wanted { spec, hidden, notes })
    }

    fn observed(&self, answer: &Fields) -> Result<Fields, Fault> {
        let shown: Shown = normal::read(&own_fields(answer, DECIDED))?;
        Ok(fields(&shown))
    }

    fn exported(&self, spec: &Fields, variables: &mut Variables) -> Fields {
        let mut item = spec.clone();
        let target = item.remove("target");
        let Some((name, kind)) = name_and_kind(spec) else { return item };
        let own = notify::default_url(kind).and_then(|url| self::target(url).ok());
        if target.as_ref().and_then(Value::as_str) != own.as_deref() {
            item.insert("url".to_owned(), variables.of(name, "URL"));
        }
        if notify::secret_use(kind) != SecretUse::None {
            item.insert("secret".to_owned(), variables.of(name, "SECRET"));
        }
        item.retain(|key, value| match key.as_str() {
            "disabled" => *value == Value::Bool(true),
            "settings" => value.as_object().is_none_or(|fields| !fields.is_empty()),
            _ => true,
        });
        item
    }

    fn completed(&self, wanted: &Fields, now: &Fields) -> Fields {
        let mut whole = wanted.clone();
        for key in ["target", "disabled"] {
            if let (false, Some(value)) = (whole.contains_key(key), now.get(key)) {
                whole.insert(key.to_owned(), value.clone());
            }
        }
        whole
    }

    fn whole(&self) -> &'static [&'static str] {
        &["settings"]
    }

    fn forbidden(&self, now: &Observed, wanted: &Fields) -> Option<Fault> {
        let detail = "cannot be changed; make a receiver of another name";
        (now.spec.get("kind") != wanted.get("kind")).then(|| Fault::at("/kind", detail))
    }

    fn hint(&self, spec: &Fields) -> Option<String> {
        spec.get("kind").and_then(Value::as_str).map(str::to_owned)
    }

    fn reveals(&self, patch: &Fields) -> &'static [&'static str] {
        if patch.contains_key("target") { &["url"] } else { &[] }
    }

    fn creation(&self, spec: &Fields, hidden: &Fields) -> Result<Vec<Fields>, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut body = own_fields(spec, &["target", "disabled"]);
        body.extend(hidden.clone());
        if let Some((_, kind)) = name_and_kind(spec) {
            let secret = hidden.get("secret").and_then(Value::as_str);
            if notify::secret_use(kind) == SecretUse::Signing && secret.is_none() {
                // One that the daemon made would be shown once, in the log of a pipeline.
                let detail = "is needed: make one, \"whsec_\" and 24 to 64 random bytes as base64, \
                              and name its variable or file";
                faults.push(Fault::at("/secret", detail));
            }
            if notify::default_url(kind).is_none() && !hidden.contains_key("url") {
                faults.push(Fault::at("/url", "is needed: where the receiver listens"));
            }
            let url = hidden.get("url").and_then(Value::as_str).or(notify::default_url(kind));
            faults.extend(content_faults(spec, kind, url, secret));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut bodies = vec![body];
        if let Some(disabled) = spec.get("disabled").filter(|value| **value == Value::Bool(true)) {
            bodies.push([("disabled".to_owned(), disabled.clone())].into_iter().collect());
        }
        Ok(bodies)
    }

    fn update(
        &self,
        spec: &Fields,
        mut patch: Fields,
        hidden: Fields,
    ) -> Result<Fields, Vec<Fault>> {
        let is_moved = patch.remove("target").is_some();
        if is_moved && !hidden.contains_key("url") {
            // The document leaves the place to the kind: the kind's own has to be sent.
            let own = name_and_kind(spec).and_then(|(_, kind)| notify::default_url(kind));
            patch.insert("url".to_owned(), own.into());
        }
        if let (Some((_, kind)), Some(Value::String(secret))) =
            (name_and_kind(spec), hidden.get("secret"))
        {
            let url = hidden.get("url").and_then(Value::as_str);
            let faults = content_faults(spec, kind, url, Some(secret));
            if !faults.is_empty() {
                return Err(faults);
            }
        }
        patch.extend(hidden);
        Ok(patch)
    }
}

/// What is wrong with settings and secret; without a `url` nothing is said of the two together.
fn content_faults(
    spec: &Fields,
    kind: ReceiverKind,
    url: Option<&str>,
    secret: Option<&str>,
) -> Vec<Fault> {
    let settings = spec.get("settings").cloned().unwrap_or_default();
    let settings: ReceiverSettings = serde_json::from_value(settings).unwrap_or_default();
    let mut faults: Vec<Fault> = notify::problems(kind, url.unwrap_or_default(), &settings, secret)
        .into_iter()
        .map(|(pointer, detail)| Fault::at(pointer, detail))
        .collect();
    if notify::secret_use(kind) == SecretUse::None && secret.is_some() {
        faults.push(Fault::at("/secret", format!("{} has none: leave it out", kind.as_str())));
    }
    faults
}

/// A field that may stand in the document as it is, or not.
#[derive(Clone, Copy)]
enum Literal {
    Url,
    Secret,
}

/// A URL may stand in the document unless it is the secret itself, as for chats' webhooks.
fn literal_allowed(kind: ReceiverKind, field: Literal) -> Result<(), String> {
    let by_reference = "write { env = \"NAME\" } or { file = \"/path\" }";
    match (field, kind) {
        (Literal::Secret, _) => Err(format!("must not stand in the file: {by_reference}")),
        (Literal::Url, ReceiverKind::Slack | ReceiverKind::Teams | ReceiverKind::Discord) => {
            let kind = kind.as_str();
            Err(format!("of {kind} is a secret and must not stand in the file: {by_reference}"))
        }
        (Literal::Url, _) => Ok(()),
    }
}

/// The scheme and host of a URL, as the daemon shows them.
fn target(url: &str) -> Result<String, String> {
    let url = Url::parse(url).map_err(|error| format!("is not a URL: {error}"))?;
    let standard_port = match url.scheme() {
        "smtps" => 465,
        "smtp" => 587,
        _ => return Ok(url.origin().ascii_serialization()),
    };
    let host = url.host_str().ok_or("names no mail server")?;
    Ok(format!("{}://{host}:{}", url.scheme(), url.port().unwrap_or(standard_port)))
}

fn name_and_kind(spec: &Fields) -> Option<(&str, ReceiverKind)> {
    let text = |key: &str| spec.get(key).and_then(Value::as_str);
    Some((text("name")?, ReceiverKind::parse(text("kind")?)?))
}

fn fields(shown: &Shown) -> Fields {
    match serde_json::to_value(shown) {
        Ok(Value::Object(fields)) => fields,
        _ => Fields::new(),
    }
}
