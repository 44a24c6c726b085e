//! The section `screening.names` of the configuration.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::screen::{EntityType, is_label};

/// Most threads of the model.
const THREADS: usize = 1024;

/// A model that finds names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NamesConfig {
    /// The folder of the model; empty for none.
    pub model: PathBuf,
    /// Which of the model's labels count as which type: `PER=PERSON`, the label without `B-` or `I-`.
    pub labels: Vec<String>,
    /// Least probability of a finding, above 0 to 1.
    pub threshold: f64,
    /// Threads of the processor; 0 is one on each core.
    pub threads: usize,
}

impl Default for NamesConfig {
    fn default() -> Self {
        let labels = vec!["PER=PERSON".to_owned()];
        Self { model: PathBuf::new(), labels, threshold: 0.8, threads: 0 }
    }
}

impl NamesConfig {
    /// Every problem of the settings, as (key, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut add = |key: &str, detail: String| problems.push((key.to_owned(), detail));
        if !(self.threshold > 0.0 && self.threshold <= 1.0) {
            add("threshold", "must be above 0 and at most 1".to_owned());
        }
        if self.threads > THREADS {
            add("threads", format!("must be 0 to {THREADS}"));
        }
        if self.labels.is_empty() {
            add("labels", "is empty; name a label, as in PER=PERSON".to_owned());
        }
        for (at, text) in self.labels.iter().enumerate() {
            let Some((label, entity)) = split(text) else {
                let detail = format!(
                    "{text:?} is not of the form LABEL=TYPE with a type of 2 to 40 capitals, digits and _, as PER=PERSON"
                );
                add("labels", detail);
                continue;
            };
            let mut earlier = self.labels.iter().take(at).filter_map(|text| split(text));
            if earlier.any(|(other, _)| other == label) {
                add("labels", format!("{label} is named twice, the second time as {entity}"));
            }
        }
        problems
    }

    /// The model's labels that count, each with its type.
    pub(super) fn mapping(&self) -> impl Iterator<Item = (&str, EntityType)> {
        let pairs = self.labels.iter().filter_map(|text| split(text));
        pairs.map(|(label, entity)| (label, EntityType::of_label(entity)))
    }
}

/// Label and type of `PER=PERSON`.
fn split(text: &str) -> Option<(&str, &str)> {
    let (label, entity) = text.split_once('=')?;
    let (label, entity) = (label.trim(), entity.trim());
    (!label.is_empty() && is_label(entity)).then_some((label, entity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_names_its_key() {
        assert!(NamesConfig::default().problems().is_empty());
        let labels = ["PER = PERSON", "ORG", "LOC=place", "=X1", "PER=ADDRESS"];
        let wrong = NamesConfig {
            labels: labels.map(str::to_owned).to_vec(),
            threshold: f64::NAN,
            threads: 5000,
            ..NamesConfig::default()
        };
        let problems = wrong.problems();
        let keys: Vec<&str> = problems.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["threshold", "threads", "labels", "labels", "labels", "labels"]);
        assert!(problems[5].1.contains("PER is named twice"), "{problems:?}");
        let none = NamesConfig { labels: Vec::new(), ..NamesConfig::default() };
        assert_eq!(none.problems()[0].0, "labels");
    }

    #[test]
    fn labels_map_to_built_in_and_own_types() {
        let labels = ["PER=PERSON", "LOC = ADDRESS", "ORG=ORGANISATION"];
        let config =
            NamesConfig { labels: labels.map(str::to_owned).to_vec(), ..NamesConfig::default() };
        let mapping: Vec<(&str, EntityType)> = config.mapping().collect();
        let own = EntityType::Custom("ORGANISATION".to_owned());
        let expected = [("PER", EntityType::Person), ("LOC", EntityType::Address), ("ORG", own)];
        assert_eq!(mapping, expected);
    }
}
