//! AVX-512: one register holds the sixteen lanes.

#![expect(
    clippy::inline_always,
    reason = "instructions of the caller's features must reach the kernels"
)]

use std::arch::x86_64::{
    __m256, __m256bh, __m256i, __m512, __m512bh, __m512i, _CMP_LT_OQ, _MM_FROUND_NO_EXC,
    _MM_FROUND_TO_NEAREST_INT, _MM_HINT_T0, _mm_prefetch, _mm_storeu_si128, _mm256_add_ps,
    _mm256_max_ps, _mm256_min_ps, _mm256_storeu_si256, _mm512_add_ps, _mm512_castps512_ps256,
    _mm512_cmp_ps_mask, _mm512_cvtepi32_ps, _mm512_cvtneps_pbh, _mm512_cvtps_epi32,
    _mm512_cvtusepi32_epi8, _mm512_div_ps, _mm512_dpbf16_ps, _mm512_dpbusd_epi32,
    _mm512_extractf32x8_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_mask_blend_ps, _mm512_max_epi32, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps,
    _mm512_roundscale_ps, _mm512_scalef_ps, _mm512_set1_epi32, _mm512_set1_ps,
    _mm512_setzero_si512, _mm512_shuffle_f32x4, _mm512_shuffle_ps, _mm512_storeu_ps, _mm512_sub_ps,
    _mm512_unpackhi_ps, _mm512_unpacklo_ps,
};
use std::mem::transmute;

use crate::embed::packed::simd::Simd;
use crate::embed::packed::simd::avx2::{largest_of_eight, smallest_of_eight, sum_of_eight};

/// F, BW, DQ and VL; VNNI for bytes and BF16 for bf16, by the functions that need them alone.
#[derive(Clone, Copy)]
pub(in crate::embed::packed) struct Avx512;

const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

// SAFETY of every function: the processor has the features and the pointers are valid, by the
// trait's contract; a transmute is between two names of one register.
impl Simd for Avx512 {
    type F = __m512;
    type I = __m512i;
    // 24 sums, two columns' weights and one row's value: 27 of 32 registers.
    const ROWS: usize = 12;
    const VECTORS: usize = 2;

    #[inline(always)]
    unsafe fn splat(x: f32) -> __m512 {
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, x: __m512) {
        unsafe { _mm512_storeu_ps(to, x) }
    }
    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn div(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn min(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn max(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn round(x: __m512) -> __m512 {
        unsafe { _mm512_roundscale_ps::<NEAREST>(x) }
    }
    #[inline(always)]
    unsafe fn scale(x: __m512, n: __m512) -> __m512 {
        unsafe { _mm512_scalef_ps(x, n) }
    }
    #[inline(always)]
    unsafe fn where_negative(x: __m512, negative: __m512, other: __m512) -> __m512 {
        unsafe {
            let below = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, _mm512_set1_ps(0.0));
            _mm512_mask_blend_ps(below, other, negative)
        }
    }
    #[inline(always)]
    unsafe fn splat_word(x: u32) -> __m512i {
        unsafe { _mm512_set1_epi32(x as i32) }
    }
    #[inline(always)]
    unsafe fn load_words(from: *const u32) -> __m512i {
        unsafe { _mm512_loadu_si512(from.cast()) }
    }
    #[inline(always)]
    unsafe fn begin_bytes(_: __m512) -> __m512i {
        unsafe { _mm512_setzero_si512() }
    }
    #[inline(always)]
    unsafe fn dot_bytes(sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
        unsafe { _mm512_dpbusd_epi32(sum, a, b) }
    }
    #[inline(always)]
    unsafe fn dot_bf16(sum: __m512, a: __m512i, b: __m512i) -> __m512 {
        unsafe {
            _mm512_dpbf16_ps(
                sum,
                transmute::<__m512i, __m512bh>(a),
                transmute::<__m512i, __m512bh>(b),
            )
        }
    }
    #[inline(always)]
    unsafe fn to_f32(x: __m512i) -> __m512 {
        unsafe { _mm512_cvtepi32_ps(x) }
    }
    #[inline(always)]
    unsafe fn store_bytes(to: *mut u8, x: __m512) {
        unsafe {
            let whole = _mm512_max_epi32(_mm512_cvtps_epi32(x), _mm512_setzero_si512());
            _mm_storeu_si128(to.cast(), _mm512_cvtusepi32_epi8(whole));
        }
    }
    #[inline(always)]
    unsafe fn store_bf16(to: *mut u16, x: __m512) {
        unsafe {
            _mm256_storeu_si256(to.cast(), transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(x)));
        }
    }
    #[inline(always)]
    unsafe fn sum(x: __m512) -> f32 {
        unsafe { sum_of_eight(_mm256_add_ps(low(x), high(x))) }
    }
    #[inline(always)]
    unsafe fn largest(x: __m512) -> f32 {
        unsafe { largest_of_eight(_mm256_max_ps(low(x), high(x))) }
    }
    #[inline(always)]
    unsafe fn smallest(x: __m512) -> f32 {
        unsafe { smallest_of_eight(_mm256_min_ps(low(x), high(x))) }
    }
    #[inline(always)]
    unsafe fn transpose(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
        unsafe {
            let row = |i: usize| _mm512_loadu_ps(from.add(i * stride));
            // Each step pairs what lies twice as far apart: within quarters of 128 bits first,
            // then the quarters themselves.
            let four = |i: usize| {
                let (a, b, c, d) = (row(i), row(i + 1), row(i + 2), row(i + 3));
                let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
                let (ab2, cd2) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
                [
                    _mm512_shuffle_ps::<0b01_00_01_00>(ab, cd),
                    _mm512_shuffle_ps::<0b11_10_11_10>(ab, cd),
                    _mm512_shuffle_ps::<0b01_00_01_00>(ab2, cd2),
                    _mm512_shuffle_ps::<0b11_10_11_10>(ab2, cd2),
                ]
            };
            let (r0, r4, r8, r12) = (four(0), four(4), four(8), four(12));
            for i in 0..4 {
                let even = _mm512_shuffle_f32x4::<0b10_00_10_00>(r0[i], r4[i]);
                let odd = _mm512_shuffle_f32x4::<0b11_01_11_01>(r0[i], r4[i]);
                let even2 = _mm512_shuffle_f32x4::<0b10_00_10_00>(r8[i], r12[i]);
                let odd2 = _mm512_shuffle_f32x4::<0b11_01_11_01>(r8[i], r12[i]);
                let columns = [
                    _mm512_shuffle_f32x4::<0b10_00_10_00>(even, even2),
                    _mm512_shuffle_f32x4::<0b10_00_10_00>(odd, odd2),
                    _mm512_shuffle_f32x4::<0b11_01_11_01>(even, even2),
                    _mm512_shuffle_f32x4::<0b11_01_11_01>(odd, odd2),
                ];
                for (quarter, column) in columns.into_iter().enumerate() {
                    _mm512_storeu_ps(to.add((4 * quarter + i) * to_stride), column);
                }
            }
        }
    }
    #[inline(always)]
    unsafe fn prefetch(at: *const u32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
}

#[inline(always)]
unsafe fn low(x: __m512) -> __m256 {
    unsafe { _mm512_castps512_ps256(x) }
}

#[inline(always)]
unsafe fn high(x: __m512) -> __m256 {
    unsafe { _mm512_extractf32x8_ps::<1>(x) }
}
