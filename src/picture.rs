//! A series over time as a small PNG: the values, their threshold, a shaded span of time, a few words.
//!
//! It knows nothing of alerts, and the same input gives the same bytes: nothing is read from the
//! machine, and no font of it is used.

mod canvas;
mod letters;
mod png;

use canvas::{Canvas, Ink};

/// Pixels from left to right.
pub const WIDTH: u32 = 720;
/// Pixels from top to bottom.
pub const HEIGHT: u32 = 240;

/// Where the series is drawn, in pixels; the words stand above and below.
const LEFT: f64 = 16.0;
const RIGHT: f64 = 704.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 200.0;
/// Between an edge and the words next to it.
const MARGIN: i32 = 14;
/// The shaded span is at least so wide, so that one that has just begun is seen.
const NARROWEST: f64 = 4.0;
/// More values than these are drawn as a line without dots.
const DOTTED: usize = 60;
/// A step longer than so many usual ones is a gap: nothing is known of the time between.
const GAP: i64 = 6;

/// One moment of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When, in any unit that grows evenly.
    pub at: i64,
    /// The value; missing, infinite or no number where there was none, which leaves a gap.
    pub value: Option<f64>,
    /// What the value was compared with then, if anything.
    pub threshold: Option<f64>,
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plot<'a> {
    /// The series, in any order.
    pub points: &'a [Point],
    /// Shaded from here to there; what lies outside of the series is left out.
    pub shaded: Option<(i64, i64)>,
    /// Words on what is drawn.
    pub words: Words<'a>,
}

/// Words in the picture: letters from A to Z, digits and `-+.:/` are drawn, all others left blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Words<'a> {
    /// On the values, in their colour.
    pub values: &'a str,
    /// On the threshold, in its colour; drawn only where there is one.
    pub threshold: &'a str,
    /// On the shaded span, in its colour; drawn only where it is seen.
    pub shaded: &'a str,
    /// Below the first point.
    pub first: &'a str,
    /// Below the last point.
    pub last: &'a str,
}

/// The bytes of a PNG of [`WIDTH`] × [`HEIGHT`]; `None` where no point has a value.
pub fn draw(plot: &Plot<'_>) -> Option<Vec<u8>> {
    let mut points = plot.points.to_vec();
    points.sort_by_key(|point| point.at);
    for point in &mut points {
        point.value = point.value.filter(|value| value.is_finite());
        point.threshold = point.threshold.filter(|value| value.is_finite());
    }
    let scale = Scale::of(&points)?;
    let mut canvas = Canvas::new(WIDTH, HEIGHT)?;
    let shaded = plot.shaded.and_then(|span| scale.span(span));
    if let Some((from, to)) = shaded {
        canvas.bar(from, TOP, to, BOTTOM, Ink::Shade);
    }
    canvas.bar(LEFT, BOTTOM, RIGHT, BOTTOM + 1.0, Ink::Axis);
    let compared = draw_threshold(&mut canvas, &points, &scale);
    draw_values(&mut canvas, &points, &scale);
    draw_words(&mut canvas, &plot.words, compared, shaded.is_some());
    png::encode(WIDTH, HEIGHT, &canvas.rows())
}

/// From moments and values to pixels.
struct Scale {
    first: i64,
    last: i64,
    low: f64,
    high: f64,
}

impl Scale {
    /// One in which all of `points` have room, and zero; `None` where none has a value.
    fn of(points: &[Point]) -> Option<Self> {
        let values = || points.iter().filter_map(|point| point.value);
        values().next()?;
        let all = || values().chain(points.iter().filter_map(|point| point.threshold));
        Some(Self {
            first: points.first()?.at,
            last: points.last()?.at,
            low: all().fold(0.0, f64::min),
            high: all().fold(0.0, f64::max),
        })
    }

    fn x(&self, at: i64) -> f64 {
        // As reals: the difference of two moments may be too large for an integer.
        let (first, length) = (self.first as f64, self.last as f64 - self.first as f64);
        let part = if length > 0.0 { (at as f64 - first) / length } else { 0.5 };
        LEFT + part * (RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        // Halves, because the whole range may be too large for a real.
        let range = self.high / 2.0 - self.low / 2.0;
        let part = if range > 0.0 { (value / 2.0 - self.low / 2.0) / range } else { 0.0 };
        BOTTOM - part * (BOTTOM - TOP)
    }

    /// The pixels between two moments; `None` where none of them is in the picture.
    fn span(&self, (from, to): (i64, i64)) -> Option<(f64, f64)> {
        if from > self.last || to < self.first {
            return None;
        }
        let (from, to) = (self.x(from.max(self.first)), self.x(to.min(self.last)));
        let to = to.max(from + NARROWEST).min(RIGHT);
        Some((from.min(to - NARROWEST).floor(), to.ceil()))
    }
}

/// Draws the threshold as it was at each moment; whether there is any.
fn draw_threshold(canvas: &mut Canvas, points: &[Point], scale: &Scale) -> bool {
    // On whole pixels, so that a line is two of them and not three pale ones.
    let height = |threshold: f64| scale.y(threshold).round();
    let known: Vec<(f64, f64)> = points
        .iter()
        .filter_map(|point| Some((scale.x(point.at), height(point.threshold?))))
        .collect();
    let Some((_, mut y)) = known.first().copied() else { return false };
    let mut from = LEFT;
    for &(x, next) in &known {
        if next.total_cmp(&y).is_ne() {
            canvas.bar(from, y - 1.0, x, y + 1.0, Ink::Threshold);
            canvas.bar(x - 1.0, y.min(next) - 1.0, x + 1.0, y.max(next) + 1.0, Ink::Threshold);
            (from, y) = (x, next);
        }
    }
    canvas.bar(from, y - 1.0, RIGHT, y + 1.0, Ink::Threshold);
    true
}

/// A line through each run of values, and a dot at each where they are few.
fn draw_values(canvas: &mut Canvas, points: &[Point], scale: &Scale) {
    let runs = runs(points);
    let dotted = runs.iter().map(Vec::len).sum::<usize>() <= DOTTED;
    for run in &runs {
        let run: Vec<(f64, f64)> =
            run.iter().map(|(at, value)| (scale.x(*at), scale.y(*value))).collect();
        canvas.line(&run, Ink::Value);
        let alone = run.len() == 1;
        for &(x, y) in run.iter().filter(|_| dotted || alone) {
            canvas.dot(x, y, Ink::Value);
        }
    }
}

/// The values that follow each other without a gap.
fn runs(points: &[Point]) -> Vec<Vec<(i64, f64)>> {
    let longest = longest_step(points);
    let mut runs: Vec<Vec<(i64, f64)>> = Vec::new();
    let mut before = None;
    for point in points {
        let Some(value) = point.value else {
            before = None;
            continue;
        };
        let goes_on = before.is_some_and(|at| point.at.saturating_sub(at) <= longest);
        match runs.last_mut().filter(|_| goes_on) {
            Some(run) => run.push((point.at, value)),
            None => runs.push(vec![(point.at, value)]),
        }
        before = Some(point.at);
    }
    runs
}

/// The longest step that is no gap.
fn longest_step(points: &[Point]) -> i64 {
    let mut steps: Vec<i64> =
        points.windows(2).map(|pair| pair[1].at.saturating_sub(pair[0].at)).collect();
    steps.sort_unstable();
    // Of two steps neither is the usual one.
    let usual = steps.get(steps.len() / 2).filter(|_| steps.len() > 2);
    usual.map_or(i64::MAX, |step| step.saturating_mul(GAP).max(1))
}

fn draw_words(canvas: &mut Canvas, words: &Words<'_>, compared: bool, is_shaded: bool) {
    let (right, bottom) = (WIDTH as i32 - MARGIN, BOTTOM as i32 + MARGIN);
    let mut x = canvas.words(MARGIN, MARGIN, words.values, Ink::Value);
    if compared {
        x = canvas.words(x + 2 * MARGIN, MARGIN, words.threshold, Ink::Threshold);
    }
    if is_shaded {
        canvas.words(x + 2 * MARGIN, MARGIN, words.shaded, Ink::Shaded);
    }
    canvas.words(MARGIN, bottom, words.first, Ink::Text);
    // One point has one time.
    if words.last != words.first {
        canvas.words(right - canvas::length(words.last), bottom, words.last, Ink::Text);
    }
}

#[cfg(test)]
mod tests;
