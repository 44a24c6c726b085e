//! Sums of outcomes: of all interactions, by segment and by topic. They add.

use std::ops::{AddAssign, SubAssign};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many outcomes, and their sum.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Moments {
    /// Outcomes.
    pub n: f64,
    /// Their sum.
    pub sum: f64,
}

impl Moments {
    /// Their mean; not a number of none.
    pub fn mean(self) -> f64 {
        self.sum / self.n
    }
}

/// The groups that sums are kept of, for each name of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Groups {
    /// Names of outcomes.
    pub names: usize,
    /// Segments of the traffic.
    pub segments: usize,
    /// Topics of the queries.
    pub topics: usize,
}

/// A group of interactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Group {
    /// All.
    Whole,
    /// The segment of that number.
    Segment(usize),
    /// The topic of that number.
    Topic(usize),
}

impl Groups {
    const fn per_name(self) -> usize {
        1 + self.segments + self.topics
    }

    const fn index(self, name: usize, group: Group) -> usize {
        let own = match group {
            Group::Whole => 0,
            Group::Segment(segment) => 1 + segment,
            Group::Topic(topic) => 1 + self.segments + topic,
        };
        name * self.per_name() + own
    }
}

/// The moments of every group.
#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    groups: Groups,
    moments: Vec<Moments>,
}

impl Sums {
    /// Of no outcomes.
    pub fn empty(groups: Groups) -> Self {
        Self { groups, moments: vec![Moments::default(); groups.names * groups.per_name()] }
    }

    /// Adds an interaction: its segments, its topic, and by name its outcome, where it has one.
    pub fn add(&mut self, segments: &[usize], topic: Option<usize>, values: &[Option<f64>]) {
        let within = |group: &Group| match *group {
            Group::Whole => true,
            Group::Segment(segment) => segment < self.groups.segments,
            Group::Topic(topic) => topic < self.groups.topics,
        };
        let groups: Vec<Group> = std::iter::once(Group::Whole)
            .chain(segments.iter().copied().map(Group::Segment))
            .chain(topic.map(Group::Topic))
            .filter(within)
            .collect();
        for (name, value) in values.iter().enumerate().take(self.groups.names) {
            let Some(value) = value else { continue };
            for group in &groups {
                let moments = &mut self.moments[self.groups.index(name, *group)];
                moments.n += 1.0;
                moments.sum += value;
            }
        }
    }

    /// The moments of a group.
    pub fn of(&self, name: usize, group: Group) -> Moments {
        self.moments.get(self.groups.index(name, group)).copied().unwrap_or_default()
    }

    /// The groups.
    pub const fn groups(&self) -> Groups {
        self.groups
    }
}

impl AddAssign<&Sums> for Sums {
    fn add_assign(&mut self, other: &Sums) {
        for (own, other) in self.moments.iter_mut().zip(&other.moments) {
            own.n += other.n;
            own.sum += other.sum;
        }
    }
}

impl SubAssign<&Sums> for Sums {
    fn sub_assign(&mut self, other: &Sums) {
        for (own, other) in self.moments.iter_mut().zip(&other.moments) {
            own.n -= other.n;
            own.sum -= other.sum;
        }
    }
}

/// Stored are the groups that have outcomes: fifty interactions are of few.
#[derive(Serialize, Deserialize)]
struct Stored {
    groups: Groups,
    moments: Vec<(usize, f64, f64)>,
}

impl Serialize for Sums {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let some = self.moments.iter().enumerate().filter(|(_, m)| m.n > 0.0);
        let moments = some.map(|(i, m)| (i, m.n, m.sum)).collect();
        Stored { groups: self.groups, moments }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sums {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        let mut sums = Self::empty(stored.groups);
        for (i, n, sum) in stored.moments {
            if let Some(moments) = sums.moments.get_mut(i) {
                *moments = Moments { n, sum };
            }
        }
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GROUPS: Groups = Groups { names: 2, segments: 3, topics: 4 };

    /// Segments, topic and values.
    type Row = (Vec<usize>, Option<usize>, Vec<Option<f64>>);

    fn row() -> impl Strategy<Value = Row> {
        let value = prop::option::of((-50i32..50).prop_map(f64::from));
        let segments = prop::collection::btree_set(0usize..4, 0..3);
        (segments, prop::option::of(0usize..5), prop::collection::vec(value, 2))
            .prop_map(|(segments, topic, values)| (segments.into_iter().collect(), topic, values))
    }

    proptest! {
        #[test]
        fn sums_add_come_off_and_are_stored(rows in prop::collection::vec(row(), 0..30), cut in 0usize..30) {
            let sum = |rows: &[Row]| {
                let mut sums = Sums::empty(GROUPS);
                rows.iter().for_each(|(s, t, v)| sums.add(s, *t, v));
                sums
            };
            let cut = cut.min(rows.len());
            let mut both = sum(&rows[..cut]);
            both += &sum(&rows[cut..]);
            prop_assert_eq!(&both, &sum(&rows));
            both -= &sum(&rows[cut..]);
            prop_assert_eq!(&both, &sum(&rows[..cut]));
            let stored: Sums = serde_json::from_str(&serde_json::to_string(&both).unwrap()).unwrap();
            prop_assert_eq!(stored, both);
        }
    }

    #[test]
    fn each_outcome_counts_in_each_of_its_groups_once() {
        let mut sums = Sums::empty(GROUPS);
        sums.add(&[0, 2], Some(1), &[Some(1.0), None]);
        sums.add(&[2], None, &[Some(0.0), Some(4.0)]);
        assert_eq!(sums.of(0, Group::Whole), Moments { n: 2.0, sum: 1.0 });
        assert_eq!(sums.of(0, Group::Segment(2)), Moments { n: 2.0, sum: 1.0 });
        assert_eq!(sums.of(0, Group::Segment(1)), Moments::default());
        assert_eq!(sums.of(0, Group::Topic(1)), Moments { n: 1.0, sum: 1.0 });
        assert_eq!(sums.of(1, Group::Segment(2)), Moments { n: 1.0, sum: 4.0 });
        assert!(sums.of(1, Group::Topic(1)).mean().is_nan());
    }
}
