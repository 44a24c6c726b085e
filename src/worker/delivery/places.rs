//! Who may be sent how much at the moment: places for attempts, and each receiver's rate.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::id::ReceiverId;
use crate::notify::{Bucket, Rate};

/// Attempts at one receiver at a time.
const PER_RECEIVER: u64 = 4;

/// Claims at a time that go beyond the common places, one for each receiver that has none.
const OWN_PLACES: i64 = 64;

/// Attempts under way, and what rates allow.
#[derive(Debug)]
pub(super) struct Places {
    /// Attempts under way at the same time, but for the one that every receiver may always have.
    common: u64,
    busy: BTreeMap<ReceiverId, u64>,
    buckets: BTreeMap<ReceiverId, Bucket>,
}

/// What may be claimed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// In all.
    pub(super) limit: i64,
    /// Of each of these; one of any other.
    pub(super) of_receivers: BTreeMap<ReceiverId, i64>,
}

impl Places {
    pub(super) const fn new(common: u64) -> Self {
        Self { common, busy: BTreeMap::new(), buckets: BTreeMap::new() }
    }

    /// What may be claimed at `now`. Where all places are taken, a receiver with nothing under way
    /// still gets one: others that hang until their deadline do not hold it up.
    pub(super) fn room(&mut self, now: Timestamp) -> Room {
        let taken: u64 = self.busy.values().sum();
        let is_full = taken >= self.common;
        let limit = if is_full { OWN_PLACES } else { (self.common - taken) as i64 };
        let of_receivers = self
            .buckets
            .iter_mut()
            .map(|(id, bucket)| {
                let busy = self.busy.get(id).copied().unwrap_or(0);
                let most = if is_full { 1 } else { PER_RECEIVER };
                let left = bucket.left(now).unwrap_or(u64::MAX);
                (*id, most.saturating_sub(busy).min(left) as i64)
            })
            .collect();
        Room { limit, of_receivers }
    }

    /// An attempt at a receiver begins. One that is new here has its whole burst.
    pub(super) fn take(&mut self, receiver: ReceiverId, rate: Rate, now: Timestamp) {
        *self.busy.entry(receiver).or_insert(0) += 1;
        self.buckets.entry(receiver).or_insert_with(|| Bucket::new(rate, now)).take();
    }

    /// An attempt is over and on record, or lost.
    pub(super) fn give_back(&mut self, receiver: ReceiverId) {
        if let Some(busy) = self.busy.get_mut(&receiver) {
            *busy -= 1;
            if *busy == 0 {
                self.busy.remove(&receiver);
            }
        }
    }

    /// Forgets receivers of which there is nothing to remember.
    pub(super) fn forget_idle(&mut self, now: Timestamp) {
        let busy = &self.busy;
        self.buckets.retain(|id, bucket| busy.contains_key(id) || !bucket.is_full(now));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
    const FREE: Rate = Rate { messages_per_minute: 0, burst: 1 };
    const SLOW: Rate = Rate { messages_per_minute: 60, burst: 2 };

    fn receiver(n: u64) -> ReceiverId {
        ReceiverId::new(START, &mut ChaCha8Rng::seed_from_u64(n))
    }

    #[test]
    fn a_receiver_has_four_places_and_its_rate() {
        let mut places = Places::new(16);
        assert_eq!(places.room(START), Room { limit: 16, of_receivers: BTreeMap::new() });
        places.take(receiver(1), FREE, START);
        places.take(receiver(2), SLOW, START);
        let room = places.room(START);
        assert_eq!(room.limit, 14);
        assert_eq!(room.of_receivers[&receiver(1)], 3);
        assert_eq!(room.of_receivers[&receiver(2)], 1, "two at once, of which one is gone");
        places.take(receiver(2), SLOW, START);
        places.give_back(receiver(2));
        places.give_back(receiver(2));
        assert_eq!(places.room(START).of_receivers[&receiver(2)], 0, "free places, and no right");
        let later = START.plus(Duration::from_secs(1));
        assert_eq!(places.room(later).of_receivers[&receiver(2)], 1);
    }

    #[test]
    fn when_all_places_are_taken_the_idle_still_get_one() {
        let mut places = Places::new(4);
        (0..4).for_each(|_| places.take(receiver(1), FREE, START));
        places.take(receiver(2), FREE, START);
        places.give_back(receiver(2));
        let room = places.room(START);
        assert_eq!(room.limit, OWN_PLACES);
        assert_eq!(room.of_receivers[&receiver(1)], 0);
        assert_eq!(room.of_receivers[&receiver(2)], 1);
    }

    #[test]
    fn what_is_idle_and_full_is_forgotten() {
        let mut places = Places::new(16);
        for n in 1..=3 {
            places.take(receiver(n), if n == 1 { FREE } else { SLOW }, START);
        }
        places.give_back(receiver(1));
        places.give_back(receiver(2));
        places.forget_idle(START);
        assert!(!places.buckets.contains_key(&receiver(1)));
        assert!(places.buckets.contains_key(&receiver(2)), "it has sent just now");
        places.forget_idle(START.plus(Duration::from_mins(1)));
        assert_eq!(places.buckets.keys().collect::<Vec<_>>(), [&receiver(3)], "it is under way");
    }
}
