//! Functions of a real on sixteen lanes.

#![expect(
    clippy::inline_always,
    reason = "instructions of the caller's features must reach the kernels"
)]
#![expect(unsafe_code, reason = "built on vector instructions")]

use super::simd::Simd;

/// 2ˣ for x ≤ 127, to two units in the last place, or to 3 · 10⁻⁶ where `ROUGH`; below −125 it is
/// 2⁻¹²⁵.
///
/// x = n + r with |r| ≤ ½, and 2ʳ by a polynomial fitted to the least largest relative error.
#[inline(always)]
pub(super) unsafe fn exp2<S: Simd, const ROUGH: bool>(x: S::F) -> S::F {
    const FINE: [f32; 7] = [
        1.534_581_2e-4,
        1.339_993_2e-3,
        9.618_489e-3,
        5.550_328_6e-2,
        2.402_264_6e-1,
        6.931_472e-1,
        1.0,
    ];
    const COARSE: [f32; 5] =
        [9.570_102e-3, 5.591_786_3e-2, 2.402_474_4e-1, 6.931_218e-1, 9.999_993e-1];
    // SAFETY: the caller keeps the contract of `Simd`.
    unsafe {
        let x = S::max(x, S::splat(-125.0));
        let n = S::round(x);
        let r = S::sub(x, n);
        let p = if ROUGH { polynomial::<S>(&COARSE, r) } else { polynomial::<S>(&FINE, r) };
        S::scale(p, n)
    }
}

/// Σ cᵢ xⁱ, the highest power first.
#[inline(always)]
unsafe fn polynomial<S: Simd>(coefficients: &[f32], x: S::F) -> S::F {
    // SAFETY: the caller keeps the contract of `Simd`.
    unsafe {
        let mut p = S::splat(coefficients[0]);
        for &c in &coefficients[1..] {
            p = S::fma(p, x, S::splat(c));
        }
        p
    }
}

/// x Φ(x), the Gaussian error linear unit, to 10⁻⁶.
///
/// Φ by the error function's approximation 7.1.26 of Abramowitz and Stegun (error ≤ 1.5 · 10⁻⁷).
#[inline(always)]
pub(super) unsafe fn gelu<S: Simd>(x: S::F) -> S::F {
    // SAFETY: the caller keeps the contract of `Simd`.
    unsafe {
        let zero = S::splat(0.0);
        let magnitude = S::max(x, S::sub(zero, x));
        let z = S::mul(magnitude, S::splat(std::f32::consts::FRAC_1_SQRT_2));
        let one = S::splat(1.0);
        let t = S::div(one, S::fma(z, S::splat(0.327_591_1), one));
        let series = [1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6];
        let p = S::mul(polynomial::<S>(&series, t), t);
        let power = S::mul(S::mul(z, z), S::splat(-std::f32::consts::LOG2_E));
        let complement = S::mul(p, exp2::<S, false>(power));
        // Φ(x) is ½ erfc(|z|) left of zero and 1 − ½ erfc(|z|) right of it.
        let tail = S::mul(S::mul(x, S::splat(0.5)), complement);
        S::where_negative(x, tail, S::sub(x, tail))
    }
}

/// x Φ(x) to 3 · 10⁻⁵ between −4 and 4 and to 3 · 10⁻⁵ |x| beyond: far below the step of bf16 or
/// bytes, at half the work of [`gelu`].
///
/// Φ(x) − ½ is an odd polynomial in x held to ±4, fitted to the least largest error of x Φ(x).
#[inline(always)]
pub(super) unsafe fn gelu_rough<S: Simd>(x: S::F) -> S::F {
    // SAFETY: the caller keeps the contract of `Simd`.
    unsafe {
        let held = S::max(S::min(x, S::splat(4.0)), S::splat(-4.0));
        let square = S::mul(held, held);
        S::mul(x, S::fma(held, polynomial::<S>(&ROUGH, square), S::splat(0.5)))
    }
}

/// The polynomial's coefficients, highest power first.
const ROUGH: [f32; 9] = [
    6.740_388e-11,
    -6.066_902_5e-9,
    2.440_844e-7,
    -5.860_598_3e-6,
    9.494_024e-5,
    -1.112_856e-3,
    9.815_801e-3,
    -6.632_363e-2,
    3.988_810_2e-1,
];
