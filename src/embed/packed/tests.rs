//! Every kernel against its plain twin, bit for bit, and the twin against sums in f64.

mod operations;

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::attention::{self, Attention};
use super::kernels::{Instructions, Kernels, oracle, vectors};
use super::math::{exp2, gelu, gelu_rough};
use super::panels::{GROUP, Number, Panels};
use super::product::Product;
use super::rows::Operand;
use super::simd::plain::Plain;
use super::simd::{LANES, Simd};

const NUMBERS: [Number; 3] = [Number::F32, Number::Bf16, Number::Int8];

/// Numbers around zero, a few of them large.
fn reals(rng: &mut ChaCha8Rng, n: usize) -> Vec<f32> {
    let real = |_| {
        let x: f32 = rng.random_range(-1.0..1.0);
        if rng.random_range(0..20) == 0 { 12.0 * x } else { x }
    };
    (0..n).map(real).collect()
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// A linear map and the rows it is given.
struct Case {
    weights: Vec<f32>,
    bias: Vec<f32>,
    smoothing: Vec<f32>,
    x: Vec<f32>,
    rows: usize,
}

impl Case {
    fn new(seed: u64, rows: usize, columns: usize, depth: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Self {
            weights: reals(&mut rng, columns * depth),
            bias: reals(&mut rng, columns),
            smoothing: (0..depth).map(|_| rng.random_range(0.25..4.0)).collect(),
            x: reals(&mut rng, rows * depth),
            rows,
        }
    }

    fn columns(&self) -> usize {
        self.bias.len()
    }

    fn depth(&self) -> usize {
        self.smoothing.len()
    }

    fn panels(&self, kernels: &Kernels) -> Panels {
        Panels::pack(&self.weights, &self.bias, &self.smoothing, kernels.number, kernels.width)
    }

    fn operand(&self, kernels: &Kernels, panels: &Panels) -> (Vec<u32>, Vec<[f32; 2]>) {
        if kernels.number == Number::F32 {
            return (bits(&self.x), Vec::new());
        }
        let mut words = vec![0; self.rows * panels.depth_words()];
        let mut steps = vec![[0.0; 2]; self.rows * panels.groups()];
        kernels.operand(Operand {
            x: &self.x,
            stride: self.depth(),
            rows: self.rows,
            inputs: 0..self.depth(),
            panels,
            words: &mut words,
            steps: &mut steps,
        });
        (words, steps)
    }

    /// An element of the product in f64, and how far rounding its factors and its sum may take it.
    fn exact(&self, number: Number, steps: &[[f32; 2]], row: usize, column: usize) -> (f64, f64) {
        let depth = self.depth();
        let x = &self.x[row * depth..][..depth];
        let w = &self.weights[column * depth..][..depth];
        let largest = w.iter().fold(0.0_f32, |m, w| m.max(w.abs()));
        let groups = depth.div_ceil(GROUP);
        let (mut sum, mut bound) = (f64::from(self.bias[column]), 0.0);
        for (i, (&x, &w)) in x.iter().zip(w).enumerate() {
            let (mut x, w) = (f64::from(x), f64::from(w));
            let (of_x, of_w) = match number {
                Number::F32 => (0.0, 0.0),
                Number::Bf16 => (x.abs() / 256.0, w.abs() / 256.0),
                Number::Int8 => {
                    x *= f64::from(self.smoothing[i]);
                    let [scale, _] = steps[row * groups + i / GROUP];
                    (0.501 * f64::from(scale), 0.501 * f64::from(largest) / 127.0)
                }
            };
            sum += x * w;
            bound += of_x * w.abs() + of_w * x.abs() + of_x * of_w + 1e-6 * (x * w).abs();
        }
        (sum, bound + 1e-5)
    }

    /// The operand, and the product set, through the GELU, and added to ones.
    fn run(&self, kernels: &Kernels) -> (Vec<u32>, Vec<[f32; 2]>, [Vec<f32>; 3]) {
        let panels = self.panels(kernels);
        let (words, steps) = self.operand(kernels, &panels);
        let mut outs = [0, 1, 2].map(|_| vec![1.0; self.rows * self.columns()]);
        let product = |out| Product {
            operand: &words,
            steps: &steps,
            panels: &panels,
            columns: 0..panels.columns,
            rows: self.rows,
            out,
            out_stride: panels.columns,
        };
        let [set, gelu, add] = &mut outs;
        kernels.set(product(set));
        kernels.gelu(product(gelu));
        kernels.add(product(add));
        (words, steps, outs)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn products_have_the_twins_bits(
        seed in any::<u64>(), rows in 1_usize..30, columns in 1_usize..7, depth in 1_usize..20,
    ) {
        let case = Case::new(seed, rows, 16 * columns, 16 * depth);
        for number in NUMBERS {
            let (words, steps, outs) = case.run(&oracle(number));
            for kernels in vectors(number) {
                let own = case.run(&kernels);
                prop_assert_eq!(&own.0, &words, "operand {:?}", kernels.instructions);
                prop_assert_eq!(&own.1, &steps, "steps {:?}", kernels.instructions);
                for (own, twin) in own.2.iter().zip(&outs) {
                    prop_assert_eq!(bits(own), bits(twin), "{:?} {:?}", number, kernels.instructions);
                }
            }
        }
    }

    #[test]
    fn some_columns_of_a_product_are_those_of_all(
        seed in any::<u64>(), rows in 1_usize..14, first in 0_usize..3, more in 1_usize..4,
    ) {
        let case = Case::new(seed, rows, 112, 64);
        for number in NUMBERS {
            let kernels = Kernels::find(Instructions::Auto, number).unwrap();
            let panels = case.panels(&kernels);
            let (words, steps, [all, ..]) = case.run(&kernels);
            let columns = first * panels.width..112.min((first + more) * panels.width);
            let mut out = vec![0.0; rows * columns.len()];
            kernels.set(Product {
                operand: &words,
                steps: &steps,
                panels: &panels,
                columns: columns.clone(),
                rows,
                out: &mut out,
                out_stride: columns.len(),
            });
            for (row, own) in out.chunks(columns.len()).enumerate() {
                prop_assert_eq!(own, &all[row * 112..][columns.clone()]);
            }
        }
    }

    #[test]
    fn products_are_within_the_rounding_of_those_of_f64(
        seed in any::<u64>(), rows in 1_usize..6, columns in 1_usize..4, depth in 1_usize..20,
    ) {
        let case = Case::new(seed, rows, 16 * columns, 16 * depth);
        for number in NUMBERS {
            let (_, steps, [set, ..]) = case.run(&oracle(number));
            for (at, &y) in set.iter().enumerate() {
                let (row, column) = (at / case.columns(), at % case.columns());
                let (exact, bound) = case.exact(number, &steps, row, column);
                let error = (f64::from(y) - exact).abs();
                prop_assert!(error <= bound, "{:?}: {} for {} ± {}", number, y, exact, bound);
            }
        }
    }

    #[test]
    fn attention_and_norms_have_the_twins_bits(
        seed in any::<u64>(), tokens in 1_usize..70, heads in 1_usize..4, head in 1_usize..4,
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (head, hidden) = (16 * head, heads * 16 * head);
        let qkv = reals(&mut rng, tokens * 3 * hidden);
        let (gain, shift) = (reals(&mut rng, hidden), reals(&mut rng, hidden));
        let run = |kernels: &Kernels| {
            let mut context = vec![0.0; tokens * hidden];
            let mut room = vec![7.0; attention::room(tokens, head)];
            let (context_out, room) = (&mut context[..], &mut room[..]);
            kernels.attention(Attention { qkv: &qkv, context: context_out, room, heads, head, tokens });
            let attended = bits(&context);
            kernels.normalize(&mut context, &gain, &shift, 1e-12);
            (attended, bits(&context))
        };
        for number in NUMBERS {
            let twin = run(&oracle(number));
            for kernels in vectors(number) {
                prop_assert_eq!(&run(&kernels), &twin, "{:?} {:?}", number, kernels.instructions);
            }
        }
    }

    #[test]
    fn attention_is_a_softmax_of_powers_of_two(
        seed in any::<u64>(), tokens in 1_usize..40,
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let qkv = reals(&mut rng, tokens * 48);
        let mut context = vec![0.0; tokens * 16];
        let mut room = vec![0.0; attention::room(tokens, 16)];
        oracle(Number::F32).attention(Attention {
            qkv: &qkv, context: &mut context, room: &mut room, heads: 1, head: 16, tokens,
        });
        let part = |token: usize, part: usize| {
            qkv[token * 48 + part * 16..][..16].iter().map(|&x| f64::from(x)).collect::<Vec<_>>()
        };
        for token in 0..tokens {
            let q = part(token, 0);
            let weight = |other| {
                let dot: f64 = q.iter().zip(part(other, 1)).map(|(q, k)| q * k).sum();
                dot.exp2()
            };
            let weights: Vec<f64> = (0..tokens).map(weight).collect();
            let sum: f64 = weights.iter().sum();
            for d in 0..16 {
                let mean: f64 =
                    weights.iter().enumerate().map(|(t, w)| w * part(t, 2)[d]).sum::<f64>() / sum;
                let own = f64::from(context[token * 16 + d]);
                prop_assert!((own - mean).abs() < 2e-5 * mean.abs().max(1.0), "{} for {}", own, mean);
            }
        }
    }

    #[test]
    fn a_byte_is_off_by_half_a_step_at_most(seed in any::<u64>(), depth in 1_usize..30) {
        let case = Case::new(seed, 3, 16, 16 * depth);
        let kernels = Kernels::find(Instructions::Auto, Number::Int8).unwrap();
        let panels = case.panels(&kernels);
        let (words, steps) = case.operand(&kernels, &panels);
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        for (at, &byte) in bytes.iter().enumerate() {
            let (row, i) = (at / case.depth(), at % case.depth());
            let [scale, scale_zero] = steps[row * panels.groups() + i / GROUP];
            let read = scale * f32::from(byte) - scale_zero;
            let wanted = case.x[at] * case.smoothing[i];
            prop_assert!((read - wanted).abs() <= 0.501 * scale + 1e-6, "{} for {}", read, wanted);
        }
    }
}

/// `f` of one number by the plain twin.
fn one(f: unsafe fn([f32; LANES]) -> [f32; LANES], x: f32) -> f64 {
    // SAFETY: the plain twin asks nothing of the processor.
    #[expect(unsafe_code, reason = "the contract of `Simd`, which the plain twin keeps")]
    f64::from(unsafe { f([x; LANES])[0] })
}

/// Φ(x) by Simpson's rule.
fn normal(x: f64) -> f64 {
    let density = |t: f64| (-t * t / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let (n, low) = (4000, -12.0);
    let h = (x - low) / f64::from(n);
    let weight = |i| if i == 0 || i == n { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
    (0..=n).map(|i| weight(i) * density(low + h * f64::from(i))).sum::<f64>() * h / 3.0
}

#[test]
fn the_functions_keep_their_errors() {
    type Twin = Plain<true>;
    for i in -2000..=2000 {
        let x = i as f32 / 250.0;
        let exact = f64::from(x).exp2();
        assert!((one(exp2::<Twin, false>, x) / exact - 1.0).abs() < 2.5e-7, "{x}");
        assert!((one(exp2::<Twin, true>, x) / exact - 1.0).abs() < 4e-6, "{x}");
        let exact = f64::from(x) * normal(f64::from(x));
        assert!((one(gelu::<Twin>, x) - exact).abs() < 1e-6, "{x}");
        let rough = (one(gelu_rough::<Twin>, x) - exact).abs();
        let bound = if x.abs() < 4.0 { 3e-5 } else { 3e-5 * f64::from(x.abs()) };
        assert!(rough < bound, "{x}: {rough}");
    }
    assert!(one(exp2::<Twin, false>, -200.0) < 3e-38);
}

#[test]
fn the_plain_kernels_are_near_their_twin() {
    let case = Case::new(7, 9, 48, 160);
    for number in NUMBERS {
        let (_, _, twin) = case.run(&oracle(number));
        let (_, _, own) = case.run(&Kernels::find(Instructions::Plain, number).unwrap());
        for (own, twin) in own.iter().flatten().zip(twin.iter().flatten()) {
            assert!((own - twin).abs() < 1e-4 * twin.abs().max(1.0), "{number:?}: {own} {twin}");
        }
    }
}

#[test]
fn no_weight_is_below_minus_127() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let odd = [-1e-40, -1e-36, -3.0, f32::MIN, f32::NEG_INFINITY, f32::NAN];
    for i in 0..2000 {
        let least = odd.get(i).copied().unwrap_or_else(|| rng.random_range(-2.0..0.0));
        let panels = Panels::pack(&[least; 256], &[0.0; 16], &[1.0; 16], Number::Int8, 16);
        let bytes = panels.words.words().iter().flat_map(|word| word.to_le_bytes());
        assert!(bytes.into_iter().all(|byte| byte as i8 > -128), "{least}");
    }
}

#[test]
fn a_processor_is_asked_before_it_is_used() {
    for number in NUMBERS {
        let best = Kernels::find(Instructions::Auto, number).unwrap();
        assert!(Kernels::find(best.instructions, number).is_some());
        assert_eq!(<Plain<true> as Simd>::VECTORS * LANES, oracle(number).width);
    }
}
