//! The matrix product: a tile of rows × columns of sums stays in registers while one word of the
//! depth after the other is added.

#![expect(
    clippy::inline_always,
    reason = "instructions of the caller's features must reach the kernels"
)]
#![expect(unsafe_code, reason = "built on vector instructions and pointers")]

use std::ops::Range;

use super::math::{gelu, gelu_rough};
use super::panels::{GROUP, Number, Panels};
use super::simd::{LANES, Simd};

/// What becomes of a product's sums; the bias is added before.
pub(super) mod then {
    /// They are written.
    pub(in crate::embed::packed) const SET: u8 = 0;
    /// Their Gaussian error linear unit is written.
    pub(in crate::embed::packed) const GELU: u8 = 1;
    /// They are added to what is there.
    pub(in crate::embed::packed) const ADD: u8 = 2;
}

/// rows × depth times the panels' `columns`, into rows × `out_stride`.
pub(super) struct Product<'a> {
    /// Rows of the operand, each of the panels' depth in words, one after the other.
    pub(super) operand: &'a [u32],
    /// For bytes: scale, and scale times zero, of each row's groups.
    pub(super) steps: &'a [[f32; 2]],
    /// The weights.
    pub(super) panels: &'a Panels,
    /// Which columns, from the start of a panel.
    pub(super) columns: Range<usize>,
    /// How many rows.
    pub(super) rows: usize,
    /// Where the first of `columns` of the first row goes.
    pub(super) out: &'a mut [f32],
    /// From one row of the output to the next.
    pub(super) out_stride: usize,
}

impl Product<'_> {
    /// That every access of the kernels lies within the slices.
    fn check<S: Simd>(&self, number: Number) {
        let Self { panels, columns, rows, .. } = self;
        assert!(panels.number == number && panels.width == S::VECTORS * LANES);
        assert!(columns.start.is_multiple_of(panels.width) && columns.end <= panels.columns);
        assert!(columns.end.is_multiple_of(panels.width) || columns.end == panels.columns);
        assert!(self.operand.len() >= rows * panels.depth_words());
        assert!(self.out_stride >= columns.len());
        assert!(*rows == 0 || self.out.len() >= (rows - 1) * self.out_stride + columns.len());
        assert!(panels.words.len() >= panels.columns * panels.depth_words());
        assert!(panels.bias.len() >= panels.columns);
        if number == Number::Int8 {
            assert!(self.steps.len() >= rows * panels.groups());
            assert!(panels.scale.len() >= panels.columns);
            assert!(panels.sums.len() >= panels.columns * panels.groups());
        }
    }

    /// # Safety
    ///
    /// The processor has the features that `S` needs for `number`, and the caller is compiled for
    /// them.
    #[inline(always)]
    pub(super) unsafe fn run<S: Simd, const THEN: u8>(mut self, number: Number) {
        self.check::<S>(number);
        let panels = self.panels;
        let mut column = self.columns.start;
        while column < self.columns.end {
            let width = panels.width.min(panels.columns - column);
            // SAFETY: `check` has found every row and column of the tiles within the slices.
            unsafe {
                // The constant spares the others tiles that are never run.
                if S::VECTORS == 2 && width == 2 * LANES {
                    self.panel::<S, THEN, 2>(number, column);
                } else {
                    self.panel::<S, THEN, 1>(number, column);
                }
            }
            column += width;
        }
    }

    /// One panel for all rows, in tiles of nearly equal height.
    #[inline(always)]
    unsafe fn panel<S: Simd, const THEN: u8, const V: usize>(
        &mut self,
        number: Number,
        column: usize,
    ) {
        let tiles = self.rows.div_ceil(S::ROWS);
        // Weights come from the third cache or from memory, too late for a first use: while this
        // panel is at work, each tile asks for its share of the next.
        let next = self.panels.words.words().as_ptr();
        let next = next.wrapping_add((column + V * LANES) * self.panels.depth_words());
        let lines = (V * self.panels.depth_words()).div_ceil(tiles.max(1));
        let mut row = 0;
        for tile in 0..tiles {
            for line in tile * lines..(tile + 1) * lines {
                // SAFETY: any address may be asked for.
                unsafe { S::prefetch(next.wrapping_add(line * LANES)) }
            }
            let height = (self.rows - row).div_ceil(tiles - tile);
            macro_rules! by_height {
                ($($m:literal)*) => {
                    match height {
                        // SAFETY: rows `row..row + height` and the panel's columns are within
                        // bounds; a height above the tile's is not instantiated.
                        $($m if $m <= S::ROWS => unsafe {
                            self.tile::<S, THEN, $m, V>(number, row, column);
                        },)*
                        _ => unreachable!("a tile has at most {} rows", S::ROWS),
                    }
                };
            }
            by_height!(1 2 3 4 5 6 7 8 9 10 11 12);
            row += height;
        }
    }

    #[inline(always)]
    unsafe fn tile<S: Simd, const THEN: u8, const M: usize, const V: usize>(
        &mut self,
        number: Number,
        row: usize,
        column: usize,
    ) {
        let panels = self.panels;
        let stride = panels.depth_words();
        // SAFETY: within bounds by `check`.
        unsafe {
            let a = self.operand.as_ptr().add(row * stride);
            let b = panels.words.words().as_ptr().add(column * stride);
            let sums = match number {
                Number::F32 => reals::<S, M, V>(a.cast(), stride, b.cast(), V * LANES, stride),
                Number::Bf16 => halves::<S, M, V>(a, stride, b, stride),
                Number::Int8 => {
                    let steps = self.steps.as_ptr().add(row * panels.groups());
                    bytes::<S, M, V>(panels, a, b, steps, column)
                }
            };
            let bias = panels.bias.reals().as_ptr().add(column);
            let scale = panels.scale.reals().as_ptr();
            let out =
                self.out.as_mut_ptr().add(row * self.out_stride + column - self.columns.start);
            for j in 0..V {
                let bias = S::load(bias.add(LANES * j));
                let scale = match number {
                    Number::Int8 => S::load(scale.add(column + LANES * j)),
                    _ => S::splat(1.0),
                };
                for (i, row) in sums.iter().enumerate() {
                    let y = match number {
                        Number::Int8 => S::fma(row[j], scale, bias),
                        _ => S::add(row[j], bias),
                    };
                    emit::<S, THEN>(number, y, out.add(i * self.out_stride + LANES * j));
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn emit<S: Simd, const THEN: u8>(number: Number, y: S::F, out: *mut f32) {
    // SAFETY: the caller's `out` is valid for sixteen.
    unsafe {
        match (THEN, number) {
            (then::GELU, Number::F32) => S::store(out, gelu::<S>(y)),
            (then::GELU, _) => S::store(out, gelu_rough::<S>(y)),
            (then::ADD, _) => S::store(out, S::add(y, S::load(out))),
            _ => S::store(out, y),
        }
    }
}

/// M rows of `a`, `depth` long and `stride` apart, times `depth` rows of V vectors at `b`,
/// `b_stride` apart.
#[inline(always)]
pub(super) unsafe fn reals<S: Simd, const M: usize, const V: usize>(
    a: *const f32,
    stride: usize,
    b: *const f32,
    b_stride: usize,
    depth: usize,
) -> [[S::F; V]; M] {
    // SAFETY: the caller's pointers are valid for these rows.
    unsafe {
        let mut sums = [[S::splat(0.0); V]; M];
        for k in 0..depth {
            let weights: [S::F; V] = vector(|j| S::load(b.add(k * b_stride + LANES * j)));
            for (i, sums) in sums.iter_mut().enumerate() {
                let x = S::splat(*a.add(i * stride + k));
                for (sum, &weight) in sums.iter_mut().zip(&weights) {
                    *sum = S::fma(x, weight, *sum);
                }
            }
        }
        sums
    }
}

#[inline(always)]
unsafe fn halves<S: Simd, const M: usize, const V: usize>(
    a: *const u32,
    stride: usize,
    b: *const u32,
    depth: usize,
) -> [[S::F; V]; M] {
    // SAFETY: the caller's pointers are valid for these rows.
    unsafe {
        let mut sums = [[S::splat(0.0); V]; M];
        for k in 0..depth {
            let weights: [S::I; V] = vector(|j| S::load_words(b.add((k * V + j) * LANES)));
            for (i, sums) in sums.iter_mut().enumerate() {
                let x = S::splat_word(*a.add(i * stride + k));
                for (sum, &weight) in sums.iter_mut().zip(&weights) {
                    *sum = S::dot_bf16(*sum, x, weight);
                }
            }
        }
        sums
    }
}

/// Exact in each group; between groups Σ scale · (integer sum − zero · column sum).
#[inline(always)]
unsafe fn bytes<S: Simd, const M: usize, const V: usize>(
    panels: &Panels,
    a: *const u32,
    b: *const u32,
    steps: *const [f32; 2],
    column: usize,
) -> [[S::F; V]; M] {
    let (stride, groups) = (panels.depth_words(), panels.groups());
    // SAFETY: the caller's pointers are valid for these rows.
    unsafe {
        let mut sums = [[S::splat(0.0); V]; M];
        for group in 0..groups {
            let words = group * GROUP / 4..stride.min((group + 1) * GROUP / 4);
            let of_columns = panels.sums.reals().as_ptr().add(group * panels.columns + column);
            let of_column = |j| S::load(of_columns.add(LANES * j));
            let begin: [S::I; V] = vector(|j| S::begin_bytes(of_column(j)));
            let mut exact = [begin; M];
            for k in words {
                let weights: [S::I; V] = vector(|j| S::load_words(b.add((k * V + j) * LANES)));
                for (i, exact) in exact.iter_mut().enumerate() {
                    let x = S::splat_word(*a.add(i * stride + k));
                    for (sum, &weight) in exact.iter_mut().zip(&weights) {
                        *sum = S::dot_bytes(*sum, x, weight);
                    }
                }
            }
            let of_columns: [S::F; V] = vector(of_column);
            for i in 0..M {
                let [scale, zero] = *steps.add(i * groups + group);
                let (scale, zero) = (S::splat(scale), S::splat(-zero));
                for j in 0..V {
                    let sum = S::fma(zero, of_columns[j], sums[i][j]);
                    sums[i][j] = S::fma(S::to_f32(exact[i][j]), scale, sum);
                }
            }
        }
        sums
    }
}

/// `std::array::from_fn`, inlined for certain.
#[inline(always)]
fn vector<T: Copy, const V: usize>(f: impl Fn(usize) -> T) -> [T; V] {
    let mut all = [f(0); V];
    for (j, one) in all.iter_mut().enumerate().skip(1) {
        *one = f(j);
    }
    all
}
