//! Embedding speed on the CPU: texts and tokens a second, the latency of one text, and how near it
//! comes to the processor's matrix products.
//!
//! ```text
//! cargo bench --bench embed -- [--threads N] [--texts FILE]
//! cargo bench --bench embed -- --json --precision int8 [--isa avx2] [--vectors OUT] …
//! ```
//!
//! FILE has a JSON string on each line; without it sentences of words are used. `--json` measures
//! one variant by the protocol of `benches/peers`: a row of figures, and the vectors as raw f32.
//! The model is fetched if it is not in `models/`.

#![expect(clippy::print_stdout, reason = "a table is the point")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use candle_core::{DType, Device};
use clap::Parser;
use seamark::embed::{
    CandleEmbedder, Embedder, Manifest, PackedEmbedder, PackedOptions, Precision, Side, Text,
    Threads, weights,
};
use serde::de::DeserializeOwned;
use tokenizers::Tokenizer;

#[derive(Parser)]
struct Options {
    /// CPU threads
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// A JSON string on each line
    #[arg(long)]
    texts: Option<String>,
    /// f32, bf16, int8, or by candle f16
    #[arg(long, default_value = "int8")]
    precision: String,
    /// By candle on this device: cpu or cuda
    #[arg(long)]
    candle: Option<String>,
    /// auto, avx512, avx2, neon or plain
    #[arg(long, default_value = "auto")]
    isa: String,
    /// Where the vectors go
    #[arg(long)]
    vectors: Option<String>,
    /// One variant, one row of JSON
    #[arg(long)]
    json: bool,
    /// Given by cargo
    #[arg(long)]
    bench: bool,
}

struct Model {
    manifest: Manifest,
    weights: weights::Weights,
}

impl Model {
    fn open() -> Self {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        let manifest = Manifest::find("all-MiniLM-L6-v2", &models).expect("it is shipped");
        let weights = weights::pull(&manifest, &models, &|_| ()).expect("the weights are needed");
        Self { manifest, weights }
    }

    fn packed(&self, precision: Precision, isa: &str, threads: usize) -> PackedEmbedder {
        let options =
            PackedOptions { precision, instructions: named(isa), threads: Threads::new(threads) };
        PackedEmbedder::load(&self.manifest, &self.weights, options).expect("the model loads")
    }

    fn variant(&self, options: &Options) -> Box<dyn Embedder> {
        if let Some(name) = &options.candle {
            return Box::new(self.candle(name, &options.precision, options.threads));
        }
        Box::new(self.packed(named(&options.precision), &options.isa, options.threads))
    }

    fn candle(&self, device: &str, precision: &str, threads: usize) -> CandleEmbedder {
        let device = match device {
            "cuda" => Device::new_cuda(0).expect("there is a GPU"),
            _ => Device::Cpu,
        };
        let dtype = match precision {
            "f16" => DType::F16,
            "bf16" => DType::BF16,
            "f32" => DType::F32,
            other => panic!("candle has no {other}: give --precision f32, f16 or bf16"),
        };
        CandleEmbedder::load(&self.manifest, &self.weights, device, dtype, 0, Threads::new(threads))
            .expect("the model loads")
    }

    /// Tokens of each text as the model takes them.
    fn count(&self, texts: &[String]) -> Vec<usize> {
        let path = self.weights.path("tokenizer.json");
        let mut tokenizer = Tokenizer::from_file(path).expect("the tokenizer loads");
        tokenizer.with_padding(None).with_truncation(None).expect("no truncation is fine");
        let count = |text: &String| {
            let tokens = tokenizer.encode_fast(text.as_str(), true).expect("it tokenizes").len();
            tokens.min(self.manifest.max_tokens)
        };
        texts.iter().map(count).collect()
    }
}

/// The variant of an enum that the configuration calls `name`.
fn named<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_value(name.into()).unwrap_or_else(|error| panic!("{error}"))
}

fn queries(texts: &[String]) -> Vec<Text<'_>> {
    texts.iter().map(|text| Text { side: Side::Query, text }).collect()
}

fn main() {
    let options = Options::parse();
    let texts = options.texts.as_deref().map_or_else(sentences, read);
    if options.json {
        row(&options, &texts);
    } else {
        tables(&options, &texts);
    }
}

/// The protocol of `benches/peers`.
fn row(options: &Options, texts: &[String]) {
    let files = Model::open();
    let model = files.variant(options);
    let one = ["How do I reset the password of my account today".to_owned()];
    model.embed(&queries(&one)).expect("it embeds");
    let cold = seconds_since_start();
    let millis = latency(model.as_ref(), &one[0]);
    model.embed(&queries(texts)).expect("it embeds");
    let (cpu, start) = (cpu_seconds(), Instant::now());
    let vectors = model.embed(&queries(texts)).expect("it embeds");
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    // Before the counting below, which has a tokenizer of its own.
    let peak = status("VmHWM:") / 1024.0;
    if let Some(path) = &options.vectors {
        let mut file = fs::File::create(path).expect("the file can be made");
        let bytes: Vec<u8> = vectors.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
        file.write_all(&bytes).expect("the vectors can be written");
    }
    let path = match (&options.candle, options.isa.as_str()) {
        (Some(device), _) => format!("@candle-{device}"),
        (None, "auto") => String::new(),
        (None, isa) => format!("@{isa}"),
    };
    let row = serde_json::json!({
        "engine": format!("seamark-{}{path}", options.precision),
        "threads": options.threads,
        "texts": texts.len(),
        "tokens": files.count(texts).iter().sum::<usize>(),
        "wall_s": wall,
        "cpu_s": cpu,
        "p50_ms": millis[millis.len() / 2],
        "p99_ms": millis[millis.len() * 99 / 100 - 1],
        "peak_rss_mib": peak,
        "cold_s": cold,
        "note": "",
    });
    println!("{row}");
}

/// Sorted milliseconds of a hundred calls with one text, after ten that do not count.
fn latency(model: &dyn Embedder, text: &str) -> Vec<f64> {
    let once = |_| {
        let start = Instant::now();
        model.embed(&[Text { side: Side::Query, text }]).expect("it embeds");
        start.elapsed().as_secs_f64() * 1000.0
    };
    let mut millis: Vec<f64> = (0..110).map(once).skip(10).collect();
    millis.sort_by(f64::total_cmp);
    millis
}

fn tables(options: &Options, texts: &[String]) {
    let files = Model::open();
    let tokens = files.count(texts);
    println!(
        "{:<6}{:>9}{:>9}{:>9}{:>10}{:>11}{:>9}{:>12}{:>8}",
        "", "threads", "tokens", "texts/s", "tokens/s", "tok/CPU s", "Gop/s", "peak Gop/s", "share"
    );
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        for threads in [1, options.threads] {
            let model = files.packed(precision, &options.isa, threads);
            let peak = model.product_peak(Duration::from_secs(1)) / 1e9;
            let mixed: Vec<usize> = (0..texts.len()).take(4000).collect();
            let like = |low, high| {
                let within = |&i: &usize| (low..=high).contains(&tokens[i]);
                (0..texts.len()).filter(within).take(1024).collect::<Vec<_>>()
            };
            for some in [mixed, like(8, 12), like(18, 22), like(60, 100), like(256, 256)] {
                if some.is_empty() {
                    continue;
                }
                let own: Vec<String> = some.iter().map(|&i| texts[i].clone()).collect();
                let (wall, cpu) = best(&model, &own);
                let sum = some.iter().map(|&i| tokens[i]).sum::<usize>() as f64;
                let operations = some.iter().map(|&i| model.operations(tokens[i])).sum::<f64>();
                let rate = operations / cpu / 1e9;
                println!(
                    "{:<6}{threads:>9}{:>9.1}{:>9.0}{:>10.0}{:>11.0}{rate:>9.0}{peak:>12.0}{:>7.0}%",
                    precision.name(),
                    sum / some.len() as f64,
                    some.len() as f64 / wall,
                    sum / wall,
                    sum / cpu,
                    100.0 * rate / peak
                );
            }
        }
    }
}

/// Wall and CPU seconds of the better of three passes after one that does not count.
fn best(model: &dyn Embedder, texts: &[String]) -> (f64, f64) {
    let batch = queries(texts);
    model.embed(&batch).expect("it embeds");
    let pass = |_| {
        let (cpu, start) = (cpu_seconds(), Instant::now());
        model.embed(&batch).expect("it embeds");
        (start.elapsed().as_secs_f64(), (cpu_seconds() - cpu).max(0.01))
    };
    (0..3).map(pass).min_by(|a, b| a.1.total_cmp(&b.1)).expect("three passes were made")
}

/// The fields of `/proc/self/stat` after the program's name.
fn stat() -> Vec<f64> {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux has it");
    let fields = stat.rsplit_once(')').expect("the name is in brackets").1;
    fields.split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect()
}

/// The kernel's unit of time in `stat`.
const TICKS: f64 = 100.0;

fn cpu_seconds() -> f64 {
    let stat = stat();
    (stat[11] + stat[12]) / TICKS
}

fn seconds_since_start() -> f64 {
    let uptime = fs::read_to_string("/proc/uptime").expect("Linux has it");
    let now: f64 = uptime.split(' ').next().and_then(|s| s.parse().ok()).expect("it is a number");
    now - stat()[19] / TICKS
}

/// A line of `/proc/self/status`, in KiB.
fn status(key: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find(|line| line.starts_with(key)).expect("Linux tells it");
    line.split_whitespace().nth(1).and_then(|s| s.parse().ok()).expect("it is a number")
}

fn read(file: &str) -> Vec<String> {
    let text = fs::read_to_string(file).expect("the file can be read");
    text.lines().map(|line| serde_json::from_str(line).expect("it is a JSON string")).collect()
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
