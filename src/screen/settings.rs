//! What a project's screening is set to, and what is wrong with it.

use std::collections::BTreeSet;
use std::fmt;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::entity::EntityType;
use super::phone;
use super::rule::PATTERN_BYTES;

/// Most regions of one project: with many, every order number is somebody's telephone number.
const REGIONS: usize = 12;
/// Most custom recognisers, words of one, and values on the allow list.
const RECOGNISERS: usize = 200;
const WORDS: usize = 50;
const ALLOWED: usize = 1000;
/// Longest pattern, word or allowed value, in bytes.
const PATTERN: usize = 4096;
const WORD: usize = 100;

/// How the texts of a project are screened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Regions whose telephone numbers and identifiers occur, as ISO 3166 codes: `ZA`, `NG`, `KE`.
    /// Name only those of the project's users.
    pub regions: Vec<String>,
    /// Least score of a finding, from 0 to 1.
    pub minimum_score: f32,
    /// Whether names of persons are looked for where a text introduces one, and by the model of
    /// names where one is plugged in.
    pub names: bool,
    /// Types that are not looked for.
    pub off: Vec<EntityType>,
    /// Values that are nobody's, such as the help line; compared without blanks and case.
    pub allow: Vec<String>,
    /// Recognisers of the project's own.
    pub custom: Vec<CustomRecogniser>,
}

/// A recogniser by configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomRecogniser {
    /// Its label, in capitals: `STAFF_NUMBER`.
    pub name: String,
    /// A regular expression in the syntax of the `regex` crate, without look-around; a first group,
    /// where there is one, is the value. Digits and blanks of all scripts are ASCII when it runs.
    pub pattern: String,
    /// Score of a match, from 0 to 1; words near it add 0.35.
    #[serde(default = "half")]
    pub score: f32,
    /// Words near a value that speak for it; a `*` marks an end that may be glued to letters.
    #[serde(default)]
    pub context: Vec<String>,
    /// A text that must occur for the pattern to be tried.
    #[serde(default)]
    pub keyword: Option<String>,
}

fn half() -> f32 {
    0.5
}

impl Default for Settings {
    fn default() -> Self {
        let (regions, off, allow, custom) = Default::default();
        Self { regions, minimum_score: 0.5, names: false, off, allow, custom }
    }
}

/// One thing that is wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// JSON pointer to the field.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// Everything that is wrong with settings; never empty where it is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            let comma = if at > 0 { "; " } else { "" };
            write!(f, "{comma}{}: {}", problem.field, problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Problems {
    pub(super) fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem { field: field.into(), message: message.into() });
    }
}

impl Settings {
    /// Everything that is wrong, in the order of the fields.
    pub fn problems(&self) -> Problems {
        let mut problems = Problems(Vec::new());
        self.check_regions(&mut problems);
        if !(0.0..=1.0).contains(&self.minimum_score) {
            problems.add("/minimum_score", "must be a number from 0 to 1");
        }
        for (at, entity) in self.off.iter().enumerate() {
            let custom = self.custom.iter().any(|custom| custom.name == entity.label());
            if matches!(entity, EntityType::Custom(_)) && !custom {
                let message =
                    format!("there is no type {}: use a label such as EMAIL", entity.label());
                problems.add(format!("/off/{at}"), message);
            }
        }
        self.check_allowed(&mut problems);
        self.check_custom(&mut problems);
        problems
    }

    fn check_regions(&self, problems: &mut Problems) {
        if self.regions.len() > REGIONS {
            let message = format!(
                "at most {REGIONS} regions: with more, order numbers are taken for telephone numbers; \
                 name those where the users are"
            );
            problems.add("/regions", message);
        }
        let mut seen = BTreeSet::new();
        for (at, region) in self.regions.iter().enumerate() {
            let field = format!("/regions/{at}");
            if !phone::is_region(region) {
                let shown: String = region.chars().take(20).collect();
                problems
                    .add(field, format!("{shown} is no region: use an ISO 3166 code such as ZA"));
            } else if !seen.insert(region) {
                problems.add(field, format!("{region} is named twice: remove one"));
            }
        }
    }

    fn check_allowed(&self, problems: &mut Problems) {
        if self.allow.len() > ALLOWED {
            problems.add("/allow", format!("at most {ALLOWED} values: allow the type instead"));
        }
        for (at, value) in self.allow.iter().enumerate() {
            if value.len() > PATTERN || allowed_form(value).is_empty() {
                problems.add(
                    format!("/allow/{at}"),
                    "must hold a letter or digit, and at most 4096 bytes",
                );
            }
        }
    }

    fn check_custom(&self, problems: &mut Problems) {
        if self.custom.len() > RECOGNISERS {
            problems
                .add("/custom", format!("at most {RECOGNISERS} recognisers: join patterns with |"));
            return;
        }
        let mut names = BTreeSet::new();
        for (at, custom) in self.custom.iter().enumerate() {
            let field = |name: &str| format!("/custom/{at}/{name}");
            if !is_label(&custom.name) {
                let message =
                    "must be 2 to 40 capitals, digits and _, a capital first, as STAFF_NUMBER";
                problems.add(field("name"), message);
            } else if !matches!(EntityType::of_label(&custom.name), EntityType::Custom(_)) {
                problems
                    .add(field("name"), format!("{} is built in: take another name", custom.name));
            } else if !names.insert(&custom.name) {
                problems.add(
                    field("name"),
                    format!("{} is used twice: take another name", custom.name),
                );
            }
            if let Err(message) = custom.compile() {
                problems.add(field("pattern"), message);
            }
            if !(0.0..=1.0).contains(&custom.score) {
                problems.add(field("score"), "must be a number from 0 to 1");
            }
            let long =
                |word: &String| word.len() > WORD || word.trim_matches(['*', ' ']).is_empty();
            if custom.context.len() > WORDS || custom.context.iter().any(long) {
                let message = format!("at most {WORDS} words, none empty or over {WORD} bytes");
                problems.add(field("context"), message);
            }
            if custom.keyword.as_ref().is_some_and(long) {
                problems.add(field("keyword"), format!("must not be empty or over {WORD} bytes"));
            }
        }
    }
}

impl CustomRecogniser {
    /// The compiled pattern, or why there is none.
    pub(super) fn compile(&self) -> Result<Regex, String> {
        if self.pattern.is_empty() || self.pattern.len() > PATTERN {
            return Err(format!("must have 1 to {PATTERN} bytes"));
        }
        let pattern = RegexBuilder::new(&self.pattern)
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES)
            .nest_limit(50)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => {
                    "compiles to more than 1 MiB: use smaller repetitions".to_owned()
                }
                // The last line says what; those before it repeat the pattern.
                error => error.to_string().lines().last().unwrap_or_default().to_owned(),
            })?;
        if pattern.is_match("") {
            return Err("matches the empty text: ask for at least one character".to_owned());
        }
        Ok(pattern)
    }
}

/// Whether `name` can be the label of a type: 2 to 40 capitals, digits and `_`, a capital first.
pub fn is_label(name: &str) -> bool {
    (2..=40).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// The form in which allowed values are compared.
pub(super) fn allowed_form(value: &str) -> String {
    value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(settings: &Settings) -> Vec<String> {
        settings.problems().0.into_iter().map(|problem| problem.field).collect()
    }

    fn custom(name: &str, pattern: &str) -> CustomRecogniser {
        let (name, pattern) = (name.to_owned(), pattern.to_owned());
        CustomRecogniser { name, pattern, score: 0.5, context: Vec::new(), keyword: None }
    }

    #[test]
    fn the_default_has_no_problem() {
        assert!(fields(&Settings::default()).is_empty());
    }

    #[test]
    fn every_problem_is_named_with_its_field() {
        let settings = Settings {
            regions: ["ZA", "za", "ZA", "XX"].map(str::to_owned).to_vec(),
            minimum_score: f32::NAN,
            off: vec![EntityType::of_label("E-MAIL")],
            allow: vec![" - ".to_owned()],
            custom: vec![
                custom("staff", "x"),
                custom("EMAIL", "x"),
                custom("STAFF", "x*"),
                custom("STAFF", "(?=x)"),
                custom("A1", "("),
                custom("A2", r"(\w{500}){50}"),
                custom("A3", &"x".repeat(5000)),
                CustomRecogniser {
                    score: 2.0,
                    context: vec![String::new()],
                    keyword: Some(String::new()),
                    ..custom("A4", "x")
                },
            ],
            ..Settings::default()
        };
        let expected = [
            "/regions/1",
            "/regions/2",
            "/regions/3",
            "/minimum_score",
            "/off/0",
            "/allow/0",
            "/custom/0/name",
            "/custom/1/name",
            "/custom/2/pattern",
            "/custom/3/name",
            "/custom/3/pattern",
            "/custom/4/pattern",
            "/custom/5/pattern",
            "/custom/6/pattern",
            "/custom/7/score",
            "/custom/7/context",
            "/custom/7/keyword",
        ];
        assert_eq!(fields(&settings), expected);
        assert!(settings.problems().to_string().contains("look-around"));
    }

    #[test]
    fn too_many_of_anything_is_a_problem() {
        let regions =
            ["ZA", "NG", "KE", "MA", "EG", "GH", "SN", "TZ", "UG", "RW", "TN", "DZ", "MU"];
        let settings = Settings {
            regions: regions.map(str::to_owned).to_vec(),
            custom: vec![custom("X1", "x"); 10_000],
            allow: vec!["x".to_owned(); 2000],
            ..Settings::default()
        };
        assert_eq!(fields(&settings), ["/regions", "/allow", "/custom"]);
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert!(toml::from_str::<Settings>("region = ['ZA']").is_err());
        let read: Settings = toml::from_str("regions = ['ZA']\noff = ['IP_ADDRESS']").unwrap();
        assert_eq!(read.off, [EntityType::IpAddress]);
    }
}
