//! What a message says, whatever its form: what drifted, by how much, since when, and three examples.

use std::collections::BTreeMap;

use crate::alert::{EventKind, Origin, in_words};
use crate::clock::Timestamp;
use crate::model::alert::Alert;
use crate::model::explanation::{OutcomeLink, RateChange, Reading, StreamExplanation, Trend};
use crate::model::monitor::Severity;
use crate::model::report::Report;
use crate::model::stream::{Stream, Values};
use crate::model::verdict::{DetectorKind, OutcomeFigures, Verdict};
use crate::notify::text::{cut, number, sparkline};
use crate::notify::wording::Wording;

/// More examples are not shown.
const EXAMPLES: usize = 3;

/// Other alerts that a message names.
const OTHERS: usize = 6;

/// Annotations that a message's text tells, and their bytes in all.
const SAID: (usize, usize) = (4, 2400);

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
    pub report_url: Option<String>,
    /// The monitor.
    pub monitor_url: Option<String>,
    /// The rule.
    pub rule_url: Option<String>,
    /// What to do.
    pub runbook_url: Option<String>,
}

impl Links {
    /// Every link that is one, with its name.
    pub(super) fn named(&self) -> Vec<(&'static str, &str)> {
        [
            ("report", &self.report_url),
            ("monitor", &self.monitor_url),
            ("rule", &self.rule_url),
            ("runbook", &self.runbook_url),
        ]
        .into_iter()
        .filter_map(|(name, url)| Some((name, url.as_deref()?)))
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
    /// The monitor or rule that it comes from.
    pub origin: Origin<'a>,
    /// False alarms in 30 days, at most, that the thresholds keep to; `None` for fixed ones.
    pub false_alarms_per_30d: Option<f64>,
    /// The report of the transition; absent for a rule that looks at no monitor.
    pub report: Option<&'a Report>,
    /// The most drifted interactions first.
    pub examples: &'a [ExampleText],
    /// Statistic ÷ threshold of the stream's worst verdict in the latest evaluations, oldest first.
    pub course: &'a [f64],
    /// Titles of other alerts that the message tells of.
    pub others: &'a [String],
    /// Where to look.
    pub links: &'a Links,
    /// What stands in place of title and summary.
    pub wording: Option<&'a Wording>,
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
        if let Some(own) = self.wording.and_then(|wording| wording.title.as_deref()) {
            return cut(own.trim(), 200);
        }
        let state = match self.event {
            EventKind::Resolved => "Resolved",
            EventKind::Reminder => "Still firing",
            EventKind::Escalated => "Not acknowledged",
            _ if self.alert.severity == Severity::Critical => "Critical",
            _ => "Firing",
        };
        let what = match self.alert.stream {
            None => return format!("{state}: {}", cut(self.source(), 100)),
            Some(Stream::Query) => "Query drift",
            Some(Stream::Response) => "Response drift",
            Some(Stream::Relevance) => "Relevance drift",
            Some(Stream::Duplicates) => "Repeated texts",
            Some(Stream::QueryQuality) => "Text quality of queries",
            Some(Stream::ResponseQuality) => "Text quality of responses",
            Some(Stream::Language) => "Language mix",
            Some(Stream::Privacy) => "Personal data in responses",
            Some(Stream::Policy) => "Texts against a policy",
            Some(Stream::Outcome) => "Outcomes fell",
        };
        let segment = self.segment().map_or_else(String::new, |segment| format!(", {segment}"));
        format!("{state}: {what} in {}{segment}", cut(self.source(), 80))
    }

    /// The name of the monitor or rule that it comes from.
    pub(super) fn source(&self) -> &str {
        match self.origin {
            Origin::Monitor(spec) => &spec.name,
            Origin::Rule(spec, _) => &spec.name,
        }
    }

    /// The name of the monitor that it is about.
    pub(super) fn monitor_name(&self) -> Option<&str> {
        match self.origin {
            Origin::Monitor(spec) | Origin::Rule(_, Some(spec)) => Some(&spec.name),
            Origin::Rule(_, None) => None,
        }
    }

    /// When what it tells of happened: in event time where a report says so.
    pub(super) fn at(&self) -> Timestamp {
        self.report.map_or(self.now, |report| report.evaluated_at)
    }

    /// One sentence on what it means.
    pub(super) fn summary(&self) -> String {
        if let Some(own) = self.wording.and_then(|wording| wording.summary.as_deref()) {
            return cut(own.trim(), 1000);
        }
        if let Some(own) = self.own_summary() {
            return own;
        }
        let what = match self.alert.stream {
            None => return self.rule_summary(),
            Some(Stream::Query) => "what users ask",
            Some(Stream::Response) => "what the application answers",
            Some(Stream::Relevance) => "how well answers fit their queries",
            Some(Stream::QueryQuality) => "the quality of what users write",
            Some(Stream::ResponseQuality) => "the quality of the answers' text",
            Some(Stream::Language) => "the languages that users write in",
            Some(Stream::Privacy) => "the personal data that answers tell unasked",
            Some(Stream::Policy) => "how often texts are against a policy",
            Some(Stream::Outcome) => {
                return match self.event {
                    EventKind::Resolved => "Outcomes are no longer worse than before.".to_owned(),
                    _ => "Outcomes are worse than in the reference.".to_owned(),
                };
            }
            Some(Stream::Duplicates) => {
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

    /// What the monitor or rule itself says first; nothing of an end, which no template foresees.
    fn own_summary(&self) -> Option<String> {
        let own = self.alert.annotations.get("summary").filter(|text| !text.trim().is_empty());
        // A monitor's message has verdicts and examples beside it.
        let limit = if self.alert.stream.is_some() { 300 } else { 500 };
        own.filter(|_| self.event != EventKind::Resolved).map(|text| cut(text, limit))
    }

    /// A rule's figures.
    fn rule_summary(&self) -> String {
        match self.event {
            EventKind::Resolved => "The rule's condition no longer holds.".to_owned(),
            _ => cut(&in_words(&self.alert.findings), 500),
        }
    }

    /// What the monitor or rule says, cut: as many annotations as fit into `bytes`.
    pub(super) fn shown_annotations(&self, bytes: usize) -> BTreeMap<String, String> {
        fitting(self.alert.annotations.iter(), bytes).collect()
    }

    /// What is said beside the summary, in lines.
    fn said(&self) -> Vec<String> {
        let said = self.alert.annotations.iter().filter(|(name, _)| *name != "summary");
        let said = fitting(said.take(SAID.0), SAID.1);
        said.map(|(name, text)| format!("{name}: {text}")).collect()
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
        facts.extend(sparkline(self.course).map(|picture| ("Course", picture)));
        facts
    }

    /// What the monitor or rule says beside its summary, and what was found, in a few lines.
    pub(super) fn changes(&self) -> Vec<String> {
        let (mut said, found) = (self.said(), self.found());
        match (self.event, self.alert.stream) {
            (EventKind::Resolved, _) => found,
            (_, None) => found.into_iter().chain(said).collect(),
            // What people wrote comes first: some receivers show a few lines only.
            (_, Some(_)) => {
                said.extend(found);
                said
            }
        }
    }

    /// A rule's figures, or what the report's explanation says: share, topics, terms, since when.
    pub(super) fn found(&self) -> Vec<String> {
        if self.event == EventKind::Resolved {
            return Vec::new();
        }
        let Some(stream) = self.alert.stream else { return self.rule_lines() };
        let explained = self.report.and_then(|report| report.explanation.as_ref());
        let own = explained.and_then(|all| all.streams.iter().find(|one| one.stream == stream));
        let rates = explained.iter().flat_map(|all| &all.rates);
        let rates = rates.filter(|rate| rate.stream == stream).map(rate_line);
        let outcomes = explained.iter().flat_map(|all| &all.outcomes);
        let outcomes = outcomes.filter(|_| stream.values() == Values::Embedding).map(outcome_line);
        own.map_or_else(Vec::new, change_lines).into_iter().chain(rates).chain(outcomes).collect()
    }

    /// A rule's figures.
    fn rule_lines(&self) -> Vec<String> {
        let findings = self.alert.findings.iter();
        findings.map(|finding| in_words(std::slice::from_ref(finding))).collect()
    }

    /// What the thresholds promise.
    pub(super) fn promise(&self) -> String {
        match self.false_alarms_per_30d {
            _ if self.alert.rule_id.is_some() => {
                "A rule fires whenever its condition holds: it promises no false-alarm rate of its own."
                    .to_owned()
            }
            Some(rate) => format!(
                "Thresholds are calibrated for at most {rate} false alarm(s) in 30 days when nothing changes."
            ),
            None => "Thresholds were set by hand: no false-alarm rate is promised.".to_owned(),
        }
    }

    /// The stream's examples that are shown.
    pub(super) fn shown_examples(&self) -> impl Iterator<Item = &ExampleText> {
        let stream = self.alert.stream;
        self.examples.iter().filter(move |example| Some(example.stream) == stream).take(EXAMPLES)
    }
}

/// Annotations, each cut, as long as they fit into `bytes`.
fn fitting<'a>(
    annotations: impl Iterator<Item = (&'a String, &'a String)>,
    bytes: usize,
) -> impl Iterator<Item = (String, String)> {
    let mut left = bytes;
    let cut = annotations.map(|(name, text)| (cut(name, 60), cut(text, 500)));
    cut.map_while(move |(name, text)| {
        left = left.checked_sub(name.len() + text.len())?;
        Some((name, text))
    })
}

/// `odd writing: 0.9 % → 41.2 % (+37.1 to +43.6 points)`.
fn rate_line(rate: &RateChange) -> String {
    format!(
        "{}: {:.1} % → {:.1} % ({:+.1} to {:+.1} points)",
        rate.name.replace('_', " "),
        100.0 * rate.share_then,
        100.0 * rate.share_now,
        100.0 * rate.low,
        100.0 * rate.high
    )
}

/// `resolved: 0.43 in what drifted, 0.88 in the rest (-0.52 to -0.38): harmful`.
fn outcome_line(link: &OutcomeLink) -> String {
    let reading = match link.reading {
        Reading::Harmful => "harmful",
        Reading::Steady => "no harm seen",
        Reading::Unknown => "too few to tell",
    };
    format!(
        "{}: {} in what drifted, {} in the rest ({} to {}): {reading}",
        cut(&link.name, 60),
        number(link.drifted),
        number(link.rest),
        number(link.low),
        number(link.high)
    )
}

/// `resolved in channel ussd: 0.88, now 0.62 (-0.31 to -0.20), 2.4 times its threshold`.
fn outcome_drop_line(found: &OutcomeFigures, verdict: &Verdict) -> String {
    let place = match (found.segment.first_key_value(), found.topic) {
        (Some((label, value)), _) => format!(" in {} {}", cut(label, 40), cut(value, 40)),
        (None, Some(topic)) => format!(" in topic {topic}"),
        (None, None) => String::new(),
    };
    let ratio =
        verdict.ratio().map_or_else(String::new, |r| format!(", {r:.1} times its threshold"));
    format!(
        "{}{place}: {}, now {} ({} to {}){ratio}",
        cut(&found.name, 60),
        number(found.then),
        number(found.now),
        number(found.low),
        number(found.high)
    )
}

/// What a detector's statistic is called.
pub(super) const fn detector_name(detector: DetectorKind) -> &'static str {
    match detector {
        DetectorKind::Mmd => "MMD²",
        DetectorKind::Kl => "KL",
        DetectorKind::Centroid => "centroid distance²",
        DetectorKind::Whitened => "whitened centroid distance²",
        DetectorKind::Novelty => "novelty",
        DetectorKind::Repeats => "share of repeats",
        DetectorKind::Drop => "fall in standard deviations",
    }
}

/// `mmd on the last "short" window: 0.0123, 2.4 times its threshold 0.0051`.
pub(super) fn verdict_line(verdict: &Verdict) -> String {
    if let Some(found) = &verdict.outcome {
        return outcome_drop_line(found, verdict);
    }
    let name = detector_name(verdict.detector);
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
