//! Reads records `{"id","text","locale"}` from standard input, a line each, and writes the findings.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use seamark::screen::{Screener, Settings};
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let names = std::env::args().any(|a| a == "--names");
    let mut screeners: BTreeMap<String, Screener> = BTreeMap::new();
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let record: Value = serde_json::from_str(&line?).map_err(io::Error::other)?;
        let locale = record["locale"].as_str().unwrap_or("").to_uppercase();
        let regions = match locale.as_str() {
            "" => ["ZA", "NG", "KE", "MA"].map(str::to_owned).to_vec(),
            several => several.split(',').map(str::to_owned).collect(),
        };
        let screener = screeners.entry(locale).or_insert_with(|| {
            Screener::new(&Settings { regions, names, ..Settings::default() })
                .expect("settings are right")
        });
        let text = record["text"].as_str().unwrap_or("");
        let spans: Vec<Value> = screener
            .find(text)
            .iter()
            .map(|f| {
                let points = f.code_points(text);
                json!({"start": points.start, "end": points.end, "type": f.entity.label(), "subtype": f.subtype, "score": f.score})
            })
            .collect();
        writeln!(out, "{}", json!({"id": record["id"], "spans": spans}))?;
    }
    Ok(())
}
