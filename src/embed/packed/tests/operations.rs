//! Each vector operation against the plain twin's, at the edges of what it may be given.

#![expect(unsafe_code, reason = "the contract of `Simd`, kept by what is passed")]
#![expect(
    clippy::inline_always,
    reason = "instructions of the caller's features must reach the operations"
)]

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::embed::packed::simd::plain::Plain;
use crate::embed::packed::simd::{LANES, Simd};

const STRIDE: usize = LANES + 3;

/// What the operations are given.
struct Given {
    /// Any numbers, with zeros of both signs, subnormal ones, and halfway cases.
    any: [[f32; LANES]; 3],
    /// Ordinary numbers.
    tame: [f32; LANES],
    /// Below 2¹⁵, many of them halves.
    halves: [f32; LANES],
    /// From ½ to 2, and the powers of two to scale them by.
    scaled: [[f32; LANES]; 2],
    /// Unsigned bytes and signed ones, many of them extreme.
    bytes: [[u32; LANES]; 2],
    /// Pairs of bf16.
    pairs: [[u32; LANES]; 2],
    block: Vec<f32>,
}

impl Given {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let odd = [0.0, -0.0, 1e-40, -1e-42, f32::MIN_POSITIVE, 1.0, -1.0, 1e30, f32::MAX];
        // Halfway between two bf16, to an even one and to an odd one.
        let ties = [0x3f80_8000, 0x3f81_8000, 0xbf81_8000, 0x3f80_7fff].map(f32::from_bits);
        let odd: Vec<f32> = odd.into_iter().chain(ties).collect();
        let mut any = || {
            std::array::from_fn(|_| match rng.random_range(0..3) {
                0 => rng.random_range(-1000.0..1000.0),
                _ => *odd.choose(&mut rng).unwrap(),
            })
        };
        let any = [any(), any(), any()];
        let mut byte = |edges: [u8; 3]| match rng.random_range(0..2) {
            0 => rng.random_range(edges[0]..=edges[1]),
            _ => *edges.choose(&mut rng).unwrap(),
        };
        let bytes = [
            std::array::from_fn(|_| u32::from_le_bytes([0; 4].map(|_: u8| byte([0, 255, 128])))),
            // Signed: −127 to 127, without −128.
            std::array::from_fn(|_| {
                u32::from_le_bytes([0; 4].map(|_: u8| byte([0, 254, 254]).wrapping_sub(127)))
            }),
        ];
        let mut bf16 = || rng.random_range(-9.0_f32..9.0).to_bits() >> 16;
        let mut pairs = || std::array::from_fn(|_| bf16() << 16 | bf16());
        let pairs = [pairs(), pairs()];
        Self {
            any,
            bytes,
            pairs,
            tame: std::array::from_fn(|_| rng.random_range(-9.0..9.0)),
            halves: std::array::from_fn(|_| match rng.random_range(0..3) {
                0 => rng.random_range(-32_767.0..32_767.0),
                1 => rng.random_range(-3.0..258.0),
                _ => rng.random_range(-3_i16..258).into(),
            })
            .map(|x: f32| if rng.random() { (2.0 * x).trunc() / 2.0 } else { x }),
            scaled: [
                std::array::from_fn(|_| rng.random_range(0.5..2.0)),
                std::array::from_fn(|_| rng.random_range(-125_i16..=126).into()),
            ],
            block: (0..LANES * STRIDE).map(|_| rng.random()).collect(),
        }
    }

    /// Every operation's result, in bits.
    #[inline(always)]
    unsafe fn run<S: Simd>(&self) -> Vec<(&'static str, Vec<u32>)> {
        // SAFETY: the caller's features are those of `S`; each array has sixteen elements, and the
        // blocks sixteen rows.
        unsafe {
            let [a, b, c] = self.any.each_ref().map(|x| S::load(x.as_ptr()));
            let [tame, halves] = [&self.tame, &self.halves].map(|x| S::load(x.as_ptr()));
            let [scaled, power] = self.scaled.each_ref().map(|x| S::load(x.as_ptr()));
            let [unsigned, signed] = self.bytes.each_ref().map(|x| S::load_words(x.as_ptr()));
            let [left, right] = self.pairs.each_ref().map(|x| S::load_words(x.as_ptr()));
            let of_bytes = self.sums_of_signed();
            let begun = S::begin_bytes(S::load(of_bytes.as_ptr()));
            let dot = S::dot_bytes(begun, unsigned, signed);
            let lone = S::begin_bytes(S::load(of_bytes.map(|x| 2.0 * x).as_ptr()));
            let word = S::splat_word(self.bytes[0][0]);
            let twice = S::dot_bytes(S::dot_bytes(lone, word, signed), unsigned, signed);
            // No instruction needs to give the zero that becomes of −0.3 a sign.
            let zero = S::splat(0.0);
            let mut transposed = vec![0.0; LANES * (LANES + 5)];
            S::transpose(self.block.as_ptr(), STRIDE, transposed.as_mut_ptr(), LANES + 5);
            let (mut eights, mut sixteens) = ([0_u8; LANES], [0_u16; LANES]);
            S::store_bytes(eights.as_mut_ptr(), halves);
            S::store_bf16(sixteens.as_mut_ptr(), a);
            S::prefetch(std::ptr::null());
            vec![
                ("add", lanes::<S>(S::add(a, tame))),
                ("sub", lanes::<S>(S::sub(a, tame))),
                ("mul", lanes::<S>(S::mul(a, tame))),
                ("div", lanes::<S>(S::div(tame, S::splat(3.0)))),
                ("min", lanes::<S>(S::min(a, b))),
                ("max", lanes::<S>(S::max(a, b))),
                ("fma", lanes::<S>(S::fma(tame, halves, a))),
                ("round", lanes::<S>(S::add(S::round(halves), zero))),
                ("scale", lanes::<S>(S::scale(scaled, power))),
                ("where_negative", lanes::<S>(S::where_negative(a, b, c))),
                ("dot_bytes", lanes::<S>(S::to_f32(dot))),
                ("dot_bytes twice", lanes::<S>(S::to_f32(twice))),
                ("dot_bf16", lanes::<S>(S::dot_bf16(tame, left, right))),
                ("store_bytes", eights.map(u32::from).to_vec()),
                ("store_bf16", sixteens.map(u32::from).to_vec()),
                ("sum", vec![S::sum(tame).to_bits()]),
                ("largest", vec![S::largest(a).to_bits()]),
                ("smallest", vec![S::smallest(a).to_bits()]),
                ("transpose", transposed.into_iter().map(f32::to_bits).collect()),
            ]
        }
    }

    fn sums_of_signed(&self) -> [f32; LANES] {
        self.bytes[1].map(|word| word.to_le_bytes().map(|b| f32::from(b as i8)).iter().sum())
    }

    /// As [`Simd::dot_bytes`] is defined.
    fn dots(&self) -> Vec<u32> {
        let four = |(a, b): (&u32, &u32)| -> i32 {
            let products = a.to_le_bytes().into_iter().zip(b.to_le_bytes());
            products.map(|(a, b)| i32::from(a) * i32::from(b as i8)).sum()
        };
        let all = self.bytes[0].iter().zip(&self.bytes[1]);
        all.map(four).map(|dot| (dot as f32).to_bits()).collect()
    }
}

#[inline(always)]
unsafe fn lanes<S: Simd>(x: S::F) -> Vec<u32> {
    let mut out = [0.0; LANES];
    // SAFETY: sixteen elements.
    unsafe { S::store(out.as_mut_ptr(), x) }
    super::bits(&out)
}

fn all(run: impl Fn(&Given) -> Vec<(&'static str, Vec<u32>)>) {
    for seed in 0..300 {
        let given = Given::new(seed);
        // SAFETY: the plain twin asks nothing of the processor.
        let twin = unsafe { given.run::<Plain<true>>() };
        for (own, twin) in run(&given).into_iter().zip(twin) {
            assert_eq!(own, twin, "seed {seed}");
            assert!(own.0 != "dot_bytes" || own.1 == given.dots(), "seed {seed}");
        }
    }
}

/// A test of `$simd`, where the processor has its features.
macro_rules! operations {
    ($name:ident, $simd:ty, $detected:ident, $($feature:tt)+) => {
        #[test]
        fn $name() {
            $(#[target_feature(enable = $feature)])+
            fn run(given: &Given) -> Vec<(&'static str, Vec<u32>)> {
                // SAFETY: compiled for the features, and called only where there are any.
                unsafe { given.run::<$simd>() }
            }
            if $(std::arch::$detected!($feature))&&+ {
                // SAFETY: just seen.
                all(|given| unsafe { run(given) });
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Given, all};
    use crate::embed::packed::simd::avx2::Avx2;
    use crate::embed::packed::simd::avx512::Avx512;

    operations!(avx2, Avx2<false>, is_x86_feature_detected, "avx2" "fma");
    operations!(avx2_vnni, Avx2<true>, is_x86_feature_detected, "avx2" "fma" "avxvnni");
    operations!(
        avx512, Avx512, is_x86_feature_detected,
        "avx512f" "avx512bw" "avx512dq" "avx512vl" "avx512bf16" "avx512vnni" "avx2" "fma"
    );
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use super::{Given, all};
    use crate::embed::packed::simd::neon::{Bytes, Widened, dot};

    operations!(widening, Widened, is_aarch64_feature_detected, "neon");
    operations!(signed, Bytes<{ dot::SIGNED }>, is_aarch64_feature_detected, "neon" "dotprod");
    operations!(mixed, Bytes<{ dot::MIXED }>, is_aarch64_feature_detected, "neon" "i8mm");
}
