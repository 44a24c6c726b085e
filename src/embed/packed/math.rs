//! Functions of a real on sixteen lanes.

#![expect(
    clippy::inline_always,
    reason = "instructions of the caller's features must reach the kernels"
)]
#![expect(unsafe_code, reason = "built on vector instructions")]

use super::simd::Simd;

/// eˣ for x ≤ 88, to 2 units in the last place; below −87 it is e⁻⁸⁷.
///
/// x = n·ln 2 + r with |r| ≤ ½ ln 2, and eʳ by the polynomial of the Cephes library's `expf`.
#[inline(always)]
pub(super) unsafe fn exp<S: Simd>(x: S::F) -> S::F {
    // SAFETY: the caller keeps the contract of `Simd`.
    unsafe {
        let x = S::max(x, S::splat(-87.0));
        let n = S::round(S::mul(x, S::splat(std::f32::consts::LOG2_E)));
        // ln 2 in two parts, the first short enough for n times it to be exact.
        let r = S::fma(n, S::splat(-0.693_359_4), x);
        let r = S::fma(n, S::splat(2.121_944_4e-4), r);
        let coefficients =
            [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5].map(|c| S::splat(c));
        let mut p = S::splat(1.987_569_2e-4);
        for c in coefficients {
            p = S::fma(p, r, c);
        }
        let p = S::fma(p, S::mul(r, r), S::add(r, S::splat(1.0)));
        S::mul(p, S::power_of_two(n))
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
        let mut p = S::splat(1.061_405_4);
        for c in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6].map(|c| S::splat(c)) {
            p = S::fma(p, t, c);
        }
        let complement = S::mul(S::mul(p, t), exp::<S>(S::sub(zero, S::mul(z, z))));
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
        let mut p = S::splat(ROUGH[0]);
        for &c in &ROUGH[1..] {
            p = S::fma(p, square, S::splat(c));
        }
        S::mul(x, S::fma(held, p, S::splat(0.5)))
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
