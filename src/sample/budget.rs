//! What a minute has brought so far.

use crate::clock::Timestamp;

/// Counts the interactions offered in the current minute of receive time.
///
/// Under a cap the *i*-th interaction of a minute is kept with probability min(rate, cap ÷ i): the
/// first `cap` are unaffected, then ever fewer hashes stay, always the lowest ones. A minute with
/// `n` > cap offers keeps about cap × (1 + ln(n ÷ cap)) of them: a burst of ten times the cap stores
/// 3.3 times the cap. Unlike a hard stop this leaves no gap at the end of the minute, and every
/// interaction keeps the chance that it is weighted with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MinuteBudget {
    minute: i64,
    offered: u64,
}

impl MinuteBudget {
    /// Counts one more interaction and says how many the minute of `now` has seen, this one included.
    pub(crate) fn offer(&mut self, now: Timestamp) -> u64 {
        let minute = now.as_seconds().div_euclid(60);
        if minute != self.minute {
            *self = Self { minute, offered: 0 };
        }
        self.offered += 1;
        self.offered
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_new_minute_starts_from_one() {
        let mut budget = MinuteBudget::default();
        let start = Timestamp::from_micros(60_000_000);
        assert_eq!(budget.offer(start), 1);
        assert_eq!(budget.offer(start.plus(Duration::from_secs(59))), 2);
        assert_eq!(budget.offer(start.plus(Duration::from_mins(1))), 1);
    }
}
