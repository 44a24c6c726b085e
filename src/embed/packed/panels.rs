//! The weights of one linear map, laid out for the matrix product.
//!
//! Panel after panel of columns (16 or 32, as the processor's tile is wide), and in a panel word
//! after word of the depth: what one step of the product reads lies together. A word holds one
//! f32, two bf16 or four signed bytes of one column.

use super::words::Words;

/// How the numbers of a matrix product are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    /// 32-bit reals on both sides.
    F32,
    /// Reals of 16 bits with the exponent of f32 on both sides, summed in f32.
    Bf16,
    /// Signed bytes for weights, with a scale for each column; unsigned bytes for activations,
    /// with a scale and a zero for each row and group; summed in i32 within a group.
    Int8,
}

impl Number {
    /// Numbers in a word of 32 bits.
    pub(super) fn per_word(self) -> usize {
        match self {
            Self::F32 => 1,
            Self::Bf16 => 2,
            Self::Int8 => 4,
        }
    }
}

/// Numbers of the depth that share a scale and a zero, a row at a time.
///
/// One group for the whole depth loses most where a few channels are large: at 128 the embedding's
/// error is halved, for a tenth more work.
pub(super) const GROUP: usize = 128;

/// A linear map y = W x + b.
pub(super) struct Panels {
    /// How the weights are kept.
    pub(super) number: Number,
    /// Outputs; a multiple of 16.
    pub(super) columns: usize,
    /// Inputs; a multiple of 16.
    pub(super) depth: usize,
    /// Columns of a panel, but for a narrower last one.
    pub(super) width: usize,
    /// The panels.
    pub(super) words: Words,
    /// b.
    pub(super) bias: Words,
    /// For bytes: what a column's integers are multiplied by.
    pub(super) scale: Words,
    /// For bytes: the sum of each column's integers in each group, group after group.
    pub(super) sums: Words,
    /// For bytes: what each input is multiplied by before it is rounded.
    pub(super) smoothing: Words,
}

impl Panels {
    /// `weights` is columns × depth, row-major; `smoothing` (bytes only) has one positive factor
    /// for each input, by which the weights were divided already.
    pub(super) fn pack(
        weights: &[f32],
        bias: &[f32],
        smoothing: &[f32],
        number: Number,
        width: usize,
    ) -> Self {
        let columns = bias.len();
        let depth = weights.len() / columns;
        assert!(columns.is_multiple_of(16) && depth.is_multiple_of(16));
        let mut panels = Self {
            number,
            columns,
            depth,
            width,
            words: Words::zeroed(columns * depth / number.per_word()),
            bias: Words::of(bias),
            scale: Words::zeroed(0),
            sums: Words::zeroed(0),
            smoothing: Words::of(smoothing),
        };
        match number {
            Number::F32 => panels.fill(weights, |four| four[0].to_bits()),
            Number::Bf16 => panels.fill(weights, |two| {
                let bits = |x: f32| u32::from(half::bf16::from_f32(x).to_bits());
                bits(two[0]) | bits(two[1]) << 16
            }),
            Number::Int8 => panels.fill_bytes(weights),
        }
        panels
    }

    /// Groups of the depth.
    pub(super) fn groups(&self) -> usize {
        self.depth.div_ceil(GROUP)
    }

    /// Words of the depth: how long an operand's row is.
    pub(super) fn depth_words(&self) -> usize {
        self.depth / self.number.per_word()
    }

    fn fill(&mut self, weights: &[f32], word: impl Fn(&[f32]) -> u32) {
        let (per_word, depth_words) = (self.number.per_word(), self.depth_words());
        let (columns, width) = (self.columns, self.width);
        let words = self.words.words_mut();
        for (column, row) in weights.chunks_exact(self.depth).enumerate() {
            let panel = column / width * width;
            let wide = width.min(columns - panel);
            let start = panel * depth_words + column % width;
            for (k, numbers) in row.chunks_exact(per_word).enumerate() {
                words[start + k * wide] = word(numbers);
            }
        }
    }

    fn fill_bytes(&mut self, weights: &[f32]) {
        let groups = self.groups();
        let (mut scales, mut sums) = (vec![0.0; self.columns], vec![0.0; groups * self.columns]);
        let mut integers = Vec::with_capacity(weights.len());
        for (column, row) in weights.chunks_exact(self.depth).enumerate() {
            let largest = row.iter().fold(0.0_f32, |m, w| m.max(w.abs()));
            // No byte is −128, on which `Simd::dot_bytes` relies.
            let scale = (largest / 127.0).max(f32::MIN_POSITIVE);
            scales[column] = scale;
            integers.extend(row.iter().map(|w| nearest(w / scale)));
            let own = &integers[column * self.depth..];
            for (group, part) in own.chunks(GROUP).enumerate() {
                sums[group * self.columns + column] = part.iter().sum();
            }
        }
        self.scale = Words::of(&scales);
        self.sums = Words::of(&sums);
        self.fill(&integers, |four| {
            four.iter().rev().fold(0, |word, &q| word << 8 | u32::from(q as i8 as u8))
        });
    }
}

/// The nearest integer, halves to the even one, for |x| < 2²²: adding 1.5 · 2²³ leaves no room for
/// a fraction. (`round_ties_even` is a library call where the compiler may not assume SSE4.1.)
pub(super) fn nearest(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    (x + SHIFT) - SHIFT
}
