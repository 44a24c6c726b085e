//! How many messages one receiver is sent in a minute: a token bucket, with time as an argument.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::model::receiver::ReceiverKind;

/// What one message costs, in units of which `messages_per_minute` come in a microsecond: whole
/// numbers, so that nothing is lost by rounding.
const COST: u64 = 60_000_000;

/// How many messages one receiver is sent at most. In any minute that is at most
/// `messages_per_minute + burst`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Messages in a minute, in the long run; 0 for no limit.
    pub messages_per_minute: u32,
    /// Messages at once, after a pause.
    pub burst: u32,
}

impl Rate {
    const fn new(messages_per_minute: u32, burst: u32) -> Self {
        Self { messages_per_minute, burst }
    }

    const fn capacity(self) -> u64 {
        self.burst as u64 * COST
    }
}

/// The rates of the kinds of receivers. Each receiver has a bucket of its own in each process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Slack's webhooks and bots. "1 per second" for incoming webhooks and for a channel, short
    /// bursts allowed: <https://docs.slack.dev/apis/web-api/rate-limits>.
    pub slack: Rate,
    /// "If more than four requests are made in a second, the client connection is throttled":
    /// <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>;
    /// for connectors 60 in 30 s too. 3 + 1 in a second and 33 in half a minute keep within both.
    pub teams: Rate,
    /// 30 in a minute and 5 in 2 s for one webhook, as users measured; Discord itself names no fixed
    /// number but answers 429: <https://discord.com/developers/docs/topics/rate-limits>. 25 + 5 in a
    /// minute.
    pub discord: Rate,
    /// 120 in a minute for one integration key, as its staff said
    /// (<https://community.pagerduty.com/forum/t/monitoring-api-rate-limiting/3318>); the manual
    /// says that the limit moves: <https://developer.pagerduty.com/docs/events-api-v2-overview>.
    /// 100 + 20 in a minute.
    pub pagerduty: Rate,
    /// Every other kind: endpoints of the user's own, and services whose limit hangs on the
    /// contract (<https://docs.opsgenie.com/docs/api-rate-limiting>).
    pub other: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            slack: Rate::new(60, 5),
            teams: Rate::new(60, 3),
            discord: Rate::new(25, 5),
            pagerduty: Rate::new(100, 20),
            other: Rate::new(0, 1),
        }
    }
}

impl Rates {
    /// The rate of a receiver of `kind`.
    pub const fn of(&self, kind: ReceiverKind) -> Rate {
        match kind {
            ReceiverKind::Slack | ReceiverKind::SlackBot => self.slack,
            ReceiverKind::Teams => self.teams,
            ReceiverKind::Discord => self.discord,
            ReceiverKind::Pagerduty => self.pagerduty,
            _ => self.other,
        }
    }

    /// Every problem of the settings, as (key, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let all = [
            ("slack", self.slack),
            ("teams", self.teams),
            ("discord", self.discord),
            ("pagerduty", self.pagerduty),
            ("other", self.other),
        ];
        all.into_iter()
            .filter(|(_, rate)| rate.burst == 0)
            .map(|(name, _)| {
                let detail = "must be at least 1, or nothing is ever sent".to_owned();
                (format!("rates.{name}.burst"), detail)
            })
            .collect()
    }
}

/// What one receiver may still be sent by this process: others on the same database count for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    rate: Rate,
    /// In units of [`COST`].
    level: u64,
    at: Timestamp,
}

impl Bucket {
    /// A full one.
    pub const fn new(rate: Rate, now: Timestamp) -> Self {
        Self { rate, level: rate.capacity(), at: now }
    }

    /// Messages that may be sent now; `None` for no limit.
    pub fn left(&mut self, now: Timestamp) -> Option<u64> {
        if self.rate.messages_per_minute == 0 {
            return None;
        }
        // A clock set back only starts the count anew: what it shows later is never waited for.
        let passed = u64::try_from(now.since(self.at).as_micros()).unwrap_or(u64::MAX);
        let gained = passed.saturating_mul(self.rate.messages_per_minute.into());
        self.level = self.level.saturating_add(gained).min(self.rate.capacity());
        self.at = now;
        Some(self.level / COST)
    }

    /// Notes a message that is sent.
    pub const fn take(&mut self) {
        self.level = self.level.saturating_sub(COST);
    }

    /// Whether it holds all it can, so that nothing is forgotten with it.
    pub fn is_full(&mut self, now: Timestamp) -> bool {
        self.left(now).is_none_or(|_| self.level == self.rate.capacity())
    }

    /// How long until a message may be sent.
    pub fn wait(&mut self, now: Timestamp) -> Duration {
        match self.left(now) {
            Some(0) => {
                let missing = COST - self.level;
                Duration::from_micros(missing.div_ceil(self.rate.messages_per_minute.into()))
            }
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn at(millis: u64) -> Timestamp {
        START.plus(Duration::from_millis(millis))
    }

    /// Sends whatever may be sent.
    fn drain(bucket: &mut Bucket, now: Timestamp) -> u64 {
        let left = bucket.left(now).unwrap();
        (0..left).for_each(|_| bucket.take());
        left
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let mut bucket = Bucket::new(Rate::new(30, 5), START);
        assert_eq!(drain(&mut bucket, START), 5);
        assert_eq!(bucket.wait(START), Duration::from_secs(2));
        assert_eq!(drain(&mut bucket, at(1_999)), 0);
        assert_eq!(drain(&mut bucket, at(2_000)), 1);
        assert!(!bucket.is_full(at(11_999)));
        assert!(bucket.is_full(at(12_000)));
        assert_eq!(drain(&mut bucket, at(9_000_000)), 5, "a pause saves no more than a burst");
    }

    #[test]
    fn a_clock_set_back_stops_nothing() {
        let mut bucket = Bucket::new(Rate::new(60, 1), at(3_600_000));
        assert_eq!(drain(&mut bucket, at(3_600_000)), 1);
        assert_eq!(drain(&mut bucket, START), 0);
        assert_eq!(drain(&mut bucket, at(1_000)), 1);
    }

    #[test]
    fn no_limit_is_no_limit() {
        let mut bucket = Bucket::new(Rates::default().of(ReceiverKind::Webhook), START);
        bucket.take();
        assert_eq!((bucket.left(START), bucket.is_full(START)), (None, true));
        assert_eq!(bucket.wait(START), Duration::ZERO);
    }

    #[test]
    fn the_defaults_keep_to_what_the_services_say() {
        let rates = Rates::default();
        let most = |kind, seconds: u64| {
            let rate = rates.of(kind);
            u64::from(rate.burst) + u64::from(rate.messages_per_minute) * seconds / 60
        };
        assert!(most(ReceiverKind::Teams, 1) <= 4 && most(ReceiverKind::Teams, 30) <= 60);
        assert!(most(ReceiverKind::Discord, 60) <= 30 && most(ReceiverKind::Discord, 2) <= 5);
        assert!(most(ReceiverKind::Pagerduty, 60) <= 120);
        assert_eq!(rates.of(ReceiverKind::SlackBot).messages_per_minute, 60);
        assert!(rates.problems().is_empty());
        let silent = Rates { other: Rate::new(5, 0), ..rates };
        assert_eq!(silent.problems()[0].0, "rates.other.burst");
    }

    proptest! {
        /// In every stretch of time, however it is cut, no more is sent than burst and rate allow; and
        /// nothing that they allow is withheld.
        #[test]
        fn never_more_and_never_less(
            per_minute in 1_u32..3000,
            burst in 1_u32..30,
            steps in prop::collection::vec(0_u64..20_000, 1..80),
        ) {
            let rate = Rate::new(per_minute, burst);
            let mut bucket = Bucket::new(rate, START);
            let mut sent = vec![(0, drain(&mut bucket, START))];
            let mut now = 0;
            for step in steps {
                now += step;
                sent.push((now, drain(&mut bucket, at(now))));
            }
            for from in 0..sent.len() {
                let mut total = 0;
                for (until, count) in &sent[from..] {
                    total += count;
                    let passed = until - sent[from].0;
                    let most = u64::from(burst) + passed * u64::from(per_minute) / 60_000;
                    prop_assert!(total <= most, "{total} > {most} in {passed} ms");
                }
            }
            let wait = bucket.wait(at(now));
            let then = at(now).plus(wait);
            prop_assert!(bucket.left(then).unwrap() >= 1, "after the wait there is room");
        }
    }
}
