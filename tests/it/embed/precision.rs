//! Half precision, which GPUs compute in, on the CPU: f16, since candle has no bf16 products there.

use candle_core::DType;
use proptest::prelude::*;
use seamark::embed::{EmbedError, Embedder};

use super::{cosine, golden_dir, load, load_in, queries};

/// All but ModernBERT, whose masks are f32.
const FAMILIES: [&str; 5] =
    ["tiny-bert", "tiny-distilbert", "tiny-xlm-roberta", "tiny-mpnet", "tiny-nomic"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn half_precision_gives_nearly_the_same_vectors(
        texts in prop::collection::vec("[a-z ?!]{0,60}", 1..12),
        batch_tokens in 1_usize..200,
    ) {
        for name in FAMILIES {
            let full = load(name, &golden_dir(), 2048).unwrap();
            let half = load_in(DType::F16, name, &golden_dir(), batch_tokens).unwrap();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let wanted = full.embed(&queries(&texts)).unwrap();
            for (text, (full, half)) in
                texts.iter().zip(wanted.iter().zip(half.embed(&queries(&texts)).unwrap()))
            {
                let cosine = cosine(full, &half);
                prop_assert!(cosine >= 0.999, "{} {:?}: {}", name, text, cosine);
                let norm = half.iter().map(|x| x * x).sum::<f32>();
                prop_assert!((norm - 1.0).abs() < 1e-5, "{} {:?}: {}", name, text, norm);
            }
        }
    }
}

#[test]
fn the_digest_names_the_precision() {
    let full = load("tiny-bert", &golden_dir(), 2048).unwrap();
    let half = load_in(DType::F16, "tiny-bert", &golden_dir(), 2048).unwrap();
    assert_ne!(full.model_digest(), half.model_digest());
}

#[test]
fn a_precision_without_arithmetic_is_refused_when_loading() {
    for (dtype, name) in [(DType::BF16, "bf16"), (DType::U8, "u8")] {
        let Err(error) = load_in(dtype, "tiny-bert", &golden_dir(), 2048) else {
            panic!("{name} was taken");
        };
        assert!(matches!(error, EmbedError::Precision { precision, .. } if precision == name));
        assert_eq!(
            error.to_string(),
            format!("the model cannot run in {name} on the device cpu; use f32")
        );
    }
    let modern = load_in(DType::F16, "tiny-modernbert", &golden_dir(), 2048);
    assert!(matches!(modern, Err(EmbedError::Precision { precision: "f16", .. })));
}
