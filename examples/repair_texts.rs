//! Measures the repair of spelling with a model of `models/`: reads sets of texts from standard input,
//! a line each, `{"name", "reference": […], "pairs": [[damaged, clean], …], "texts": […]}`, and writes
//! what the repair does to them. `benches/peers/spelling.py` makes the sets.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use seamark::embed::{
    Embedder, Instructions, Manifest, PackedEmbedder, PackedOptions, Precision, Side, Text,
    Threads, weights,
};
use seamark::text::repair::{Repairer, Vocabulary};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Set {
    name: String,
    reference: Vec<String>,
    pairs: Vec<(String, String)>,
    texts: Vec<String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = std::env::args().nth(1).unwrap_or_else(|| "all-MiniLM-L6-v2".to_owned());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let manifest = Manifest::find(&model, &folder)?;
    let files = weights::verify(&manifest, &folder)?;
    let options = PackedOptions {
        precision: Precision::F32,
        instructions: Instructions::Auto,
        threads: Threads::new(0),
    };
    let embedder: Arc<dyn Embedder> = Arc::new(PackedEmbedder::load(&manifest, &files, options)?);
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        writeln!(out, "{}", measured(&serde_json::from_str(&line?)?, &embedder)?)?;
        out.flush()?;
    }
    Ok(())
}

fn measured(set: &Set, embedder: &Arc<dyn Embedder>) -> Result<Value, Box<dyn std::error::Error>> {
    let known = embedder.clone();
    let is_word = move |word: &str| known.is_word(word).unwrap_or(true);
    let vocabulary = Vocabulary::learn(set.reference.iter().map(String::as_str), &is_word);
    let repairer = Repairer::new(&vocabulary, Arc::new(is_word)).ok_or("another version")?;
    let mut words: BTreeMap<String, usize> = BTreeMap::new();
    let mut repaired = |text: &str| -> Option<String> {
        let (new, repairs) = repairer.repair(text);
        for repair in &repairs {
            *words.entry(format!("{} {}", &text[repair.span.clone()], repair.word)).or_default() +=
                1;
        }
        (!repairs.is_empty()).then(|| new.into_owned())
    };
    let (mut before, mut after, mut changed) = (0.0, 0.0, 0);
    for (damaged, clean) in &set.pairs {
        let new = repaired(damaged);
        changed += usize::from(new.is_some());
        let distance = distance(embedder, damaged, clean)?;
        before += distance;
        after += match new {
            Some(new) => self::distance(embedder, &new, clean)?,
            None => distance,
        };
    }
    let pairs =
        json!({"texts": set.pairs.len(), "changed": changed, "before": before, "after": after});
    let (mut moved, mut changed) = (0.0, 0);
    for text in &set.texts {
        if let Some(new) = repaired(text) {
            changed += 1;
            moved += distance(embedder, &new, text)?;
        }
    }
    let texts = json!({"texts": set.texts.len(), "changed": changed, "moved": moved});
    Ok(json!({"name": set.name, "vocabulary": vocabulary.len(), "pairs": pairs, "texts": texts,
              "words": words}))
}

/// One minus the cosine.
fn distance(
    embedder: &Arc<dyn Embedder>,
    a: &str,
    b: &str,
) -> Result<f64, Box<dyn std::error::Error>> {
    let texts = [a, b].map(|text| Text { side: Side::Query, text });
    let vectors = embedder.embed(&texts)?;
    let product = vectors[0].iter().zip(&vectors[1]).map(|(x, y)| f64::from(x * y)).sum::<f64>();
    Ok(1.0 - product)
}
