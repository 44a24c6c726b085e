//! The timeline of an alert as a picture, with words for those who do not see it.

use crate::clock::Timestamp;
use crate::model::alert::Alert;
use crate::model::stream::Stream;
use crate::model::verdict::Verdict;
use crate::notify::message::detector_name;
use crate::notify::text::{cut, number};
use crate::picture::{Plot, Point, Words, draw};

/// Evaluations before the alert's begin that are shown.
const BEFORE: usize = 60;
/// Characters of a name in a text.
const NAME: usize = 60;

/// A picture of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The bytes of a PNG.
    pub png: Vec<u8>,
    /// What it is, in a few words.
    pub title: String,
    /// What it shows, in at most 1,000 characters.
    pub alt: String,
}

/// Draws the series that `alert` is about: of its reasons the one that exceeds its threshold most.
///
/// `evaluations` are verdicts by the event time of their evaluation, in any order. `None` where they
/// hold no value of it, and for a rule's alert, which has figures and no statistic of its own.
pub fn timeline(alert: &Alert, evaluations: &[(Timestamp, Vec<Verdict>)]) -> Option<Picture> {
    let stream = alert.stream?;
    let like = example(alert, stream, evaluations)?;
    let points = points(alert, like, evaluations);
    let known = || points.iter().filter(|point| point.value.is_some_and(f64::is_finite));
    let (latest, threshold) =
        (known().next_back()?.value?, known().rev().find_map(|p| p.threshold));
    let (first, last) = (moment(points.first()?.at), moment(points.last()?.at));
    let values = format!("Latest {}", number(latest));
    let compared = threshold.map_or_else(String::new, |t| format!("Threshold {}", number(t)));
    let ends = alert.resolved_at.map_or(i64::MAX, Timestamp::as_micros);
    let png = draw(&Plot {
        points: &points,
        shaded: alert.fired_at.map(|fired| (fired.as_micros(), ends)),
        words: Words {
            values: &values,
            threshold: &compared,
            shaded: "Firing",
            first: &first,
            last: &last,
        },
    })?;
    let title = format!("Timeline: {}", named(like));
    let highest = known().filter_map(|point| point.value).fold(latest, f64::max);
    let mut alt = format!(
        "{title} of {}{}, {} evaluations from {first} to {last}. Latest {}, highest {}",
        cut(stream.as_str(), NAME),
        like.segment.first_key_value().map_or_else(String::new, |(label, value)| {
            format!(" in {} {}", cut(label, NAME), cut(value, NAME))
        }),
        points.len(),
        number(latest),
        number(highest),
    );
    alt.extend(threshold.map(|threshold| format!(", threshold {}", number(threshold))));
    alt.extend(alert.fired_at.map(|fired| format!(". Firing from {}", moment(fired.as_micros()))));
    let ended = alert.resolved_at.filter(|_| alert.fired_at.is_some());
    alt.extend(ended.map(|end| format!(" to {}", moment(end.as_micros()))));
    alt.push('.');
    Some(Picture { png, title, alt })
}

/// A verdict of the series to draw: a reason of the alert, or the worst there is.
fn example<'a>(
    alert: &'a Alert,
    stream: Stream,
    evaluations: &'a [(Timestamp, Vec<Verdict>)],
) -> Option<&'a Verdict> {
    let ratio = |verdict: &&Verdict| verdict.ratio().unwrap_or(f64::NEG_INFINITY);
    let worst = |one: &&'a Verdict, other: &&'a Verdict| ratio(one).total_cmp(&ratio(other));
    let is_own = |verdict: &&Verdict| verdict.stream == stream && verdict.segment == alert.segment;
    alert.reasons.iter().max_by(worst).or_else(|| {
        let all = evaluations.iter().flat_map(|(_, verdicts)| verdicts);
        all.filter(is_own).max_by(worst)
    })
}

/// The series, oldest first: all of the alert, and a little of what was before.
fn points(alert: &Alert, like: &Verdict, evaluations: &[(Timestamp, Vec<Verdict>)]) -> Vec<Point> {
    let point = |(at, verdicts): &(Timestamp, Vec<Verdict>)| {
        let verdict = verdicts.iter().find(|verdict| is_same_series(verdict, like))?;
        let (value, threshold) = (verdict.statistic, verdict.threshold);
        Some(Point { at: at.as_micros(), value, threshold })
    };
    let mut points: Vec<Point> = evaluations.iter().filter_map(point).collect();
    points.sort_by_key(|point| point.at);
    let begin = points.partition_point(|point| point.at < alert.started_at.as_micros());
    points.split_off(begin.saturating_sub(BEFORE))
}

fn is_same_series(one: &Verdict, other: &Verdict) -> bool {
    let outcome = |verdict: &Verdict| {
        let found = verdict.outcome.as_ref();
        found.map(|found| (found.name.clone(), found.segment.clone(), found.topic))
    };
    (one.stream, one.detector, &one.window, &one.segment)
        == (other.stream, other.detector, &other.window, &other.segment)
        && outcome(one) == outcome(other)
}

/// `MMD² on window short`, and of outcomes which one.
fn named(verdict: &Verdict) -> String {
    let outcome = verdict.outcome.as_ref();
    let outcome =
        outcome.map_or_else(String::new, |found| format!(" of {}", cut(&found.name, NAME)));
    format!("{}{outcome} on window {}", detector_name(verdict.detector), cut(&verdict.window, NAME))
}

/// `2026-11-18 11:06 UTC`.
fn moment(micros: i64) -> String {
    let text = Timestamp::from_micros(micros).to_string();
    match text.get(..16) {
        Some(minute) if text.ends_with('Z') => format!("{} UTC", minute.replace('T', " ")),
        _ => text,
    }
}

#[cfg(test)]
mod tests;
