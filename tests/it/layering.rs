//! The repository tests itself: layers, file sizes, module headers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Lowest first; a module names only modules of lower rows.
const LAYERS: &[&[&str]] = &[
    &["clock", "fault", "picture", "screen", "stats", "telemetry", "text"],
    &["egress", "id", "policy"],
    &["model"],
    &["alert", "detect", "prepare", "sample"],
    &["embed", "notify", "store"],
    &["worker"],
    &["api"],
    &["config"],
    &["app"],
    &["cli"],
];

/// Modules that name nothing of the crate, so that they could become crates of their own.
const INDEPENDENT: &[&str] = &["picture", "screen", "stats", "text"];

const MAX_LINES: usize = 500;

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The top-level module that a file below `src` belongs to; `None` for `lib.rs` and `main.rs`.
fn module_of(path: &Path) -> Option<String> {
    let relative = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
    let module = first.trim_end_matches(".rs").to_owned();
    (module != "lib" && module != "main").then_some(module)
}

/// The top-level modules that `text` names after `crate::`, also inside `crate::{…}`.
fn named_modules(text: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    let mut names = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => names.push(word(rest)),
            Some(group) => {
                let mut depth = 1;
                let mut start = true;
                for (i, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => start = true,
                        c if start && depth == 1 && c.is_ascii_alphabetic() => {
                            names.push(word(&group[i..]));
                            start = false;
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    names
}

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

#[test]
fn modules_name_only_lower_rows() {
    let mut problems = Vec::new();
    for path in rust_files("src") {
        let Some(module) = module_of(&path) else { continue };
        let Some(own) = rank(&module) else {
            problems.push(format!("{}: `{module}` has no layer", path.display()));
            continue;
        };
        let text = std::fs::read_to_string(&path).unwrap();
        for name in named_modules(&text).into_iter().filter(|name| *name != module) {
            let independent = INDEPENDENT.contains(&module.as_str());
            if independent || rank(&name).is_none_or(|other| other >= own) {
                problems.push(format!("{}: `{module}` must not name `{name}`", path.display()));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_scanner_sees_grouped_and_plain_paths() {
    let text = "use crate::{api::x, store::{a, b}, model}; fn f() { crate::cli::run() }";
    assert_eq!(named_modules(text), ["api", "store", "model", "cli"]);
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut problems = Vec::new();
    for folder in ["src", "tests", "benches", "examples"] {
        for path in rust_files(folder) {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text.lines().count();
            if lines > MAX_LINES {
                problems.push(format!("{}: {lines} lines; move a concept out", path.display()));
            }
            if !text.trim_start().starts_with("//!") {
                problems.push(format!("{}: does not open with `//!`", path.display()));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Words that mark a layer's own business, and the only modules where they may stand.
#[test]
fn each_outside_world_has_one_door() {
    let doors: BTreeMap<&str, &[&str]> = [
        ("sqlx::", &["store"][..]),
        ("candle_", &["embed"]),
        ("reqwest::", &["egress"]),
        ("tokio_rustls::", &["egress"]),
        ("lettre::", &["notify"]),
        ("std::env::", &["config", "app"]),
        ("tiny_skia::", &["picture"]),
        ("StatusCode", &["api", "notify"]),
    ]
    .into();
    let mut problems = Vec::new();
    for path in rust_files("src") {
        let Some(module) = module_of(&path) else { continue };
        let text = std::fs::read_to_string(&path).unwrap();
        for (word, allowed) in &doors {
            if text.contains(word) && !allowed.contains(&module.as_str()) {
                problems.push(format!("{}: `{word}` belongs to {allowed:?}", path.display()));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
