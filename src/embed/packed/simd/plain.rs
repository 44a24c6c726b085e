//! Without any instructions of its own: the fallback, and the twin that the others are held to.

#![expect(
    clippy::inline_always,
    reason = "instructions of the caller's features must reach the kernels"
)]

use crate::embed::packed::simd::{LANES, Simd};

/// Arrays. `FUSED` multiply-adds round once, as the vector instructions do; a processor without
/// them takes a library call for each, so there the fallback rounds twice instead.
#[derive(Clone, Copy)]
pub(in crate::embed::packed) struct Plain<const FUSED: bool>;

/// Fused where the compiler may use the instruction wherever this program runs.
pub(in crate::embed::packed) type Fallback =
    Plain<{ cfg!(any(target_arch = "aarch64", target_feature = "fma")) }>;

type F = [f32; LANES];
type I = [u32; LANES];

#[inline(always)]
fn each(f: impl Fn(usize) -> f32) -> F {
    std::array::from_fn(f)
}

/// As the instruction for bf16 takes its numbers.
#[inline(always)]
fn flushed(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0.0 * x } else { x }
}

#[inline(always)]
fn by_halves(mut x: F, join: impl Fn(f32, f32) -> f32) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            x[i] = join(x[i], x[i + half]);
        }
    }
    x[0]
}

impl<const FUSED: bool> Plain<FUSED> {
    #[inline(always)]
    fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
        if FUSED { a.mul_add(b, c) } else { a * b + c }
    }
}

// SAFETY of every function: plain Rust but for reading and writing through the pointers, which
// the trait's contract makes valid.
impl<const FUSED: bool> Simd for Plain<FUSED> {
    type F = F;
    type I = I;
    const ROWS: usize = 4;
    const VECTORS: usize = 1;

    #[inline(always)]
    unsafe fn splat(x: f32) -> F {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> F {
        // SAFETY: see above.
        unsafe { from.cast::<F>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, x: F) {
        // SAFETY: see above.
        unsafe { to.cast::<F>().write_unaligned(x) }
    }
    #[inline(always)]
    unsafe fn add(a: F, b: F) -> F {
        each(|i| a[i] + b[i])
    }
    #[inline(always)]
    unsafe fn sub(a: F, b: F) -> F {
        each(|i| a[i] - b[i])
    }
    #[inline(always)]
    unsafe fn mul(a: F, b: F) -> F {
        each(|i| a[i] * b[i])
    }
    #[inline(always)]
    unsafe fn div(a: F, b: F) -> F {
        each(|i| a[i] / b[i])
    }
    #[inline(always)]
    unsafe fn min(a: F, b: F) -> F {
        each(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn max(a: F, b: F) -> F {
        each(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn fma(a: F, b: F, c: F) -> F {
        each(|i| Self::multiply_add(a[i], b[i], c[i]))
    }
    #[inline(always)]
    unsafe fn round(x: F) -> F {
        // Adding 1.5 · 2²³ leaves no room for a fraction; taking it away leaves the integer.
        const SHIFT: f32 = 12_582_912.0;
        each(|i| if x[i].abs() < 4_194_304.0 { (x[i] + SHIFT) - SHIFT } else { x[i] })
    }
    #[inline(always)]
    unsafe fn scale(x: F, n: F) -> F {
        each(|i| x[i] * f32::from_bits(((n[i] as i32 + 127) as u32) << 23))
    }
    #[inline(always)]
    unsafe fn where_negative(x: F, negative: F, other: F) -> F {
        each(|i| if x[i] < 0.0 { negative[i] } else { other[i] })
    }
    #[inline(always)]
    unsafe fn splat_word(x: u32) -> I {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn load_words(from: *const u32) -> I {
        // SAFETY: see above.
        unsafe { from.cast::<I>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn begin_bytes(_: F) -> I {
        [0; LANES]
    }
    #[inline(always)]
    unsafe fn dot_bytes(sum: I, a: I, b: I) -> I {
        let product =
            |a: u32, b: u32, at: u32| i32::from((a >> at) as u8) * i32::from((b >> at) as u8 as i8);
        std::array::from_fn(|i| {
            let four = product(a[i], b[i], 0)
                + product(a[i], b[i], 8)
                + product(a[i], b[i], 16)
                + product(a[i], b[i], 24);
            (sum[i] as i32).wrapping_add(four) as u32
        })
    }
    #[inline(always)]
    unsafe fn dot_bf16(sum: F, a: I, b: I) -> F {
        let (upper, lower) =
            (|x: u32| f32::from_bits(x & 0xffff_0000), |x: u32| f32::from_bits(x << 16));
        each(|i| {
            let first = Self::multiply_add(upper(a[i]), upper(b[i]), sum[i]);
            Self::multiply_add(lower(a[i]), lower(b[i]), first)
        })
    }
    #[inline(always)]
    unsafe fn to_f32(x: I) -> F {
        each(|i| x[i] as i32 as f32)
    }
    #[inline(always)]
    unsafe fn store_bytes(to: *mut u8, x: F) {
        // SAFETY: `round` touches no memory; the pointer is valid for sixteen bytes.
        unsafe {
            let x = Self::round(x);
            let bytes: [u8; LANES] = std::array::from_fn(|i| x[i].clamp(0.0, 255.0) as u8);
            to.cast::<[u8; LANES]>().write_unaligned(bytes);
        }
    }
    #[inline(always)]
    unsafe fn store_bf16(to: *mut u16, x: F) {
        let halves: [u16; LANES] = std::array::from_fn(|i| {
            let bits = flushed(x[i]).to_bits();
            ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
        });
        // SAFETY: the pointer is valid for sixteen of two bytes.
        unsafe { to.cast::<[u16; LANES]>().write_unaligned(halves) }
    }
    #[inline(always)]
    unsafe fn sum(x: F) -> f32 {
        by_halves(x, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn largest(x: F) -> f32 {
        by_halves(x, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    unsafe fn smallest(x: F) -> f32 {
        by_halves(x, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    unsafe fn transpose(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
        for row in 0..LANES {
            for column in 0..LANES {
                // SAFETY: both pointers are valid for sixteen rows of sixteen.
                unsafe { *to.add(column * to_stride + row) = *from.add(row * stride + column) }
            }
        }
    }
    #[inline(always)]
    unsafe fn prefetch(_: *const u32) {}
}
