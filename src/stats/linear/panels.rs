//! A matrix whose rows stand beside each other, to be multiplied with many points.

#![expect(clippy::inline_always, reason = "else it is compiled without vector instructions")]

use pulp::{Simd, WithSimd};

/// Rows of a panel.
const WIDTH: usize = 32;

/// Points that pass over a panel while it lies in the nearest cache.
const TOGETHER: usize = 64;

/// The rows of a matrix in panels: of each panel, one column after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Panels {
    rows: usize,
    dim: usize,
    columns: Vec<[f32; WIDTH]>,
}

impl Panels {
    /// Row-major `matrix` with `dim` columns.
    pub fn new(matrix: &[f32], dim: usize) -> Self {
        let rows = matrix.len() / dim;
        let mut columns = vec![[0.0; WIDTH]; rows.div_ceil(WIDTH) * dim];
        for (r, row) in matrix.chunks_exact(dim).enumerate() {
            let first = r / WIDTH * dim;
            for (column, value) in columns[first..first + dim].iter_mut().zip(row) {
                column[r % WIDTH] = *value;
            }
        }
        Self { rows, dim, columns }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The inner product of every row with every point: `out[p · rows + r]`.
    ///
    /// Each is the sum of fused products, one column after the other, whatever stands beside it and
    /// whatever the processor: a result does not depend on how points are grouped. Its rounding error
    /// grows with √dim units.
    pub fn products(&self, points: &[&[f32]], out: &mut [f32]) {
        pulp::Arch::new().dispatch(Products { panels: self, points, out });
    }
}

struct Products<'a> {
    panels: &'a Panels,
    points: &'a [&'a [f32]],
    out: &'a mut [f32],
}

impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as keep the multipliers busy and find registers.
        match (S::F32_LANES, self.points.len()) {
            (16, 0..=2) => self.by::<S, 2, 1>(simd),
            (16, _) => self.by::<S, 2, 8>(simd),
            (8, 0..=1) => self.by::<S, 4, 1>(simd),
            (8, _) => self.by::<S, 4, 2>(simd),
            (4, _) => self.by::<S, 8, 2>(simd),
            _ => self.by::<S, WIDTH, 1>(simd),
        }
    }
}

impl Products<'_> {
    /// A panel is `K` registers wide; `P` points at once.
    #[inline(always)]
    fn by<S: Simd, const K: usize, const P: usize>(self, simd: S) {
        let Self { panels: Panels { rows, dim, columns }, points, out } = self;
        let (rows, dim) = (*rows, *dim);
        for (points, out) in points.chunks(TOGETHER).zip(out.chunks_mut((TOGETHER * rows).max(1))) {
            let blocks: Vec<Vec<[f32; P]>> = points.chunks(P).map(beside).collect();
            for (panel, columns) in columns.chunks_exact(dim).enumerate() {
                let first = panel * WIDTH;
                let last = (first + WIDTH).min(rows);
                for (b, block) in blocks.iter().enumerate() {
                    let sums = multiply::<S, K, P>(simd, columns, block);
                    for (p, sums) in (b * P..points.len()).zip(&sums) {
                        out[p * rows + first..p * rows + last]
                            .copy_from_slice(&sums[..last - first]);
                    }
                }
            }
        }
    }
}

/// The coordinates of up to `P` points beside each other, 0 where there is no point.
fn beside<const P: usize>(points: &[&[f32]]) -> Vec<[f32; P]> {
    let mut block = vec![[0.0; P]; points[0].len()];
    for (p, x) in points.iter().enumerate() {
        block.iter_mut().zip(*x).for_each(|(all, v)| all[p] = *v);
    }
    block
}

#[inline(always)]
fn multiply<S: Simd, const K: usize, const P: usize>(
    simd: S,
    columns: &[[f32; WIDTH]],
    block: &[[f32; P]],
) -> [[f32; WIDTH]; P] {
    let mut sums = [[simd.splat_f32s(0.0); K]; P];
    for (column, points) in columns.iter().zip(block) {
        let mut rows = [simd.splat_f32s(0.0); K];
        rows.copy_from_slice(&S::as_simd_f32s(column).0[..K]);
        for (sums, x) in sums.iter_mut().zip(points) {
            let x = simd.splat_f32s(*x);
            for (sum, rows) in sums.iter_mut().zip(rows) {
                *sum = simd.mul_add_f32s(rows, x, *sum);
            }
        }
    }
    let mut out = [[0.0; WIDTH]; P];
    for (out, sums) in out.iter_mut().zip(&sums) {
        S::as_mut_simd_f32s(out).0.copy_from_slice(sums);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_the_plain_sum_and_does_not_depend_on_its_neighbours() {
        for (rows, dim) in [(1, 3), (7, 16), (70, 37), (33, 48), (64, 1)] {
            let matrix: Vec<f32> = (0..rows * dim).map(|i| (i as f32 * 0.37).sin()).collect();
            let points: Vec<Vec<f32>> = (0..130)
                .map(|p| (0..dim).map(|i| ((p * dim + i) as f32).cos()).collect())
                .collect();
            let points: Vec<&[f32]> = points.iter().map(Vec::as_slice).collect();
            let panels = Panels::new(&matrix, dim);
            let mut out = vec![0.0; rows * points.len()];
            panels.products(&points, &mut out);
            for (p, x) in points.iter().enumerate() {
                let mut alone = vec![0.0; rows];
                panels.products(&[x], &mut alone);
                for r in 0..rows {
                    assert_eq!(out[p * rows + r].to_bits(), alone[r].to_bits());
                    let row = &matrix[r * dim..(r + 1) * dim];
                    let plain = row.iter().zip(*x).fold(0.0f32, |sum, (a, b)| a.mul_add(*b, sum));
                    assert_eq!(alone[r].to_bits(), plain.to_bits(), "{rows} × {dim}");
                }
            }
        }
    }

    #[test]
    fn no_points_and_no_rows_are_no_products() {
        Panels::new(&[1.0, 2.0], 2).products(&[], &mut []);
        Panels::new(&[], 2).products(&[&[1.0, 2.0]], &mut []);
    }
}
