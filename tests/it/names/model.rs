//! What the model finds in texts, and what is said of files that are no model.

use std::fs;
use std::sync::Arc;

use seamark::embed::{NamesConfig, NamesModel};
use seamark::model::screening::Screening;
use seamark::screen::{NameFinder, Outcome, Recogniser, Screener, Settings};
use serde_json::json;

use super::checkpoint::{Checkpoint, POSITIONS, config, person, tokenizer, weights};

const PERSONS: &[&str] = &["PER=PERSON"];
const ALL: &[&str] = &["PER=PERSON", "LOC=ADDRESS"];

fn screener(model: NamesModel) -> Screener {
    let settings = Settings { names: true, ..Settings::default() };
    Screener::with_names(&settings, Some(Arc::new(model))).unwrap()
}

/// Type and value of each finding, the value by bytes and by code points.
fn told(screener: &Screener, text: &str) -> Vec<(String, String)> {
    let told = |finding: seamark::screen::Finding| {
        assert_eq!(finding.recogniser, Recogniser::NamesModel);
        let points = finding.code_points(text);
        let value: String = text.chars().skip(points.start).take(points.len()).collect();
        assert_eq!(text[finding.span.clone()], value);
        (finding.entity.to_string(), value)
    };
    screener.find(text).into_iter().map(told).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn spans_are_those_of_the_text_as_it_came() {
    let screener = screener(Checkpoint::new().open(ALL).unwrap());
    let text = "grüße – ask Zoë Mokoena, 🙂 Ngozi for Durban.";
    let expected = [("PERSON", "Zoë Mokoena"), ("PERSON", "Ngozi"), ("ADDRESS", "Durban")];
    assert_eq!(told(&screener, text), pairs(&expected));
    // Two beginnings are two persons, and a further name without a beginning is one by itself.
    let text = "ask Thandi Zoë, Mokoena";
    let expected = [("PERSON", "Thandi"), ("PERSON", "Zoë"), ("PERSON", "Mokoena")];
    assert_eq!(told(&screener, text), pairs(&expected));
    // Invisible characters are seen through, and go with the name.
    let text = "ask\u{a0}Mo\u{200b}koena for";
    assert_eq!(told(&screener, text), pairs(&[("PERSON", "Mo\u{200b}koena")]));
    for nothing in ["", " ", "ask for .", "4111", "🙂 – ,"] {
        assert_eq!(told(&screener, nothing), pairs(&[]), "{nothing:?}");
    }
}

#[test]
fn labels_that_are_not_named_do_not_count_and_own_types_may_be() {
    let checkpoint = Checkpoint::new();
    let text = "ask Thandi for Durban";
    let persons = screener(checkpoint.open(PERSONS).unwrap());
    assert_eq!(told(&persons, text), pairs(&[("PERSON", "Thandi")]));
    let model = checkpoint.open(&["LOC=CITY"]).unwrap();
    let places = Arc::new(model);
    let settings = json!({"screen": {"names": true},
        "policy": {"rules": [{"entity": "CITY", "action": "flag"}]}});
    let screening: Screening = serde_json::from_value(settings).unwrap();
    assert!(screening.problems(false, Some(places.clone())).is_empty());
    assert_eq!(screening.problems(false, None)[0].0, "/policy/rules/0/entity");
    let places = Screener::with_names(&screening.screen, Some(places)).unwrap();
    assert_eq!(told(&places, text), pairs(&[("CITY", "Durban")]));
}

#[test]
fn the_score_is_the_models_probability_and_the_threshold_cuts_there() {
    let checkpoint = Checkpoint::new();
    let text = "ask Maybe for";
    let expected = person("Maybe");
    assert!((0.6..0.75).contains(&expected) && person("Thandi") > 0.999, "{expected}");
    let with = |threshold: f64| {
        let config = NamesConfig { threshold, ..checkpoint.settings(PERSONS) };
        screener(NamesModel::open(&config).unwrap().unwrap())
    };
    let explained = with(0.8).explain(text);
    assert_eq!(explained.len(), 1, "{explained:?}");
    assert_eq!(explained[0].outcome, Outcome::BelowMinimum);
    assert!((f64::from(explained[0].finding.score) - expected).abs() < 1e-5, "{explained:?}");
    assert_eq!(told(&with(0.8), text), pairs(&[]));
    assert_eq!(told(&with(expected - 0.001), text), pairs(&[("PERSON", "Maybe")]));
    assert_eq!(told(&with(expected + 0.001), text), pairs(&[]));
    // Of several words the mean.
    let both = "ask Maybe Mokoena";
    let mean = f64::midpoint(person("Maybe"), person("Mokoena"));
    assert_eq!(told(&with(mean - 0.001), both), pairs(&[("PERSON", "Maybe Mokoena")]));
    assert_eq!(told(&with(mean + 0.001), both), pairs(&[]));
}

#[test]
fn long_texts_are_read_in_windows_that_overlap() {
    let screener = screener(Checkpoint::new().open(PERSONS).unwrap());
    // This model misreads the last word of a full window, as is seen where there is but one.
    let full = "ask ".repeat(POSITIONS - 3) + "Thandi";
    assert_eq!(told(&screener, &full), pairs(&[]));
    // In a long text each word is read where more stands around it.
    for words in [POSITIONS - 3, POSITIONS, 24, 25, 26, 60, 1000] {
        let text = "ask ".to_owned() + &"Thandi ".repeat(words) + "for ask";
        let found = screener.find(&text);
        let starts: Vec<usize> = found.iter().map(|finding| finding.span.start).collect();
        let expected: Vec<usize> = (0..words).map(|word| 4 + 7 * word).collect();
        assert_eq!(starts, expected, "{words} words");
    }
    // A name goes on from one window to the next.
    let text = "ask Thandi ".to_owned() + &"Mokoena ".repeat(40) + "for ask";
    let found = screener.find(&text);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].span, 4..4 + 6 + 40 * 8);
}

#[test]
fn the_digest_is_that_of_the_files() {
    let checkpoint = Checkpoint::new();
    let digest = |checkpoint: &Checkpoint| checkpoint.open(PERSONS).unwrap().digest().to_owned();
    let first = digest(&checkpoint);
    assert_eq!((first.len(), &first), (64, &digest(&Checkpoint::new())));
    let mut changed = config();
    changed["note"] = json!("another");
    checkpoint.write_json("config.json", &changed);
    assert_ne!(digest(&checkpoint), first);
}

#[test]
fn no_model_is_none() {
    assert!(NamesModel::open(&NamesConfig::default()).unwrap().is_none());
}

/// What is said of a checkpoint after `damage`.
fn refused(damage: impl FnOnce(&Checkpoint)) -> String {
    let checkpoint = Checkpoint::new();
    damage(&checkpoint);
    checkpoint.open(PERSONS).unwrap_err().to_string()
}

#[test]
fn what_is_missing_is_named_with_the_remedy() {
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        let said = refused(|checkpoint| fs::remove_file(checkpoint.path(name)).unwrap());
        assert!(said.contains(name) && said.contains("screening.names.model must be"), "{said}");
    }
    let nowhere = NamesConfig { model: "/nonexistent/names".into(), ..NamesConfig::default() };
    let said = NamesModel::open(&nowhere).unwrap_err().to_string();
    assert!(
        said.starts_with("/nonexistent/names is no folder; set screening.names.model"),
        "{said}"
    );
    let labels = Checkpoint::new().open(&["PERSON=PERSON"]).unwrap_err().to_string();
    let expected = "the model has no label PERSON, it has PER, LOC; correct screening.names.labels";
    assert_eq!(labels, expected);
}

#[test]
fn files_of_other_models_are_refused() {
    let with_config = |key: &str, value: serde_json::Value| {
        refused(|checkpoint| {
            let mut config = config();
            config[key] = value;
            checkpoint.write_json("config.json", &config);
        })
    };
    let cut = |name: &str| {
        refused(|checkpoint| {
            let bytes = fs::read(checkpoint.path(name)).unwrap();
            fs::write(checkpoint.path(name), &bytes[..bytes.len() / 2]).unwrap();
        })
    };
    let without = |tensor: &str| {
        refused(|checkpoint| {
            let mut weights = weights();
            weights.remove(tensor).unwrap();
            checkpoint.write_weights(&weights);
        })
    };
    let with_tokenizer = |part: &str, value: serde_json::Value| {
        refused(|checkpoint| {
            let mut tokenizer = tokenizer();
            *tokenizer.pointer_mut(part).unwrap() = value;
            checkpoint.write_json("tokenizer.json", &tokenizer);
        })
    };
    let classifier = json!(["BertForSequenceClassification"]);
    for (said, file, part) in [
        (with_config("architectures", classifier), "config.json", "BertForSequenceClassification"),
        (with_config("model_type", json!("deberta-v2")), "config.json", "deberta-v2"),
        (with_config("id2label", json!({})), "config.json", "id2label"),
        (with_config("id2label", json!({"0": "O", "2": "B-PER"})), "config.json", "id2label"),
        (with_config("max_position_embeddings", json!(4)), "config.json", "positions"),
        (with_config("vocab_size", json!(10)), "model.safetensors", "word_embeddings"),
        (without("classifier.weight"), "model.safetensors", "classifier.weight"),
        (cut("model.safetensors"), "model.safetensors", ""),
        (cut("config.json"), "config.json", ""),
        (cut("tokenizer.json"), "tokenizer.json", ""),
        (with_tokenizer("/model/vocab/Maybe", json!(99)), "tokenizer.json", "99"),
        (with_tokenizer("/model/unk_token", json!("[NONE]")), "tokenizer.json", "[UNK]"),
        (with_tokenizer("/pre_tokenizer", json!(null)), "tokenizer.json", "words apart"),
    ] {
        assert!(said.contains(&format!("{file} is not usable")) && said.contains(part), "{said}");
        assert!(said.contains("screening.names.model") && !said.contains('\n'), "{said}");
    }
}
