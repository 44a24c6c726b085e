//! Sixteen lanes at a time, on whatever the processor has.
//!
//! Every kernel is written once over [`Simd`]. All implementations keep one arithmetic: the same
//! operations in the same order on sixteen lanes, fused multiply-adds throughout, sums of lanes
//! by one tree. So a text gets the same bits from AVX-512, from AVX2, from NEON and from the plain
//! twin, and the tests compare them for equality.

#![expect(unsafe_code, reason = "the processor's vector instructions")]

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;
#[cfg(target_arch = "aarch64")]
pub(super) mod neon;
pub(super) mod plain;

/// Lanes of a vector on every processor; wider or narrower registers are taken several at a time.
pub(super) const LANES: usize = 16;

/// Vector operations on sixteen lanes of 32 bits.
///
/// # Safety
///
/// Every function may be called only where the processor has the features its implementation
/// names, from within a function compiled for them. A pointer must be valid for the sixteen (or
/// as said) elements read or written; it need not be aligned.
pub(super) trait Simd: Copy + 'static {
    /// Sixteen f32.
    type F: Copy;
    /// Sixteen words of 32 bits: i32, four bytes, or two bf16.
    type I: Copy;
    /// Rows of a tile of the matrix product; at most twelve.
    const ROWS: usize;
    /// Vectors beside each other in a tile: 1 or 2.
    const VECTORS: usize;

    unsafe fn splat(x: f32) -> Self::F;
    unsafe fn load(from: *const f32) -> Self::F;
    unsafe fn store(to: *mut f32, x: Self::F);
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn sub(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn div(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn min(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn max(a: Self::F, b: Self::F) -> Self::F;
    /// a · b + c, rounded once.
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// To the nearest integer, halves to the even one.
    unsafe fn round(x: Self::F) -> Self::F;
    /// x · 2ⁿ for x from ½ to 2 and integral n from −125 to 126.
    unsafe fn scale(x: Self::F, n: Self::F) -> Self::F;
    /// `negative` where x < 0, else `other`.
    unsafe fn where_negative(x: Self::F, negative: Self::F, other: Self::F) -> Self::F;

    unsafe fn splat_word(x: u32) -> Self::I;
    unsafe fn load_words(from: *const u32) -> Self::I;
    /// What a sum by [`Simd::dot_bytes`] begins with, `b` being the sum of all signed bytes that
    /// will come: zero, but where unsigned bytes have to be taken for signed ones.
    unsafe fn begin_bytes(b: Self::F) -> Self::I;
    /// Four unsigned bytes of `a` times four signed bytes of `b`, none of them −128, in each lane,
    /// added to `sum`; exact once all that [`Simd::begin_bytes`] was told of have come.
    unsafe fn dot_bytes(sum: Self::I, a: Self::I, b: Self::I) -> Self::I;
    /// Two bf16 of `a` times two of `b` in each lane, added to `sum` one after the other, upper half
    /// first, each rounded once. Sums below 2⁻¹²⁶ may become zero.
    unsafe fn dot_bf16(sum: Self::F, a: Self::I, b: Self::I) -> Self::F;
    /// The nearest f32 of sixteen i32.
    unsafe fn to_f32(x: Self::I) -> Self::F;
    /// The nearest integers, halves to even, held to 0..=255, as sixteen bytes; for |x| < 2¹⁵.
    unsafe fn store_bytes(to: *mut u8, x: Self::F);
    /// The nearest bf16, halves to even, as sixteen of two bytes; zero below 2⁻¹²⁶.
    unsafe fn store_bf16(to: *mut u16, x: Self::F);

    /// The sum of the lanes, by halves: lane i and i + 8, then i + 4, i + 2, i + 1.
    unsafe fn sum(x: Self::F) -> f32;
    /// The largest lane.
    unsafe fn largest(x: Self::F) -> f32;
    /// The smallest lane.
    unsafe fn smallest(x: Self::F) -> f32;
    /// Sixteen rows of sixteen, `stride` apart, turned into sixteen columns, `to_stride` apart.
    unsafe fn transpose(from: *const f32, stride: usize, to: *mut f32, to_stride: usize);
    /// Asks for the cache line at `at` ahead of time; any address will do.
    unsafe fn prefetch(at: *const u32);
}
