//! What a message says, whatever its form: what drifted, by how much, since when, and three examples.

use crate::alert::EventKind;
use crate::clock::Timestamp;
use crate::model::alert::Alert;
use crate::model::explanation::{StreamExplanation, Trend};
use crate::model::monitor::Severity;
use crate::model::report::Report;
use crate::model::stream::Stream;
use crate::model::verdict::{DetectorKind, Verdict};
use crate::notify::text::{cut, number};

/// More examples are not shown.
const EXAMPLES: usize = 3;

/// Other alerts that a message names.
const OTHERS: usize = 6;

/// Topics of each kind that a message names.
const CHANGES: usize = 3;

/// Terms that stand for a topic.
const TERMS: usize = 4;

/// An example with its text, as the operator's policy lets it be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ExampleText {
    /// The stream in which it is unusual.
    pub stream: Stream,
    /// Its text in that stream.
    pub text: String,
    /// How unusual, by the report.
    pub score: f64,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// The report of the transition.
    pub report_url: String,
    /// The monitor.
    pub monitor_url: String,
    /// What to do.
    pub runbook_url: Option<String>,
}

impl Links {
    /// Every link that is one, with its name.
    pub(super) fn named(&self) -> Vec<(&'static str, &str)> {
        let runbook = self.runbook_url.as_deref();
        [
            ("report", Some(&*self.report_url)),
            ("monitor", Some(&*self.monitor_url)),
            ("runbook", runbook),
        ]
        .into_iter()
        .filter_map(|(name, url)| Some((name, url?)))
        .filter(|(_, url)| url.starts_with("http"))
        .collect()
    }
}

/// Everything that a message about an alert tells.
#[derive(Debug, Clone, Copy)]
pub struct AlertMessage<'a> {
    /// What happened: firing or resolved.
    pub event: EventKind,
    /// The alert after the transition.
    pub alert: &'a Alert,
    /// The monitor's name.
    pub monitor_name: &'a str,
    /// False alarms in 30 days, at most, that the thresholds keep to; `None` for fixed ones.
    pub false_alarms_per_30d: Option<f64>,
    /// The report of the transition.
    pub report: &'a Report,
    /// The most drifted interactions first.
    pub examples: &'a [ExampleText],
    /// Titles of other alerts that the message tells of.
    pub others: &'a [String],
    /// Where to look.
    pub links: &'a Links,
    /// When the message is written.
    pub now: Timestamp,
}

impl AlertMessage<'_> {
    /// The titles of the other alerts; of many the first, and how many more there are.
    pub(super) fn shown_others(&self) -> Vec<String> {
        let mut shown: Vec<String> =
            self.others.iter().take(OTHERS).map(|title| cut(title, 200)).collect();
        if self.others.len() > OTHERS {
            shown.push(format!("and {} more", self.others.len() - OTHERS));
        }
        shown
    }

    /// One line: `Firing: Query drift in checkout-bot`.
    pub fn title(&self) -> String {
        let what = match self.alert.stream {
            Stream::Query => "Query drift",
            Stream::Response => "Response drift",
            Stream::Relevance => "Relevance drift",
            Stream::Duplicates => "Repeated texts",
        };
        let state = match self.event {
            EventKind::Resolved => "Resolved",
            EventKind::Reminder => "Still firing",
            EventKind::Escalated => "Not acknowledged",
            _ if self.alert.severity == Severity::Critical => "Critical",
            _ => "Firing",
        };
        let segment = self.segment().map_or_else(String::new, |segment| format!(", {segment}"));
        format!("{state}: {what} in {}{segment}", cut(self.monitor_name, 80))
    }

    /// One sentence on what it means.
    pub(super) fn summary(&self) -> String {
        let what = match self.alert.stream {
            Stream::Query => "what users ask",
            Stream::Response => "what the application answers",
            Stream::Relevance => "how well answers fit their queries",
            Stream::Duplicates => {
                return match self.event {
                    EventKind::Resolved => "Texts no longer repeat unusually often.".to_owned(),
                    _ => "One text comes again and again, more often than in the reference. Its \
                          repeats are kept out of the other statistics."
                        .to_owned(),
                };
            }
        };
        match self.event {
            EventKind::Resolved => format!("The monitor sees no more drift in {what}."),
            _ => format!("The latest traffic differs from the reference in {what}."),
        }
    }

    /// The segment: `channel whatsapp`; `None` for all of the traffic.
    pub(super) fn segment(&self) -> Option<String> {
        let (attribute, value) = self.alert.segment.first_key_value()?;
        Some(format!("{} {}", cut(attribute, 40), cut(value, 40)))
    }

    /// The drifted verdict that exceeds its threshold most.
    pub(super) fn worst(&self) -> Option<&Verdict> {
        let ratio = |verdict: &&Verdict| verdict.ratio().unwrap_or(0.0);
        self.alert.reasons.iter().max_by(|a, b| ratio(a).total_cmp(&ratio(b)))
    }

    /// The figures, as name and value.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("Since", self.alert.started_at.to_string())];
        if let (EventKind::Resolved, Some(at)) = (self.event, self.alert.resolved_at) {
            facts.push(("Until", at.to_string()));
        }
        if let Some(worst) = self.worst() {
            let ratio = worst.ratio().map(|ratio| format!("{ratio:.1} × its threshold"));
            facts.extend(ratio.map(|text| ("Statistic", text)));
            let effect = worst.effect_size.map(|size| format!("{:.0} %", 100.0 * size));
            facts.extend(effect.map(|text| ("Effect", text)));
            facts.push(("Events", format!("{} against {}", worst.n_window, worst.n_ref)));
        }
        facts
    }

    /// What the report's explanation says in a few lines: share, topics, terms, since when.
    pub(super) fn changes(&self) -> Vec<String> {
        let stream = self.alert.stream;
        let explained = self.report.explanation.as_ref();
        let own = explained.and_then(|all| all.streams.iter().find(|one| one.stream == stream));
        own.filter(|_| self.event != EventKind::Resolved).map_or_else(Vec::new, change_lines)
    }

    /// What the thresholds promise.
    pub(super) fn promise(&self) -> String {
        match self.false_alarms_per_30d {
            Some(rate) => format!(
                "Thresholds are calibrated for at most {rate} false alarm(s) in 30 days when nothing changes."
            ),
            None => "Thresholds were set by hand: no false-alarm rate is promised.".to_owned(),
        }
    }

    /// The stream's examples that are shown.
    pub(super) fn shown_examples(&self) -> impl Iterator<Item = &ExampleText> {
        let stream = self.alert.stream;
        self.examples.iter().filter(move |example| example.stream == stream).take(EXAMPLES)
    }
}

/// `mmd on the last "short" window: 0.0123, 2.4 times its threshold 0.0051`.
pub(super) fn verdict_line(verdict: &Verdict) -> String {
    let name = match verdict.detector {
        DetectorKind::Mmd => "MMD²",
        DetectorKind::Kl => "KL",
        DetectorKind::Centroid => "centroid distance²",
        DetectorKind::Whitened => "whitened centroid distance²",
        DetectorKind::Novelty => "novelty",
        DetectorKind::Repeats => "share of repeats",
    };
    let value = verdict.statistic.map_or_else(|| "no value".to_owned(), number);
    let window = cut(&verdict.window, 60);
    match (verdict.threshold, verdict.ratio()) {
        (Some(threshold), Some(ratio)) => format!(
            "{name} on window {window}: {value}, {ratio:.1} times its threshold {}",
            number(threshold)
        ),
        _ => format!("{name} on window {window}: {value}"),
    }
}

fn change_lines(explained: &StreamExplanation) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(share) = explained.replaced_share.filter(|share| *share >= 0.01) {
        lines.push(format!("At least {:.0} % of the traffic is not what it was", 100.0 * share));
    }
    if let Some(changed) = &explained.changed {
        let or_earlier = if changed.or_earlier { " or earlier" } else { "" };
        lines.push(format!("The change began at {}{or_earlier}", changed.at));
    }
    for topic in explained.new_clusters.iter().take(CHANGES) {
        let terms: Vec<&str> = topic.terms.iter().take(TERMS).map(|t| t.term.as_str()).collect();
        lines.push(format!("New topic, {:.0} %: {}", 100.0 * topic.share, named(&terms)));
    }
    for cell in explained.cells.iter().take(CHANGES) {
        let terms: Vec<&str> = cell.terms.iter().take(TERMS).map(String::as_str).collect();
        let what = match cell.trend {
            Trend::Growing => "More",
            Trend::Fading => "Less",
            Trend::Vanished => "Vanished",
        };
        lines.push(format!(
            "{what}: {}, from {:.1} % to {:.1} %",
            named(&terms),
            100.0 * cell.share_then,
            100.0 * cell.share_now
        ));
    }
    let rising: Vec<&str> = explained.rising.iter().take(TERMS).map(|t| t.term.as_str()).collect();
    if !rising.is_empty() {
        lines.push(format!("Terms that came up: {}", named(&rising)));
    }
    lines
}

/// Terms in a row, each short.
fn named(terms: &[&str]) -> String {
    if terms.is_empty() {
        return "without typical terms".to_owned();
    }
    terms.iter().map(|term| cut(term, 40)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
