//! Sine and cosine of many angles at once, the same on every processor.
//!
//! The platform's functions are called one angle at a time and differ between platforms in the last
//! digits. These are products and sums alone, which the compiler puts into vector registers: the
//! angle is reduced to [−π/4, π/4] in three steps (Cody & Waite, *Software Manual for the Elementary
//! Functions*, 1980), where Taylor's polynomials of degree 9 and 10 are exact to single precision.

use std::f32::consts::FRAC_2_PI;

/// π/2 in three parts, the first two short enough that small multiples of them are exact.
const HALF_PI: [f32; 3] = [1.570_312_5, 4.837_513e-4, 7.549_79e-8];

/// Adding and subtracting this rounds to the nearest whole number: 1.5 · 2²³.
const ROUND: f32 = 12_582_912.0;

/// (sin a, cos a), within 2e-7 for |a| up to a thousand.
#[expect(clippy::inline_always, reason = "else it is compiled without the caller's instructions")]
#[inline(always)]
pub(super) fn sin_cos(angle: f32) -> (f32, f32) {
    let quarters = (angle * FRAC_2_PI + ROUND) - ROUND;
    let r = ((angle - quarters * HALF_PI[0]) - quarters * HALF_PI[1]) - quarters * HALF_PI[2];
    let s = r * r;
    let sine =
        r + r * s * (-1.0 / 6.0 + s * (1.0 / 120.0 + s * (-1.0 / 5_040.0 + s * (1.0 / 362_880.0))));
    let cosine = 1.0
        + s * (-0.5
            + s * (1.0 / 24.0
                + s * (-1.0 / 720.0 + s * (1.0 / 40_320.0 + s * (-1.0 / 3_628_800.0)))));
    let quadrant = quarters as i32;
    let (a, b) = if quadrant & 1 == 0 { (sine, cosine) } else { (cosine, sine) };
    let sign = |bit: i32| if bit == 0 { 1.0 } else { -1.0 };
    (a * sign(quadrant & 2), b * sign((quadrant + 1) & 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_double_precision() {
        for i in -200_000..200_000 {
            let angle = i as f32 * 0.005;
            let (s, c) = sin_cos(angle);
            let (want_s, want_c) = f64::from(angle).sin_cos();
            assert!((f64::from(s) - want_s).abs() < 2e-7, "sin {angle}: {s} {want_s}");
            assert!((f64::from(c) - want_c).abs() < 2e-7, "cos {angle}: {c} {want_c}");
        }
    }
}
