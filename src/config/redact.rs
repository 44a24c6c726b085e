//! Settings for people's eyes: no secret in them.

use url::Url;

use super::Config;

/// The settings as TOML, secrets as `[redacted]`.
pub fn to_display(config: &Config) -> String {
    let mut shown = config.clone();
    shown.store.url = redact_url(&config.store.url);
    toml::to_string_pretty(&shown).unwrap_or_else(|error| format!("# cannot be shown: {error}"))
}

/// A URL without its password.
fn redact_url(text: &str) -> String {
    match Url::parse(text) {
        Ok(mut url) if url.password().is_some() => {
            // A URL that has a password has a host, so that this cannot fail.
            let _ = url.set_password(Some("[redacted]"));
            url.to_string().replace("%5Bredacted%5D", "[redacted]")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_do_not_show() {
        let shown = redact_url("postgres://seamark:hunter2@db:5432/seamark");
        assert_eq!(shown, "postgres://seamark:[redacted]@db:5432/seamark");
        assert_eq!(redact_url("sqlite://seamark.db"), "sqlite://seamark.db");
    }
}
