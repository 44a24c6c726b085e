//! Memory in cache lines, seen as words, reals, halves or bytes.

#![expect(unsafe_code, reason = "one allocation seen as several plain number types")]

/// Sixteen words that begin a cache line.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u32; 16]);

/// A buffer of 32-bit words that begins a cache line; zero at first.
#[derive(Clone)]
pub(super) struct Words(Vec<Line>);

impl Words {
    /// Room for `words` words, rounded up to whole lines.
    pub(super) fn zeroed(words: usize) -> Self {
        Self(vec![Line([0; 16]); words.div_ceil(16)])
    }

    /// A copy of `reals`.
    pub(super) fn of(reals: &[f32]) -> Self {
        let mut words = Self::zeroed(reals.len());
        words.reals_mut()[..reals.len()].copy_from_slice(reals);
        words
    }

    /// How many words there are.
    pub(super) fn len(&self) -> usize {
        self.0.len() * 16
    }

    pub(super) fn words(&self) -> &[u32] {
        // SAFETY: a line is sixteen u32 without padding; the length is that of the allocation.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.len()) }
    }

    pub(super) fn words_mut(&mut self) -> &mut [u32] {
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.len()) }
    }

    pub(super) fn reals(&self) -> &[f32] {
        // SAFETY: as above; every pattern of 32 bits is an f32.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.len()) }
    }

    pub(super) fn reals_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.len()) }
    }
}
