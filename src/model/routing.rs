//! Who hears of which alerts, when, and when not: routes, inhibitions, mute times, silences.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{ProjectId, ReceiverId, SilenceId};
use crate::model::matcher::Matcher;

/// How a project's alerts find their receivers, beside those that a monitor names itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Routing {
    /// Every alert enters here. Alerts that a monitor's own `receivers` are told of take its
    /// `repeat_interval_seconds` too.
    pub route: Route,
    /// Alerts that keep others silent.
    pub inhibitions: Vec<Inhibition>,
    /// Times by name, for routes to be mute in.
    pub mute_times: Vec<MuteTime>,
}

/// A node of the tree of routes. An alert goes down to the first child that matches, and on to the
/// next ones where that child says `continue`; without such a child the node itself takes it. What a
/// node does not say, its parent says.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// All of them have to match; none matches everything.
    #[schema(value_type = Vec<String>)]
    pub matchers: Vec<Matcher>,
    /// Who is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receivers: Option<Vec<ReceiverId>>,
    /// Alerts with the same values of these labels are told together; `...` groups by all labels, so
    /// that each alert stands alone, which is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_by: Option<Vec<String>>,
    /// How long a new group waits for more of its kind; 0 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_wait_seconds: Option<u32>,
    /// How long after a message the next change of the group waits; 0 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_interval_seconds: Option<u32>,
    /// After how long a firing group is told again; never by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat_interval_seconds: Option<u32>,
    /// Names of mute times in which this route tells nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mute: Vec<String>,
    /// Who is told when nobody acknowledges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalate: Option<Escalation>,
    /// Whether later siblings may match too.
    #[serde(rename = "continue")]
    pub goes_on: bool,
    /// More particular routes.
    #[schema(no_recursion)]
    pub routes: Vec<Route>,
}

/// Whom to tell of a group that fires on without being acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// So long after the first message.
    pub after_seconds: u32,
    /// Who is told then.
    pub receivers: Vec<ReceiverId>,
}

/// While a `source` alert fires, `target` alerts with equal labels are kept silent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Inhibition {
    /// What the firing alert has to match.
    #[schema(value_type = Vec<String>)]
    pub source: Vec<Matcher>,
    /// What is kept silent.
    #[schema(value_type = Vec<String>)]
    pub target: Vec<Matcher>,
    /// Labels in which the two have to agree.
    #[serde(default)]
    pub equal: Vec<String>,
}

/// Hours of days of the week, in UTC plus an offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MuteTime {
    /// Its name.
    pub name: String,
    /// The days; none means all.
    #[serde(default)]
    pub days: Vec<Weekday>,
    /// From this minute of the day on, as minutes since midnight.
    #[serde(default)]
    pub from_minute: u16,
    /// Up to this one; 1440 is midnight. Where it is not after `from_minute`, it is on the next day.
    #[serde(default = "midnight")]
    pub until_minute: u16,
    /// Minutes that the clock there is ahead of UTC: 120 for South Africa.
    #[serde(default)]
    pub utc_offset_minutes: i16,
}

const fn midnight() -> u16 {
    1440
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "their names say it all")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];
}

impl MuteTime {
    /// Whether it is such a time at `now`.
    pub fn holds(&self, now: Timestamp) -> bool {
        let local = now.as_seconds().div_euclid(60) + i64::from(self.utc_offset_minutes);
        let (day, minute) = (local.div_euclid(1440), local.rem_euclid(1440));
        let (from, until) = (i64::from(self.from_minute), i64::from(self.until_minute));
        let starts_on = |day: i64| {
            // 1970-01-01 was a Thursday.
            let weekday = Weekday::ALL[(day + 3).rem_euclid(7) as usize];
            self.days.is_empty() || self.days.contains(&weekday)
        };
        if from < until {
            return starts_on(day) && (from..until).contains(&minute);
        }
        (starts_on(day) && minute >= from) || (starts_on(day - 1) && minute < until)
    }
}

/// Alerts that match are not told while it lasts.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Silence {
    /// Its id.
    pub id: SilenceId,
    /// The project.
    pub project_id: ProjectId,
    /// All of them have to match.
    #[schema(value_type = Vec<String>)]
    pub matchers: Vec<Matcher>,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Why.
    pub comment: String,
    /// Who made it: the name of the key.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Silence {
    /// Whether it lasts at `now`.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.starts_at <= now && now < self.ends_at
    }
}

impl Routing {
    /// Every problem of the tree, as (JSON pointer, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut count = 0;
        self.check(&self.route, "/route", 0, &mut count, &mut problems);
        if count > 500 {
            problems.push(("/route".to_owned(), "has more than 500 routes".to_owned()));
        }
        if !self.route.matchers.is_empty() {
            let detail = "the root takes every alert; put matchers into its routes".to_owned();
            problems.push(("/route/matchers".to_owned(), detail));
        }
        for (i, inhibition) in self.inhibitions.iter().enumerate() {
            if inhibition.source.is_empty() || inhibition.target.is_empty() {
                let detail = "name at least one matcher of source and of target".to_owned();
                problems.push((format!("/inhibitions/{i}"), detail));
            }
        }
        for (i, time) in self.mute_times.iter().enumerate() {
            let in_day = time.from_minute < 1440 && time.until_minute <= 1440;
            if !in_day || time.utc_offset_minutes.abs() > 14 * 60 {
                let detail = "minutes are 0 to 1440, the offset at most 840".to_owned();
                problems.push((format!("/mute_times/{i}"), detail));
            }
        }
        problems
    }

    fn check(
        &self,
        route: &Route,
        pointer: &str,
        depth: usize,
        count: &mut usize,
        problems: &mut Vec<(String, String)>,
    ) {
        *count += 1;
        if depth > 10 {
            problems.push((pointer.to_owned(), "routes are nested at most 10 deep".to_owned()));
            return;
        }
        for name in &route.mute {
            if !self.mute_times.iter().any(|time| time.name == *name) {
                let detail = format!("{name:?} is no name of mute_times");
                problems.push((format!("{pointer}/mute"), detail));
            }
        }
        if route.repeat_interval_seconds.is_some_and(|seconds| seconds < 60) {
            let detail = "must be at least 60".to_owned();
            problems.push((format!("{pointer}/repeat_interval_seconds"), detail));
        }
        for (i, child) in route.routes.iter().enumerate() {
            self.check(child, &format!("{pointer}/routes/{i}"), depth + 1, count, problems);
        }
    }

    /// Every receiver that is named anywhere.
    pub fn receivers(&self) -> Vec<ReceiverId> {
        fn collect(route: &Route, all: &mut Vec<ReceiverId>) {
            all.extend(route.receivers.iter().flatten());
            all.extend(route.escalate.iter().flat_map(|escalation| &escalation.receivers));
            route.routes.iter().for_each(|child| collect(child, all));
        }
        let mut all = Vec::new();
        collect(&self.route, &mut all);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_reaches_into_the_next_day() {
        let night = MuteTime {
            name: "night".to_owned(),
            days: vec![Weekday::Friday],
            from_minute: 22 * 60,
            until_minute: 6 * 60,
            utc_offset_minutes: 120,
        };
        // 2026-11-27 is a Friday; the clock there is two hours ahead.
        let at = |text: &str| night.holds(Timestamp::parse(text).unwrap());
        assert!(!at("2026-11-27T19:59:00Z") && at("2026-11-27T20:00:00Z"));
        assert!(at("2026-11-28T03:59:00Z") && !at("2026-11-28T04:00:00Z"));
        assert!(!at("2026-11-28T21:00:00Z"), "Saturday's night is none of them");
    }

    #[test]
    fn a_tree_that_cannot_be_is_refused_where_it_is_wrong() {
        let text = r#"{"route": {"matchers": ["a=b"], "routes": [{"mute": ["nights"],
            "repeat_interval_seconds": 5}]}, "inhibitions": [{"source": [], "target": []}]}"#;
        let routing: Routing = serde_json::from_str(text).unwrap();
        let found: Vec<String> = routing.problems().into_iter().map(|(at, _)| at).collect();
        let wanted = [
            "/route/routes/0/mute",
            "/route/routes/0/repeat_interval_seconds",
            "/route/matchers",
            "/inhibitions/0",
        ];
        assert_eq!(found, wanted);
    }
}
