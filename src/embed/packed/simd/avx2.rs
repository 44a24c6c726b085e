//! AVX2 with FMA: two registers of eight hold the sixteen lanes.

#![expect(
    clippy::inline_always,
    reason = "instructions of the caller's features must reach the kernels"
)]

use std::arch::x86_64::{
    __m256, __m256i, _CMP_LT_OQ, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT, _MM_HINT_T0,
    _mm_add_ps, _mm_cvtss_f32, _mm_max_ps, _mm_min_ps, _mm_movehl_ps, _mm_prefetch, _mm_shuffle_ps,
    _mm_storeu_si128, _mm256_add_epi32, _mm256_add_ps, _mm256_and_ps, _mm256_and_si256,
    _mm256_andnot_ps, _mm256_blendv_ps, _mm256_castps_si256, _mm256_castps256_ps128,
    _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cmp_ps, _mm256_cvtepi32_ps,
    _mm256_cvtps_epi32, _mm256_div_ps, _mm256_dpbusd_avx_epi32, _mm256_extractf128_ps,
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_max_ps,
    _mm256_min_ps, _mm256_mul_ps, _mm256_packus_epi16, _mm256_packus_epi32, _mm256_permute2f128_ps,
    _mm256_permute4x64_epi64, _mm256_permutevar8x32_epi32, _mm256_round_ps, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setr_epi32, _mm256_setzero_ps, _mm256_setzero_si256,
    _mm256_shuffle_ps, _mm256_slli_epi16, _mm256_slli_epi32, _mm256_srai_epi16, _mm256_srli_epi16,
    _mm256_srli_epi32, _mm256_storeu_ps, _mm256_storeu_si256, _mm256_sub_ps, _mm256_unpackhi_ps,
    _mm256_unpacklo_ps,
};

use crate::embed::packed::simd::Simd;

/// With `VNNI`, the 256-bit form of the instruction for bytes.
#[derive(Clone, Copy)]
pub(in crate::embed::packed) struct Avx2<const VNNI: bool>;

const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

type F = [__m256; 2];
type I = [__m256i; 2];

/// As the instruction for bf16 takes its numbers: zero below 2⁻¹²⁶.
#[inline(always)]
unsafe fn flushed(x: __m256) -> __m256 {
    unsafe {
        let sign = _mm256_set1_ps(-0.0);
        let small = _mm256_cmp_ps::<_CMP_LT_OQ>(
            _mm256_andnot_ps(sign, x),
            _mm256_set1_ps(f32::MIN_POSITIVE),
        );
        _mm256_blendv_ps(x, _mm256_and_ps(x, sign), small)
    }
}

/// u8 × i8 in pairs of 16 bits, even bytes and odd bytes apart: nothing saturates.
#[inline(always)]
unsafe fn dot_by_halves(sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
    unsafe {
        let low = _mm256_set1_epi16(0xff);
        let even = _mm256_madd_epi16(
            _mm256_and_si256(a, low),
            _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(b)),
        );
        let odd = _mm256_madd_epi16(_mm256_srli_epi16::<8>(a), _mm256_srai_epi16::<8>(b));
        _mm256_add_epi32(sum, _mm256_add_epi32(even, odd))
    }
}

/// Eight bf16 in the low halves of eight words.
#[inline(always)]
unsafe fn bf16_words(x: __m256) -> __m256i {
    unsafe {
        let bits = _mm256_castps_si256(flushed(x));
        let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
        let rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
        _mm256_srli_epi32::<16>(rounded)
    }
}

#[inline(always)]
fn both<A: Copy, B>(a: [A; 2], f: impl Fn(A) -> B) -> [B; 2] {
    [f(a[0]), f(a[1])]
}

#[inline(always)]
fn pairs<A: Copy, B: Copy, C>(a: [A; 2], b: [B; 2], f: impl Fn(A, B) -> C) -> [C; 2] {
    [f(a[0], b[0]), f(a[1], b[1])]
}

// SAFETY of every function: the processor has the features and the pointers are valid, by the
// trait's contract.
impl<const VNNI: bool> Simd for Avx2<VNNI> {
    type F = F;
    type I = I;
    // Twelve registers of sums, two of weights, one of a row's value: 15 of 16.
    const ROWS: usize = 6;
    const VECTORS: usize = 1;

    #[inline(always)]
    unsafe fn splat(x: f32) -> F {
        unsafe { [_mm256_set1_ps(x); 2] }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> F {
        unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, x: F) {
        unsafe {
            _mm256_storeu_ps(to, x[0]);
            _mm256_storeu_ps(to.add(8), x[1]);
        }
    }
    #[inline(always)]
    unsafe fn add(a: F, b: F) -> F {
        pairs(a, b, |a, b| unsafe { _mm256_add_ps(a, b) })
    }
    #[inline(always)]
    unsafe fn sub(a: F, b: F) -> F {
        pairs(a, b, |a, b| unsafe { _mm256_sub_ps(a, b) })
    }
    #[inline(always)]
    unsafe fn mul(a: F, b: F) -> F {
        pairs(a, b, |a, b| unsafe { _mm256_mul_ps(a, b) })
    }
    #[inline(always)]
    unsafe fn div(a: F, b: F) -> F {
        pairs(a, b, |a, b| unsafe { _mm256_div_ps(a, b) })
    }
    #[inline(always)]
    unsafe fn min(a: F, b: F) -> F {
        pairs(a, b, |a, b| unsafe { _mm256_min_ps(a, b) })
    }
    #[inline(always)]
    unsafe fn max(a: F, b: F) -> F {
        pairs(a, b, |a, b| unsafe { _mm256_max_ps(a, b) })
    }
    #[inline(always)]
    unsafe fn fma(a: F, b: F, c: F) -> F {
        unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
    }
    #[inline(always)]
    unsafe fn round(x: F) -> F {
        both(x, |x| unsafe { _mm256_round_ps::<NEAREST>(x) })
    }
    #[inline(always)]
    unsafe fn scale(x: F, n: F) -> F {
        pairs(x, n, |x, n| unsafe {
            let biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased)))
        })
    }
    #[inline(always)]
    unsafe fn where_negative(x: F, negative: F, other: F) -> F {
        let choose = |i: usize| unsafe {
            let below = _mm256_cmp_ps::<_CMP_LT_OQ>(x[i], _mm256_setzero_ps());
            _mm256_blendv_ps(other[i], negative[i], below)
        };
        [choose(0), choose(1)]
    }
    #[inline(always)]
    unsafe fn splat_word(x: u32) -> I {
        unsafe { [_mm256_set1_epi32(x as i32); 2] }
    }
    #[inline(always)]
    unsafe fn load_words(from: *const u32) -> I {
        unsafe { [_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(8).cast())] }
    }
    #[inline(always)]
    unsafe fn begin_bytes(_: F) -> I {
        unsafe { [_mm256_setzero_si256(); 2] }
    }
    #[inline(always)]
    unsafe fn dot_bytes(sum: I, a: I, b: I) -> I {
        let one = |i: usize| unsafe {
            if VNNI {
                _mm256_dpbusd_avx_epi32(sum[i], a[i], b[i])
            } else {
                dot_by_halves(sum[i], a[i], b[i])
            }
        };
        [one(0), one(1)]
    }
    #[inline(always)]
    unsafe fn dot_bf16(sum: F, a: I, b: I) -> F {
        let one = |i: usize| unsafe {
            let high = _mm256_set1_epi32(0xffff_0000_u32 as i32);
            let upper = |x| _mm256_castsi256_ps(_mm256_and_si256(x, high));
            let lower = |x| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(x));
            let first = _mm256_fmadd_ps(upper(a[i]), upper(b[i]), sum[i]);
            _mm256_fmadd_ps(lower(a[i]), lower(b[i]), first)
        };
        [one(0), one(1)]
    }
    #[inline(always)]
    unsafe fn to_f32(x: I) -> F {
        both(x, |x| unsafe { _mm256_cvtepi32_ps(x) })
    }
    #[inline(always)]
    unsafe fn store_bytes(to: *mut u8, x: F) {
        unsafe {
            let whole = both(x, |x| _mm256_cvtps_epi32(x));
            // Both packs saturate, and work within halves of 128 bits: the permutation puts the
            // groups of four back in order.
            let words = _mm256_packus_epi32(whole[0], whole[1]);
            let bytes = _mm256_packus_epi16(words, words);
            let order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
            let ordered = _mm256_permutevar8x32_epi32(bytes, order);
            _mm_storeu_si128(to.cast(), _mm256_castsi256_si128(ordered));
        }
    }
    #[inline(always)]
    unsafe fn store_bf16(to: *mut u16, x: F) {
        unsafe {
            let words = both(x, |x| bf16_words(x));
            let packed = _mm256_packus_epi32(words[0], words[1]);
            _mm256_storeu_si256(to.cast(), _mm256_permute4x64_epi64::<0b11_01_10_00>(packed));
        }
    }
    #[inline(always)]
    unsafe fn sum(x: F) -> f32 {
        unsafe { sum_of_eight(_mm256_add_ps(x[0], x[1])) }
    }
    #[inline(always)]
    unsafe fn largest(x: F) -> f32 {
        unsafe { largest_of_eight(_mm256_max_ps(x[0], x[1])) }
    }
    #[inline(always)]
    unsafe fn smallest(x: F) -> f32 {
        unsafe { smallest_of_eight(_mm256_min_ps(x[0], x[1])) }
    }
    #[inline(always)]
    unsafe fn transpose(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
        for (row, column) in [(0, 0), (0, 8), (8, 0), (8, 8)] {
            unsafe {
                let from = from.add(row * stride + column);
                transpose_eight(from, stride, to.add(column * to_stride + row), to_stride);
            }
        }
    }
    #[inline(always)]
    unsafe fn prefetch(at: *const u32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
}

/// Eight lanes by halves.
macro_rules! of_eight {
    ($name:ident, $four:ident) => {
        #[inline(always)]
        pub(super) unsafe fn $name(x: __m256) -> f32 {
            unsafe {
                let four = $four(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
                let two = $four(four, _mm_movehl_ps(four, four));
                _mm_cvtss_f32($four(two, _mm_shuffle_ps::<1>(two, two)))
            }
        }
    };
}
of_eight!(sum_of_eight, _mm_add_ps);
of_eight!(largest_of_eight, _mm_max_ps);
of_eight!(smallest_of_eight, _mm_min_ps);

/// Eight rows of eight.
#[inline(always)]
unsafe fn transpose_eight(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
    unsafe {
        let row = |i: usize| _mm256_loadu_ps(from.add(i * stride));
        let pair = |i: usize| {
            let (a, b) = (row(i), row(i + 1));
            [_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b)]
        };
        // Four rows: columns 0 and 4, 1 and 5, 2 and 6, 3 and 7.
        let four = |i: usize| {
            let (a, b) = (pair(i), pair(i + 2));
            let low = |h: usize| _mm256_shuffle_ps::<0b01_00_01_00>(a[h], b[h]);
            let high = |h: usize| _mm256_shuffle_ps::<0b11_10_11_10>(a[h], b[h]);
            [low(0), high(0), low(1), high(1)]
        };
        let (top, bottom) = (four(0), four(4));
        for i in 0..4 {
            let first = _mm256_permute2f128_ps::<0x20>(top[i], bottom[i]);
            let second = _mm256_permute2f128_ps::<0x31>(top[i], bottom[i]);
            _mm256_storeu_ps(to.add(i * to_stride), first);
            _mm256_storeu_ps(to.add((i + 4) * to_stride), second);
        }
    }
}
