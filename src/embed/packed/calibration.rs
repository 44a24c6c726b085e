//! Bytes for a layer's weights, with scales learned from what its inputs look like.
//!
//! A few input channels of a BERT are far larger than the others and would eat the range of a
//! byte. As in SmoothQuant (Xiao et al. 2023) each input is divided, and its weights multiplied,
//! by a factor; here √(√(largest · root mean square) / largest weight), which measured best of the
//! forms tried. The mean error that rounding the weights leaves goes into the bias.

use super::model::Linear;
use super::panels::{Number, Panels, nearest};

/// Where a layer's linear maps take their inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Site {
    /// What queries, keys and values are made from.
    Attention,
    /// The heads' outputs.
    Context,
    /// What goes up to the feed-forward width.
    FeedForward,
    /// What comes down from it.
    Activation,
}

impl Site {
    /// All four, in order.
    pub(super) const ALL: [Self; 4] =
        [Self::Attention, Self::Context, Self::FeedForward, Self::Activation];
}

/// What was seen of the inputs of one linear map.
#[derive(Default)]
pub(super) struct Seen {
    rows: usize,
    largest: Vec<f32>,
    sum: Vec<f32>,
    squares: Vec<f32>,
}

/// No factor comes from less than this.
const SMALLEST: f32 = 1e-5;

impl Seen {
    /// Adds rows of `width` inputs.
    pub(super) fn add(&mut self, rows: &[f32], width: usize) {
        for all in [&mut self.largest, &mut self.sum, &mut self.squares] {
            all.resize(width, 0.0);
        }
        for row in rows.chunks_exact(width) {
            self.rows += 1;
            for (i, &x) in row.iter().enumerate() {
                self.largest[i] = self.largest[i].max(x.abs());
                self.sum[i] += x;
                self.squares[i] += x * x;
            }
        }
    }

    /// `linear` in bytes for panels of `width`.
    pub(super) fn quantize(&self, linear: &Linear, width: usize) -> Panels {
        let inputs = self.largest.len();
        let factors = self.factors(linear);
        let mut scaled = linear.weights.clone();
        for row in scaled.chunks_exact_mut(inputs) {
            row.iter_mut().zip(&factors).for_each(|(w, f)| *w *= f);
        }
        let smoothing: Vec<f32> = factors.iter().map(|f| 1.0 / f).collect();
        let mut panels = Panels::pack(&scaled, &linear.bias, &smoothing, Number::Int8, width);
        let mean: Vec<f32> =
            self.sum.iter().zip(&smoothing).map(|(s, f)| s / self.rows.max(1) as f32 * f).collect();
        for (column, row) in scaled.chunks_exact(inputs).enumerate() {
            let scale = panels.scale.reals()[column];
            let lost = |(w, m): (&f32, &f32)| (w - nearest(w / scale) * scale) * m;
            panels.bias.reals_mut()[column] += row.iter().zip(&mean).map(lost).sum::<f32>();
        }
        panels
    }

    fn factors(&self, linear: &Linear) -> Vec<f32> {
        let inputs = self.largest.len();
        let mut weight = vec![SMALLEST; inputs];
        for row in linear.weights.chunks_exact(inputs) {
            weight.iter_mut().zip(row).for_each(|(m, w)| *m = m.max(w.abs()));
        }
        let rows = self.rows.max(1) as f32;
        let of_input = |i: usize| {
            let typical = (self.squares[i] / rows).sqrt().max(SMALLEST);
            ((self.largest[i].max(SMALLEST) * typical).sqrt() / weight[i]).sqrt()
        };
        (0..inputs).map(of_input).collect()
    }
}
