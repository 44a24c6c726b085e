//! NEON of aarch64: four registers of four hold the sixteen lanes.

#![expect(
    clippy::inline_always,
    reason = "instructions of the caller's features must reach the kernels"
)]

use std::arch::aarch64::{
    float32x4_t, uint32x4_t, vaddhn_u32, vaddq_f32, vaddq_s32, vaddq_u32, vandq_u32, vbicq_u32,
    vbslq_f32, vcaltq_f32, vcgtq_f32, vcltq_f32, vcltzq_f32, vcombine_u8, vcombine_u16,
    vcvtnq_s32_f32, vcvtq_f32_s32, vcvtq_s32_f32, vdivq_f32, vdupq_n_f32, vdupq_n_s32, vdupq_n_u32,
    veorq_u32, vextq_f32, vfmaq_f32, vget_low_s8, vgetq_lane_f32, vld1q_f32, vld1q_u32,
    vmull_high_s8, vmull_s8, vmulq_f32, vpadalq_s16, vpaddq_s16, vqmovn_u16, vqmovun_s32,
    vreinterpretq_f32_f64, vreinterpretq_f32_s32, vreinterpretq_f32_u32, vreinterpretq_f64_f32,
    vreinterpretq_s8_u32, vreinterpretq_s32_u32, vreinterpretq_u32_f32, vreinterpretq_u32_s32,
    vrndnq_f32, vshlq_n_s32, vshlq_n_u32, vshrq_n_u32, vst1_u16, vst1q_f32, vst1q_u8, vsubq_f32,
    vtrn1q_f32, vtrn1q_f64, vtrn2q_f32, vtrn2q_f64,
};
use std::arch::asm;

use crate::embed::packed::simd::Simd;

/// `TILE` rows of sums in registers, as many as the compiler keeps there without spilling any; `DOT`
/// is one of [`dot`].
#[derive(Clone, Copy)]
pub(in crate::embed::packed) struct Neon<const TILE: usize, const DOT: u8>;

/// How bytes are multiplied.
pub(in crate::embed::packed) mod dot {
    /// Signed bytes to 16 bits, pairs of them added: on every processor.
    pub(in crate::embed::packed) const WIDENING: u8 = 0;
    /// Four signed bytes by four signed ones: the feature `dotprod`.
    pub(in crate::embed::packed) const SIGNED: u8 = 1;
    /// Four unsigned bytes by four signed ones: the feature `i8mm`.
    pub(in crate::embed::packed) const MIXED: u8 = 2;
}

/// For reals: 24 registers of sums, four of weights, one of a row's value: 29 of 32. A seventh row
/// would leave none for its value.
pub(in crate::embed::packed) type Reals = Neon<6, { dot::WIDENING }>;

/// For bf16: 16 of sums, eight of both halves of the weights, two of those of a row's value, and a
/// mask: 27. A fifth row would fit by one, which the compiler does not find.
pub(in crate::embed::packed) type Halves = Neon<4, { dot::WIDENING }>;

/// For bytes by one instruction: as for reals.
pub(in crate::embed::packed) type Bytes<const DOT: u8> = Neon<6, DOT>;

/// For bytes by widening: 16 of sums, four of weights, one of a row's value, one of 128s, and two
/// for each product on its way.
pub(in crate::embed::packed) type Widened = Neon<4, { dot::WIDENING }>;

type F = [float32x4_t; 4];
type I = [uint32x4_t; 4];

#[inline(always)]
fn each<A: Copy, B>(a: [A; 4], f: impl Fn(A) -> B) -> [B; 4] {
    [f(a[0]), f(a[1]), f(a[2]), f(a[3])]
}

#[inline(always)]
fn pairs<A: Copy, B: Copy, C>(a: [A; 4], b: [B; 4], f: impl Fn(A, B) -> C) -> [C; 4] {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
}

/// The smaller, and of equals (or with what is no number) `b`. The instruction orders −0 and +0,
/// which the other processors do not.
#[inline(always)]
unsafe fn smaller(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    unsafe { vbslq_f32(vcltq_f32(a, b), a, b) }
}

/// As [`smaller`].
#[inline(always)]
unsafe fn larger(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    unsafe { vbslq_f32(vcgtq_f32(a, b), a, b) }
}

/// Adding neighbours would be shorter, and another order.
#[inline(always)]
unsafe fn by_halves(x: F, join: impl Fn(float32x4_t, float32x4_t) -> float32x4_t) -> f32 {
    unsafe {
        let four = join(join(x[0], x[2]), join(x[1], x[3]));
        let two = join(four, vextq_f32::<2>(four, four));
        vgetq_lane_f32::<0>(join(two, vextq_f32::<1>(two, two)))
    }
}

#[inline(always)]
unsafe fn upper_half(x: uint32x4_t) -> float32x4_t {
    unsafe { vreinterpretq_f32_u32(vandq_u32(x, vdupq_n_u32(0xffff_0000))) }
}

#[inline(always)]
unsafe fn lower_half(x: uint32x4_t) -> float32x4_t {
    unsafe { vreinterpretq_f32_u32(vshlq_n_u32::<16>(x)) }
}

/// Unsigned bytes less 128, as signed ones.
#[inline(always)]
unsafe fn less_128(x: uint32x4_t) -> uint32x4_t {
    unsafe { veorq_u32(x, vdupq_n_u32(0x8080_8080)) }
}

/// i8 × i8: as no byte of `b` is −128, two products are at most 2 · 128 · 127, and fit 16 bits.
#[inline(always)]
unsafe fn dot_by_pairs(sum: uint32x4_t, a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
    unsafe {
        let (a, b) = (vreinterpretq_s8_u32(a), vreinterpretq_s8_u32(b));
        let low = vmull_s8(vget_low_s8(a), vget_low_s8(b));
        let two = vpaddq_s16(low, vmull_high_s8(a, b));
        vreinterpretq_u32_s32(vpadalq_s16(vreinterpretq_s32_u32(sum), two))
    }
}

/// An instruction for four bytes that std does not offer yet.
macro_rules! dot_instruction {
    ($name:ident, $feature:literal) => {
        // SAFETY: the processor has the feature; registers alone are read and written.
        #[target_feature(enable = $feature)]
        #[inline]
        unsafe fn $name(mut sum: uint32x4_t, a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
            unsafe {
                asm!(
                    concat!(stringify!($name), " {sum:v}.4s, {a:v}.16b, {b:v}.16b"),
                    sum = inout(vreg) sum,
                    a = in(vreg) a,
                    b = in(vreg) b,
                    options(pure, nomem, nostack, preserves_flags),
                );
            }
            sum
        }
    };
}
dot_instruction!(sdot, "dotprod");
dot_instruction!(usdot, "i8mm");

// SAFETY of every function: the processor has the features and the pointers are valid, by the
// trait's contract.
impl<const TILE: usize, const DOT: u8> Simd for Neon<TILE, DOT> {
    type F = F;
    type I = I;
    const ROWS: usize = TILE;
    const VECTORS: usize = 1;

    #[inline(always)]
    unsafe fn splat(x: f32) -> F {
        unsafe { [vdupq_n_f32(x); 4] }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> F {
        each([0, 4, 8, 12], |i| unsafe { vld1q_f32(from.add(i)) })
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, x: F) {
        pairs([0, 4, 8, 12], x, |i, x| unsafe { vst1q_f32(to.add(i), x) });
    }
    #[inline(always)]
    unsafe fn add(a: F, b: F) -> F {
        pairs(a, b, |a, b| unsafe { vaddq_f32(a, b) })
    }
    #[inline(always)]
    unsafe fn sub(a: F, b: F) -> F {
        pairs(a, b, |a, b| unsafe { vsubq_f32(a, b) })
    }
    #[inline(always)]
    unsafe fn mul(a: F, b: F) -> F {
        pairs(a, b, |a, b| unsafe { vmulq_f32(a, b) })
    }
    #[inline(always)]
    unsafe fn div(a: F, b: F) -> F {
        pairs(a, b, |a, b| unsafe { vdivq_f32(a, b) })
    }
    #[inline(always)]
    unsafe fn min(a: F, b: F) -> F {
        pairs(a, b, |a, b| unsafe { smaller(a, b) })
    }
    #[inline(always)]
    unsafe fn max(a: F, b: F) -> F {
        pairs(a, b, |a, b| unsafe { larger(a, b) })
    }
    #[inline(always)]
    unsafe fn fma(a: F, b: F, c: F) -> F {
        let one = |i: usize| unsafe { vfmaq_f32(c[i], a[i], b[i]) };
        [one(0), one(1), one(2), one(3)]
    }
    #[inline(always)]
    unsafe fn round(x: F) -> F {
        each(x, |x| unsafe { vrndnq_f32(x) })
    }
    #[inline(always)]
    unsafe fn scale(x: F, n: F) -> F {
        pairs(x, n, |x, n| unsafe {
            let biased = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
            vmulq_f32(x, vreinterpretq_f32_s32(vshlq_n_s32::<23>(biased)))
        })
    }
    #[inline(always)]
    unsafe fn where_negative(x: F, negative: F, other: F) -> F {
        let choose = |i: usize| unsafe { vbslq_f32(vcltzq_f32(x[i]), negative[i], other[i]) };
        [choose(0), choose(1), choose(2), choose(3)]
    }
    #[inline(always)]
    unsafe fn splat_word(x: u32) -> I {
        unsafe { [vdupq_n_u32(x); 4] }
    }
    #[inline(always)]
    unsafe fn load_words(from: *const u32) -> I {
        each([0, 4, 8, 12], |i| unsafe { vld1q_u32(from.add(i)) })
    }
    #[inline(always)]
    unsafe fn begin_bytes(b: F) -> I {
        each(b, |b| unsafe {
            if DOT == dot::MIXED {
                return vdupq_n_u32(0);
            }
            // Σ (a − 128) b + 128 Σ b = Σ a b.
            vreinterpretq_u32_s32(vshlq_n_s32::<7>(vcvtq_s32_f32(b)))
        })
    }
    #[inline(always)]
    unsafe fn dot_bytes(sum: I, a: I, b: I) -> I {
        let one = |i: usize| unsafe {
            match DOT {
                dot::MIXED => usdot(sum[i], a[i], b[i]),
                dot::SIGNED => sdot(sum[i], less_128(a[i]), b[i]),
                _ => dot_by_pairs(sum[i], less_128(a[i]), b[i]),
            }
        };
        [one(0), one(1), one(2), one(3)]
    }
    #[inline(always)]
    unsafe fn dot_bf16(sum: F, a: I, b: I) -> F {
        // The instruction for bf16 rounds otherwise.
        let one = |i: usize| unsafe {
            let first = vfmaq_f32(sum[i], upper_half(a[i]), upper_half(b[i]));
            vfmaq_f32(first, lower_half(a[i]), lower_half(b[i]))
        };
        [one(0), one(1), one(2), one(3)]
    }
    #[inline(always)]
    unsafe fn to_f32(x: I) -> F {
        each(x, |x| unsafe { vcvtq_f32_s32(vreinterpretq_s32_u32(x)) })
    }
    #[inline(always)]
    unsafe fn store_bytes(to: *mut u8, x: F) {
        unsafe {
            // Both narrowings saturate.
            let words = each(x, |x| vqmovun_s32(vcvtnq_s32_f32(x)));
            let eight = |i: usize| vqmovn_u16(vcombine_u16(words[i], words[i + 1]));
            vst1q_u8(to, vcombine_u8(eight(0), eight(2)));
        }
    }
    #[inline(always)]
    unsafe fn store_bf16(to: *mut u16, x: F) {
        pairs([0, 4, 8, 12], x, |i, x| unsafe {
            let bits = vreinterpretq_u32_f32(x);
            // All but the sign of what is below 2⁻¹²⁶ becomes zero.
            let small = vcaltq_f32(x, vdupq_n_f32(f32::MIN_POSITIVE));
            let bits = vbicq_u32(bits, vshrq_n_u32::<1>(small));
            let odd = vandq_u32(vshrq_n_u32::<16>(bits), vdupq_n_u32(1));
            // The upper halves of sums.
            let halves = vaddhn_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
            vst1_u16(to.add(i), halves);
        });
    }
    #[inline(always)]
    unsafe fn sum(x: F) -> f32 {
        unsafe { by_halves(x, |a, b| vaddq_f32(a, b)) }
    }
    #[inline(always)]
    unsafe fn largest(x: F) -> f32 {
        unsafe { by_halves(x, |a, b| larger(a, b)) }
    }
    #[inline(always)]
    unsafe fn smallest(x: F) -> f32 {
        unsafe { by_halves(x, |a, b| smaller(a, b)) }
    }
    #[inline(always)]
    unsafe fn transpose(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
        for row in [0, 4, 8, 12] {
            for column in [0, 4, 8, 12] {
                unsafe {
                    let from = from.add(row * stride + column);
                    transpose_four(from, stride, to.add(column * to_stride + row), to_stride);
                }
            }
        }
    }
    #[inline(always)]
    unsafe fn prefetch(at: *const u32) {
        // Into the first cache, to stay; a hint, for which memory need not even be there.
        unsafe {
            asm!(
                "prfm pldl1keep, [{at}]",
                at = in(reg) at.addr(),
                options(nomem, nostack, preserves_flags),
            );
        }
    }
}

/// Four rows of four.
#[inline(always)]
unsafe fn transpose_four(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
    unsafe {
        let row = |i: usize| vld1q_f32(from.add(i * stride));
        // Two rows: columns 0 and 2, 1 and 3.
        let two = |i: usize| {
            let (a, b) = (row(i), row(i + 1));
            [vreinterpretq_f64_f32(vtrn1q_f32(a, b)), vreinterpretq_f64_f32(vtrn2q_f32(a, b))]
        };
        let (top, bottom) = (two(0), two(2));
        for i in 0..2 {
            let first = vtrn1q_f64(top[i], bottom[i]);
            let second = vtrn2q_f64(top[i], bottom[i]);
            vst1q_f32(to.add(i * to_stride), vreinterpretq_f32_f64(first));
            vst1q_f32(to.add((i + 2) * to_stride), vreinterpretq_f32_f64(second));
        }
    }
}
