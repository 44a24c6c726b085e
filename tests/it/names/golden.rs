//! The whole forward pass beside one written plainly, in f64, for each family: the random encoders of
//! `tests/golden/embed` with a random head.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use candle_core::{Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use seamark::embed::{NamesConfig, NamesModel};
use seamark::screen::NameFinder;
use serde_json::{Value, json};
use tokenizers::Tokenizer;

const TEXT: &str = "How do I help my SIM card, please?";
const KINDS: usize = 4;
const HEADS: usize = 4;

type Rows = Vec<Vec<f64>>;

/// How a family calls its tensors, and where its positions begin.
struct Family {
    name: &'static str,
    layers: &'static str,
    /// Query, key, value, output, norm, the two steps of the feed-forward, norm.
    parts: [&'static str; 8],
    has_types: bool,
    first_position: usize,
    epsilon: f64,
}

const BERT: [&str; 8] = [
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "attention.output.LayerNorm",
    "intermediate.dense",
    "output.dense",
    "output.LayerNorm",
];
const DISTILBERT: [&str; 8] = [
    "attention.q_lin",
    "attention.k_lin",
    "attention.v_lin",
    "attention.out_lin",
    "sa_layer_norm",
    "ffn.lin1",
    "ffn.lin2",
    "output_layer_norm",
];
const FAMILIES: [Family; 3] = [
    Family {
        name: "tiny-bert",
        layers: "encoder.layer",
        parts: BERT,
        has_types: true,
        first_position: 0,
        epsilon: 1e-12,
    },
    Family {
        name: "tiny-distilbert",
        layers: "transformer.layer",
        parts: DISTILBERT,
        has_types: false,
        first_position: 0,
        epsilon: 1e-12,
    },
    Family {
        name: "tiny-xlm-roberta",
        layers: "encoder.layer",
        parts: BERT,
        has_types: true,
        first_position: 2,
        epsilon: 1e-5,
    },
];

struct Tensors(HashMap<String, Tensor>);

impl Tensors {
    fn matrix(&self, name: &str) -> Rows {
        let rows: Vec<Vec<f32>> = self.0[name].to_vec2().unwrap();
        rows.into_iter().map(|row| row.into_iter().map(f64::from).collect()).collect()
    }

    fn vector(&self, name: &str) -> Vec<f64> {
        self.0[name].to_vec1::<f32>().unwrap().into_iter().map(f64::from).collect()
    }

    fn linear(&self, name: &str, rows: &Rows) -> Rows {
        let weight = self.matrix(&format!("{name}.weight"));
        let bias = self.vector(&format!("{name}.bias"));
        let one = |row: &Vec<f64>| weight.iter().zip(&bias).map(|(w, b)| dot(w, row) + b).collect();
        rows.iter().map(one).collect()
    }

    fn norm(&self, name: &str, rows: &Rows, epsilon: f64) -> Rows {
        let weight = self.vector(&format!("{name}.weight"));
        let bias = self.vector(&format!("{name}.bias"));
        let one = |row: &Vec<f64>| {
            let n = row.len() as f64;
            let mean = row.iter().sum::<f64>() / n;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            let scale = (variance + epsilon).sqrt();
            (0..row.len()).map(|i| (row[i] - mean) / scale * weight[i] + bias[i]).collect()
        };
        rows.iter().map(one).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn sum(a: &Rows, b: &Rows) -> Rows {
    a.iter().zip(b).map(|(x, y)| x.iter().zip(y).map(|(x, y)| x + y).collect()).collect()
}

fn softmax(row: &[f64]) -> Vec<f64> {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = row.iter().map(|x| (x - most).exp()).collect();
    let all: f64 = powers.iter().sum();
    powers.into_iter().map(|p| p / all).collect()
}

/// x · Φ(x), with erf by Abramowitz and Stegun 7.1.26, right to 1.5e-7.
fn gelu(x: f64) -> f64 {
    let z = x.abs() / 2_f64.sqrt();
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let series = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let polynomial = series.iter().fold(0.0, |sum, factor| (sum + factor) * t);
    let erf = (1.0 - polynomial * (-z * z).exp()).copysign(x);
    x * (1.0 + erf) / 2.0
}

/// The probabilities of the kinds for each token.
fn forward(family: &Family, tensors: &Tensors, ids: &[u32]) -> Rows {
    let words = tensors.matrix("embeddings.word_embeddings.weight");
    let places = tensors.matrix("embeddings.position_embeddings.weight");
    let of = |(at, &id): (usize, &u32)| -> Vec<f64> {
        let place = &places[family.first_position + at];
        words[id as usize].iter().zip(place).map(|(a, b)| a + b).collect()
    };
    let mut hidden: Rows = ids.iter().enumerate().map(of).collect();
    if family.has_types {
        let types = tensors.matrix("embeddings.token_type_embeddings.weight");
        hidden = sum(&hidden, &vec![types[0].clone(); ids.len()]);
    }
    hidden = tensors.norm("embeddings.LayerNorm", &hidden, family.epsilon);
    for layer in 0..2 {
        let names = family.parts.map(|part| format!("{}.{layer}.{part}", family.layers));
        let [query, key, value] = [0, 1, 2].map(|i| tensors.linear(&names[i], &hidden));
        let size = hidden[0].len() / HEADS;
        let attend = |token: usize| -> Vec<f64> {
            (0..HEADS)
                .flat_map(|head| {
                    let part = head * size..(head + 1) * size;
                    let score = |other: &Vec<f64>| {
                        dot(&query[token][part.clone()], &other[part.clone()])
                            / (size as f64).sqrt()
                    };
                    let shares = softmax(&key.iter().map(score).collect::<Vec<f64>>());
                    let value = &value;
                    part.clone().map(move |i| {
                        shares.iter().zip(value).map(|(share, row)| share * row[i]).sum::<f64>()
                    })
                })
                .collect()
        };
        let attended: Rows = (0..ids.len()).map(attend).collect();
        let attended = sum(&tensors.linear(&names[3], &attended), &hidden);
        let attended = tensors.norm(&names[4], &attended, family.epsilon);
        let mut wide = tensors.linear(&names[5], &attended);
        wide.iter_mut().flatten().for_each(|x| *x = gelu(*x));
        let made = sum(&tensors.linear(&names[6], &wide), &attended);
        hidden = tensors.norm(&names[7], &made, family.epsilon);
    }
    tensors.linear("classifier", &hidden).iter().map(|row| softmax(row)).collect()
}

/// Type, bytes and score of what should be found: words by their first token, alike ones joined.
fn expected(family: &Family, tensors: &Tensors, folder: &Path) -> Vec<(String, usize, usize, f64)> {
    let mut tokenizer = Tokenizer::from_file(folder.join("tokenizer.json")).unwrap();
    tokenizer.with_truncation(None).unwrap();
    let encoding = tokenizer.encode(TEXT, true).unwrap();
    assert!(encoding.len() <= 22, "{} tokens are no single window", encoding.len());
    let probabilities = forward(family, tensors, encoding.get_ids());
    let mut words: Vec<(u32, usize, usize, usize, f64)> = Vec::new();
    for (token, row) in probabilities.iter().enumerate() {
        let is_special = encoding.get_special_tokens_mask()[token] == 1;
        let Some(word) = encoding.get_word_ids()[token].filter(|_| !is_special) else { continue };
        let (start, end) = encoding.get_offsets()[token];
        if let Some(last) = words.last_mut().filter(|last| last.0 == word) {
            last.3 = end;
        } else {
            let kind = (0..KINDS).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
            words.push((word, kind, start, end, row[kind]));
        }
    }
    let mut found: Vec<(String, usize, usize, f64)> = Vec::new();
    for run in words.chunk_by(|a, b| a.1 == b.1) {
        let score = run.iter().map(|word| word.4).sum::<f64>() / run.len() as f64;
        let (first, last) = (&run[0], &run[run.len() - 1]);
        let value = &TEXT[first.2..last.3];
        let start = first.2 + value.len() - value.trim_start().len();
        found.push((format!("T{}", first.1), start, last.3, score));
    }
    found
}

/// A checkpoint of the family with a head of random numbers, and its tensors.
fn with_head(family: &Family, folder: &Path, seed: u64) -> Tensors {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/embed").join(family.name);
    fs::copy(from.join("tokenizer.json"), folder.join("tokenizer.json")).unwrap();
    let config = fs::read_to_string(from.join("config.json")).unwrap();
    let mut config: Value = serde_json::from_str(&config).unwrap();
    let labels = (0..KINDS).map(|kind| (kind.to_string(), json!(format!("K{kind}"))));
    config["id2label"] = labels.collect::<serde_json::Map<_, _>>().into();
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let mut tensors =
        candle_core::safetensors::load(from.join("model.safetensors"), &Device::Cpu).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut random = |shape: &[usize]| {
        let numbers: Vec<f32> =
            (0..shape.iter().product::<usize>()).map(|_| rng.random_range(-0.7..0.7)).collect();
        Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
    };
    tensors.insert("classifier.weight".to_owned(), random(&[KINDS, 32]));
    tensors.insert("classifier.bias".to_owned(), random(&[KINDS]));
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors")).unwrap();
    Tensors(tensors)
}

#[test]
fn scores_are_those_of_a_plain_implementation() {
    for family in &FAMILIES {
        let folder = tempfile::tempdir().unwrap();
        // The first head that does not call all words the same.
        let heads = (0..100).map(|seed| {
            let tensors = with_head(family, folder.path(), seed);
            expected(family, &tensors, folder.path())
        });
        let expected = heads.into_iter().find(|expected: &Vec<_>| expected.len() > 1).unwrap();
        let labels = (0..KINDS).map(|kind| format!("K{kind}=T{kind}")).collect();
        let config = NamesConfig {
            model: folder.path().to_owned(),
            labels,
            threads: 1,
            ..NamesConfig::default()
        };
        let model = NamesModel::open(&config).unwrap().unwrap();
        let found = model.find(TEXT).unwrap();
        assert_eq!(found.len(), expected.len(), "{}: {found:?}\n{expected:?}", family.name);
        assert!(expected.len() > 1, "{}: {expected:?}", family.name);
        for (found, (entity, start, end, score)) in found.iter().zip(expected) {
            assert_eq!((found.entity.label(), &found.span), (entity.as_str(), &(start..end)));
            let difference = (f64::from(found.score) - score).abs();
            assert!(difference < 1e-5, "{}: {found:?}, {score}", family.name);
        }
    }
}
