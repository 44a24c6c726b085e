//! Names in texts by a model for token classification: the encoder of the BERT family and a linear
//! layer over each token.
//!
//! A word is read by its first token, in the window that shows most of what stands around it; the
//! labels of its words make an entity (`decode`). One text is read at a time, by threads of its own.

mod config;
mod decode;
mod error;
mod windows;

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use candle_core::{D, DType, Device};
use candle_nn::{Linear, Module, VarBuilder};
use rayon::ThreadPool;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokenizers::{Encoding, PostProcessor, Tokenizer, TruncationDirection};

use self::decode::{Entity, Scheme, join};
use self::windows::{Windows, tidy};
use super::architecture::{Encoder, Facts, first_line};
use super::batch::batches;
use super::network::{Plan, Sizes};
use super::threads::Threads;
use super::weights::hex;
use super::{device, tokens};
use crate::screen::{EntityType, NameFinder, Named};

pub use self::config::NamesConfig;
pub use self::error::NamesError;

/// The model's files, as the Hugging Face libraries name them.
const FILES: [&str; 3] = ["config.json", "model.safetensors", "tokenizer.json"];
/// The families whose encoders can bear such a head here.
const FAMILIES: [&str; 3] = ["bert", "distilbert", "xlm-roberta"];
/// The fewest tokens of a window that leave some between its ends.
const SHORTEST: usize = 8;
/// Two words, and a letter that hardly any vocabulary has.
const PROBE: &str = "one two \u{16A0}";

/// A model of names in memory, in f32 on the CPU.
pub struct NamesModel {
    encoder: Encoder,
    head: Linear,
    tokenizer: Tokenizer,
    /// Tokens of a window, special ones included.
    positions: usize,
    scheme: Scheme,
    /// For each kind of the scheme the type that it counts as, if any.
    wanted: Vec<Option<EntityType>>,
    entities: Vec<EntityType>,
    threshold: f32,
    digest: String,
    pool: ThreadPool,
    /// Held while a text is read: the memory is that of one text, whoever asks.
    turn: Mutex<()>,
}

/// What of `config.json` concerns the head.
#[derive(Deserialize)]
struct HeadFacts {
    #[serde(default)]
    architectures: Vec<String>,
    #[serde(default)]
    id2label: std::collections::BTreeMap<String, String>,
}

impl NamesModel {
    /// Loads the model of `config`; `None` where it names none. Takes seconds for a large one.
    pub fn open(config: &NamesConfig) -> Result<Option<Self>, NamesError> {
        let folder = config.model.as_path();
        if folder.as_os_str().is_empty() {
            return Ok(None);
        }
        let [settings, weights, tokenizer] = read(folder)?;
        let mut hasher = Sha256::new();
        for (name, bytes) in FILES.iter().zip([&settings, &weights, &tokenizer]) {
            hasher.update(format!("{name}={}\n", hex(&Sha256::digest(bytes))));
        }
        let unusable = |at: usize| {
            let path = folder.join(FILES[at]);
            move |problem: String| NamesError::Unusable { path, problem }
        };
        let labels = labels(&settings).map_err(unusable(0))?;
        let (facts, plan, sizes) = plan(&settings, &folder.join(FILES[0])).map_err(unusable(0))?;
        let (encoder, head) =
            network(&facts, &plan, &sizes, labels.len(), weights).map_err(unusable(1))?;
        let tokenizer = words(&tokenizer, &sizes).map_err(unusable(2))?;
        let scheme = Scheme::new(&labels);
        let (wanted, entities) = wanted(config, &scheme)?;
        let pool = Threads::new(config.threads)
            .pool()
            .map_err(|error| NamesError::Threads(error.to_string()))?;
        Ok(Some(Self {
            encoder,
            head,
            tokenizer,
            positions: sizes.positions,
            scheme,
            wanted,
            entities,
            threshold: config.threshold as f32,
            digest: hex(&hasher.finalize()),
            pool,
            turn: Mutex::new(()),
        }))
    }

    /// The names in `text`, or why the model failed.
    fn read(&self, text: &str) -> Result<Vec<Named>, String> {
        if !text.contains(char::is_alphabetic) {
            return Ok(Vec::new());
        }
        let encoding = windowed(&self.tokenizer, text, self.positions)?;
        let windows = Windows::of(&encoding);
        let read = self.probabilities(&windows.ids).map_err(|error| first_line(&error))?;
        let mut words = Vec::with_capacity(windows.words.len());
        for word in &windows.words {
            let probabilities = &read[word.window][word.token];
            if !probabilities.iter().all(|p| p.is_finite()) {
                return Err("its probabilities are not numbers".to_owned());
            }
            words.push((tidy(text, &word.span), self.scheme.read(probabilities)));
        }
        let named = |Entity { kind, span, score }: Entity| {
            let entity = self.wanted.get(kind)?.clone()?;
            Some(Named { entity, span, score })
        };
        Ok(join(words).into_iter().filter_map(named).collect())
    }

    /// The probability of each label for each token of each window.
    fn probabilities(&self, windows: &[Vec<u32>]) -> candle_core::Result<Vec<Vec<Vec<f32>>>> {
        let mut order: Vec<usize> = (0..windows.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(windows[i].len()));
        let lengths: Vec<usize> = order.iter().map(|&i| windows[i].len()).collect();
        let mut read = vec![Vec::new(); windows.len()];
        for batch in batches(&lengths, device::batch_tokens(&Device::Cpu)) {
            let members = &order[batch];
            let ids: Vec<&[u32]> = members.iter().map(|&i| windows[i].as_slice()).collect();
            let logits = self.head.forward(&self.encoder.forward(&ids)?)?;
            let made: Vec<Vec<Vec<f32>>> =
                candle_nn::ops::softmax(&logits, D::Minus1)?.to_vec3()?;
            for (&i, tokens) in members.iter().zip(made) {
                read[i] = tokens;
            }
        }
        Ok(read)
    }
}

impl NameFinder for NamesModel {
    fn find(&self, text: &str) -> Option<Vec<Named>> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let read = self.pool.install(|| self.read(text));
        drop(turn);
        // No word of the text may stand in the log.
        read.inspect_err(|problem| tracing::error!(problem, "the model of names failed on a text"))
            .ok()
    }

    fn entities(&self) -> &[EntityType] {
        &self.entities
    }

    fn threshold(&self) -> f32 {
        self.threshold
    }

    fn digest(&self) -> &str {
        &self.digest
    }
}

impl fmt::Debug for NamesModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("NamesModel");
        shown.field("digest", &self.digest).field("entities", &self.entities);
        shown.finish_non_exhaustive()
    }
}

/// The bytes of the model's files.
fn read(folder: &Path) -> Result<[Vec<u8>; 3], NamesError> {
    if !folder.is_dir() {
        return Err(NamesError::Folder(folder.to_owned()));
    }
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => NamesError::Missing(path),
            _ => NamesError::Io { path, source },
        })
    };
    Ok([read(FILES[0])?, read(FILES[1])?, read(FILES[2])?])
}

/// The labels of `config.json` by their ids.
fn labels(config: &[u8]) -> Result<Vec<String>, String> {
    let facts: HeadFacts = serde_json::from_slice(config).map_err(|error| error.to_string())?;
    let other = facts.architectures.iter().find(|name| !name.ends_with("ForTokenClassification"));
    if let Some(other) = other {
        return Err(format!("it is of a {other}, not of a model for token classification"));
    }
    let labels: Option<Vec<String>> =
        (0..facts.id2label.len()).map(|id| facts.id2label.get(&id.to_string()).cloned()).collect();
    match labels {
        Some(labels) if labels.len() >= 2 => Ok(labels),
        _ => Err("its id2label does not name two labels or more, from 0 on".to_owned()),
    }
}

/// The network that `config.json` describes.
fn plan(config: &[u8], path: &Path) -> Result<(Facts, Plan, Sizes), String> {
    let config = std::str::from_utf8(config).map_err(|error| error.to_string())?;
    let facts: Facts = serde_json::from_str(config).map_err(|error| error.to_string())?;
    if !FAMILIES.contains(&facts.model_type.as_str()) {
        let known = FAMILIES.join(", ");
        return Err(format!("its model_type is {:?}; supported are {known}", facts.model_type));
    }
    let (plan, sizes) = Plan::new(&facts, config, path).map_err(|error| error.to_string())?;
    if sizes.positions < SHORTEST {
        return Err(format!("it has {} positions; {SHORTEST} are the least", sizes.positions));
    }
    Ok((facts, plan, sizes))
}

/// Encoder and head, in f32.
fn network(
    facts: &Facts,
    plan: &Plan,
    sizes: &Sizes,
    labels: usize,
    weights: Vec<u8>,
) -> Result<(Encoder, Linear), String> {
    let load = || {
        let tensors = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
        let head = candle_nn::linear(sizes.dimension, labels, tensors.pp("classifier"))?;
        Ok((plan.load(tensors)?, head))
    };
    let (network, head) = load().map_err(|error: candle_core::Error| first_line(&error))?;
    Ok((Encoder::new(network, Device::Cpu, facts, sizes.vocabulary), head))
}

/// A text's tokens in windows of so many, which overlap by a quarter.
///
/// Not by the tokenizer's own truncation: it stops reading where the first window is full.
fn windowed(tokenizer: &Tokenizer, text: &str, positions: usize) -> Result<Encoding, String> {
    let special = tokenizer.get_post_processor().map_or(0, |added| added.added_tokens(false));
    let mut encoding = tokenizer.encode(text, false).map_err(|error| error.to_string())?;
    let length = positions.saturating_sub(special).max(1);
    encoding.truncate(length, length / 4, TruncationDirection::Right);
    tokenizer.post_process(encoding, None, true).map_err(|error| error.to_string())
}

/// The tokenizer of texts of any length.
fn words(file: &[u8], sizes: &Sizes) -> Result<Tokenizer, String> {
    let mut tokenizer = Tokenizer::from_bytes(file).map_err(|error| error.to_string())?;
    tokens::check(&tokenizer, sizes.vocabulary)?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(|error| error.to_string())?;
    let probe = windowed(&tokenizer, PROBE, sizes.positions)?;
    if Windows::of(&probe).words.len() < 2 {
        return Err("it does not tell words apart".to_owned());
    }
    Ok(tokenizer)
}

/// What each of the scheme's kinds counts as, and all types that there are.
fn wanted(
    config: &NamesConfig,
    scheme: &Scheme,
) -> Result<(Vec<Option<EntityType>>, Vec<EntityType>), NamesError> {
    let mut wanted = vec![None; scheme.kinds.len()];
    let mut entities = Vec::new();
    for (label, entity) in config.mapping() {
        let Some(kind) = scheme.kinds.iter().position(|kind| *kind == label) else {
            let known = scheme.kinds.join(", ");
            return Err(NamesError::Label { label: label.to_owned(), known });
        };
        wanted[kind] = Some(entity.clone());
        if !entities.contains(&entity) {
            entities.push(entity);
        }
    }
    Ok((wanted, entities))
}
