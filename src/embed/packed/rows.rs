//! What is done to each row between matrix products: normalising it, and making it an operand.

#![expect(
    clippy::inline_always,
    reason = "instructions of the caller's features must reach the kernels"
)]
#![expect(unsafe_code, reason = "built on vector instructions and pointers")]

use super::panels::{GROUP, Number, Panels};
use super::simd::{LANES, Simd};

/// (x − mean) / √(variance + ε) · gain + shift, in place, for each row of `gain.len()` (a multiple
/// of 16).
#[inline(always)]
pub(super) unsafe fn normalize<S: Simd>(x: &mut [f32], gain: &[f32], shift: &[f32], epsilon: f32) {
    let n = gain.len();
    assert!(n.is_multiple_of(LANES) && shift.len() == n && x.len().is_multiple_of(n));
    let at = |slice: &[f32], i: usize| slice[i..].as_ptr();
    for row in x.chunks_exact_mut(n) {
        // SAFETY: every access is to sixteen reals within a slice of n.
        unsafe {
            let mut sum = S::splat(0.0);
            for i in (0..n).step_by(LANES) {
                sum = S::add(sum, S::load(at(row, i)));
            }
            let mean = S::splat(S::sum(sum) / n as f32);
            let mut squares = S::splat(0.0);
            for i in (0..n).step_by(LANES) {
                let off = S::sub(S::load(at(row, i)), mean);
                squares = S::fma(off, off, squares);
            }
            let inverse = S::splat(1.0 / (S::sum(squares) / n as f32 + epsilon).sqrt());
            for i in (0..n).step_by(LANES) {
                let unit = S::mul(S::sub(S::load(at(row, i)), mean), inverse);
                let y = S::fma(unit, S::load(at(gain, i)), S::load(at(shift, i)));
                S::store(row[i..].as_mut_ptr(), y);
            }
        }
    }
}

/// Rows of f32 on their way into a product with `panels`.
pub(super) struct Operand<'a> {
    /// The rows, `stride` apart.
    pub(super) x: &'a [f32],
    /// From one row to the next.
    pub(super) stride: usize,
    /// How many.
    pub(super) rows: usize,
    /// The inputs that `x` holds; from the start of a group.
    pub(super) inputs: std::ops::Range<usize>,
    /// What they are to be multiplied with.
    pub(super) panels: &'a Panels,
    /// Rows of the panels' depth in words.
    pub(super) words: &'a mut [u32],
    /// Scale, and scale times zero, of each row's groups.
    pub(super) steps: &'a mut [[f32; 2]],
}

impl Operand<'_> {
    fn check(&self, number: Number) {
        let Self { panels, rows, inputs, .. } = self;
        assert!(panels.number == number && number != Number::F32);
        assert!(inputs.end <= panels.depth && inputs.start.is_multiple_of(GROUP));
        assert!(inputs.len().is_multiple_of(LANES) && self.stride >= inputs.len());
        assert!(*rows == 0 || self.x.len() >= (rows - 1) * self.stride + inputs.len());
        assert!(self.words.len() >= rows * panels.depth_words());
        if number == Number::Int8 {
            assert!(self.steps.len() >= rows * panels.groups());
            assert!(panels.smoothing.len() >= panels.depth);
        }
    }

    /// # Safety
    ///
    /// The processor has the features that `S` needs for `number`, and the caller is compiled for
    /// them.
    #[inline(always)]
    pub(super) unsafe fn run<S: Simd>(self, number: Number) {
        self.check(number);
        let Self { panels, ref inputs, .. } = self;
        for row in 0..self.rows {
            let x = self.x[row * self.stride..].as_ptr();
            let words = self.words[row * panels.depth_words()..].as_mut_ptr();
            // SAFETY: `check` has found `inputs` of every row within the slices.
            unsafe {
                if number == Number::Bf16 {
                    halves::<S>(x, words.cast::<u16>().add(inputs.start), inputs.len());
                    continue;
                }
                for start in inputs.clone().step_by(GROUP) {
                    let length = GROUP.min(inputs.end - start);
                    let factors = panels.smoothing.reals()[start..].as_ptr();
                    let to = words.cast::<u8>().add(start);
                    self.steps[row * panels.groups() + start / GROUP] =
                        bytes::<S>(x.add(start - inputs.start), factors, to, length);
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn halves<S: Simd>(x: *const f32, to: *mut u16, length: usize) {
    for i in (0..length).step_by(LANES) {
        // SAFETY: both pointers are valid for `length`, a multiple of sixteen.
        unsafe { S::store_bf16(to.add(i), S::load(x.add(i))) }
    }
}

/// Rounds x · factors to bytes over its own range, which always holds zero; gives the scale and
/// scale · zero.
#[inline(always)]
unsafe fn bytes<S: Simd>(
    x: *const f32,
    factors: *const f32,
    to: *mut u8,
    length: usize,
) -> [f32; 2] {
    // SAFETY: the pointers are valid for `length` ≤ GROUP, a multiple of sixteen.
    unsafe {
        let mut scaled = [S::splat(0.0); GROUP / LANES];
        let (mut low, mut high) = (S::splat(0.0), S::splat(0.0));
        for (j, slot) in scaled.iter_mut().enumerate().take(length / LANES) {
            *slot = S::mul(S::load(x.add(LANES * j)), S::load(factors.add(LANES * j)));
            low = S::min(low, *slot);
            high = S::max(high, *slot);
        }
        let (low, high) = (S::smallest(low), S::largest(high));
        let scale = ((high - low) / 255.0).max(f32::MIN_POSITIVE);
        let inverse = 1.0 / scale;
        let zero = (-low * inverse).round_ties_even();
        for (j, &slot) in scaled.iter().enumerate().take(length / LANES) {
            let q = S::fma(slot, S::splat(inverse), S::splat(zero));
            S::store_bytes(to.add(LANES * j), q);
        }
        [scale, scale * zero]
    }
}
