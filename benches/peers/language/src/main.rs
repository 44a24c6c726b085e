//! Ours, whatlang and lingua on one labelled set of sentences, in one run.
//!
//! `cargo run --release -- FILE.jsonl.gz`, with rows `{"text", "lang"}`; prints a Markdown table.
//! The peers choose among the languages of the set that they know. An answer is wrong with
//! confidence where it is not the label and the peer calls it reliable (whatlang), or its
//! confidence is at least 0.9 (lingua), or `is_confident` (ours).

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lingua::{Language, LanguageDetectorBuilder};
use seamark::text::language;

const CONFIDENT: f64 = 0.9;

/// A code, and whether the identifier stands by it.
type Answer = (String, bool);

fn main() -> Result<()> {
    let path = std::env::args().nth(1).context("give a file of labelled sentences")?;
    let rows = read(&path)?;
    let mut lingua = LanguageDetectorBuilder::from_all_languages();
    let lingua = lingua.with_preloaded_language_models().build();
    let whatlang = whatlang_of(&rows);
    let runs = [
        ("ours", run(&rows, ours)),
        ("whatlang 0.18", run(&rows, |text| by_whatlang(&whatlang, text))),
        (
            "lingua 1.8",
            run(&rows, |text| {
                let best = lingua.compute_language_confidence_values(text);
                best.first().map_or(("und".into(), false), |(language, confidence)| {
                    (by_lingua(*language), *confidence >= CONFIDENT)
                })
            }),
        ),
    ];
    print(&rows, &runs.map(|(name, (answers, time))| (name, answers, time)));
    Ok(())
}

struct Row {
    text: String,
    code: String,
}

fn read(path: &str) -> Result<Vec<Row>> {
    let file = BufReader::new(flate2::read::GzDecoder::new(std::fs::File::open(path)?));
    let parse = |line: std::io::Result<String>| {
        let row: serde_json::Value = serde_json::from_str(&line?)?;
        let field = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        Ok(Row { text: field("text"), code: field("lang") })
    };
    file.lines().map(parse).collect()
}

fn run(rows: &[Row], identify: impl Fn(&str) -> Answer) -> (Vec<Answer>, Duration) {
    rows.iter().take(100).for_each(|row| drop(identify(&row.text)));
    let start = Instant::now();
    let answers = rows.iter().map(|row| identify(&row.text)).collect();
    (answers, start.elapsed())
}

fn ours(text: &str) -> Answer {
    let answer = language::identify(text);
    (answer.code.to_owned(), answer.is_confident())
}

/// whatlang, held to its languages among those of the set.
fn whatlang_of(rows: &[Row]) -> whatlang::Detector {
    let known = whatlang::Lang::all().iter().copied();
    let wanted = known.filter(|lang| rows.iter().any(|row| row.code == two_letters(lang.code())));
    whatlang::Detector::with_allowlist(wanted.collect())
}

fn by_whatlang(detector: &whatlang::Detector, text: &str) -> Answer {
    let found = detector.detect(text);
    found.map_or(("und".into(), false), |info| {
        (two_letters(info.lang().code()).to_owned(), info.is_reliable())
    })
}

fn by_lingua(language: Language) -> String {
    language.iso_code_639_1().to_string()
}

/// The set's code for whatlang's.
fn two_letters(code: &str) -> &str {
    match code {
        "afr" => "af",
        "aka" => "tw",
        "amh" => "am",
        "ara" => "ar",
        "ben" => "bn",
        "cmn" => "zh",
        "deu" => "de",
        "ell" => "el",
        "eng" => "en",
        "fra" => "fr",
        "heb" => "he",
        "hin" => "hi",
        "ind" => "id",
        "ita" => "it",
        "jpn" => "ja",
        "kor" => "ko",
        "nld" => "nl",
        "pes" => "fa",
        "pol" => "pl",
        "por" => "pt",
        "spa" => "es",
        "swe" => "sv",
        "tam" => "ta",
        "tur" => "tr",
        "ukr" => "uk",
        "urd" => "ur",
        "vie" => "vi",
        "zul" => "zu",
        other => other,
    }
}

fn print(rows: &[Row], runs: &[(&str, Vec<Answer>, Duration)]) {
    let names: Vec<_> = runs.iter().map(|run| format!(" {} |", run.0)).collect();
    println!("| |{}\n|---|{}", names.concat(), "--:|".repeat(runs.len()));
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        places.entry(&row.code).or_default().push(place);
    }
    let right = |answers: &[Answer], code: &str, at: &[usize]| {
        at.iter().filter(|&&i| answers[i].0 == code).count() as f64 / at.len() as f64
    };
    let wrong = |answers: &[Answer], code: &str, at: &[usize]| {
        let bad = |&&i: &&usize| answers[i].1 && answers[i].0 != code;
        at.iter().filter(bad).count() as f64 / at.len() as f64
    };
    let line = |name: &str, value: &dyn Fn(&[Answer]) -> f64| {
        let cells: Vec<_> = runs.iter().map(|r| format!(" {:.1} |", 100.0 * value(&r.1))).collect();
        println!("| {name} |{}", cells.concat());
    };
    for (code, at) in &places {
        line(&format!("{code}, right %"), &|answers| right(answers, code, at));
    }
    let many: Vec<_> = places.iter().filter(|(_, at)| at.len() >= 100).collect();
    line("mean over languages with 100 or more, right %", &|answers| {
        many.iter().map(|(code, at)| right(answers, code, at)).sum::<f64>() / many.len() as f64
    });
    let by_all: Vec<_> = places
        .iter()
        .filter(|(code, at)| runs.iter().all(|run| right(&run.1, code, at) > 0.0))
        .collect();
    line(&format!("mean over the {} languages that all know, right %", by_all.len()), &|answers| {
        by_all.iter().map(|(code, at)| right(answers, code, at)).sum::<f64>() / by_all.len() as f64
    });
    line("wrong with confidence, all sentences, %", &|answers| {
        let all = places.iter().map(|(code, at)| wrong(answers, code, at) * at.len() as f64);
        all.sum::<f64>() / rows.len() as f64
    });
    line("wrong with confidence, worst language, %", &|answers| {
        places.iter().map(|(code, at)| wrong(answers, code, at)).fold(0.0, f64::max)
    });
    let time = |run: &(&str, Vec<Answer>, Duration)| {
        format!(" {:.1} |", run.2.as_secs_f64() * 1e6 / rows.len() as f64)
    };
    println!("| µs a text |{}", runs.iter().map(time).collect::<String>());
}
