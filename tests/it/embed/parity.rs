//! all-MiniLM-L6-v2 against vectors of sentence-transformers, where both are on this machine.

use std::fs;
use std::path::Path;

use candle_core::{DType, Device};
use seamark::embed::{CandleEmbedder, Embedder, Manifest, weights};
use serde::Deserialize;

use super::{cosine, queries};

#[derive(Deserialize)]
struct Golden {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    name: String,
    text: String,
    embedding: Vec<f32>,
}

#[test]
fn minilm_agrees_with_sentence_transformers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Ok(golden) = fs::read_to_string(root.join("../shared/golden/golden_embeddings.json"))
    else {
        println!("skipped: no golden embeddings beside this checkout");
        return;
    };
    let manifest = Manifest::find("all-MiniLM-L6-v2", &root.join("models")).unwrap();
    let Ok(weights) = weights::verify(&manifest, &root.join("models")) else {
        println!("skipped: no weights; `seamark model pull` fetches them");
        return;
    };
    let golden: Golden = serde_json::from_str(&golden).unwrap();
    let texts: Vec<&str> = golden.items.iter().map(|item| item.text.as_str()).collect();
    for (dtype, least) in [(DType::F32, 0.9999), (DType::F16, 0.999)] {
        let model = CandleEmbedder::load(&manifest, &weights, Device::Cpu, dtype, 2048, 0).unwrap();
        let vectors = model.embed(&queries(&texts)).unwrap();
        let mut worst = 1.0_f64;
        for (item, vector) in golden.items.iter().zip(&vectors) {
            let cosine = cosine(vector, &item.embedding);
            assert!(cosine >= least, "{dtype:?} {}: {cosine}", item.name);
            worst = worst.min(cosine);
        }
        println!("{dtype:?}: {} texts, lowest cosine {worst:.9}", vectors.len());
    }
}
