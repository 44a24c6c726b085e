//! What a monitor or a rule says of its alerts: templates, rendered at each transition until the end.

use serde_json::{Value, json};

use crate::model::alert::Alert;
use crate::model::annotation::{Annotations, BYTES};
use crate::model::monitor::MonitorSpec;
use crate::model::verdict::Verdict;
use crate::text::template;

/// What the templates make of `values`; one that cannot be rendered says so.
pub(super) fn rendered(templates: &Annotations, values: &Value) -> Annotations {
    let render = |text: &String| {
        let mut made = template::render(text, values).unwrap_or_else(|error| error.to_string());
        made.truncate(made.floor_char_boundary(BYTES));
        made
    };
    templates.iter().map(|(name, text)| (name.clone(), render(text))).collect()
}

/// What a monitor says of its alert as it is after a transition.
pub fn monitor_annotations(spec: &MonitorSpec, alert: &Alert) -> Annotations {
    let templates = &spec.alert.annotations;
    if templates.is_empty() {
        return Annotations::new();
    }
    let ratios = alert.reasons.iter().filter_map(Verdict::ratio);
    let values = json!({
        "monitor": spec.name,
        "kind": alert.kind,
        "stream": alert.stream,
        "segment": alert.segment,
        "severity": alert.severity,
        "state": alert.state,
        "labels": spec.alert.labels,
        "since": alert.started_at,
        "value": ratios.reduce(f64::max),
        "reasons": alert.reasons.iter().map(reason).collect::<Vec<_>>(),
    });
    rendered(templates, &values)
}

fn reason(verdict: &Verdict) -> Value {
    json!({
        "window": verdict.window,
        "detector": verdict.detector,
        "statistic": verdict.statistic,
        "threshold": verdict.threshold,
        "ratio": verdict.ratio(),
        "p_value": verdict.p_value,
        "effect_size": verdict.effect_size,
        "n_ref": verdict.n_ref,
        "n_window": verdict.n_window,
    })
}
