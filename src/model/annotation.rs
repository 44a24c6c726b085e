//! Annotations: what a monitor or a rule says of its alerts, as templates.

use std::collections::BTreeMap;

use crate::text::template;

/// Annotations of a monitor or rule at most.
const MOST: usize = 20;
/// Bytes of a template, and of what it makes.
pub const BYTES: usize = 4000;

/// Templates by name, or what they made.
pub type Annotations = BTreeMap<String, String>;

/// Every problem, as (JSON pointer from the annotations' owner on, what is wrong and the remedy).
pub(in crate::model) fn problems(annotations: &Annotations) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    if annotations.len() > MOST {
        problems.push(("/annotations".to_owned(), format!("give at most {MOST}")));
    }
    for (name, text) in annotations {
        let pointer = format!("/annotations/{}", name.replace('~', "~0").replace('/', "~1"));
        if name.trim().is_empty() {
            problems.push((pointer, "an annotation needs a name, such as summary".to_owned()));
        } else if text.len() > BYTES {
            problems.push((pointer, format!("is longer than {BYTES} bytes")));
        } else if let Err(error) = template::check(text) {
            problems.push((pointer, error.to_string()));
        }
    }
    problems
}
