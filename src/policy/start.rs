//! Examples to start from, of our own writing: refusals, and attempts to turn an application against
//! its instructions.
//!
//! They are texts rather than weights, so that a head can be taught with any embedding model. How good
//! it then is stands in the report of the teaching; docs/GOVERNANCE.md has figures for the default
//! model and says where it is weak.

use serde::Deserialize;

/// A text, and whether it is what is to be found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Example {
    /// The text.
    pub text: String,
    /// Whether it is a case of the policy.
    pub label: bool,
}

/// Responses: those that refuse to help, and those that only sound like it.
pub fn refusals() -> Vec<Example> {
    read(include_str!("../../models/policies/refusal.jsonl"))
}

/// Queries: those that try to override instructions, and harmless ones that look alike.
pub fn injections() -> Vec<Example> {
    read(include_str!("../../models/policies/injection.jsonl"))
}

fn read(lines: &str) -> Vec<Example> {
    // The files are part of the program; the test below reads every line.
    lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::policy::{MIN_NEGATIVES, MIN_POSITIVES};

    #[test]
    fn every_line_is_read_and_no_text_comes_twice() {
        let files = [
            (refusals(), include_str!("../../models/policies/refusal.jsonl")),
            (injections(), include_str!("../../models/policies/injection.jsonl")),
        ];
        for (examples, file) in files {
            assert_eq!(examples.len(), file.lines().count());
            let texts: BTreeSet<&str> = examples.iter().map(|e| e.text.as_str()).collect();
            assert_eq!(texts.len(), examples.len());
            let positives = examples.iter().filter(|e| e.label).count();
            assert!(positives >= MIN_POSITIVES);
            assert!(examples.len() - positives >= MIN_NEGATIVES);
        }
    }
}
