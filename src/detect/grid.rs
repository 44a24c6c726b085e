//! Buckets and the windows over them, by count and by time.
//!
//! A grid holds the newest buckets of every stream's sketches; a window is the sum of the last so
//! many. The count grid fills a bucket with the next `stride` events in the order of arrival; the
//! time grid puts an event into the bucket of its event time.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::model::monitor::{WindowLength, WindowSpec};
use crate::model::stream::Stream;
use crate::stats::sketch::Sketch;

/// What a grid counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Events in the order of arrival.
    Events,
    /// Minutes of event time.
    Minutes,
}

impl Unit {
    /// The grid's name in the stores.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "count",
            Self::Minutes => "time",
        }
    }
}

/// The sketches of one bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// One sketch per stream with a value in it.
    pub streams: BTreeMap<Stream, Sketch>,
    /// Event time of the newest event in it.
    pub ends_at: Timestamp,
    /// Changed since it was last stored.
    pub dirty: bool,
}

/// A window of a grid, in buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridWindow {
    /// Its name.
    pub name: String,
    /// Length in buckets.
    pub buckets: i64,
    /// Buckets between two evaluations.
    pub stride: i64,
    /// With fewer events than this it is not judged.
    pub min_events: u32,
}

/// The newest buckets of one unit, and the windows over them.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// What it counts in.
    pub unit: Unit,
    /// Events or minutes in a bucket.
    pub width: u32,
    /// The windows.
    pub windows: Vec<GridWindow>,
    /// Buckets by key: ordinal, or minute ÷ width since 1970.
    pub buckets: BTreeMap<i64, Bucket>,
}

impl Grid {
    /// The grids that `windows` need: at most one per unit.
    pub fn of(windows: &[WindowSpec]) -> Vec<Self> {
        [Unit::Events, Unit::Minutes]
            .into_iter()
            .filter_map(|unit| Self::of_unit(unit, windows))
            .collect()
    }

    fn of_unit(unit: Unit, windows: &[WindowSpec]) -> Option<Self> {
        let parts: Vec<(&str, u32, u32, u32)> = windows
            .iter()
            .filter_map(|window| match (unit, window.length) {
                (Unit::Events, WindowLength::Count { events, stride }) => {
                    Some((window.name.as_str(), events, stride, events))
                }
                (Unit::Minutes, WindowLength::Time { minutes, stride_minutes, min_events }) => {
                    Some((window.name.as_str(), minutes, stride_minutes, min_events))
                }
                _ => None,
            })
            .collect();
        let width = parts.iter().map(|(_, _, stride, _)| *stride).reduce(gcd)?;
        let windows = parts
            .into_iter()
            .map(|(name, length, stride, min_events)| GridWindow {
                name: name.to_owned(),
                buckets: i64::from(length / width),
                stride: i64::from(stride / width),
                min_events,
            })
            .collect();
        Some(Self { unit, width, windows, buckets: BTreeMap::new() })
    }

    /// Length of the longest window, in buckets.
    pub fn longest(&self) -> i64 {
        self.windows.iter().map(|window| window.buckets).max().unwrap_or(1)
    }

    /// The bucket of an event at `time` that is the `seen`-th (from 0) of its monitor.
    pub fn key(&self, seen: i64, time: Timestamp) -> i64 {
        let width = i64::from(self.width);
        match self.unit {
            Unit::Events => seen.div_euclid(width),
            Unit::Minutes => time.as_micros().div_euclid(width * 60_000_000),
        }
    }

    /// The end of time bucket `key`.
    pub fn end_of(&self, key: i64) -> Timestamp {
        Timestamp::from_micros((key + 1).saturating_mul(i64::from(self.width) * 60_000_000))
    }

    /// The bucket `key`, made when there is none yet.
    pub fn bucket_mut(&mut self, key: i64, time: Timestamp) -> &mut Bucket {
        let bucket = self.buckets.entry(key).or_insert_with(|| Bucket {
            streams: BTreeMap::new(),
            ends_at: time,
            dirty: true,
        });
        bucket.ends_at = bucket.ends_at.max(time);
        bucket.dirty = true;
        bucket
    }

    /// The sum of `stream` over the window that ends with bucket `last`; `None` without an event.
    pub fn window_sum(&self, window: &GridWindow, last: i64, stream: Stream) -> Option<Sketch> {
        let first = last - window.buckets + 1;
        let mut parts =
            self.buckets.range(first..=last).filter_map(|(_, bucket)| bucket.streams.get(&stream));
        let mut sum = parts.next()?.clone();
        parts.for_each(|part| sum += part);
        Some(sum)
    }

    /// Removes the buckets that no window will hold after the one that ends with `last`, and that
    /// one commit has stored; returns their keys.
    pub fn prune(&mut self, last: i64) -> Vec<i64> {
        let keep_from = last - self.longest() + 1;
        let kept = self.buckets.split_off(&keep_from);
        std::mem::replace(&mut self.buckets, kept).into_keys().collect()
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_one_unit_share_buckets() {
        let windows = [
            WindowSpec::count("short", 200, 50),
            WindowSpec::count("long", 900, 75),
            WindowSpec {
                name: "day".into(),
                length: WindowLength::Time { minutes: 1440, stride_minutes: 60, min_events: 50 },
            },
        ];
        let grids = Grid::of(&windows);
        assert_eq!((grids[0].unit, grids[0].width, grids[0].longest()), (Unit::Events, 25, 36));
        assert_eq!((grids[1].unit, grids[1].width, grids[1].longest()), (Unit::Minutes, 60, 24));
    }

    #[test]
    fn time_keys_round_down() {
        let mut grid = Grid::of(&[WindowSpec {
            name: "w".into(),
            length: WindowLength::Time { minutes: 10, stride_minutes: 10, min_events: 2 },
        }])
        .remove(0);
        let edge = Timestamp::from_micros(600_000_000);
        assert_eq!(grid.key(0, edge), 1);
        assert_eq!(grid.key(0, Timestamp::from_micros(599_999_999)), 0);
        assert_eq!(grid.end_of(0), edge);
        for key in 0..5 {
            grid.bucket_mut(key, edge);
        }
        assert_eq!(grid.prune(3), vec![0, 1, 2]);
    }
}
