//! A tiny BERT for token classification whose weights are put together so that its decisions are
//! known: attention and feed-forward add nothing, so a token's vector is its normalised embedding,
//! and each label looks at one number of it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use seamark::embed::{NamesConfig, NamesError, NamesModel};
use serde_json::{Value, json};

/// Numbers of a token's vector.
pub(super) const SIZE: usize = 8;
/// Tokens of a window, its two special ones counted.
pub(super) const POSITIONS: usize = 16;
/// What a label adds for its own number.
const WEIGHT: f64 = 3.0;
pub(super) const LABELS: [&str; 5] = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"];

/// Words and pieces with the label that each is; all others are unknown, and `O`.
const WORDS: [(&str, usize); 15] = [
    ("[PAD]", 0),
    ("[UNK]", 0),
    ("[CLS]", 0),
    ("[SEP]", 0),
    ("ask", 0),
    ("for", 0),
    (".", 0),
    (",", 0),
    ("Thandi", 1),
    ("Zoë", 1),
    ("Mokoena", 2),
    ("Ng", 1),
    // Goes with the piece before it, whatever it is by itself.
    ("##ozi", 3),
    ("Durban", 3),
    ("Maybe", 1),
];

/// The embedding of a word: 1 at its label, and for the one that is unsure nearly as much at `O`.
fn embedding(word: &str, label: usize) -> [f64; SIZE] {
    let mut numbers = [0.0; SIZE];
    numbers[label] = 1.0;
    if word == "Maybe" {
        numbers[0] = 0.9;
    }
    numbers
}

/// What the model says of a word by itself: the probability that it is a person, worked out by hand.
pub(super) fn person(word: &str) -> f64 {
    let label = WORDS.iter().find(|(known, _)| *known == word).unwrap().1;
    let numbers = embedding(word, label);
    let mean = numbers.iter().sum::<f64>() / SIZE as f64;
    let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / SIZE as f64;
    let weight = |label: usize| (WEIGHT * (numbers[label] - mean) / variance.sqrt()).exp();
    let all: f64 = (0..LABELS.len()).map(weight).sum();
    (weight(1) + weight(2)) / all
}

/// The checkpoint in a folder of its own, which a test may damage.
pub(crate) struct Checkpoint(tempfile::TempDir);

impl Checkpoint {
    pub(crate) fn new() -> Self {
        let checkpoint = Self(tempfile::tempdir().unwrap());
        checkpoint.write_json("config.json", &config());
        checkpoint.write_json("tokenizer.json", &tokenizer());
        checkpoint.write_weights(&weights());
        checkpoint
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn write_json(&self, name: &str, value: &Value) {
        fs::write(self.path(name), value.to_string()).unwrap();
    }

    pub(super) fn write_weights(&self, tensors: &HashMap<String, Tensor>) {
        candle_core::safetensors::save(tensors, self.path("model.safetensors")).unwrap();
    }

    /// The settings that name it.
    pub(super) fn settings(&self, labels: &[&str]) -> NamesConfig {
        NamesConfig {
            model: self.folder().to_owned(),
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            threads: 1,
            ..NamesConfig::default()
        }
    }

    /// Loads it with these labels.
    pub(super) fn open(&self, labels: &[&str]) -> Result<NamesModel, NamesError> {
        NamesModel::open(&self.settings(labels)).map(Option::unwrap)
    }
}

/// `config.json` as the Hugging Face library writes it, as far as it is read.
pub(super) fn config() -> Value {
    let ids = LABELS.iter().enumerate().map(|(id, label)| (id.to_string(), json!(label)));
    json!({
        "architectures": ["BertForTokenClassification"],
        "model_type": "bert",
        "hidden_size": SIZE,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 4,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "vocab_size": WORDS.len(),
        "pad_token_id": 0,
        "id2label": ids.collect::<serde_json::Map<_, _>>(),
    })
}

pub(super) fn tokenizer() -> Value {
    let vocabulary =
        WORDS.iter().enumerate().map(|(id, (word, _))| ((*word).to_owned(), json!(id)));
    let special = |id: usize, content: &str| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true})
    };
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [special(2, "[CLS]"), special(3, "[SEP]")],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": false, "lowercase": false},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]},
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary.collect::<serde_json::Map<_, _>>()},
    })
}

/// Its tensors, by the names that the Hugging Face library gives them.
pub(super) fn weights() -> HashMap<String, Tensor> {
    let mut tensors = HashMap::new();
    let mut add = |name: &str, shape: &[usize], numbers: Vec<f32>| {
        tensors.insert(name.to_owned(), Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap());
    };
    let words = WORDS.iter().flat_map(|(word, label)| embedding(word, *label));
    let words = words.map(|x| x as f32).collect();
    add("bert.embeddings.word_embeddings.weight", &[WORDS.len(), SIZE], words);
    // At the first and last place of a full window every word looks like none.
    let mut places = vec![0.0; POSITIONS * SIZE];
    for place in [1, POSITIONS - 2] {
        places[place * SIZE] = 5.0;
    }
    add("bert.embeddings.position_embeddings.weight", &[POSITIONS, SIZE], places);
    add("bert.embeddings.token_type_embeddings.weight", &[2, SIZE], vec![0.0; 2 * SIZE]);
    let layer = "bert.encoder.layer.0";
    for name in [
        "bert.embeddings".to_owned(),
        format!("{layer}.attention.output"),
        format!("{layer}.output"),
    ] {
        add(&format!("{name}.LayerNorm.weight"), &[SIZE], vec![1.0; SIZE]);
        add(&format!("{name}.LayerNorm.bias"), &[SIZE], vec![0.0; SIZE]);
    }
    for (name, to, from) in [
        ("attention.self.query", SIZE, SIZE),
        ("attention.self.key", SIZE, SIZE),
        ("attention.self.value", SIZE, SIZE),
        ("attention.output.dense", SIZE, SIZE),
        ("intermediate.dense", 4, SIZE),
        ("output.dense", SIZE, 4),
    ] {
        add(&format!("{layer}.{name}.weight"), &[to, from], vec![0.0; to * from]);
        add(&format!("{layer}.{name}.bias"), &[to], vec![0.0; to]);
    }
    let mut head = vec![0.0; LABELS.len() * SIZE];
    for label in 0..LABELS.len() {
        head[label * SIZE + label] = WEIGHT as f32;
    }
    add("classifier.weight", &[LABELS.len(), SIZE], head);
    add("classifier.bias", &[LABELS.len()], vec![0.0; LABELS.len()]);
    tensors
}
