//! Inner products of vectors of bytes: exact, so the same on every processor.
//!
//! Where the processor multiplies bytes by fours (VNNI), sixteen rows stand beside each other, so that
//! their sums fill a register and need no adding up; elsewhere the bytes are widened once to whole
//! numbers of 16 bits, two of which are multiplied at a time.

#[cfg(target_arch = "x86_64")]
mod bytes;
mod words;

/// Rows of bytes from −127 to 127, all of one length, laid out for this processor.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rows {
    count: usize,
    dim: usize,
    layout: Layout,
}

#[derive(Debug, Clone, PartialEq)]
enum Layout {
    #[cfg(target_arch = "x86_64")]
    Bytes(bytes::Panels),
    Words(Vec<i16>),
}

impl Rows {
    /// Row-major `values` with `dim` columns.
    pub(super) fn new(values: &[i8], dim: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(panels) = bytes::Panels::new(values, dim) {
            return Self { count: values.len() / dim, dim, layout: Layout::Bytes(panels) };
        }
        Self::in_words(values, dim)
    }

    fn in_words(values: &[i8], dim: usize) -> Self {
        let words = values.iter().map(|&v| i16::from(v)).collect();
        Self { count: values.len() / dim, dim, layout: Layout::Words(words) }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The inner product of every row with every point: `out[p · rows + r]`.
    pub(super) fn products(&self, points: &[Vec<i8>], out: &mut [i32]) {
        match &self.layout {
            #[cfg(target_arch = "x86_64")]
            Layout::Bytes(panels) => panels.products(points, self.count, out),
            Layout::Words(values) => {
                let widen = |x: &Vec<i8>| x.iter().map(|&v| i16::from(v)).collect();
                let points: Vec<Vec<i16>> = points.iter().map(widen).collect();
                words::Rows::new(values, self.dim).products(&points, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_layout_gives_the_plain_sum(
            dim in 1usize..100,
            rows in 1usize..80,
            points in 1usize..20,
            seed in any::<u32>(),
        ) {
            let value = |i: usize| (((i as u32).wrapping_mul(2_654_435_761) ^ seed) % 255) as i32 - 127;
            let matrix: Vec<i8> = (0..rows * dim).map(|i| value(i) as i8).collect();
            let points: Vec<Vec<i8>> =
                (0..points).map(|p| (0..dim).map(|i| value(7 * i + 1000 * p) as i8).collect()).collect();
            let plain: Vec<i32> = points
                .iter()
                .flat_map(|x| matrix.chunks_exact(dim).map(move |row| (x, row)))
                .map(|(x, row)| x.iter().zip(row).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum())
                .collect();
            for layout in [Rows::new(&matrix, dim), Rows::in_words(&matrix, dim)] {
                let mut out = vec![0; rows * points.len()];
                layout.products(&points, &mut out);
                prop_assert_eq!(&out, &plain);
            }
        }
    }

    #[test]
    fn the_largest_bytes_do_not_saturate() {
        let rows = [[127i8; 384], [-127; 384]].concat();
        let points = [vec![127i8; 384], vec![-127; 384]];
        for layout in [Rows::new(&rows, 384), Rows::in_words(&rows, 384)] {
            let mut out = vec![0; 4];
            layout.products(&points, &mut out);
            let most = 127 * 127 * 384;
            assert_eq!(out, [most, -most, -most, most]);
        }
    }
}
