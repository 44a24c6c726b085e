//! Templates that users write for messages, rendered within limits.
//!
//! The language is Jinja's, without files, includes or anything of the outside: a template sees the
//! values that it is given, may spend so many steps, and what it makes is cut.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

/// Steps that a template may take.
const FUEL: u64 = 50_000;
/// Bytes that a template may make.
const OUTPUT_BYTES: usize = 64 * 1024;

/// A template that cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the template cannot be rendered: {0}")]
pub struct TemplateError(String);

impl From<minijinja::Error> for TemplateError {
    fn from(error: minijinja::Error) -> Self {
        let place = error.line().map_or_else(String::new, |line| format!(" in line {line}"));
        Self(format!("{error}{place}").replace(" (in <string>:1)", ""))
    }
}

fn environment<'a>() -> Environment<'a> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    // A value that is not there is empty, but asking for a part of it is a mistake.
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment
}

/// Whether `template` can be read.
pub fn check(template: &str) -> Result<(), TemplateError> {
    environment().template_from_str(template).map(drop).map_err(TemplateError::from)
}

/// What `template` makes of `values`; `{{ value | tojson }}` writes a value as JSON.
pub fn render(template: &str, values: &impl Serialize) -> Result<String, TemplateError> {
    let text = environment().render_str(template, Serde(values))?;
    if text.len() > OUTPUT_BYTES {
        return Err(TemplateError(format!("it makes more than {OUTPUT_BYTES} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_in_and_mistakes_are_named() {
        let values = serde_json::json!({"name": "m", "reasons": [{"ratio": 2.5}]});
        let text = "{{ name }}: {% for r in reasons %}{{ r.ratio }}{% endfor %}{{ missing }}";
        assert_eq!(render(text, &values).unwrap(), "m: 2.5");
        assert_eq!(render("{{ name | tojson }}", &values).unwrap(), "\"m\"");
        let error = check("{% if %}").unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
        assert!(render("{{ missing.part }}", &values).is_err());
    }

    #[test]
    fn a_template_spends_and_makes_no_more_than_it_may() {
        let endless =
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        assert!(render(endless, &()).is_err());
        let long = "{{ 'x' * 100000 }}";
        assert!(render(long, &()).is_err());
    }
}
