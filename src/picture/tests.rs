//! Pictures are read back by a decoder of their own, and their pixels looked at.

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use proptest::prelude::*;

use super::*;

/// A picture that was read back: red, green and blue of each pixel.
struct Shown {
    rows: Vec<Vec<[u8; 3]>>,
}

impl Shown {
    /// Strict about everything that a decoder may be strict about.
    fn read(bytes: &[u8]) -> Self {
        let mut rest = bytes.strip_prefix(&png::SIGNATURE).unwrap();
        let mut chunks = Vec::new();
        while !rest.is_empty() {
            let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
            let (chunk, sum) = (&rest[4..8 + length], &rest[8 + length..12 + length]);
            assert_eq!(sum, slow_crc(chunk).to_be_bytes(), "the check sum of {:?}", &chunk[..4]);
            chunks.push((chunk[..4].to_vec(), chunk[4..].to_vec()));
            rest = &rest[12 + length..];
        }
        let names: Vec<&[u8]> = chunks.iter().map(|(name, _)| name.as_slice()).collect();
        assert_eq!(names, [b"IHDR", b"IDAT", b"IEND"]);
        let mut header = WIDTH.to_be_bytes().to_vec();
        header.extend(HEIGHT.to_be_bytes());
        header.extend([8, 2, 0, 0, 0]);
        assert_eq!(chunks[0].1, header);
        let mut raw = Vec::new();
        ZlibDecoder::new(chunks[1].1.as_slice()).read_to_end(&mut raw).unwrap();
        let row_bytes = 1 + 3 * WIDTH as usize;
        assert_eq!(raw.len(), row_bytes * HEIGHT as usize);
        let mut above = vec![0_u8; row_bytes - 1];
        let rows = raw.chunks_exact(row_bytes).map(|row| {
            assert_eq!(row[0], 2, "the filter");
            above.iter_mut().zip(&row[1..]).for_each(|(a, b)| *a = a.wrapping_add(*b));
            above.chunks_exact(3).map(|rgb| rgb.try_into().unwrap()).collect()
        });
        Self { rows: rows.collect() }
    }

    fn at(&self, x: f64, y: f64) -> [u8; 3] {
        self.rows[y as usize][x as usize]
    }

    /// How many pixels of this colour there are within the plot.
    fn count(&self, ink: Ink) -> usize {
        let plot = &self.rows[TOP as usize - 4..BOTTOM as usize];
        plot.iter().flatten().filter(|rgb| **rgb == ink.rgb()).count()
    }

    /// Whether any pixel of a column within the plot has this colour.
    fn column_has(&self, x: f64, ink: Ink) -> bool {
        let plot = &self.rows[TOP as usize - 4..BOTTOM as usize];
        plot.iter().any(|row| row[x as usize] == ink.rgb())
    }
}

/// As the specification defines it, bit by bit.
fn slow_crc(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { 0xEDB8_8320 ^ (sum >> 1) } else { sum >> 1 };
        }
    }
    !sum
}

const WORDS: Words<'_> = Words {
    values: "LATEST 2.5",
    threshold: "THRESHOLD 2",
    shaded: "FIRING",
    first: "2026-11-18 07:00",
    last: "2026-11-18 11:00",
};

fn point(at: i64, value: f64) -> Point {
    Point { at, value: Some(value), threshold: Some(2.0) }
}

fn plot(points: &[Point], shaded: Option<(i64, i64)>) -> Option<Vec<u8>> {
    draw(&Plot { points, shaded, words: WORDS })
}

fn shown(points: &[Point], shaded: Option<(i64, i64)>) -> Shown {
    Shown::read(&plot(points, shaded).unwrap())
}

#[test]
fn values_threshold_and_span_are_where_they_belong() {
    let values = [1.0, 1.0, 0.0, 4.0, 3.0];
    let points: Vec<Point> = (0..).zip(values).map(|(at, value)| point(at, value)).collect();
    let picture = shown(&points, Some((3, 9)));
    let step = (RIGHT - LEFT) / 4.0;
    let height = |value: f64| BOTTOM - value / 4.0 * (BOTTOM - TOP);
    for (at, value) in (0..).zip(values) {
        let (x, y) = (LEFT + step * f64::from(at), height(value));
        assert_eq!(picture.at(x, y), Ink::Value.rgb(), "value {at}");
    }
    assert_eq!(
        picture.at(LEFT + 0.5 * step, height(1.0)),
        Ink::Value.rgb(),
        "between two equal ones"
    );
    for row in [height(2.0) - 1.0, height(2.0)] {
        assert_eq!(picture.at(LEFT + 0.5 * step, row), Ink::Threshold.rgb());
    }
    for row in [height(2.0) - 2.0, height(2.0) + 1.0] {
        assert_eq!(picture.at(LEFT + 0.5 * step, row), Ink::Ground.rgb(), "two pixels, no more");
    }
    assert_eq!(picture.at(LEFT + 2.9 * step, TOP + 1.0), Ink::Ground.rgb());
    assert_eq!(picture.at(LEFT + 3.2 * step, TOP + 1.0), Ink::Shade.rgb(), "to the last one");
    assert_eq!(picture.at(RIGHT - 1.0, TOP + 1.0), Ink::Shade.rgb());
    assert_eq!(picture.at(0.0, 0.0), Ink::Frame.rgb());
    assert_eq!(picture.at(3.0, 3.0), Ink::Ground.rgb());
}

#[test]
fn the_same_points_give_the_same_bytes_in_any_order() {
    let points: Vec<Point> = (0..40).map(|at| point(at, (at % 7) as f64)).collect();
    let backwards: Vec<Point> = points.iter().rev().copied().collect();
    assert_eq!(plot(&points, Some((30, 35))), plot(&backwards, Some((30, 35))));
    assert!(plot(&points, None).unwrap().len() < 32 * 1024, "small enough to come along");
}

#[test]
fn where_there_is_no_value_there_is_no_line() {
    for missing in [None, Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY)] {
        let mut points: Vec<Point> = (0..=10).map(|at| point(at, 1.0)).collect();
        points[5] = Point { at: 5, value: missing, threshold: missing };
        let picture = shown(&points, None);
        let step = (RIGHT - LEFT) / 10.0;
        assert!(picture.column_has(LEFT + 3.5 * step, Ink::Value));
        for part in [4.5, 5.0, 5.5] {
            assert!(!picture.column_has(LEFT + part * step, Ink::Value), "{missing:?} at {part}");
        }
        assert!(picture.column_has(LEFT + 5.0 * step, Ink::Threshold), "it is still the same");
    }
}

#[test]
fn a_long_silence_is_a_gap_and_an_uneven_step_is_none() {
    let at = |moments: &[i64]| -> Vec<Point> { moments.iter().map(|at| point(*at, 1.0)).collect() };
    let silent = shown(&at(&[0, 1, 2, 3, 20, 21, 22]), None);
    assert!(!silent.column_has(LEFT + (RIGHT - LEFT) * 10.0 / 22.0, Ink::Value));
    let uneven = shown(&at(&[0, 1, 2, 6, 7, 8, 9]), None);
    assert!(uneven.column_has(LEFT + (RIGHT - LEFT) * 4.0 / 9.0, Ink::Value));
}

#[test]
fn one_point_is_a_dot_and_none_is_no_picture() {
    let one = shown(&[point(7, 4.0)], Some((7, 7)));
    assert_eq!(one.at(f64::midpoint(LEFT, RIGHT), TOP), Ink::Value.rgb());
    assert!(one.count(Ink::Value) < 60, "a dot and no line");
    assert!(one.count(Ink::Shade) > 0, "an alert that has just begun is seen");
    assert_eq!(plot(&[], None), None);
    let blank = Point { at: 1, value: None, threshold: Some(1.0) };
    assert_eq!(plot(&[blank, Point { value: Some(f64::NAN), ..blank }], None), None);
}

#[test]
fn a_threshold_that_moves_is_drawn_as_it_was() {
    let mut points: Vec<Point> = (0..=10).map(|at| point(at, 4.0)).collect();
    points[5..].iter_mut().for_each(|point| point.threshold = Some(1.0));
    let picture = shown(&points, None);
    let step = (RIGHT - LEFT) / 10.0;
    let height = |value: f64| BOTTOM - value / 4.0 * (BOTTOM - TOP);
    assert_eq!(picture.at(LEFT + 2.5 * step, height(2.0)), Ink::Threshold.rgb());
    assert_eq!(picture.at(LEFT + 7.5 * step, height(1.0)), Ink::Threshold.rgb());
    assert_eq!(picture.at(LEFT + 7.5 * step, height(2.0)), Ink::Ground.rgb());
    assert_eq!(picture.at(LEFT + 5.0 * step, height(1.5)), Ink::Threshold.rgb(), "the step");
    points.iter_mut().for_each(|point| point.threshold = None);
    let without = draw(&Plot { points: &points, shaded: None, words: WORDS }).unwrap();
    let without = Shown::read(&without);
    assert_eq!(without.count(Ink::Threshold), 0);
    assert!(without.rows.iter().flatten().all(|rgb| *rgb != Ink::Threshold.rgb()), "nor its word");
}

#[test]
fn ten_thousand_points_are_a_small_picture() {
    let points: Vec<Point> =
        (0..10_000).map(|at| point(at, 1.0 + (at * 7919 % 1000) as f64 / 1000.0)).collect();
    let bytes = plot(&points, Some((9_000, 10_000))).unwrap();
    assert!(bytes.len() < 64 * 1024, "{}", bytes.len());
    let picture = Shown::read(&bytes);
    assert!((LEFT as u32 + 2..RIGHT as u32 - 2).all(|x| picture.column_has(x.into(), Ink::Value)));
}

#[test]
fn the_words_are_read_from_the_picture() {
    let picture = shown(&[point(0, 1.0), point(1, 2.5)], Some((1, 1)));
    let drawn = |x: i32, y: i32, letter: char, ink: Ink| {
        (0..).zip(letters::of(letter)).all(|(row, bits)| {
            (0..5).all(|column| {
                let rgb = picture.at(f64::from(x + 2 * column), f64::from(y + 2 * row));
                (bits & (0b1_0000_u8 >> column) != 0) == (rgb == ink.rgb())
            })
        })
    };
    let bottom = BOTTOM as i32 + MARGIN;
    for (place, letter) in (0..).zip(WORDS.first.chars()) {
        assert!(drawn(MARGIN + 12 * place, bottom, letter, Ink::Text), "{letter} at {place}");
    }
    let start = WIDTH as i32 - MARGIN - canvas::length(WORDS.last);
    for (place, letter) in (0..).zip(WORDS.last.chars()) {
        assert!(drawn(start + 12 * place, bottom, letter, Ink::Text), "{letter} at {place}");
    }
    let start = MARGIN + canvas::length(WORDS.values) + 2 * MARGIN;
    for (place, letter) in (0..).zip(WORDS.threshold.chars()) {
        assert!(drawn(start + 12 * place, MARGIN, letter, Ink::Threshold), "{letter} at {place}");
    }
    let known: Vec<char> = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-+.:/".chars().collect();
    let mut forms: Vec<[u8; 7]> = known.iter().map(|letter| letters::of(*letter)).collect();
    forms.sort_unstable();
    forms.dedup();
    assert_eq!(forms.len(), known.len(), "no two letters look the same");
    assert_eq!(letters::of('é'), [0; 7]);
}

/// The contrast of two colours, by WCAG 2.2.
fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let light = |rgb: [u8; 3]| {
        let linear = rgb.map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        });
        0.05 + 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    };
    let (one, other) = (light(one), light(other));
    one.max(other) / one.min(other)
}

#[test]
fn words_and_lines_stand_out() {
    for ink in [Ink::Text, Ink::Value, Ink::Threshold, Ink::Shaded] {
        assert!(contrast(ink.rgb(), Ink::Ground.rgb()) >= 4.5, "{ink:?}");
    }
    for ink in [Ink::Value, Ink::Threshold] {
        assert!(contrast(ink.rgb(), Ink::Shade.rgb()) >= 3.0, "{ink:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_input_is_too_wild(
        points in proptest::collection::vec(
            (any::<i64>(), any::<Option<f64>>(), any::<Option<f64>>()), 0..40),
        shaded in any::<Option<(i64, i64)>>(),
        word in "\\PC{0,80}",
    ) {
        let points: Vec<Point> = points
            .into_iter()
            .map(|(at, value, threshold)| Point { at, value, threshold })
            .collect();
        let words = Words { values: &word, threshold: &word, shaded: &word, first: &word, last: &word };
        let drawn = draw(&Plot { points: &points, shaded, words });
        let is_known = points.iter().any(|point| point.value.is_some_and(f64::is_finite));
        prop_assert_eq!(drawn.is_some(), is_known);
        drawn.iter().for_each(|bytes| drop(Shown::read(bytes)));
    }
}
