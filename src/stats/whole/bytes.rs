//! Sixteen rows beside each other, multiplied four bytes at a time (AVX-512 VNNI).

#![expect(unsafe_code, reason = "a function compiled for instructions the program may not assume")]

use std::arch::x86_64::{__m512i, _mm512_dpbusd_epi32, _mm512_set1_epi32};

use pulp::cast;

/// Rows of a panel: a register of 512 bits holds four bytes of each.
const LANES: usize = 16;

/// Panels of one block.
const PANELS: usize = 2;

/// Points of one block: as many sums as keep the multipliers busy. Up to [`FEW`] go one by one.
const POINTS: usize = 8;
const FEW: usize = 2;

/// Bytes that are multiplied and added in one step.
const GROUP: usize = 4;

/// The instruction wants one side without sign: rows are shifted by this much.
const SHIFT: i32 = 128;

/// Rows of bytes in panels: of each panel, one group of columns after the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Panels {
    groups: usize,
    /// Pairs of panels × groups.
    steps: Vec<[[u8; 64]; PANELS]>,
}

impl Panels {
    /// Row-major `values` with `dim` columns; `None` where the processor lacks the instructions.
    pub(super) fn new(values: &[i8], dim: usize) -> Option<Self> {
        if !(is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni")) {
            return None;
        }
        let groups = dim.div_ceil(GROUP);
        let rows = values.len() / dim;
        let mut steps = vec![[[SHIFT as u8; 64]; PANELS]; groups * rows.div_ceil(PANELS * LANES)];
        for (r, row) in values.chunks_exact(dim).enumerate() {
            let (pair, panel, lane) = (r / (PANELS * LANES), r / LANES % PANELS, r % LANES);
            for (j, &value) in row.iter().enumerate() {
                let step = &mut steps[pair * groups + j / GROUP];
                step[panel][lane * GROUP + j % GROUP] = (i32::from(value) + SHIFT) as u8;
            }
        }
        Some(Self { groups, steps })
    }

    /// The inner product of each of `rows` rows with every point: `out[p · rows + r]`.
    pub(super) fn products(&self, points: &[Vec<i8>], rows: usize, out: &mut [i32]) {
        if points.len() <= FEW {
            self.by::<1>(points, rows, out);
        } else {
            self.by::<POINTS>(points, rows, out);
        }
    }

    fn by<const P: usize>(&self, points: &[Vec<i8>], rows: usize, out: &mut [i32]) {
        let blocks: Vec<Block<P>> =
            points.chunks(P).map(|own| Block::of(own, self.groups)).collect();
        for (pair, steps) in self.steps.chunks_exact(self.groups).enumerate() {
            let first = pair * PANELS * LANES;
            let last = (first + PANELS * LANES).min(rows);
            for (b, block) in blocks.iter().enumerate() {
                // SAFETY: `new` has seen that the processor has the instructions.
                let sums = unsafe { multiply(steps, block) };
                for (p, sums) in (b * P..points.len()).zip(&sums) {
                    let own = &mut out[p * rows + first..p * rows + last];
                    own.copy_from_slice(&sums.as_flattened()[..last - first]);
                }
            }
        }
    }
}

/// Points whose groups of columns stand beside each other.
struct Block<const P: usize> {
    /// What the sums begin with, so that the shift of the rows is taken off.
    start: [i32; P],
    words: Vec<[i32; P]>,
}

impl<const P: usize> Block<P> {
    fn of(points: &[Vec<i8>], groups: usize) -> Self {
        let mut block = Self { start: [0; P], words: vec![[0; P]; groups] };
        for (p, x) in points.iter().enumerate() {
            block.start[p] = -SHIFT * x.iter().map(|&v| i32::from(v)).sum::<i32>();
            for (words, group) in block.words.iter_mut().zip(x.chunks(GROUP)) {
                let mut bytes = [0; GROUP];
                bytes.iter_mut().zip(group).for_each(|(byte, &v)| *byte = v as u8);
                words[p] = i32::from_le_bytes(bytes);
            }
        }
        block
    }
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn multiply<const P: usize>(
    steps: &[[[u8; 64]; PANELS]],
    block: &Block<P>,
) -> [[[i32; LANES]; PANELS]; P] {
    let mut sums = [[_mm512_set1_epi32(0); PANELS]; P];
    for (sums, start) in sums.iter_mut().zip(block.start) {
        *sums = [_mm512_set1_epi32(start); PANELS];
    }
    for (panels, words) in steps.iter().zip(&block.words) {
        let rows: [__m512i; PANELS] = [cast(panels[0]), cast(panels[1])];
        for (sums, &word) in sums.iter_mut().zip(words) {
            let x = _mm512_set1_epi32(word);
            for (sum, rows) in sums.iter_mut().zip(rows) {
                *sum = _mm512_dpbusd_epi32(*sum, rows, x);
            }
        }
    }
    sums.map(cast)
}
