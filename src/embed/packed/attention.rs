//! softmax(Q Kᵀ) V for each head of one text; log₂e/√d is in the weights of Q already, so that the
//! softmax is one of powers of two.

#![expect(
    clippy::inline_always,
    reason = "instructions of the caller's features must reach the kernels"
)]
#![expect(unsafe_code, reason = "built on vector instructions and pointers")]

use super::math::exp2;
use super::product::reals;
use super::simd::{LANES, Simd};

/// One text's attention.
pub(super) struct Attention<'a> {
    /// tokens × (Q, K, V), each heads × `head` wide.
    pub(super) qkv: &'a [f32],
    /// tokens × heads × `head`.
    pub(super) context: &'a mut [f32],
    /// Room for the keys of a head and the scores of a tile: see [`room`].
    pub(super) room: &'a mut [f32],
    /// Heads.
    pub(super) heads: usize,
    /// Width of a head; a multiple of 16.
    pub(super) head: usize,
    /// Tokens of the text.
    pub(super) tokens: usize,
}

/// How much room a text of `tokens` needs at most.
pub(super) fn room(tokens: usize, head: usize) -> usize {
    tokens.next_multiple_of(2 * LANES) * (head + 12)
}

impl Attention<'_> {
    /// # Safety
    ///
    /// The processor has the features of `S`, and the caller is compiled for them. `ROUGH` powers
    /// are for products that are not in f32.
    #[inline(always)]
    pub(super) unsafe fn run<S: Simd, const ROUGH: bool>(self) {
        let wide = self.heads * self.head;
        assert!(self.head.is_multiple_of(LANES));
        assert!(self.qkv.len() >= self.tokens * 3 * wide);
        assert!(self.context.len() >= self.tokens * wide);
        assert!(self.room.len() >= room(self.tokens, self.head));
        let padded = self.tokens.next_multiple_of(S::VECTORS * LANES);
        let (keys, scores) = self.room.split_at_mut(padded * self.head);
        for head in 0..self.heads {
            let of_head = HeadOf::<S, ROUGH> {
                q: self.qkv[head * self.head..].as_ptr(),
                k: self.qkv[wide + head * self.head..].as_ptr(),
                v: self.qkv[2 * wide + head * self.head..].as_ptr(),
                stride: 3 * wide,
                head: self.head,
                tokens: self.tokens,
                padded,
                keys: keys.as_mut_ptr(),
                scores: scores.as_mut_ptr(),
                context: self.context[head * self.head..].as_mut_ptr(),
                context_stride: wide,
                simd: std::marker::PhantomData,
            };
            // SAFETY: the assertions have found every row of every head within the slices.
            unsafe {
                of_head.transpose_keys();
                of_head.run();
            }
        }
    }
}

/// One head; the pointers are valid for `tokens` rows, `stride` apart.
struct HeadOf<S, const ROUGH: bool> {
    q: *const f32,
    k: *const f32,
    v: *const f32,
    stride: usize,
    head: usize,
    tokens: usize,
    padded: usize,
    keys: *mut f32,
    scores: *mut f32,
    context: *mut f32,
    context_stride: usize,
    simd: std::marker::PhantomData<S>,
}

impl<S: Simd, const ROUGH: bool> HeadOf<S, ROUGH> {
    /// Keys as panels of weights: 16 or 32 tokens beside each other, one dimension after another.
    #[inline(always)]
    unsafe fn transpose_keys(&self) {
        let width = S::VECTORS * LANES;
        for token in (0..self.padded).step_by(LANES) {
            for d in (0..self.head).step_by(LANES) {
                // SAFETY: `keys` holds padded × head reals; only rows of the text are read.
                unsafe {
                    let to = self.keys.add(token / width * width * self.head);
                    let to = to.add(d * width + token % width);
                    // Beyond the text, where nothing is read, it may point anywhere.
                    let from = self.k.wrapping_add(token * self.stride + d);
                    let there = self.tokens.saturating_sub(token).min(LANES);
                    if there == LANES {
                        S::transpose(from, self.stride, to, width);
                    } else {
                        let mut block = [0.0; LANES * LANES];
                        for row in 0..there {
                            let block = block.as_mut_ptr().add(row * LANES);
                            S::store(block, S::load(from.add(row * self.stride)));
                        }
                        S::transpose(block.as_ptr(), LANES, to, width);
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn run(&self) {
        let tiles = self.tokens.div_ceil(S::ROWS);
        let mut row = 0;
        for tile in 0..tiles {
            let height = (self.tokens - row).div_ceil(tiles - tile);
            macro_rules! by_height {
                ($($m:literal)*) => {
                    match height {
                        // SAFETY: rows `row..row + height` are the text's.
                        $($m if $m <= S::ROWS => unsafe { self.tile::<$m>(row) },)*
                        _ => unreachable!("a tile has at most {} rows", S::ROWS),
                    }
                };
            }
            by_height!(1 2 3 4 5 6 7 8 9 10 11 12);
            row += height;
        }
    }

    #[inline(always)]
    unsafe fn tile<const M: usize>(&self, row: usize) {
        // SAFETY: the caller's rows are the text's.
        unsafe {
            if S::VECTORS == 2 {
                self.scores::<M, 2>(row);
            } else {
                self.scores::<M, 1>(row);
            }
            let mut inverse = [0.0; M];
            for (i, inverse) in inverse.iter_mut().enumerate() {
                *inverse = self.softmax(self.scores.add(i * self.padded));
            }
            let mut d = 0;
            while d < self.head {
                if S::VECTORS == 2 && self.head - d >= 2 * LANES {
                    self.mix::<M, 2>(row, d, &inverse);
                    d += 2 * LANES;
                } else {
                    self.mix::<M, 1>(row, d, &inverse);
                    d += LANES;
                }
            }
        }
    }

    /// Q Kᵀ of M rows.
    #[inline(always)]
    unsafe fn scores<const M: usize, const V: usize>(&self, row: usize) {
        let width = V * LANES;
        for panel in (0..self.padded).step_by(width) {
            // SAFETY: `scores` holds twelve rows of `padded`.
            unsafe {
                let keys = self.keys.add(panel * self.head);
                let q = self.q.add(row * self.stride);
                let sums = reals::<S, M, V>(q, self.stride, keys, width, self.head);
                for (i, sums) in sums.iter().enumerate() {
                    for (j, &sum) in sums.iter().enumerate() {
                        S::store(self.scores.add(i * self.padded + panel + LANES * j), sum);
                    }
                }
            }
        }
    }

    /// 2^(x − largest) in place; gives 1 / their sum.
    #[inline(always)]
    unsafe fn softmax(&self, x: *mut f32) -> f32 {
        // SAFETY: x is a row of `padded` scores.
        unsafe {
            for token in self.tokens..self.padded {
                *x.add(token) = f32::NEG_INFINITY;
            }
            let mut largest = S::splat(f32::NEG_INFINITY);
            for i in (0..self.padded).step_by(LANES) {
                largest = S::max(largest, S::load(x.add(i)));
            }
            let largest = S::splat(S::largest(largest));
            let mut sum = S::splat(0.0);
            for i in (0..self.padded).step_by(LANES) {
                // What pads the row comes to 2⁻¹²⁵, lost in a sum that holds 2⁰.
                let e = exp2::<S, ROUGH>(S::sub(S::load(x.add(i)), largest));
                sum = S::add(sum, e);
                S::store(x.add(i), e);
            }
            1.0 / S::sum(sum)
        }
    }

    /// The weighted mean of V, dimensions from `d`.
    #[inline(always)]
    unsafe fn mix<const M: usize, const V: usize>(&self, row: usize, d: usize, inverse: &[f32; M]) {
        // SAFETY: V's rows and the context's hold `head` from their pointers on.
        unsafe {
            let v = self.v.add(d);
            let sums = reals::<S, M, V>(self.scores, self.padded, v, self.stride, self.tokens);
            for (i, sums) in sums.iter().enumerate() {
                let to = self.context.add((row + i) * self.context_stride + d);
                for (j, &sum) in sums.iter().enumerate() {
                    S::store(to.add(LANES * j), S::mul(sum, S::splat(inverse[i])));
                }
            }
        }
    }
}
