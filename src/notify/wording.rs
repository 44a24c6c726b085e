//! A receiver's own words: templates of a message's title, its first sentence, or a webhook's whole body.

use serde_json::Value;

use crate::model::receiver::{MessageTemplate, ReceiverKind, ReceiverSettings};
use crate::notify::channel::Problem;
use crate::notify::message::AlertMessage;
use crate::notify::{Sample, webhook};
use crate::text::template;

/// Bytes of a template.
const TEMPLATE_BYTES: usize = 16 * 1024;

/// What stands in place of a message's own words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wording {
    /// The title.
    pub title: Option<String>,
    /// The first sentence.
    pub summary: Option<String>,
}

/// The words that `template` makes for `message`; one that cannot be rendered leaves the message's own.
pub(super) fn wording(template: &MessageTemplate, message: &AlertMessage<'_>) -> Wording {
    let values = webhook::data(message);
    let render = |text: &Option<String>| {
        let made = template::render(text.as_deref()?, &values);
        made.inspect_err(|error| tracing::warn!(%error, "a receiver's template failed")).ok()
    };
    Wording { title: render(&template.title), summary: render(&template.summary) }
}

/// The webhook body that `template` makes for `message`: a JSON document. `None` where there is no such
/// template, or it makes none.
pub(super) fn body(template: &MessageTemplate, message: &AlertMessage<'_>) -> Option<String> {
    let made = document(template.body.as_deref()?, message);
    made.inspect_err(|error| tracing::warn!(error, "a receiver's template failed")).ok()
}

fn document(text: &str, message: &AlertMessage<'_>) -> Result<String, String> {
    let mut values = webhook::data(message);
    values["type"] = message.event.as_str().into();
    let made = template::render(text, &values).map_err(|error| error.to_string())?;
    let document: Value = serde_json::from_str(&made).map_err(|error| {
        format!("the template makes no JSON document ({error}): write values as {{{{ value | tojson }}}}")
    })?;
    Ok(document.to_string())
}

/// What is wrong with a receiver's templates, each tried on a made-up alert.
pub(super) fn problems(kind: ReceiverKind, settings: &ReceiverSettings) -> Vec<Problem> {
    let Some(templates) = &settings.template else { return Vec::new() };
    let sample = Sample::new(crate::clock::Timestamp::from_micros(1_700_000_000_000_000));
    let message = sample.message(crate::alert::EventKind::Firing);
    let mut problems = Vec::new();
    let values = webhook::data(&message);
    for (pointer, text) in [
        ("/settings/template/title", &templates.title),
        ("/settings/template/summary", &templates.summary),
    ] {
        let Some(text) = text else { continue };
        if text.len() > TEMPLATE_BYTES {
            problems.push((pointer, format!("is longer than {TEMPLATE_BYTES} bytes")));
        } else if let Err(error) = template::render(text, &values) {
            problems.push((pointer, error.to_string()));
        }
    }
    if let Some(text) = &templates.body {
        let pointer = "/settings/template/body";
        if kind != ReceiverKind::Webhook || settings.envelope.is_some() {
            let detail =
                "only a webhook without envelope has a body of its own: use title and summary";
            problems.push((pointer, detail.to_owned()));
        } else if text.len() > TEMPLATE_BYTES {
            problems.push((pointer, format!("is longer than {TEMPLATE_BYTES} bytes")));
        } else if let Err(detail) = document(text, &message) {
            problems.push((pointer, detail));
        }
    }
    problems
}
