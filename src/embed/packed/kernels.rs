//! The kernels as compiled for each kind of processor, chosen at run time.

#![expect(unsafe_code, reason = "functions compiled for features the program may not assume")]

use serde::{Deserialize, Serialize};

use super::attention::Attention;
use super::panels::Number;
use super::product::Product;
use super::rows::Operand;

/// Which of the processor's instructions the encoder uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Instructions {
    /// The best that the processor has.
    Auto,
    /// 512-bit vectors (F, BW, DQ, VL; BF16 or VNNI for these numbers).
    Avx512,
    /// 256-bit vectors with fused multiply-adds, and VNNI where there is a 256-bit form of it.
    Avx2,
    /// 128-bit vectors of aarch64; for bytes with the products of four (`i8mm` or `dotprod`) where
    /// there are any.
    Neon,
    /// What the compiler makes of plain code, for any processor; on x86-64 with fused multiply-adds
    /// where there are any.
    Plain,
}

const BEST_FIRST: [Instructions; 4] =
    [Instructions::Avx512, Instructions::Avx2, Instructions::Neon, Instructions::Plain];

/// The kernels for one kind of processor and one kind of number.
#[derive(Clone, Copy)]
pub(super) struct Kernels {
    /// What they were compiled for.
    pub(super) instructions: Instructions,
    /// What their products are made of.
    pub(super) number: Number,
    /// Columns of a panel.
    pub(super) width: usize,
    set: unsafe fn(Product<'_>),
    gelu: unsafe fn(Product<'_>),
    add: unsafe fn(Product<'_>),
    operand: unsafe fn(Operand<'_>),
    normalize: unsafe fn(&mut [f32], &[f32], &[f32], f32),
    attention: unsafe fn(Attention<'_>),
}

impl Kernels {
    /// The kernels for `number` by `wanted` instructions; `None` if the processor lacks them.
    pub(super) fn find(wanted: Instructions, number: Number) -> Option<Self> {
        match wanted {
            Instructions::Auto => {
                BEST_FIRST.into_iter().find_map(|instructions| Self::find(instructions, number))
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => x86::avx512(number),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => x86::avx2(number),
            #[cfg(target_arch = "x86_64")]
            Instructions::Plain if is_x86_feature_detected!("fma") => {
                Some(by_number!(fused, number))
            }
            Instructions::Plain => Some(by_number!(plain_kernels, number)),
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => arm::neon(number),
            _ => None,
        }
    }

    /// Writes the product.
    pub(super) fn set(&self, product: Product<'_>) {
        // SAFETY: `find` has seen that the processor has the features; so for all below.
        unsafe { (self.set)(product) }
    }

    /// Writes the Gaussian error linear unit of the product.
    pub(super) fn gelu(&self, product: Product<'_>) {
        // SAFETY: as above.
        unsafe { (self.gelu)(product) }
    }

    /// Adds the product to what is there.
    pub(super) fn add(&self, product: Product<'_>) {
        // SAFETY: as above.
        unsafe { (self.add)(product) }
    }

    /// See [`Operand`].
    pub(super) fn operand(&self, operand: Operand<'_>) {
        // SAFETY: as above.
        unsafe { (self.operand)(operand) }
    }

    /// See [`super::rows::normalize`].
    pub(super) fn normalize(&self, x: &mut [f32], gain: &[f32], shift: &[f32], epsilon: f32) {
        // SAFETY: as above.
        unsafe { (self.normalize)(x, gain, shift, epsilon) }
    }

    /// See [`Attention`].
    pub(super) fn attention(&self, attention: Attention<'_>) {
        // SAFETY: as above.
        unsafe { (self.attention)(attention) }
    }
}

/// A module with every kernel compiled for `$features` over `$simd`, for one kind of number.
macro_rules! kernels {
    ($name:ident, $simd:ty, $instructions:ident, $number:ident $(, $features:literal)?) => {
        pub(super) mod $name {
            use crate::embed::packed::attention::Attention;
            use crate::embed::packed::kernels::{Instructions, Kernels};
            use crate::embed::packed::panels::Number;
            use crate::embed::packed::product::{Product, then};
            use crate::embed::packed::rows::{self, Operand};
            use crate::embed::packed::simd::{self, LANES, Simd};

            // SAFETY of every function: the caller has seen that the processor has the features
            // they are compiled for; that is all the generic kernels ask.
            $(#[target_feature(enable = $features)])?
            unsafe fn set(product: Product<'_>) {
                unsafe { product.run::<$simd, { then::SET }>(Number::$number) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn gelu(product: Product<'_>) {
                unsafe { product.run::<$simd, { then::GELU }>(Number::$number) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn add(product: Product<'_>) {
                unsafe { product.run::<$simd, { then::ADD }>(Number::$number) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn operand(operand: Operand<'_>) {
                unsafe { operand.run::<$simd>(Number::$number) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn normalize(x: &mut [f32], gain: &[f32], shift: &[f32], epsilon: f32) {
                unsafe { rows::normalize::<$simd>(x, gain, shift, epsilon) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn attention(attention: Attention<'_>) {
                unsafe { attention.run::<$simd, { !matches!(Number::$number, Number::F32) }>() }
            }

            pub(in crate::embed::packed::kernels) const KERNELS: Kernels = Kernels {
                instructions: Instructions::$instructions,
                number: Number::$number,
                width: <$simd as Simd>::VECTORS * LANES,
                set,
                gelu,
                add,
                operand,
                normalize,
                attention,
            };
        }
    };
}

macro_rules! by_number {
    ($module:ident, $number:expr) => {
        match $number {
            Number::F32 => $module::f32::KERNELS,
            Number::Bf16 => $module::bf16::KERNELS,
            Number::Int8 => $module::int8::KERNELS,
        }
    };
}
use by_number;

/// The plain twin with fused multiply-adds on every processor: what the others are held to.
#[cfg(test)]
pub(super) fn oracle(number: Number) -> Kernels {
    by_number!(twin, number)
}

/// All that claim the twin's bits and run here, also where [`Kernels::find`] has a better choice.
#[cfg(test)]
pub(super) fn vectors(number: Number) -> Vec<Kernels> {
    let [known @ .., _plain] = BEST_FIRST;
    let found = known.into_iter().filter_map(|one| Kernels::find(one, number));
    #[cfg(target_arch = "aarch64")]
    let found = found.chain(arm::lesser(number));
    found.collect()
}

#[cfg(test)]
mod twin {
    kernels!(f32, simd::plain::Plain<true>, Plain, F32);
    kernels!(bf16, simd::plain::Plain<true>, Plain, Bf16);
    kernels!(int8, simd::plain::Plain<true>, Plain, Int8);
}

/// The plain code, compiled for processors that have fused multiply-adds.
#[cfg(target_arch = "x86_64")]
mod fused {
    kernels!(f32, simd::plain::Plain<true>, Plain, F32, "fma");
    kernels!(bf16, simd::plain::Plain<true>, Plain, Bf16, "fma");
    kernels!(int8, simd::plain::Plain<true>, Plain, Int8, "fma");
}

mod plain_kernels {
    kernels!(f32, simd::plain::Fallback, Plain, F32);
    kernels!(bf16, simd::plain::Fallback, Plain, Bf16);
    kernels!(int8, simd::plain::Fallback, Plain, Int8);
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Kernels, Number};

    mod wide {
        kernels!(
            f32,
            simd::avx512::Avx512,
            Avx512,
            F32,
            "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"
        );
        kernels!(
            bf16,
            simd::avx512::Avx512,
            Avx512,
            Bf16,
            "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"
        );
        kernels!(
            int8,
            simd::avx512::Avx512,
            Avx512,
            Int8,
            "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma"
        );
    }

    mod narrow {
        kernels!(f32, simd::avx2::Avx2<false>, Avx2, F32, "avx2,fma");
        kernels!(bf16, simd::avx2::Avx2<false>, Avx2, Bf16, "avx2,fma");
        kernels!(int8, simd::avx2::Avx2<false>, Avx2, Int8, "avx2,fma");
        kernels!(int8_vnni, simd::avx2::Avx2<true>, Avx2, Int8, "avx2,fma,avxvnni");
    }

    pub(super) fn avx512(number: Number) -> Option<Kernels> {
        let base = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma");
        let own = match number {
            Number::F32 => true,
            Number::Bf16 => is_x86_feature_detected!("avx512bf16"),
            Number::Int8 => is_x86_feature_detected!("avx512vnni"),
        };
        if base && own { Some(by_number!(wide, number)) } else { None }
    }

    pub(super) fn avx2(number: Number) -> Option<Kernels> {
        if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
            return None;
        }
        if number == Number::Int8 && is_x86_feature_detected!("avxvnni") {
            return Some(narrow::int8_vnni::KERNELS);
        }
        Some(by_number!(narrow, number))
    }
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::is_aarch64_feature_detected;

    use super::{Kernels, Number};

    mod compiled {
        kernels!(f32, simd::neon::Reals, Neon, F32, "neon");
        kernels!(bf16, simd::neon::Halves, Neon, Bf16, "neon");
        kernels!(int8, simd::neon::Widened, Neon, Int8, "neon");
        kernels!(
            int8_signed,
            simd::neon::Bytes<{ simd::neon::dot::SIGNED }>,
            Neon,
            Int8,
            "neon,dotprod"
        );
        kernels!(
            int8_mixed,
            simd::neon::Bytes<{ simd::neon::dot::MIXED }>,
            Neon,
            Int8,
            "neon,i8mm"
        );
    }

    pub(super) fn neon(number: Number) -> Option<Kernels> {
        if !is_aarch64_feature_detected!("neon") {
            return None;
        }
        if number == Number::Int8 && is_aarch64_feature_detected!("i8mm") {
            return Some(compiled::int8_mixed::KERNELS);
        }
        if number == Number::Int8 && is_aarch64_feature_detected!("dotprod") {
            return Some(compiled::int8_signed::KERNELS);
        }
        Some(by_number!(compiled, number))
    }

    /// Those that run here though [`neon`] knows better ones.
    #[cfg(test)]
    pub(super) fn lesser(number: Number) -> Vec<Kernels> {
        let mut all = Vec::new();
        if number == Number::Int8 && is_aarch64_feature_detected!("neon") {
            all.push(compiled::int8::KERNELS);
            if is_aarch64_feature_detected!("dotprod") {
                all.push(compiled::int8_signed::KERNELS);
            }
        }
        all
    }
}
