//! The few vector operations that every statistic is made of.
//!
//! What is dispatched to the processor's vector instructions is a type, not a closure: a closure is
//! compiled apart from them, and runs ten times as slowly.

#![expect(clippy::inline_always, reason = "else it is compiled without vector instructions")]

pub mod panels;

use pulp::{Simd, WithSimd};

/// Σ aᵢbᵢ in single precision, in sixteen interleaved partial sums.
///
/// The partial sums let the compiler use vector registers and keep the rounding error near
/// √(n/16) units instead of √n.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (a_chunks, b_chunks) = (a.chunks_exact(16), b.chunks_exact(16));
    let tail: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..16 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    fold(lanes) + tail
}

/// Sixteen partial sums as one, halves onto halves: as few steps after another as can be.
#[inline(always)]
fn fold(mut lanes: [f32; 16]) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
    }
    lanes[0]
}

/// Σ aᵢbᵢ in double precision.
pub fn dot_f64(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0f64; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..8 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    lanes.iter().sum::<f64>() + tail
}

/// Σ xᵢ² in double precision.
pub fn norm_sq(x: &[f32]) -> f64 {
    let mut lanes = [0.0f64; 8];
    let chunks = x.chunks_exact(8);
    let tail: f64 = chunks.remainder().iter().map(|&v| f64::from(v) * f64::from(v)).sum();
    for chunk in chunks {
        for (lane, &v) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(v) * f64::from(v);
        }
    }
    lanes.iter().sum::<f64>() + tail
}

/// Squared Euclidean distance of two points, in double precision.
pub fn distance_sq<T: Copy + Into<f64>>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| (x.into() - y.into()).powi(2)).sum()
}

/// `sum += scale · x`.
pub fn axpy(sum: &mut [f64], scale: f64, x: &[f32]) {
    pulp::Arch::new().dispatch(Axpy { sum, scale, x });
}

struct Axpy<'a> {
    sum: &'a mut [f64],
    scale: f64,
    x: &'a [f32],
}

impl WithSimd for Axpy<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (total, &value) in self.sum.iter_mut().zip(self.x) {
            *total += self.scale * f64::from(value);
        }
    }
}

/// `sum += x`.
pub fn add(sum: &mut [f64], x: &[f32]) {
    for (total, &value) in sum.iter_mut().zip(x) {
        *total += f64::from(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_and_tails_agree_with_the_plain_sum() {
        for n in [0, 1, 15, 16, 17, 47] {
            let a: Vec<f32> = (0..n).map(|i| (i as f32).sin()).collect();
            let b: Vec<f32> = (0..n).map(|i| (i as f32).cos()).collect();
            let plain: f64 = a.iter().zip(&b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            assert!((f64::from(dot(&a, &b)) - plain).abs() < 1e-5);
            let (a, b): (Vec<f64>, Vec<f64>) =
                (a.iter().map(|&x| x.into()).collect(), b.iter().map(|&x| x.into()).collect());
            assert!((dot_f64(&a, &b) - plain).abs() < 1e-12);
        }
    }
}
