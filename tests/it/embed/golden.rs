//! The model families against the Python originals, on tiny checkpoints with random weights.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;
use seamark::embed::{Embedder, Side, Text};
use serde::Deserialize;

use super::{FAMILIES, copy_of, cosine, golden_dir, load, queries};

#[derive(Deserialize)]
struct Expected {
    text: String,
    vector: Vec<f32>,
}

#[test]
fn every_family_agrees_with_its_original() {
    let text = fs::read_to_string(golden_dir().join("expected.json")).unwrap();
    let expected: BTreeMap<String, Vec<Expected>> = serde_json::from_str(&text).unwrap();
    assert_eq!(expected.len(), 6);
    for (name, items) in &expected {
        let model = load(name, &golden_dir(), 2048).unwrap();
        let texts: Vec<&str> = items.iter().map(|item| item.text.as_str()).collect();
        for (item, vector) in items.iter().zip(model.embed(&queries(&texts)).unwrap()) {
            let cosine = cosine(&vector, &item.vector);
            let worst =
                vector.iter().zip(&item.vector).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            println!("{name} {:?}: 1 - cosine {:.1e}, worst {worst:.1e}", item.text, 1.0 - cosine);
            assert!(cosine >= 0.9999, "{name} {:?}: {cosine}", item.text);
        }
    }
}

#[test]
fn the_digest_names_what_changes_the_vectors() {
    let plain = load("tiny-bert", &golden_dir(), 2048).unwrap();
    let models = copy_of("tiny-bert");
    let path = models.path().join("tiny-bert.toml");
    let text = fs::read_to_string(&path).unwrap();
    for (from, to, same) in [
        ("licence = \"Apache-2.0\"", "licence = \"MIT\"", true),
        ("max_tokens = 16", "max_tokens = 12", false),
        ("pooling = \"mean\"", "pooling = \"cls\"", false),
        ("dimension = 32", "dimension = 32\nquery_prefix = \"query: \"", false),
    ] {
        fs::write(&path, text.replace(from, to)).unwrap();
        let changed = load("tiny-bert", models.path(), 64).unwrap();
        assert_eq!(changed.model_digest() == plain.model_digest(), same, "{to}");
    }
}

#[test]
fn a_prefix_is_part_of_the_text_on_its_side_only() {
    let models = copy_of("tiny-bert");
    let path = models.path().join("tiny-bert.toml");
    let text = fs::read_to_string(&path).unwrap();
    let prefixed = text.replace("dimension = 32", "dimension = 32\nquery_prefix = \"please \"");
    fs::write(&path, prefixed).unwrap();
    let model = load("tiny-bert", models.path(), 2048).unwrap();
    let on = |side, text| model.embed(&[Text { side, text }]).unwrap().remove(0);
    assert!(cosine(&on(Side::Query, "help"), &on(Side::Response, "please help")) > 0.999_999);
    assert!(cosine(&on(Side::Query, "help"), &on(Side::Response, "help")) < 0.999);
}

#[test]
fn no_texts_give_no_vectors() {
    let model = load("tiny-bert", &golden_dir(), 2048).unwrap();
    assert!(model.embed(&[]).unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_vector_does_not_depend_on_the_batch(
        texts in prop::collection::vec("[a-z ?!]{0,60}", 1..12),
        batch_tokens in 1_usize..200,
    ) {
        for name in FAMILIES {
            let model = load(name, &golden_dir(), batch_tokens).unwrap();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let together = model.embed(&queries(&texts)).unwrap();
            for (text, vector) in texts.iter().zip(together) {
                let alone = model.embed(&queries(&[text])).unwrap().remove(0);
                prop_assert!(cosine(&vector, &alone) > 0.999_999, "{} {:?}", name, text);
                let norm = vector.iter().map(|x| x * x).sum::<f32>();
                prop_assert!((norm - 1.0).abs() < 1e-5, "{} {:?}: {}", name, text, norm);
            }
        }
    }
}
