//! Embedding speed on the CPU: texts and tokens a second by length, and the latency of one text.
//!
//! ```text
//! cargo bench --bench embed -- [THREADS] [FILE.jsonl.gz …]
//! ```
//!
//! The texts are the `query` and `response` of the files' lines, else sentences of words. The
//! model is fetched if it is not in `models/`.

#![expect(clippy::print_stdout, reason = "a table is the point")]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;

use candle_core::{DType, Device};
use flate2::read::MultiGzDecoder;
use seamark::embed::{CandleEmbedder, Embedder, Manifest, Side, Text, weights};
use tokenizers::Tokenizer;

/// A text and its number of tokens, special tokens included.
type Counted = (String, usize);

struct Bench {
    manifest: Manifest,
    weights: weights::Weights,
    threads: usize,
}

impl Bench {
    fn open(threads: usize) -> Self {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        let manifest = Manifest::find("all-MiniLM-L6-v2", &models).expect("it is shipped");
        let weights = weights::pull(&manifest, &models, &|_| ()).expect("the weights are needed");
        Self { manifest, weights, threads }
    }

    fn model(&self, batch_tokens: usize) -> CandleEmbedder {
        CandleEmbedder::load(
            &self.manifest,
            &self.weights,
            Device::Cpu,
            DType::F32,
            batch_tokens,
            self.threads,
        )
        .expect("the model loads")
    }

    fn count(&self, texts: Vec<String>) -> Vec<Counted> {
        let path = self.weights.path("tokenizer.json");
        let mut tokenizer = Tokenizer::from_file(path).expect("the tokenizer loads");
        tokenizer.with_padding(None).with_truncation(None).expect("no truncation is fine");
        let counted = |text: String| {
            let tokens = tokenizer.encode_fast(text.as_str(), true).expect("it tokenizes").len();
            (text, tokens.min(self.manifest.max_tokens))
        };
        texts.into_iter().map(counted).collect()
    }
}

fn main() {
    let arguments = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect::<Vec<_>>();
    let threads = arguments.first().and_then(|a| a.parse().ok());
    let files = &arguments[usize::from(threads.is_some())..];
    let bench = Bench::open(threads.unwrap_or(0));
    let texts = bench.count(if files.is_empty() { sentences() } else { read(files) });
    println!("{:<26}{:>8}{:>8}{:>10}{:>10}", "texts", "count", "tokens", "texts/s", "tokens/s");
    let model = bench.model(seamark::embed::Config::default().batch_tokens);
    for (name, low, high) in [
        ("8–12 tokens", 8, 12),
        ("18–22 tokens", 18, 22),
        ("60–100 tokens", 60, 100),
        ("256 tokens", 256, 256),
    ] {
        let some = texts.iter().filter(|t| (low..=high).contains(&t.1)).take(512);
        measure(name, &model, &some.collect::<Vec<_>>());
    }
    let mixed = mixed(&texts);
    for budget in [256, 512, 1024, 2048, 4096, 8192, 16384] {
        measure(&format!("mixed, batches of {budget}"), &bench.model(budget), &mixed);
    }
    latency(&model, &texts);
}

fn measure(name: &str, model: &CandleEmbedder, texts: &[&Counted]) {
    if texts.is_empty() {
        return;
    }
    let batch: Vec<Text<'_>> =
        texts.iter().map(|t| Text { side: Side::Query, text: &t.0 }).collect();
    model.embed(&batch[..batch.len().min(16)]).expect("it embeds");
    let tokens: usize = texts.iter().map(|t| t.1).sum();
    let start = Instant::now();
    model.embed(&batch).expect("it embeds");
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{name:<26}{:>8}{:>8.1}{:>10.1}{:>10.0}",
        texts.len(),
        tokens as f64 / texts.len() as f64,
        texts.len() as f64 / seconds,
        tokens as f64 / seconds
    );
}

/// 512 texts of all lengths in the order they come, thinned to about 56 tokens on average: that of
/// chat traffic.
fn mixed(texts: &[Counted]) -> Vec<&Counted> {
    let (mut some, mut sum) = (Vec::new(), 0);
    for text in texts.iter().filter(|text| text.1 > 2) {
        let above = sum > 56 * some.len();
        if some.len() < 512 && (above == (text.1 < 56)) {
            sum += text.1;
            some.push(text);
        }
    }
    some
}

fn latency(model: &CandleEmbedder, texts: &[Counted]) {
    let mut millis: Vec<f64> = texts
        .iter()
        .filter(|t| (8..=22).contains(&t.1))
        .take(100)
        .map(|text| {
            let start = Instant::now();
            model.embed(&[Text { side: Side::Query, text: &text.0 }]).expect("it embeds");
            start.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    millis.sort_by(f64::total_cmp);
    if let Some(p50) = millis.get(millis.len() / 2) {
        println!("one text of 8–22 tokens: p50 {p50:.1} ms");
    }
}

fn read(files: &[String]) -> Vec<String> {
    let mut texts = Vec::new();
    for file in files {
        let file = File::open(file).expect("the file can be read");
        for line in BufReader::new(MultiGzDecoder::new(file)).lines() {
            let line: serde_json::Value =
                serde_json::from_str(&line.expect("it is text")).expect("it is JSON");
            let text = |key: &str| line[key].as_str().map(str::to_owned);
            texts.extend([text("query"), text("response")].into_iter().flatten());
        }
    }
    texts
}

/// Sentences of 1 to 300 words, short ones most.
fn sentences() -> Vec<String> {
    let words = ["my", "prepaid", "data", "is", "gone", "again", "please", "help", "me", "today"];
    let sentence = |i: usize| {
        let length = 1 + (i * 7919 % 31) * (i * 104_729 % 10) * (i % 3).min(1) + i % 17;
        (0..length).map(|j| words[(i + j * j) % words.len()]).collect::<Vec<_>>().join(" ")
    };
    (0..4000).map(sentence).collect()
}
