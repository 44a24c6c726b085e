//! What an engine remembers, as bytes for the stores.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::detect::grid::{Bucket, GridWindow};
use crate::detect::outcomes::OutcomeMemory;
use crate::detect::repeats::Repeats;
use crate::model::stream::Stream;
use crate::model::verdict::Verdict;
use crate::stats::sketch::Sketch;

/// Stored state that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The small state is damaged.
    #[error("the stored monitor state is damaged: {reason}")]
    Memory {
        /// What was found.
        reason: String,
    },
    /// A bucket is damaged.
    #[error("stored bucket {grid}/{key} is damaged")]
    Bucket {
        /// Its grid.
        grid: String,
        /// Its key.
        key: i64,
    },
    /// A bucket belongs to no window of the monitor.
    #[error("stored buckets of grid {grid:?} belong to no window of this monitor")]
    UnknownGrid {
        /// The grid.
        grid: String,
    },
}

/// Everything but the buckets.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// Events observed and not late, repeats included.
    pub arrivals: i64,
    /// Events left out because they came too late.
    pub late: i64,
    /// Newest event time.
    pub watermark: Timestamp,
    /// What texts have come lately.
    pub repeats: Repeats,
    /// Events left out so far because they repeat a text.
    pub repeated: i64,
    /// Share of repeats ÷ its threshold when it was last judged.
    pub repeats_ratio: Option<f64>,
    /// What outcomes have come.
    #[serde(default)]
    pub outcomes: OutcomeMemory,
    /// By the part's name, "" for the whole.
    pub parts: BTreeMap<String, PartMemory>,
}

/// What is remembered of one part of the traffic.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PartMemory {
    /// Its events so far.
    pub seen: i64,
    /// Event time of the first of them.
    pub first_at: Option<Timestamp>,
    /// Newest event time.
    pub newest_at: Timestamp,
    /// First time bucket that is still open.
    pub open_from: Option<i64>,
    /// Largest statistic ÷ threshold in the latest verdicts, per stream and window.
    latest: BTreeMap<Stream, BTreeMap<String, f64>>,
}

impl Memory {
    /// The bytes of the memory.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The memory of `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RestoreError> {
        serde_json::from_slice(bytes).map_err(|e| RestoreError::Memory { reason: e.to_string() })
    }
}

impl PartMemory {
    /// How many times as dense as `events_per_day` the events came so far: 1 during the first day,
    /// then by all that has been seen, so that a burst hardly moves it.
    pub fn intensity(&self, events_per_day: f64) -> f64 {
        intensity(self.seen as f64, self.first_at, self.newest_at, events_per_day)
    }

    /// Keeps the latest ratio of a window; a window that could not be judged keeps its former one.
    pub fn remember(&mut self, stream: Stream, window: &str, verdicts: &[Verdict]) {
        if let Some(ratio) = verdicts.iter().filter_map(Verdict::ratio).reduce(f64::max) {
            self.latest.entry(stream).or_default().insert(window.to_owned(), ratio);
        }
    }

    /// The largest of the latest ratios of each of `streams` that has values.
    pub fn ratios(&self, streams: &[Stream]) -> BTreeMap<Stream, Option<f64>> {
        self.of_each(streams, |latest| latest.values().copied().reduce(f64::max))
    }

    /// The same where one of `windows` has it, and else `None`: of windows by count and by time, those
    /// that lie nearer to an alarm count its evaluations, and the others' neither begin nor end one.
    pub fn leading_ratios(
        &self,
        streams: &[Stream],
        windows: &[GridWindow],
    ) -> BTreeMap<Stream, Option<f64>> {
        self.of_each(streams, |latest| {
            let own = windows.iter().filter_map(|window| latest.get(&window.name).copied());
            let own = own.reduce(f64::max)?;
            latest.values().all(|other| *other <= own).then_some(own)
        })
    }

    fn of_each(
        &self,
        streams: &[Stream],
        ratio: impl Fn(&BTreeMap<String, f64>) -> Option<f64>,
    ) -> BTreeMap<Stream, Option<f64>> {
        let with_values = streams.iter().filter(|stream| stream.has_values());
        with_values.map(|stream| (*stream, self.latest.get(stream).and_then(&ratio))).collect()
    }
}

/// How many times as dense as `events_per_day` the `seen` events between two moments came: 1 during
/// the first day.
pub(in crate::detect) fn intensity(
    seen: f64,
    first_at: Option<Timestamp>,
    newest_at: Timestamp,
    events_per_day: f64,
) -> f64 {
    let span = first_at.map_or(Duration::ZERO, |first| newest_at.since(first));
    let days = span.as_secs_f64() / 86_400.0;
    if days < 1.0 { 1.0 } else { (seen / days / events_per_day).clamp(0.1, 100.0) }
}

/// A bucket as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedBucket {
    /// `count` or `time`, and after a colon the segment's name.
    pub grid: String,
    /// Its key in the grid.
    pub key: i64,
    /// Event time of its newest event.
    pub ends_at: Timestamp,
    /// The sketches of its streams.
    pub data: Vec<u8>,
}

impl SavedBucket {
    /// The stored form of `bucket`: per stream its number, the length and the sketch's bytes.
    pub fn of(grid: &str, key: i64, bucket: &Bucket) -> Self {
        let mut data = Vec::new();
        for (stream, sketch) in &bucket.streams {
            let bytes = sketch.to_bytes();
            data.push(*stream as u8);
            data.extend((bytes.len() as u32).to_le_bytes());
            data.extend(bytes);
        }
        Self { grid: grid.to_owned(), key, ends_at: bucket.ends_at, data }
    }

    /// The bucket of the stored form.
    pub fn to_bucket(&self) -> Result<Bucket, RestoreError> {
        self.decode().ok_or_else(|| RestoreError::Bucket { grid: self.grid.clone(), key: self.key })
    }

    fn decode(&self) -> Option<Bucket> {
        let mut streams = BTreeMap::new();
        let mut rest = self.data.as_slice();
        while let Some((number, tail)) = rest.split_first() {
            let (length, tail) = tail.split_at_checked(4)?;
            let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
            let (bytes, tail) = tail.split_at_checked(length)?;
            let stream = Stream::ALL.into_iter().find(|s| *s as u8 == *number)?;
            streams.insert(stream, Sketch::from_bytes(bytes)?);
            rest = tail;
        }
        Some(Bucket { streams, ends_at: self.ends_at, dirty: false })
    }
}

/// What changed in an engine since the last time it was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    /// The bytes of its memory.
    pub memory: Vec<u8>,
    /// Buckets that are new or hold more.
    pub upserts: Vec<SavedBucket>,
    /// (grid, key) of buckets that no window needs any more; kept as history until their retention.
    pub closed: Vec<(String, i64)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::grid::Grid;
    use crate::model::monitor::{WindowLength, WindowSpec};
    use crate::model::verdict::DetectorKind;

    #[test]
    fn windows_of_one_kind_at_a_time_count_evaluations() {
        let length = WindowLength::Time { minutes: 60, stride_minutes: 10, min_events: 2 };
        let day = WindowSpec { name: "day".into(), length };
        let grids = Grid::of(&[WindowSpec::count("short", 100, 50), day]);
        let streams = [Stream::Query, Stream::Response, Stream::Duplicates];
        let mut memory = PartMemory::default();
        let mut judge = |window: &str, ratio: f64| {
            let verdict = Verdict {
                statistic: Some(ratio),
                threshold: Some(1.0),
                ..Verdict::unjudged(Stream::Query, window, DetectorKind::Mmd)
            };
            memory.remember(Stream::Query, window, &[verdict]);
            let of = |grid: &Grid| memory.leading_ratios(&streams, &grid.windows)[&Stream::Query];
            (of(&grids[0]), of(&grids[1]), memory.ratios(&streams))
        };
        let (count, time, _) = judge("short", 0.5);
        assert_eq!((count, time), (Some(0.5), None), "the other was never judged");
        let (count, time, all) = judge("day", 1.5);
        assert_eq!((count, time, all[&Stream::Query]), (None, Some(1.5), Some(1.5)));
        let (count, time, all) = judge("short", 2.0);
        assert_eq!((count, time, all[&Stream::Response]), (Some(2.0), None, None));
        assert!(!all.contains_key(&Stream::Duplicates));
    }
}
