//! The packed encoder against candle's path, and against itself in other precisions and with other
//! instructions.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use seamark::embed::{
    self, BackendKind, Config, EmbedError, Embedder, Instructions, Manifest, PackedEmbedder,
    PackedOptions, Precision, PrecisionKind, Threads, weights as files,
};

use super::{copy_of, cosine, golden_dir, load, queries};

/// The families that the packed encoder runs.
const FAMILIES: [&str; 3] = ["tiny-bert", "tiny-distilbert", "tiny-xlm-roberta"];

const PRECISIONS: [Precision; 3] = [Precision::F32, Precision::Bf16, Precision::Int8];

fn packed(
    name: &str,
    models_dir: &Path,
    precision: Precision,
    instructions: Instructions,
) -> Result<PackedEmbedder, EmbedError> {
    let manifest = Manifest::find(name, models_dir)?;
    let weights = files::verify(&manifest, models_dir)?;
    let options = PackedOptions { precision, instructions, threads: Threads::new(2) };
    PackedEmbedder::load(&manifest, &weights, options)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn f32_agrees_with_candle_and_the_others_nearly(
        texts in prop::collection::vec("[a-z ?!]{0,60}", 1..40),
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for name in FAMILIES {
            let wanted = load(name, &golden_dir(), 2048).unwrap().embed(&queries(&texts)).unwrap();
            for (precision, least) in
                [(Precision::F32, 0.999_999), (Precision::Bf16, 0.999), (Precision::Int8, 0.98)]
            {
                let model = packed(name, &golden_dir(), precision, Instructions::Auto).unwrap();
                let made = model.embed(&queries(&texts)).unwrap();
                for (text, (wanted, made)) in texts.iter().zip(wanted.iter().zip(&made)) {
                    let cosine = cosine(wanted, made);
                    prop_assert!(cosine >= least, "{} {:?} {:?}: {}", name, precision, text, cosine);
                    let norm = made.iter().map(|x| x * x).sum::<f32>();
                    prop_assert!((norm - 1.0).abs() < 1e-5, "{} {:?}: {}", name, text, norm);
                }
            }
        }
    }

    #[test]
    fn a_text_gets_the_same_bits_in_any_company_and_by_any_instructions(
        texts in prop::collection::vec("[a-z ?!]{0,60}", 1..30),
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for precision in PRECISIONS {
            let best = packed("tiny-bert", &golden_dir(), precision, Instructions::Auto).unwrap();
            let together = best.embed(&queries(&texts)).unwrap();
            for (text, vector) in texts.iter().zip(&together) {
                prop_assert_eq!(&best.embed(&queries(&[text])).unwrap()[0], vector);
            }
            // A processor without them cannot be tested; the kernels' own tests name the twin.
            if let Ok(narrow) = packed("tiny-bert", &golden_dir(), precision, Instructions::Avx2) {
                prop_assert_eq!(&narrow.embed(&queries(&texts)).unwrap(), &together);
            }
            let plain = packed("tiny-bert", &golden_dir(), precision, Instructions::Plain).unwrap();
            for (own, best) in plain.embed(&queries(&texts)).unwrap().iter().zip(&together) {
                prop_assert!(cosine(own, best) > 0.9999);
            }
        }
    }
}

#[test]
fn the_digest_names_the_precision_and_not_the_instructions() {
    let digest = |precision, instructions| {
        let model = packed("tiny-bert", &golden_dir(), precision, instructions).unwrap();
        model.model_digest().to_owned()
    };
    let all = PRECISIONS.map(|precision| digest(precision, Instructions::Auto));
    assert_eq!(all[0], load("tiny-bert", &golden_dir(), 64).unwrap().model_digest());
    assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
    assert_eq!(all[2], digest(Precision::Int8, Instructions::Plain));
}

fn open(model: &str, backend: BackendKind, precision: PrecisionKind) -> Result<String, EmbedError> {
    let config = Config {
        backend,
        precision,
        model: model.to_owned(),
        models_dir: golden_dir(),
        cache_mib: 0,
        ..Config::default()
    };
    embed::open(&config, None, &|_| ()).map(|model| model.model_digest().to_owned())
}

#[test]
fn auto_is_bytes_where_they_can_be_and_f32_elsewhere() {
    use BackendKind::{Candle, Local};
    let auto = open("tiny-bert", Local, PrecisionKind::Auto).unwrap();
    assert_eq!(auto, open("tiny-bert", Local, PrecisionKind::Int8).unwrap());
    let by_candle = open("tiny-bert", Candle, PrecisionKind::Auto).unwrap();
    assert_eq!(by_candle, open("tiny-bert", Local, PrecisionKind::F32).unwrap());
    assert_eq!(
        open("tiny-mpnet", Local, PrecisionKind::Auto).unwrap(),
        open("tiny-mpnet", Candle, PrecisionKind::F32).unwrap()
    );
    assert_ne!(by_candle, open("tiny-bert", Local, PrecisionKind::F16).unwrap());
}

#[test]
fn a_precision_that_cannot_be_had_says_why_and_what_to_do() {
    let error = open("tiny-mpnet", BackendKind::Local, PrecisionKind::Int8).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the model manifest tiny-mpnet is not usable: precision \"int8\" is the packed encoder's, \
         which cannot run it: model_type is \"mpnet\"; set embedding.precision to \"auto\""
    );
    let error = open("tiny-bert", BackendKind::Candle, PrecisionKind::Bf16).unwrap_err();
    assert!(matches!(error, EmbedError::Precision { precision: "bf16", .. }), "{error}");
}

#[test]
fn a_model_that_is_not_what_its_config_says_is_refused() {
    for (from, to, said) in [
        ("\"intermediate_size\": 48", "\"intermediate_size\": 64", "[48, 32], not [64, 32]"),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", "encoder.layer.2"),
        ("\"hidden_act\": \"gelu\"", "\"hidden_act\": \"relu\"", "the activation is \"relu\""),
        ("\"intermediate_size\": 48", "\"intermediate_size\": 40", "not a multiple of 16"),
    ] {
        let models = copy_of("tiny-bert");
        let path = models.path().join("tiny-bert/config.json");
        let config = fs::read_to_string(&path).unwrap();
        assert!(config.contains(from));
        fs::write(&path, config.replace(from, to)).unwrap();
        // The manifest pins the config's hash; this test is about what comes after.
        let manifest = Manifest::find("tiny-bert", models.path()).unwrap();
        let weights = files::Weights {
            folder: models.path().join("tiny-bert"),
            source: files::Source::Folder,
            sha256: Vec::new(),
        };
        let options = PackedOptions {
            precision: Precision::Int8,
            instructions: Instructions::Auto,
            threads: Threads::new(1),
        };
        let error = PackedEmbedder::load(&manifest, &weights, options).err().unwrap().to_string();
        assert!(error.contains(said), "{error}");
    }
}
