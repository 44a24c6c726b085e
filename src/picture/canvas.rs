//! What is drawn on, and its colours.

use tiny_skia::{Color, FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, Rect};
use tiny_skia::{Stroke, Transform};

use super::letters;

/// Pixels of a letter's dot.
const DOT: i32 = 2;
/// Pixels from one letter to the next.
const PITCH: i32 = 6 * DOT;
/// Pixels across the line of the values.
const LINE: f32 = 2.5;
/// Half the pixels across a value's dot.
const RADIUS: f32 = 3.5;

/// The colours. All are opaque on a light ground with a frame around it, so that the picture looks
/// the same where what is around it is dark. Blue and orange differ for every kind of eye, and each
/// word has a contrast of at least 4.5 to the ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Ground,
    Frame,
    Axis,
    Text,
    Value,
    Threshold,
    Shade,
    /// Words on what is shaded: as the shade, and dark enough to be read.
    Shaded,
}

impl Ink {
    pub(super) const fn rgb(self) -> [u8; 3] {
        match self {
            Self::Ground => [0xFF, 0xFF, 0xFF],
            Self::Frame => [0xC6, 0xCC, 0xD4],
            Self::Axis => [0x8A, 0x93, 0x9E],
            Self::Text => [0x3A, 0x43, 0x4E],
            Self::Value => [0x1B, 0x5F, 0xAA],
            Self::Threshold => [0xC2, 0x41, 0x0C],
            Self::Shade => [0xFC, 0xE9, 0xC8],
            Self::Shaded => [0x8A, 0x62, 0x0A],
        }
    }

    fn paint(self) -> Paint<'static> {
        let [red, green, blue] = self.rgb();
        let mut paint = Paint::default();
        paint.set_color(Color::from_rgba8(red, green, blue, 255));
        paint
    }
}

pub(super) struct Canvas {
    pixels: Pixmap,
}

impl Canvas {
    /// An empty one with its frame; `None` for no pixels.
    pub(super) fn new(width: u32, height: u32) -> Option<Self> {
        let mut canvas = Self { pixels: Pixmap::new(width, height)? };
        let (right, bottom) = (f64::from(width), f64::from(height));
        canvas.bar(0.0, 0.0, right, bottom, Ink::Frame);
        canvas.bar(1.0, 1.0, right - 1.0, bottom - 1.0, Ink::Ground);
        Some(canvas)
    }

    /// A rectangle with hard edges; nothing where it has no size.
    pub(super) fn bar(&mut self, left: f64, top: f64, right: f64, bottom: f64, ink: Ink) {
        let edges = [left, top, right, bottom].map(|edge| edge as f32);
        if let Some(bar) = Rect::from_ltrb(edges[0], edges[1], edges[2], edges[3]) {
            let paint = Paint { anti_alias: false, ..ink.paint() };
            self.pixels.fill_rect(bar, &paint, Transform::identity(), None);
        }
    }

    /// A line through `points`; nothing for fewer than two.
    pub(super) fn line(&mut self, points: &[(f64, f64)], ink: Ink) {
        let [(x, y), rest @ ..] = points else { return };
        let mut path = PathBuilder::new();
        path.move_to(*x as f32, *y as f32);
        rest.iter().for_each(|(x, y)| path.line_to(*x as f32, *y as f32));
        let stroke = Stroke {
            width: LINE,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        if let Some(path) = path.finish().filter(|_| !rest.is_empty()) {
            self.pixels.stroke_path(&path, &ink.paint(), &stroke, Transform::identity(), None);
        }
    }

    /// A dot.
    pub(super) fn dot(&mut self, x: f64, y: f64, ink: Ink) {
        if let Some(dot) = PathBuilder::from_circle(x as f32, y as f32, RADIUS) {
            let (paint, identity) = (ink.paint(), Transform::identity());
            self.pixels.fill_path(&dot, &paint, FillRule::Winding, identity, None);
        }
    }

    /// Words from `x` on, with their tops at `y`; where they end.
    pub(super) fn words(&mut self, x: i32, y: i32, words: &str, ink: Ink) -> i32 {
        for (place, letter) in (0..).zip(words.chars()) {
            for (row, bits) in (0..).zip(letters::of(letter)) {
                for column in (0..5).filter(|column| bits & (0b1_0000_u8 >> column) != 0) {
                    let left = f64::from(x + place * PITCH + column * DOT);
                    let top = f64::from(y + row * DOT);
                    self.bar(left, top, left + f64::from(DOT), top + f64::from(DOT), ink);
                }
            }
        }
        x + length(words)
    }

    /// Red, green and blue of each pixel, row by row.
    pub(super) fn rows(&self) -> Vec<u8> {
        // All is opaque, so premultiplied colours are the colours.
        let pixels = self.pixels.pixels().iter();
        pixels.flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect()
    }
}

/// Pixels that words take from left to right.
pub(super) fn length(words: &str) -> i32 {
    words.chars().count() as i32 * PITCH
}
