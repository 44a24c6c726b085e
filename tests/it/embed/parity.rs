//! all-MiniLM-L6-v2 against vectors of sentence-transformers, where both are on this machine.

use std::fs;
use std::path::Path;

use candle_core::{DType, Device};
use seamark::embed::{
    CandleEmbedder, Embedder, Instructions, Manifest, PackedEmbedder, PackedOptions, Precision,
    Threads, weights,
};
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
    let candle = |dtype| -> Box<dyn Embedder> {
        let (device, threads) = (Device::Cpu, Threads::new(0));
        Box::new(CandleEmbedder::load(&manifest, &weights, device, dtype, 2048, threads).unwrap())
    };
    let packed = |precision| -> Box<dyn Embedder> {
        let (instructions, threads) = (Instructions::Auto, Threads::new(0));
        let options = PackedOptions { precision, instructions, threads };
        Box::new(PackedEmbedder::load(&manifest, &weights, options).unwrap())
    };
    for (name, model, least, mean) in [
        ("candle f32", candle(DType::F32), 0.999_999, 0.999_999),
        ("candle f16", candle(DType::F16), 0.999, 0.9999),
        ("packed f32", packed(Precision::F32), 0.999_999, 0.999_999),
        ("packed bf16", packed(Precision::Bf16), 0.9999, 0.9999),
        ("packed int8", packed(Precision::Int8), 0.995, 0.999),
    ] {
        golden.compare(name, model.as_ref(), least, mean);
    }
}

impl Golden {
    #[expect(clippy::print_stdout, reason = "the figures are worth seeing with --nocapture")]
    /// Holds the lowest cosine to the golden vectors to `least`, their mean to `mean`.
    fn compare(&self, name: &str, model: &dyn Embedder, least: f64, mean: f64) {
        let texts: Vec<&str> = self.items.iter().map(|item| item.text.as_str()).collect();
        let vectors = model.embed(&queries(&texts)).unwrap();
        let pairs = self.items.iter().zip(&vectors);
        let all: Vec<(f64, &str)> = pairs
            .map(|(item, vector)| (cosine(vector, &item.embedding), item.name.as_str()))
            .collect();
        let (lowest, of_text) = all.iter().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        let average = all.iter().map(|(cosine, _)| cosine).sum::<f64>() / all.len() as f64;
        println!("{name}: {} texts, cosine {average:.6}, lowest {lowest:.6}", all.len());
        assert!(*lowest >= least, "{name}: {lowest} for {of_text}");
        assert!(average >= mean, "{name}: {average}");
    }
}
