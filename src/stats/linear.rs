//! The few vector operations that every statistic is made of.
//!
//! What is dispatched to the processor's vector instructions is a type, not a closure: a closure is
//! compiled apart from them, and runs ten times as slowly.

#![expect(clippy::inline_always, reason = "else it is compiled without vector instructions")]

use pulp::{Simd, WithSimd};

/// Σ aᵢbᵢ in single precision, in sixteen interleaved partial sums.
///
/// The partial sums let the compiler use vector registers and keep the rounding error near
/// √(n/16) units instead of √n.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    dot_inlined(a, b)
}

/// Sixteen partial sums as one, halves onto halves: as few steps after another as can be.
#[inline(always)]
fn fold(mut lanes: [f32; 16]) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
    }
    lanes[0]
}

#[inline(always)]
fn dot_inlined(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (a_chunks, b_chunks) = (a.chunks_exact(16), b.chunks_exact(16));
    let tail: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..16 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    fold(lanes) + tail
}

/// The inner products of every row of a matrix with every point: `out[p · rows + r]`.
///
/// `matrix` is row-major with `dim` columns. Each product is computed exactly as [`dot`] computes it,
/// whatever stands beside it, so that a result does not depend on how points are grouped; the groups
/// only let a block of rows stay in the nearest cache while all points pass over it.
pub fn products(matrix: &[f32], dim: usize, points: &[&[f32]], out: &mut [f32]) {
    pulp::Arch::new().dispatch(Products { matrix, dim, points, out });
}

/// Rows of one block: 48 KiB at 384 columns, within the nearest cache together with a point.
const BLOCK: usize = 32;

struct Products<'a> {
    matrix: &'a [f32],
    dim: usize,
    points: &'a [&'a [f32]],
    out: &'a mut [f32],
}

impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { matrix, dim, points, out } = self;
        let rows = matrix.len() / dim;
        for first in (0..rows).step_by(BLOCK) {
            let last = (first + BLOCK).min(rows);
            for (p, x) in points.iter().enumerate() {
                let mut row = first;
                while row + 4 <= last {
                    let four = &matrix[row * dim..(row + 4) * dim];
                    out[p * rows + row..p * rows + row + 4]
                        .copy_from_slice(&dot_four(simd, four, x));
                    row += 4;
                }
                for row in row..last {
                    out[p * rows + row] = dot_inlined(&matrix[row * dim..(row + 1) * dim], x);
                }
            }
        }
    }
}

/// Four rows at once: the point is loaded once for them. The sixteen partial sums of each lie in one,
/// two or four registers.
#[inline(always)]
fn dot_four<S: Simd>(simd: S, rows: &[f32], x: &[f32]) -> [f32; 4] {
    let dim = x.len();
    let whole = dim / 16 * 16;
    let registers = 16 / S::F32_LANES.min(16);
    let zero = simd.splat_f32s(0.0);
    let mut lanes = [[zero; 16]; 4];
    let (x_whole, _) = S::as_simd_f32s(&x[..whole]);
    let row = |r: usize| S::as_simd_f32s(&rows[r * dim..r * dim + whole]).0.chunks_exact(registers);
    let steps = row(0).zip(row(1)).zip(row(2)).zip(row(3));
    for ((((a, b), c), d), x) in steps.zip(x_whole.chunks_exact(registers)) {
        for k in 0..registers {
            for (lanes, row) in lanes.iter_mut().zip([a, b, c, d]) {
                lanes[k] = simd.add_f32s(lanes[k], simd.mul_f32s(row[k], x[k]));
            }
        }
    }
    let mut sums = [0.0; 4];
    for (r, sum) in sums.iter_mut().enumerate() {
        let mut all = [0.0f32; 16];
        let (parts, _) = S::as_mut_simd_f32s(&mut all);
        parts.copy_from_slice(&lanes[r][..registers]);
        let row = &rows[r * dim..(r + 1) * dim];
        let tail: f32 = row[whole..].iter().zip(&x[whole..]).map(|(r, x)| r * x).sum();
        *sum = fold(all) + tail;
    }
    sums
}

/// Σ aᵢbᵢ in double precision.
pub fn dot_f64(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0f64; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..8 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    lanes.iter().sum::<f64>() + tail
}

/// Σ xᵢ² in double precision.
pub fn norm_sq(x: &[f32]) -> f64 {
    x.iter().map(|&v| f64::from(v) * f64::from(v)).sum()
}

/// Squared Euclidean distance of two points, in double precision.
pub fn distance_sq<T: Copy + Into<f64>>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| (x.into() - y.into()).powi(2)).sum()
}

/// `sum += scale · x`.
pub fn axpy(sum: &mut [f64], scale: f64, x: &[f32]) {
    pulp::Arch::new().dispatch(Axpy { sum, scale, x });
}

struct Axpy<'a> {
    sum: &'a mut [f64],
    scale: f64,
    x: &'a [f32],
}

impl WithSimd for Axpy<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (total, &value) in self.sum.iter_mut().zip(self.x) {
            *total += self.scale * f64::from(value);
        }
    }
}

/// `sum += x`.
pub fn add(sum: &mut [f64], x: &[f32]) {
    for (total, &value) in sum.iter_mut().zip(x) {
        *total += f64::from(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_does_not_depend_on_its_neighbours() {
        for (rows, dim) in [(1, 3), (7, 16), (70, 37), (33, 48)] {
            let matrix: Vec<f32> = (0..rows * dim).map(|i| (i as f32 * 0.37).sin()).collect();
            let points: Vec<Vec<f32>> =
                (0..5).map(|p| (0..dim).map(|i| ((p * dim + i) as f32).cos()).collect()).collect();
            let points: Vec<&[f32]> = points.iter().map(Vec::as_slice).collect();
            let mut out = vec![0.0; rows * points.len()];
            products(&matrix, dim, &points, &mut out);
            for (p, x) in points.iter().enumerate() {
                for r in 0..rows {
                    let alone = dot(&matrix[r * dim..(r + 1) * dim], x);
                    assert_eq!(out[p * rows + r].to_bits(), alone.to_bits());
                }
            }
        }
    }

    #[test]
    fn lanes_and_tails_agree_with_the_plain_sum() {
        for n in [0, 1, 15, 16, 17, 47] {
            let a: Vec<f32> = (0..n).map(|i| (i as f32).sin()).collect();
            let b: Vec<f32> = (0..n).map(|i| (i as f32).cos()).collect();
            let plain: f64 = a.iter().zip(&b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            assert!((f64::from(dot(&a, &b)) - plain).abs() < 1e-5);
            let (a, b): (Vec<f64>, Vec<f64>) =
                (a.iter().map(|&x| x.into()).collect(), b.iter().map(|&x| x.into()).collect());
            assert!((dot_f64(&a, &b) - plain).abs() < 1e-12);
        }
    }
}
