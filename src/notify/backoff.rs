//! What follows an attempt: when to try again, and when to give up.

use std::time::Duration;

use chrono::DateTime;
use rand::{Rng, RngCore};

use crate::clock::Timestamp;
use crate::egress::Response;
use crate::notify::channel::Answer;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Seconds to wait before attempt 1, 2, … 10: the schedule of the Standard Webhooks, 75.6 h in all.
const SCHEDULE: [u64; 10] =
    [0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// No receiver can ask for more than this.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * HOUR);

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It arrived.
    Delivered,
    /// Try again then.
    RetryAt(Timestamp),
    /// Give up.
    Exhausted {
        /// The receiver said that it is gone for good, or failed through the whole schedule: send it
        /// nothing more.
        disable_receiver: bool,
    },
}

/// How long to wait before attempt `number` (1, 2, …), ± 20 %; `None` when there is none.
pub fn delay_before(number: i64, rng: &mut impl RngCore) -> Option<Duration> {
    let index = usize::try_from(number.checked_sub(1)?).ok()?;
    let seconds = *SCHEDULE.get(index)?;
    Some(Duration::from_secs(seconds).mul_f64(rng.random_range(0.8..=1.2)))
}

/// What follows attempt `number`, which ended at `now` with `answer`; `None` for no answer at all.
pub(super) fn after(
    answer: Option<Answer>,
    response: Option<&Response>,
    number: i64,
    now: Timestamp,
    rng: &mut impl RngCore,
) -> Next {
    let asked = match answer {
        Some(Answer::Delivered) => return Next::Delivered,
        Some(Answer::Gone) => return Next::Exhausted { disable_receiver: true },
        Some(Answer::Refused) => return Next::Exhausted { disable_receiver: false },
        Some(Answer::Later(wait)) => wait.min(LONGEST_WAIT),
        None => Duration::ZERO,
    };
    let Some(delay) = delay_before(number.saturating_add(1), rng) else {
        // Three days of failures: what is due later would only pile up.
        return Next::Exhausted { disable_receiver: true };
    };
    let asked = asked.max(response.and_then(|r| asked_wait(r, now)).unwrap_or_default());
    Next::RetryAt(now.plus(delay.max(asked)))
}

fn asked_wait(response: &Response, now: Timestamp) -> Option<Duration> {
    if !matches!(response.status, 429 | 502..=504) {
        return None;
    }
    parse_retry_after(response.retry_after.as_deref()?, now)
}

/// `Retry-After` of RFC 9110: seconds or an HTTP date, held at 24 h; `None` when it is neither.
pub(super) fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let wait = if let Ok(seconds) = value.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let date = DateTime::parse_from_rfc2822(value).ok()?;
        Timestamp::from_micros(date.timestamp_micros()).since(now)
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::notify::channel::by_status;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(4)
    }

    fn answer(status: u16, retry_after: Option<&str>) -> Response {
        let retry_after = retry_after.map(str::to_owned);
        Response { status, retry_after, body: String::new() }
    }

    fn next(number: i64, response: &Response) -> Next {
        after(Some(by_status(response)), Some(response), number, NOW, &mut rng())
    }

    fn wait(number: i64, response: &Response) -> Option<Duration> {
        match next(number, response) {
            Next::RetryAt(at) => Some(at.since(NOW)),
            Next::Delivered | Next::Exhausted { .. } => None,
        }
    }

    #[test]
    fn the_schedule_is_kept_within_its_jitter() {
        let mut rng = rng();
        for (i, seconds) in SCHEDULE.into_iter().enumerate() {
            for _ in 0..100 {
                let delay = delay_before(i as i64 + 1, &mut rng).unwrap().as_secs_f64();
                let seconds = seconds as f64;
                assert!((0.8 * seconds..=1.2 * seconds).contains(&delay), "{i}: {delay}");
            }
        }
        for outside in [i64::MIN, -1, 0, 11, i64::MAX] {
            assert_eq!(delay_before(outside, &mut rng), None, "{outside}");
        }
    }

    #[test]
    fn answers_are_judged_by_their_status() {
        for status in [200, 201, 204, 299] {
            assert_eq!(next(1, &answer(status, None)), Next::Delivered);
        }
        for status in [100, 301, 302, 308, 400, 401, 404, 429, 500, 503, 599] {
            assert!(matches!(next(1, &answer(status, None)), Next::RetryAt(_)), "{status}");
        }
        assert_eq!(next(1, &answer(410, None)), Next::Exhausted { disable_receiver: true });
        let refused = after(Some(Answer::Refused), None, 1, NOW, &mut rng());
        assert_eq!(refused, Next::Exhausted { disable_receiver: false });
    }

    #[test]
    fn it_gives_up_after_the_tenth_attempt() {
        let broken = answer(500, None);
        assert!(wait(9, &broken).is_some());
        assert_eq!(next(10, &broken), Next::Exhausted { disable_receiver: true });
        assert!(matches!(after(None, None, 1, NOW, &mut rng()), Next::RetryAt(_)));
    }

    #[test]
    fn an_answer_can_ask_for_a_longer_wait_itself() {
        let day = Duration::from_secs(30 * HOUR);
        let Next::RetryAt(at) = after(Some(Answer::Later(day)), None, 1, NOW, &mut rng()) else {
            panic!("it tries again");
        };
        assert_eq!(at.since(NOW), LONGEST_WAIT);
    }

    #[test]
    fn retry_after_lengthens_the_wait_where_it_means_something() {
        let hour = Duration::from_secs(HOUR);
        assert_eq!(wait(1, &answer(429, Some("3600"))), Some(hour));
        assert_eq!(wait(1, &answer(503, Some("Tue, 14 Nov 2023 23:13:20 GMT"))), Some(hour));
        assert_eq!(wait(1, &answer(429, Some("999999999"))), Some(LONGEST_WAIT));
        for ignored in ["-5", "soon", "", "Tue, 14 Nov 1923 23:13:20 GMT", "0"] {
            let plain = wait(1, &answer(429, None));
            assert_eq!(wait(1, &answer(429, Some(ignored))), plain, "{ignored}");
        }
        assert!(wait(1, &answer(500, Some("3600"))).unwrap() < hour);
    }
}
