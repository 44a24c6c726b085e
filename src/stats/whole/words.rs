//! Rows of whole numbers of 16 bits, for processors that cannot multiply bytes by fours.

#![expect(clippy::inline_always, reason = "else it is compiled without vector instructions")]

/// Numbers of one step: a register of 256 bits.
const STEP: usize = 16;

/// Rows that pass over all points while they lie in the nearest cache.
const BLOCK: usize = 32;

/// Rows of whole numbers, all of one length.
pub(super) struct Rows<'a> {
    values: &'a [i16],
    dim: usize,
}

impl<'a> Rows<'a> {
    /// Row-major `values` with `dim` columns.
    pub(super) fn new(values: &'a [i16], dim: usize) -> Self {
        Self { values, dim }
    }

    fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    fn row(&self, row: usize) -> &'a [i16] {
        &self.values[row * self.dim..(row + 1) * self.dim]
    }

    /// The inner product of every row with every point: `out[p · rows + r]`. No sum may exceed 32 bits.
    pub(super) fn products(&self, points: &[Vec<i16>], out: &mut [i32]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            return pulp::Simd::vectorize(simd, x86::Narrow { simd, rows: self, points, out });
        }
        self.blocked(points, out, dot_four);
    }

    #[inline(always)]
    fn blocked(
        &self,
        points: &[Vec<i16>],
        out: &mut [i32],
        four: impl Fn([&[i16]; 4], &[i16]) -> [i32; 4],
    ) {
        let rows = self.len();
        for first in (0..rows).step_by(BLOCK) {
            let last = (first + BLOCK).min(rows);
            for (p, x) in points.iter().enumerate() {
                let out = &mut out[p * rows..(p + 1) * rows];
                let mut row = first;
                while row + 4 <= last {
                    let rows = [row, row + 1, row + 2, row + 3].map(|row| self.row(row));
                    out[row..row + 4].copy_from_slice(&four(rows, x));
                    row += 4;
                }
                for (row, out) in out.iter_mut().enumerate().take(last).skip(row) {
                    *out = dot(self.row(row), x);
                }
            }
        }
    }
}

fn dot(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}

fn dot_four(rows: [&[i16]; 4], x: &[i16]) -> [i32; 4] {
    rows.map(|row| dot(row, x))
}

/// The totals of four rows: their partial sums, and what is left behind the whole registers.
#[inline(always)]
fn finish(sums: [[i32; 8]; 4], rows: [&[i16]; 4], x_tail: &[i16]) -> [i32; 4] {
    let mut totals = sums.map(|lanes| lanes.iter().sum());
    for (total, row) in totals.iter_mut().zip(rows) {
        *total += dot(&row[row.len() - x_tail.len()..], x_tail);
    }
    totals
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::__m256i;

    use pulp::cast;
    use pulp::x86::V3;

    use super::{Rows, STEP, finish};

    /// 256 bits at a time.
    pub(super) struct Narrow<'a> {
        pub(super) simd: V3,
        pub(super) rows: &'a Rows<'a>,
        pub(super) points: &'a [Vec<i16>],
        pub(super) out: &'a mut [i32],
    }

    impl pulp::NullaryFnOnce for Narrow<'_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let simd = self.simd;
            self.rows.blocked(
                self.points,
                self.out,
                #[inline(always)]
                |rows, x| {
                    let (steps, x_tail) = x.as_chunks::<STEP>();
                    let [a, b, c, d] = rows.map(|row| row.as_chunks::<STEP>().0);
                    let mut sums = [simd.avx._mm256_setzero_si256(); 4];
                    for ((((x, a), b), c), d) in steps.iter().zip(a).zip(b).zip(c).zip(d) {
                        let x: __m256i = cast(*x);
                        for (sum, row) in sums.iter_mut().zip([a, b, c, d]) {
                            let pairs = simd.avx2._mm256_madd_epi16(cast(*row), x);
                            *sum = simd.avx2._mm256_add_epi32(*sum, pairs);
                        }
                    }
                    finish(sums.map(cast), rows, x_tail)
                },
            );
        }
    }
}
