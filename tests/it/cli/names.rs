//! `seamark screen` with a model of names.

use serde_json::Value;

use super::seamark::Folder;
use crate::names::Checkpoint;

#[test]
fn screen_asks_the_model_and_says_so() {
    let checkpoint = Checkpoint::new();
    let folder = Folder::new();
    std::fs::write(folder.path("texts.txt"), "ask Zoë Mokoena or a@example.com\nask Maybe\n")
        .unwrap();
    let model = format!("screening.names.model={}", checkpoint.folder().display());
    let screen = |more: &[&str]| {
        folder.run(&[&["screen", "--set", model.as_str(), "texts.txt"][..], more].concat())
    };
    let ended = screen(&["--names", "--explain", "--json"]).exits(1);
    assert!(
        ended.err.contains("names by the model in") && ended.err.contains("sha256"),
        "{}",
        ended.err
    );
    let lines: Vec<Value> =
        ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<[&str; 4]> = lines
        .iter()
        .map(|line| {
            ["entity", "value", "recogniser", "outcome"].map(|name| line[name].as_str().unwrap())
        })
        .collect();
    let expected = [
        ["PERSON", "Zoë Mokoena", "names_model", "found"],
        ["EMAIL", "a@example.com", "rules", "found"],
        ["PERSON", "Maybe", "names_model", "below_minimum"],
    ];
    assert_eq!(told, expected);
    let table = screen(&["--names"]).exits(1).out;
    assert!(table.contains("names model") && !table.contains("Maybe"), "{table}");
    // Without the flag names are not looked for, and no model is loaded.
    let table = screen(&["--set", "screening.names.model=nowhere"]).exits(1).out;
    assert!(table.contains("EMAIL") && !table.contains("PERSON"), "{table}");
    folder
        .run(&["screen", "--names", "--set", "screening.names.model=nowhere", "texts.txt"])
        .fails_saying(&["nowhere is no folder", "screening.names.model"]);
}
