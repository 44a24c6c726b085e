//! What a rule asks: figures compared with bounds, joined by *all* and *any*.

use serde::{Deserialize, Serialize};

use crate::model::interaction::Attributes;
use crate::model::matcher::Matcher;
use crate::model::outcome;
use crate::model::quality::{CHANNEL, Side};
use crate::model::rate::Signal;
use crate::model::stream::Stream;
use crate::model::verdict::DetectorKind;

/// Comparisons in one rule at most.
const COMPARISONS: usize = 20;
/// Conditions are nested at most so deep.
const DEPTH: usize = 5;
/// Minutes that a figure looks back at most: 30 days.
const MINUTES: u32 = 30 * 24 * 60;
/// Days of counts that are summed at most.
const DAYS: u32 = 30;
/// Texts or outcomes below which a rate says nothing, where nobody says.
const LEAST: u32 = 50;
/// Interactions that a rate over minutes is taken from at most: the latest of them.
pub const SAMPLED: u32 = 10_000;

/// One comparison of a figure with a bound, or several conditions joined by `all` or `any`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Condition {
    /// Every one of them has to hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub all: Vec<Self>,
    /// One of them has to hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub any: Vec<Self>,
    /// What is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figure: Option<FigureKind>,
    /// `ratio`, `statistic`, `p_value`, `effect_size`: the monitor's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor: Option<String>,
    /// Only this stream of the monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// Only this detector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<DetectorKind>,
    /// Only the window of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// `rate`: what is counted: a check as `error_text`, a type of personal data as `personal/EMAIL`,
    /// `disclosed/EMAIL` or `foreign/EMAIL`, a policy as `policy/` with its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// `rate`: in queries or in responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// `outcome`: the outcome's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// This segment, as one label; without it all of the traffic. Over `days` it can only be a `channel`.
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub segment: Attributes,
    /// `alerts`: what the firing alerts have to match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub matchers: Vec<Matcher>,
    /// `events`, `rate`, `outcome`: how many minutes it looks back; of an outcome from the moment on before
    /// which interactions have had the time for theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
    /// `rate`: how many days in UTC, today's among them, in place of `minutes`: all texts that came, by the
    /// daily counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// `rate`, `outcome`: with fewer texts or outcomes than this there is no value; 50 where it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_count: Option<u32>,
    /// Holds while the figure is above this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// Holds while the figure is below this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// Once the alert fires, it holds until the figure is back beyond this: the hysteresis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clear: Option<f64>,
}

/// A figure that Seamark computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FigureKind {
    /// The largest statistic ÷ threshold of the latest verdicts that match: above 1 is drift at the
    /// false-alarm rate that the thresholds are calibrated for, which is the default bound.
    Ratio,
    /// The largest statistic of the latest verdicts of one detector that match.
    Statistic,
    /// The smallest p-value of the latest verdicts that match.
    PValue,
    /// The largest effect size of the latest verdicts that match.
    EffectSize,
    /// How many alerts fire that match; above 0 is the default bound.
    Alerts,
    /// Interactions that happened in the last `minutes`: below a bound is silence.
    Events,
    /// The share of texts in which `signal` was found, in 0…1.
    Rate,
    /// The mean of an outcome over interactions that have had the time for it; of a yes or no, or of a
    /// category, the rate of what is true or good.
    Outcome,
}

impl FigureKind {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ratio => "ratio",
            Self::Statistic => "statistic",
            Self::PValue => "p_value",
            Self::EffectSize => "effect_size",
            Self::Alerts => "alerts",
            Self::Events => "events",
            Self::Rate => "rate",
            Self::Outcome => "outcome",
        }
    }

    /// Whether it is read from a monitor's verdicts.
    pub const fn is_of_monitor(self) -> bool {
        matches!(self, Self::Ratio | Self::Statistic | Self::PValue | Self::EffectSize)
    }

    /// Whether it is estimated from texts or outcomes, of which there can be too few.
    pub const fn is_estimated(self) -> bool {
        matches!(self, Self::Rate | Self::Outcome)
    }
}

/// A bound and its side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Holds above it.
    Above(f64),
    /// Holds below it.
    Below(f64),
}

impl Condition {
    /// Every comparison, first to last.
    pub fn comparisons(&self) -> Vec<&Self> {
        if self.figure.is_some() {
            return vec![self];
        }
        self.all.iter().chain(&self.any).flat_map(Self::comparisons).collect()
    }

    /// The bound of a comparison; `None` where none is given and the figure has no default.
    pub fn bound(&self) -> Option<Bound> {
        match (self.above, self.below, self.figure) {
            (Some(value), _, _) => Some(Bound::Above(value)),
            (None, Some(value), _) => Some(Bound::Below(value)),
            (None, None, Some(FigureKind::Ratio)) => Some(Bound::Above(1.0)),
            (None, None, Some(FigureKind::Alerts)) => Some(Bound::Above(0.0)),
            (None, None, _) => None,
        }
    }

    /// Texts or outcomes below which an estimated figure has no value.
    pub fn least(&self) -> u32 {
        self.min_count.unwrap_or(LEAST)
    }

    /// Whether the comparison holds for `value`; a firing alert goes on up to `clear`.
    pub fn holds(&self, value: f64, firing: bool) -> bool {
        let clear = self.clear.filter(|_| firing);
        match self.bound() {
            Some(Bound::Above(bound)) => value > clear.unwrap_or(bound),
            Some(Bound::Below(bound)) => value < clear.unwrap_or(bound),
            None => false,
        }
    }

    /// Every problem, as (JSON pointer below the rule, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        self.check("/when", 0, &mut problems);
        if self.comparisons().len() > COMPARISONS {
            let detail = format!("has more than {COMPARISONS} comparisons; make several rules");
            problems.push(("/when".to_owned(), detail));
        }
        problems
    }

    fn check(&self, at: &str, depth: usize, problems: &mut Vec<(String, String)>) {
        let mut say = |pointer: String, detail: &str| problems.push((pointer, detail.to_owned()));
        let given = usize::from(!self.all.is_empty())
            + usize::from(!self.any.is_empty())
            + usize::from(self.figure.is_some());
        if given != 1 {
            say(at.to_owned(), "give exactly one of figure, all, any");
            return;
        }
        if depth > DEPTH {
            say(at.to_owned(), "is nested too deep; make several rules");
            return;
        }
        if let Some(figure) = self.figure {
            self.check_comparison(figure, at, &mut say);
            return;
        }
        let has_own = self.bound().is_some() || self.clear.is_some() || self.monitor.is_some();
        if has_own {
            say(at.to_owned(), "a joint condition has no figure of its own: put it into its parts");
        }
        for (name, parts) in [("all", &self.all), ("any", &self.any)] {
            for (i, part) in parts.iter().enumerate() {
                part.check(&format!("{at}/{name}/{i}"), depth + 1, problems);
            }
        }
    }

    fn check_comparison(&self, figure: FigureKind, at: &str, say: &mut impl FnMut(String, &str)) {
        let (of_monitor, is_estimated) = (figure.is_of_monitor(), figure.is_estimated());
        let misplaced = [
            ("monitor", self.monitor.is_some() && !of_monitor),
            ("stream", self.stream.is_some() && !of_monitor),
            ("detector", self.detector.is_some() && !of_monitor),
            ("window", self.window.is_some() && !of_monitor),
            ("segment", !self.segment.is_empty() && !of_monitor && !is_estimated),
            ("matchers", !self.matchers.is_empty() && figure != FigureKind::Alerts),
            ("minutes", self.minutes.is_some() && figure != FigureKind::Events && !is_estimated),
            ("min_count", self.min_count.is_some() && !is_estimated),
            ("signal", self.signal.is_some() && figure != FigureKind::Rate),
            ("side", self.side.is_some() && figure != FigureKind::Rate),
            ("days", self.days.is_some() && figure != FigureKind::Rate),
            ("outcome", self.outcome.is_some() && figure != FigureKind::Outcome),
        ];
        for (field, _) in misplaced.into_iter().filter(|(_, wrong)| *wrong) {
            say(format!("{at}/{field}"), &format!("{} has none: leave it out", figure.as_str()));
        }
        if of_monitor && self.monitor.is_none() {
            say(format!("{at}/monitor"), "name the monitor");
        }
        if figure == FigureKind::Statistic && self.detector.is_none() {
            say(format!("{at}/detector"), "name it: statistics of detectors do not compare");
        }
        if self.segment.len() > 1 {
            say(format!("{at}/segment"), "a segment is one label, such as {\"channel\": \"web\"}");
        }
        match figure {
            FigureKind::Rate => self.check_rate(at, say),
            FigureKind::Outcome if !self.outcome.as_deref().is_some_and(outcome::is_name) => {
                say(format!("{at}/outcome"), "name the outcome, such as resolved");
            }
            _ => {}
        }
        let by_minutes = figure == FigureKind::Events || (is_estimated && self.days.is_none());
        if by_minutes && !self.minutes.is_some_and(|m| (1..=MINUTES).contains(&m)) {
            say(format!("{at}/minutes"), &format!("give 1 to {MINUTES}"));
        }
        if self.min_count.is_some_and(|least| is_estimated && !(1..=SAMPLED).contains(&least)) {
            say(format!("{at}/min_count"), &format!("give 1 to {SAMPLED}"));
        }
        if self.above.is_some() && self.below.is_some() {
            say(format!("{at}/below"), "give above or below; join two comparisons by any");
        }
        let Some(bound) = self.bound() else {
            say(format!("{at}/above"), "give a bound: above or below");
            return;
        };
        let numbers = [self.above, self.below, self.clear];
        if numbers.iter().flatten().any(|number| !number.is_finite()) {
            say(at.to_owned(), "bounds are finite numbers");
        }
        let is_beyond = |clear: f64| match bound {
            Bound::Above(bound) => clear > bound,
            Bound::Below(bound) => clear < bound,
        };
        if self.clear.is_some_and(is_beyond) {
            say(format!("{at}/clear"), "must be on the quiet side of the bound");
        }
    }

    fn check_rate(&self, at: &str, say: &mut impl FnMut(String, &str)) {
        let signal = self.signal.as_deref().and_then(Signal::parse);
        if signal.is_none() {
            say(format!("{at}/signal"), &Signal::known());
        }
        match (self.side, signal) {
            (None, _) => say(format!("{at}/side"), "name it: query or response"),
            (Some(side), Some(signal)) if !signal.is_of(side) => {
                say(format!("{at}/side"), "only responses tell what was not in their query");
            }
            _ => {}
        }
        if let Some(days) = self.days {
            if !(1..=DAYS).contains(&days) {
                say(format!("{at}/days"), &format!("give 1 to {DAYS}"));
            }
            if self.minutes.is_some() {
                say(format!("{at}/days"), "give minutes or days, not both");
            }
            if self.segment.keys().any(|label| label != CHANNEL) {
                say(format!("{at}/segment"), "days are counted by channel alone: give minutes");
            }
        }
        for (field, bound) in [("above", self.above), ("below", self.below)] {
            if bound.is_some_and(|bound| bound.is_finite() && !(0.0..=1.0).contains(&bound)) {
                say(format!("{at}/{field}"), "a rate lies in 0 to 1: write 5 % as 0.05");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Condition {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn hysteresis_holds_a_firing_alert_up_to_clear() {
        let above = parsed(r#"{"figure": "ratio", "monitor": "m", "clear": 0.7}"#);
        assert!(above.holds(1.1, false) && !above.holds(0.9, false));
        assert!(above.holds(0.9, true) && !above.holds(0.7, true));
        let below = parsed(r#"{"figure": "events", "minutes": 5, "below": 10, "clear": 20}"#);
        assert!(below.holds(9.0, false) && !below.holds(10.0, false));
        assert!(below.holds(19.0, true) && !below.holds(20.0, true));
    }

    #[test]
    fn what_cannot_be_compared_is_refused_where_it_stands() {
        let text = r#"{"all": [
            {"figure": "statistic", "monitor": "m", "above": 1, "clear": 2},
            {"figure": "events", "monitor": "m", "below": 1},
            {"figure": "p_value", "monitor": "m"},
            {"any": [{"figure": "alerts", "minutes": 4}, {}]}], "above": 3}"#;
        let found: Vec<String> = parsed(text).problems().into_iter().map(|(at, _)| at).collect();
        let wanted = [
            "/when",
            "/when/all/0/detector",
            "/when/all/0/clear",
            "/when/all/1/monitor",
            "/when/all/1/minutes",
            "/when/all/2/above",
            "/when/all/3/any/0/minutes",
            "/when/all/3/any/1",
        ];
        assert_eq!(found, wanted);
        let rates = r#"{"any": [
            {"figure": "rate", "signal": "EMAIL", "minutes": 5, "days": 40, "above": 5},
            {"figure": "rate", "signal": "foreign/EMAIL", "side": "query", "days": 2, "above": 0.1,
             "segment": {"country": "gh"}},
            {"figure": "outcome", "signal": "refusal", "days": 3, "below": 4, "min_count": 0},
            {"figure": "outcome", "outcome": "csat", "minutes": 0, "below": 4},
            {"figure": "ratio", "monitor": "m", "min_count": 3, "outcome": "csat"}]}"#;
        let found: Vec<String> = parsed(rates).problems().into_iter().map(|(at, _)| at).collect();
        let wanted = [
            "/when/any/0/signal",
            "/when/any/0/side",
            "/when/any/0/days",
            "/when/any/0/days",
            "/when/any/0/above",
            "/when/any/1/side",
            "/when/any/1/segment",
            "/when/any/2/signal",
            "/when/any/2/days",
            "/when/any/2/outcome",
            "/when/any/2/min_count",
            "/when/any/3/minutes",
            "/when/any/4/min_count",
            "/when/any/4/outcome",
        ];
        assert_eq!(found, wanted);
        let good = r#"{"any": [{"figure": "ratio", "monitor": "m"}, {"figure": "alerts"},
            {"figure": "rate", "signal": "policy/no advice", "side": "response", "minutes": 60,
             "above": 0.05, "clear": 0.03, "min_count": 20, "segment": {"country": "gh"}},
            {"figure": "rate", "signal": "refusal", "side": "response", "days": 1, "above": 0.05,
             "segment": {"channel": "ussd"}},
            {"figure": "outcome", "outcome": "resolved", "minutes": 1440, "below": 0.8}]}"#;
        assert_eq!(parsed(good).problems(), []);
    }
}
