//! Segments: parts of the traffic by one label each, found in the reference.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::interaction::{Attributes, Event};
use crate::model::monitor::{MonitorSpec, Segmentation, WindowSpec};

/// An attribute with more values than this is no segmentation.
pub const MAX_VALUES: usize = 20;

/// A value with fewer events in the reference is pooled with the other rare ones.
pub const MIN_EVENTS: usize = 150;

/// Segments of a monitor at most; the largest are kept.
pub const MAX_SEGMENTS: usize = 40;

/// Stands for all rare values of an attribute.
pub const OTHER: &str = "other";

/// Lengths of a segment's windows in events, as far as its reference is long enough.
const WINDOWS: [u32; 5] = [50, 100, 200, 500, 1000];

/// Events between two evaluations of a segment.
const STRIDE: u32 = 25;

/// Windows of a segment at most: the longest that its reference allows.
const MAX_WINDOWS: usize = 3;

/// All interactions with one value of one attribute, or with any of its rare values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Segment {
    /// The attribute.
    pub attribute: String,
    /// Its value; `None` for the rare values together.
    pub value: Option<String>,
    /// For the rare values: the ones that have segments of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub but: Vec<String>,
}

impl Segment {
    /// Whether an interaction with these labels belongs to it; without the attribute it never does.
    pub fn holds(&self, attributes: &Attributes) -> bool {
        attributes.get(&self.attribute).is_some_and(|value| match &self.value {
            Some(own) => own == value,
            None => !self.but.contains(value),
        })
    }

    /// The segment as labels: `channel = whatsapp`, or `channel = other`.
    pub fn labels(&self) -> Attributes {
        let value = self.value.clone().unwrap_or_else(|| OTHER.to_owned());
        Attributes::from([(self.attribute.clone(), value)])
    }

    /// The same in one word: `channel=whatsapp`, or `channel=other`.
    pub fn label(&self) -> String {
        format!("{}={}", self.attribute, self.value.as_deref().unwrap_or(OTHER))
    }

    /// The segment's name in the stores, unique within a monitor.
    pub fn name(&self) -> String {
        match &self.value {
            Some(value) => format!("{}={value}", self.attribute),
            None => format!("{}*", self.attribute),
        }
    }
}

/// The segments that a reference of `events` supports under `spec`, the largest first.
pub fn of_reference(spec: &MonitorSpec, events: &[&Event]) -> Vec<Segment> {
    let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for event in events {
        for (attribute, value) in &event.attributes {
            let wanted = match &spec.segments {
                Segmentation::Off => false,
                Segmentation::Auto => true,
                Segmentation::By(attributes) => attributes.contains(attribute),
            };
            if wanted && !spec.segment.contains_key(attribute) {
                *counts.entry(attribute).or_default().entry(value).or_default() += 1;
            }
        }
    }
    let mut segments = Vec::new();
    for (attribute, values) in counts {
        if values.len() < 2 || values.len() > MAX_VALUES {
            continue;
        }
        let (large, rare): (Vec<_>, Vec<_>) =
            values.into_iter().partition(|(_, count)| *count >= MIN_EVENTS);
        let but: Vec<String> = large.iter().map(|(value, _)| (*value).to_owned()).collect();
        let pooled: usize = rare.iter().map(|(_, count)| count).sum();
        let segment =
            |value: Option<String>, but| Segment { attribute: attribute.to_owned(), value, but };
        let own =
            |(value, count): (&str, usize)| (count, segment(Some(value.to_owned()), Vec::new()));
        segments.extend(large.into_iter().map(own));
        if pooled >= MIN_EVENTS {
            segments.push((pooled, segment(None, but)));
        }
    }
    segments.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    segments.into_iter().take(MAX_SEGMENTS).map(|(_, segment)| segment).collect()
}

/// The windows of a segment with `n` events in the reference: none longer than a third of it.
pub fn windows(n: usize) -> Vec<WindowSpec> {
    let fitting: Vec<u32> =
        WINDOWS.into_iter().filter(|events| 3 * *events as usize <= n).collect();
    fitting[fitting.len().saturating_sub(MAX_WINDOWS)..]
        .iter()
        .map(|events| WindowSpec::count(&format!("last_{events}"), *events, STRIDE))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn event(labels: &[(&str, &str)]) -> Event {
        Event {
            position: 1,
            interaction_id: String::new(),
            occurred_at: Timestamp::from_micros(0),
            session_id: None,
            attributes: labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            query: None,
            response: None,
            hashes: None,
            signals: crate::model::signals::Signals::default(),
            outcomes: Vec::new(),
        }
    }

    #[test]
    fn large_values_have_their_own_and_rare_ones_are_pooled() {
        let mut events = Vec::new();
        for i in 0..1000 {
            let channel = ["web", "web", "app", "ussd", "ivr"][i % 5];
            let rare = if i % 5 > 2 && i % 10 > 4 { "kiosk" } else { channel };
            events.push(event(&[("channel", rare), ("user", &i.to_string())]));
        }
        let events: Vec<&Event> = events.iter().collect();
        let found = of_reference(&MonitorSpec::named("m"), &events);
        let names: Vec<String> = found.iter().map(Segment::name).collect();
        assert_eq!(names, ["channel=web", "channel*", "channel=app", "channel=kiosk"]);
        let other = &found[1];
        assert!(other.holds(&event(&[("channel", "ussd")]).attributes));
        assert!(other.holds(&event(&[("channel", "never seen")]).attributes));
        assert!(!other.holds(&event(&[("channel", "web")]).attributes));
        assert!(!other.holds(&event(&[]).attributes));
        let off = MonitorSpec { segments: Segmentation::Off, ..MonitorSpec::named("m") };
        assert!(of_reference(&off, &events).is_empty());
    }

    #[test]
    fn windows_keep_to_a_third_of_the_reference() {
        let lengths = |n| windows(n).iter().map(|w| w.name.clone()).collect::<Vec<_>>();
        assert_eq!(lengths(149), Vec::<String>::new());
        assert_eq!(lengths(320), ["last_50", "last_100"]);
        assert_eq!(lengths(2000), ["last_100", "last_200", "last_500"]);
    }
}
