//! Freezing: reference events → profile with calibrated thresholds.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::clock::Timestamp;
use crate::detect::budget::{expected_run_evaluations, share};
use crate::detect::grid::{Grid, Unit};
use crate::detect::profile::{
    DetectorCalibration, PROFILE_VERSION, ReferenceProfile, Spread, StreamProfile,
    WindowCalibration,
};
use crate::detect::values::StreamRows;
use crate::model::interaction::Event;
use crate::model::monitor::{MonitorSpec, ThresholdPolicy};
use crate::model::stream::Stream;
use crate::model::verdict::DetectorKind;
use crate::stats::calibrate::calibrate;
use crate::stats::codebook::Codebook;
use crate::stats::features::FourierFeatures;
use crate::stats::kernel::median_sq_distance;
use crate::stats::mmd::squared_distance_unbiased;
use crate::stats::simulate::{Plan, Population, STATISTICS, SimulatedWindow, simulate};
use crate::stats::sketch::Sketch;

/// A reference with fewer events is refused.
pub const MIN_EVENTS: usize = 200;

/// Frequencies of a vector stream, and of the scalar one.
const FREQUENCIES: (usize, usize) = (1024, 64);

/// Rows that the bandwidth, the codebook and the simulation look at, at most.
const MAX_ROWS: (usize, usize, usize) = (1000, 5000, 6000);

/// Bounds of the simulation's length in evaluations.
const EVALUATIONS: std::ops::RangeInclusive<usize> = 4000..=24_000;

/// Assumed when a reference has no usable time span.
const ASSUMED_EVENTS_PER_DAY: f64 = 1000.0;

/// Why a reference is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FreezeError {
    /// Too few events.
    #[error(
        "a reference needs at least {MIN_EVENTS} events and this one has {got}; freeze a longer range"
    )]
    TooSmall {
        /// Events given.
        got: usize,
    },
    /// No stream has rows that vary.
    #[error("no stream can serve as a reference: {reasons}")]
    NoUsableStream {
        /// Why, stream by stream.
        reasons: String,
    },
    /// Every window is too long for it.
    #[error(
        "the shortest window needs a reference of {needed} events (three times its length) and this one has {got}; \
         freeze a longer range or shorten the windows"
    )]
    WindowsTooLong {
        /// Events needed.
        needed: usize,
        /// Events given.
        got: usize,
    },
}

/// Computes the profile of `events` for the monitor `spec`.
///
/// Deterministic in `seed`. `progress` hears the share done, in 0..=1. Cost: about
/// N · features · dim for the sketch, and for the calibration (simulated evaluations × stride ×
/// features) per stream; see `benches/README.md`.
pub fn freeze(
    events: &[Event],
    spec: &MonitorSpec,
    model_digest: &str,
    seed: u64,
    progress: &(dyn Fn(f64) + Sync),
) -> Result<ReferenceProfile, FreezeError> {
    if events.len() < MIN_EVENTS {
        return Err(FreezeError::TooSmall { got: events.len() });
    }
    let mut warnings = Vec::new();
    let events_per_day = events_per_day(events).unwrap_or_else(|| {
        warnings.push(format!(
            "the reference spans less than an hour: {ASSUMED_EVENTS_PER_DAY} events a day are assumed"
        ));
        ASSUMED_EVENTS_PER_DAY
    });
    let mut parts = Vec::new();
    for &stream in &spec.streams {
        match usable_rows(events, stream) {
            Ok(rows) => parts.push((stream, rows)),
            Err(reason) => warnings.push(reason),
        }
    }
    if parts.is_empty() {
        return Err(FreezeError::NoUsableStream { reasons: warnings.join("; ") });
    }
    let grids = usable_grids(spec, events.len(), events_per_day, &mut warnings)?;
    let present: Vec<Stream> = parts.iter().map(|(stream, _)| *stream).collect();
    let mut streams = BTreeMap::new();
    for (i, (stream, rows)) in parts.iter().enumerate() {
        let step = |done: f64| progress((i as f64 + done) / parts.len() as f64);
        let context = Context {
            spec,
            grids: &grids,
            events_per_day,
            share: share(*stream, &present),
            seed: seed.wrapping_add(1000 * (*stream as u64 + 1)),
        };
        streams.insert(*stream, context.profile(rows, &step));
    }
    Ok(ReferenceProfile {
        version: PROFILE_VERSION,
        model_digest: model_digest.to_owned(),
        seed,
        n: events.len() as u64,
        events_per_day,
        streams,
        warnings,
    })
}

/// Events per day over the span of `events`; `None` when it is shorter than an hour.
fn events_per_day(events: &[Event]) -> Option<f64> {
    let times = || events.iter().map(|event| event.occurred_at);
    let (first, last): (Timestamp, Timestamp) = (times().min()?, times().max()?);
    let days = last.since(first).as_secs_f64() / 86_400.0;
    (days * 24.0 >= 1.0).then(|| (events.len() - 1) as f64 / days)
}

fn usable_rows(events: &[Event], stream: Stream) -> Result<StreamRows, String> {
    let rows = StreamRows::collect(events, stream);
    if rows.rows.len() < MIN_EVENTS {
        return Err(format!(
            "{stream}: {} of {} events have a value and {MIN_EVENTS} are needed; the stream is not watched",
            rows.rows.len(),
            events.len()
        ));
    }
    if rows.rows.iter().all(|row| row == &rows.rows[0]) {
        return Err(format!("{stream}: all values are equal; the stream is not watched"));
    }
    Ok(rows)
}

/// One window of a grid as it is simulated.
struct PlannedWindow {
    name: String,
    events: usize,
    simulated: SimulatedWindow,
}

/// A grid as it is simulated.
struct PlannedGrid {
    bucket_events: usize,
    windows: Vec<PlannedWindow>,
}

/// Leaves out the windows that are longer than a third of the reference.
fn usable_grids(
    spec: &MonitorSpec,
    n_ref: usize,
    events_per_day: f64,
    warnings: &mut Vec<String>,
) -> Result<Vec<PlannedGrid>, FreezeError> {
    let mut shortest = usize::MAX;
    let mut planned = Vec::new();
    for grid in Grid::of(&spec.windows) {
        let bucket_events = match grid.unit {
            Unit::Events => grid.width as usize,
            Unit::Minutes => {
                ((events_per_day * f64::from(grid.width) / 1440.0).round() as usize).max(1)
            }
        };
        let mut windows = Vec::new();
        for window in &grid.windows {
            let events = bucket_events * window.buckets as usize;
            shortest = shortest.min(events);
            let fixed = matches!(spec.thresholds, ThresholdPolicy::Fixed(_));
            if events > n_ref / 3 && fixed {
                warnings.push(format!(
                    "window {}: {events} events need a reference of {} and this one has {n_ref}; it has no p-values",
                    window.name,
                    3 * events
                ));
                continue;
            }
            if events > n_ref / 3 {
                warnings.push(format!(
                    "window {}: {events} events need a reference of {} and this one has {n_ref}; it is computed without a threshold",
                    window.name,
                    3 * events
                ));
                continue;
            }
            if events > n_ref / 10 {
                warnings.push(format!(
                    "window {}: {events} events are more than a tenth of the reference's {n_ref}; its false-alarm rate varies between references",
                    window.name
                ));
            }
            let simulated = SimulatedWindow {
                buckets: window.buckets as usize,
                stride: window.stride as usize,
            };
            windows.push(PlannedWindow { name: window.name.clone(), events, simulated });
        }
        if !windows.is_empty() {
            planned.push(PlannedGrid { bucket_events, windows });
        }
    }
    if planned.is_empty() && !matches!(spec.thresholds, ThresholdPolicy::Fixed(_)) {
        return Err(FreezeError::WindowsTooLong { needed: 3 * shortest, got: n_ref });
    }
    Ok(planned)
}

/// What is the same for all steps of one stream.
struct Context<'a> {
    spec: &'a MonitorSpec,
    grids: &'a [PlannedGrid],
    events_per_day: f64,
    /// The stream's share of the budget.
    share: f64,
    seed: u64,
}

impl Context<'_> {
    fn profile(&self, stream: &StreamRows, progress: &(dyn Fn(f64) + Sync)) -> StreamProfile {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let rows: Vec<&[f32]> = stream.rows.iter().map(Vec::as_slice).collect();
        let gamma = 1.0 / bandwidth(&rows, &mut rng);
        let dim = rows[0].len();
        let frequencies = if dim > 1 { FREQUENCIES.0 } else { FREQUENCIES.1 };
        let features = FourierFeatures::new(dim, frequencies, gamma, self.seed);

        let (fit, held_out) = halves(&stream.units, rows.len(), &mut rng);
        let fit_rows: Vec<&[f32]> =
            fit.iter().flatten().take(MAX_ROWS.1).map(|&i| rows[i]).collect();
        let codebook = Codebook::fit(&fit_rows, self.cells(fit_rows.len()), self.seed + 1);

        let mut sketch = Sketch::empty(dim, features.len(), codebook.len());
        let mut scratch = vec![0.0; features.len()];
        for row in &rows {
            sketch.observe(row, &features, &codebook, &mut scratch);
        }
        let held_rows: Vec<&[f32]> = held_out.iter().flatten().map(|&i| rows[i]).collect();
        sketch.cells = codebook.histogram(&held_rows);
        progress(0.1);

        let spread = spread(&rows, &features, self.seed + 2);
        let population = population(&rows, &held_out, &features, &codebook);
        let n_ref = (rows.len(), held_rows.len());
        let windows = self.calibrate(&population, n_ref, &|done| progress(0.1 + 0.9 * done));
        StreamProfile {
            gamma,
            frequencies,
            feature_seed: self.seed,
            sketch,
            codebook,
            spread,
            design_effect: design_effect(&stream.units, &rows),
            windows,
        }
    }

    /// K: about a sixteenth of the middle window, so that a cell expects enough events.
    fn cells(&self, fit_rows: usize) -> usize {
        let mut sizes: Vec<usize> =
            self.grids.iter().flat_map(|grid| grid.windows.iter().map(|w| w.events)).collect();
        sizes.sort_unstable();
        let middle = sizes.get(sizes.len() / 2).copied().unwrap_or(512);
        (middle / 16).clamp(8, 64).min((fit_rows / 20).max(2))
    }

    fn calibrate(
        &self,
        population: &Population<'_>,
        n_ref: (usize, usize),
        progress: &(dyn Fn(f64) + Sync),
    ) -> BTreeMap<String, WindowCalibration> {
        let mut calibrated = BTreeMap::new();
        for (g, grid) in self.grids.iter().enumerate() {
            let stride = grid.windows.iter().map(|w| w.simulated.stride).min().unwrap_or(1);
            let expected_run = self.expected_run(grid.bucket_events * stride);
            let evaluations = (12.0 * expected_run) as usize;
            let plan = Plan {
                bucket_events: grid.bucket_events,
                windows: grid.windows.iter().map(|w| w.simulated).collect(),
                n_ref: n_ref.0,
                n_ref_cells: n_ref.1,
                evaluations: evaluations.clamp(*EVALUATIONS.start(), *EVALUATIONS.end()),
                seed: self.seed + 3 + g as u64,
            };
            let paths = simulate(population, &plan, &|done| {
                progress((g as f64 + done) / self.grids.len() as f64);
            });
            let used: Vec<bool> = (0..grid.windows.len())
                .flat_map(|_| DetectorKind::ALL.map(|kind| self.spec.detectors.contains(&kind)))
                .collect();
            let Some(result) = calibrate(&paths, &used, expected_run, &self.spec.alert.trigger())
            else {
                continue;
            };
            for (w, window) in grid.windows.iter().enumerate() {
                let detectors = DetectorKind::ALL.into_iter().enumerate().map(|(d, kind)| {
                    let column = w * STATISTICS + d;
                    let calibration = DetectorCalibration {
                        alpha: result.alpha,
                        null: result.nulls[column].clone(),
                        expected_run_evaluations: expected_run,
                        extrapolated: result.extrapolated,
                    };
                    (kind, calibration)
                });
                let calibration =
                    WindowCalibration { n: window.events as u64, detectors: detectors.collect() };
                calibrated.insert(window.name.clone(), calibration);
            }
        }
        calibrated
    }

    fn expected_run(&self, stride_events: usize) -> f64 {
        let per_30d = match self.spec.thresholds {
            ThresholdPolicy::FalseAlarmsPer30d(rate) => rate,
            // The user's thresholds decide; the null is simulated for p-values only.
            ThresholdPolicy::Fixed(_) => 1.0,
        };
        let rate = per_30d * self.share / self.grids.len() as f64;
        expected_run_evaluations(rate, self.events_per_day, stride_events as f64)
    }
}

/// Median squared distance of up to 1000 rows; of the distinct ones where most rows are equal.
fn bandwidth(rows: &[&[f32]], rng: &mut ChaCha8Rng) -> f64 {
    let mut sample: Vec<&[f32]> = rows.to_vec();
    sample.shuffle(rng);
    let median = median_sq_distance(&sample[..sample.len().min(MAX_ROWS.0)]);
    if median > 1e-12 {
        return median;
    }
    let mut distinct: Vec<&[f32]> = Vec::new();
    for row in sample {
        if distinct.len() < MAX_ROWS.0 && !distinct.contains(&row) {
            distinct.push(row);
        }
    }
    median_sq_distance(&distinct).max(1e-12)
}

type Units = Vec<Vec<usize>>;

/// Splits whole units at random into two parts of about equal numbers of rows.
fn halves(units: &[Vec<usize>], rows: usize, rng: &mut ChaCha8Rng) -> (Units, Units) {
    let mut shuffled = units.to_vec();
    shuffled.shuffle(rng);
    let mut taken = 0;
    let cut = shuffled
        .iter()
        .position(|unit| {
            taken += unit.len();
            2 * taken >= rows
        })
        .map_or(shuffled.len(), |i| i + 1);
    let held_out = shuffled.split_off(cut.min(shuffled.len() - 1).max(1));
    (shuffled, held_out)
}

fn population<'a>(
    rows: &[&'a [f32]],
    units: &[Vec<usize>],
    features: &FourierFeatures,
    codebook: &Codebook,
) -> Population<'a> {
    let mut kept = Vec::new();
    let mut kept_units = Vec::new();
    for unit in units {
        if kept.len() >= MAX_ROWS.2 {
            break;
        }
        kept_units.push((kept.len()..kept.len() + unit.len()).collect());
        kept.extend(unit.iter().map(|&i| rows[i]));
    }
    Population::new(kept, kept_units, features, codebook)
}

/// How far the reference's two halves by 2-means lie apart.
fn spread(rows: &[&[f32]], features: &FourierFeatures, seed: u64) -> Spread {
    let sample = &rows[..rows.len().min(MAX_ROWS.1)];
    let split = Codebook::fit(sample, 2, seed);
    let single = Codebook::with_centroids(rows[0].len(), vec![0.0; rows[0].len()]);
    let mut sides = [(); 2].map(|()| Sketch::empty(rows[0].len(), features.len(), 1));
    let mut scratch = vec![0.0; features.len()];
    for row in sample {
        sides[split.assign(row)].observe(row, features, &single, &mut scratch);
    }
    let [a, b] = &sides;
    Spread {
        kernel: squared_distance_unbiased(a.kernel(), b.kernel()).unwrap_or(0.0),
        linear: squared_distance_unbiased(a.linear(), b.linear()).unwrap_or(0.0),
    }
}

/// Variance of a mean of whole sessions over that of as many independent events, for the centroid:
/// 1 + (mean correlation inside a session) × (mean session size − 1), from within-session pairs.
fn design_effect(units: &[Vec<usize>], rows: &[&[f32]]) -> f64 {
    let n = rows.len() as f64;
    let mut mean = vec![0.0; rows[0].len()];
    rows.iter().for_each(|row| crate::stats::linear::add(&mut mean, row));
    mean.iter_mut().for_each(|m| *m /= n);
    let centred = |i: usize| -> Vec<f64> {
        rows[i].iter().zip(&mean).map(|(&x, m)| f64::from(x) - m).collect()
    };
    let (mut within, mut total) = (0.0, 0.0);
    for unit in units {
        let mut sum = vec![0.0; mean.len()];
        for &i in unit {
            let row = centred(i);
            total += row.iter().map(|v| v * v).sum::<f64>();
            sum.iter_mut().zip(&row).for_each(|(a, b)| *a += b);
        }
        within += sum.iter().map(|v| v * v).sum::<f64>();
    }
    if total > 0.0 { within / total } else { 1.0 }
}
