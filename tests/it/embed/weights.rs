//! Damaged, foreign and missing weights: each is refused with the reason and what to do.

use std::fs;
use std::path::Path;

use seamark::embed::{EmbedError, Manifest, weights};

use super::{copy_of, golden_dir, load};

/// Lets the tiny BERT of `models` be anything: drops sizes and sha256 from its manifest.
fn unpin(models: &Path) {
    unpin_named(models, "tiny-bert");
}

fn unpin_named(models: &Path, name: &str) {
    edit(&models.join(format!("{name}.toml")), |text| {
        let kept = |line: &&str| !line.starts_with("sha256") && !line.starts_with("bytes");
        text.lines().filter(kept).collect::<Vec<_>>().join("\n")
    });
}

fn edit(path: &Path, change: impl FnOnce(&str) -> String) {
    let text = fs::read_to_string(path).unwrap();
    let changed = change(&text);
    assert_ne!(text, changed, "the edit must change {}", path.display());
    fs::write(path, changed).unwrap();
}

fn edit_config(models: &Path, from: &str, to: &str) {
    edit(&models.join("tiny-bert/config.json"), |text| text.replace(from, to));
}

fn error(models: &Path) -> EmbedError {
    load("tiny-bert", models, 2048).err().expect("it must be refused")
}

#[test]
fn truncated_weights_are_refused_by_their_size() {
    let models = copy_of("tiny-bert");
    let path = models.path().join("tiny-bert/model.safetensors");
    fs::write(&path, &fs::read(&path).unwrap()[..50_000]).unwrap();
    let error = error(models.path()).to_string();
    assert!(error.contains("has 50000 bytes where the manifest wants 76984 bytes"), "{error}");
    assert!(error.contains("pull the model again"), "{error}");
}

#[test]
fn truncated_weights_without_a_pinned_size_are_refused_too() {
    for length in [0, 4, 200, 50_000] {
        let models = copy_of("tiny-bert");
        unpin(models.path());
        let path = models.path().join("tiny-bert/model.safetensors");
        fs::write(&path, &fs::read(&path).unwrap()[..length]).unwrap();
        let error = error(models.path());
        assert!(matches!(error, EmbedError::Weights { .. }), "{length}: {error}");
        assert!(error.to_string().contains("model.safetensors"), "{error}");
    }
}

#[test]
fn one_changed_byte_is_refused_by_its_sha256() {
    let models = copy_of("tiny-bert");
    let path = models.path().join("tiny-bert/model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    bytes[60_000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = error(models.path());
    assert!(matches!(error, EmbedError::Mismatch { .. }), "{error}");
    assert!(error.to_string().contains("sha256"), "{error}");
}

#[test]
fn a_file_without_a_pinned_sha256_is_recorded_and_held_to_it() {
    let models = copy_of("tiny-bert");
    unpin(models.path());
    load("tiny-bert", models.path(), 2048).unwrap();
    let sums = fs::read_to_string(models.path().join("tiny-bert/sha256sums")).unwrap();
    assert_eq!(sums.lines().count(), 3, "{sums}");
    edit_config(models.path(), "\"gelu\"", "\"relu\"");
    let error = error(models.path());
    assert!(matches!(error, EmbedError::Mismatch { .. }), "{error}");
}

#[test]
fn an_unknown_architecture_is_named() {
    let models = copy_of("tiny-bert");
    unpin(models.path());
    edit_config(models.path(), "\"bert\"", "\"llama\"");
    let error = error(models.path());
    assert!(matches!(error, EmbedError::Architecture { .. }), "{error}");
    assert!(error.to_string().contains("llama"), "{error}");
}

#[test]
fn what_a_family_would_pass_over_in_silence_is_refused() {
    for (name, from, to, found) in [
        ("tiny-nomic", "\"swiglu\"", "\"gelu\"", "nomic_bert with activation_function gelu"),
        ("tiny-modernbert", "\"mlp_bias\": false", "\"mlp_bias\": true", "modernbert with biases"),
        ("tiny-modernbert", "\"gelu\"", "\"relu\"", "modernbert with hidden_activation relu"),
    ] {
        let models = copy_of(name);
        unpin_named(models.path(), name);
        let config = models.path().join(name).join("config.json");
        edit(&config, |text| text.replacen(from, to, 1));
        let error = load(name, models.path(), 2048).err().unwrap().to_string();
        assert!(error.contains(found), "{error}");
    }
}

#[test]
fn every_family_knows_its_longest_text() {
    // Two positions are for padding; texts beyond those of the training need other rotations.
    for (name, positions) in [("tiny-mpnet", 22), ("tiny-nomic", 20), ("tiny-modernbert", 24)] {
        let models = copy_of(name);
        unpin_named(models.path(), name);
        let config = models.path().join(name).join("config.json");
        let text = fs::read_to_string(&config).unwrap();
        let trained = "\"max_trained_positions\": 20";
        fs::write(&config, text.replace("\"max_trained_positions\": 24", trained)).unwrap();
        let longer = |tokens: usize| {
            let manifest = models.path().join(format!("{name}.toml"));
            let text = fs::read_to_string(&manifest).unwrap();
            let (head, tail) = text.split_once("max_tokens = ").unwrap();
            let tail = tail.split_once('\n').unwrap().1;
            fs::write(&manifest, format!("{head}max_tokens = {tokens}\n{tail}")).unwrap();
            load(name, models.path(), 2048).err().map(|error| error.to_string())
        };
        assert_eq!(longer(positions), None);
        let refused = longer(positions + 1).unwrap();
        assert!(refused.contains(&format!("the model has {positions}")), "{refused}");
    }
}

#[test]
fn a_wrong_dimension_is_refused() {
    let models = copy_of("tiny-bert");
    edit(&models.path().join("tiny-bert.toml"), |t| t.replace("dimension = 32", "dimension = 64"));
    let error = error(models.path());
    assert!(matches!(error, EmbedError::Dimension { wanted: 64, found: 32 }), "{error}");
}

#[test]
fn a_length_beyond_the_models_positions_is_refused() {
    let models = copy_of("tiny-bert");
    edit(&models.path().join("tiny-bert.toml"), |t| t.replace("_tokens = 16", "_tokens = 25"));
    let error = error(models.path()).to_string();
    assert!(error.contains("max_tokens is 25, the model has 24"), "{error}");
}

#[test]
fn a_missing_tensor_is_named() {
    let models = copy_of("tiny-bert");
    unpin(models.path());
    edit_config(models.path(), "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
    let error = error(models.path()).to_string();
    assert!(error.contains("encoder.layer.2"), "{error}");
}

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    let models = copy_of("tiny-bert");
    unpin(models.path());
    let foreign = golden_dir().join("tiny-xlm-roberta/tokenizer.json");
    fs::copy(foreign, models.path().join("tiny-bert/tokenizer.json")).unwrap();
    let error = error(models.path()).to_string();
    assert!(error.contains("the model only 75 tokens"), "{error}");
}

#[test]
fn a_model_without_sources_says_where_its_files_belong() {
    let models = copy_of("tiny-bert");
    fs::remove_file(models.path().join("tiny-bert/model.safetensors")).unwrap();
    let manifest = Manifest::find("tiny-bert", models.path()).unwrap();
    let error = weights::pull(&manifest, models.path(), &|_| ()).unwrap_err().to_string();
    assert!(error.contains("lacks model.safetensors"), "{error}");
    assert!(error.contains(&models.path().join("tiny-bert").display().to_string()), "{error}");
    assert_eq!(error.lines().count(), 1);
}

#[test]
fn a_partial_file_does_not_count() {
    let models = copy_of("tiny-bert");
    let folder = models.path().join("tiny-bert");
    fs::rename(folder.join("config.json"), folder.join("config.json.partial")).unwrap();
    let listed = weights::list(models.path()).unwrap();
    let present: Vec<_> = listed.iter().filter(|l| l.present).map(|l| &l.manifest.name).collect();
    assert!(present.is_empty(), "{present:?}");
    let listed = weights::list(&golden_dir()).unwrap();
    assert_eq!(listed.iter().filter(|l| l.present).count(), 6);
    assert_eq!(listed.len(), 11);
}
