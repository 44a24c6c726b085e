//! Where the endpoint is and how it is asked.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::embed::error::EmbedError;

/// The section `embedding.endpoint` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EndpointConfig {
    /// The whole URL of the embeddings route.
    pub url: String,
    /// The model's name as the endpoint knows it.
    pub model: String,
    /// The length of its vectors; 0 is learned from a first answer at the start.
    pub dimension: usize,
    /// Put before every query.
    pub query_prefix: String,
    /// Put before every response.
    pub response_prefix: String,
    /// Characters of a text that are sent, without the prefix; 0 for all.
    pub max_chars: usize,
    /// The environment variable that holds the bearer key; empty for none.
    pub api_key_env: String,
    /// The file that holds the bearer key; empty for none.
    pub api_key_file: PathBuf,
    /// The most texts in one request.
    pub batch_texts: usize,
    /// Requests at the same time.
    pub concurrency: usize,
    /// For one request, in milliseconds.
    pub timeout_ms: u64,
    /// How often a request that failed is sent again.
    pub retries: u32,
}

impl Default for EndpointConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            model: String::new(),
            dimension: 0,
            query_prefix: String::new(),
            response_prefix: String::new(),
            max_chars: 0,
            api_key_env: String::new(),
            api_key_file: PathBuf::new(),
            batch_texts: 32,
            concurrency: 4,
            timeout_ms: 30_000,
            retries: 3,
        }
    }
}

impl EndpointConfig {
    /// Every problem of the settings, as (key, what is wrong and the remedy).
    pub(in crate::embed) fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut add = |key: &str, detail: &str| problems.push((key.to_owned(), detail.to_owned()));
        if let Err(detail) = self.parsed_url() {
            add("url", &detail);
        }
        if self.model.is_empty() {
            add("model", "must be the model's name as the endpoint knows it");
        }
        if !self.api_key_env.is_empty() && !self.api_key_file.as_os_str().is_empty() {
            add("api_key_env", "is set beside api_key_file; keep one of them");
        }
        for (key, is_zero) in [
            ("batch_texts", self.batch_texts == 0),
            ("concurrency", self.concurrency == 0),
            ("timeout_ms", self.timeout_ms == 0),
        ] {
            if is_zero {
                add(key, "must be at least 1");
            }
        }
        problems
    }

    /// The URL, or what is wrong with it.
    pub(super) fn parsed_url(&self) -> Result<Url, String> {
        let example = "write it like http://127.0.0.1:11434/v1/embeddings";
        let url =
            Url::parse(&self.url).map_err(|error| format!("not a URL ({error}); {example}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("the scheme is {:?}; {example}", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let detail = "must not hold a user name or password; use api_key_env or api_key_file";
            return Err(detail.to_owned());
        }
        if url.fragment().is_some() {
            return Err("must not hold a fragment (#…)".to_owned());
        }
        Ok(url)
    }
}

/// The key of an endpoint; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// The key in `text`, without white space around it; `origin` is named when it is none.
    pub fn parse(origin: &str, text: &str) -> Result<Self, EmbedError> {
        let key = text.trim();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let detail = "must hold a key of printable ASCII characters and nothing else";
            return Err(EmbedError::Key(format!("{origin} {detail}")));
        }
        Ok(Self(key.to_owned()))
    }

    /// The key in the file at `path`.
    pub fn read(path: &Path) -> Result<Self, EmbedError> {
        let text = fs::read_to_string(path).map_err(EmbedError::io("read", path))?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// The value of the header `Authorization`.
    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// `text` without the key, should it be in there.
    pub(super) fn removed_from(&self, text: &str) -> String {
        text.replace(&self.0, "[key]")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_judged() {
        let problem = |url: &str| {
            let config = EndpointConfig { url: url.to_owned(), ..EndpointConfig::default() };
            config.parsed_url().err().unwrap_or_default()
        };
        for good in
            ["http://127.0.0.1:11434/v1/embeddings", "https://api.example.com/v1/embeddings?v=1"]
        {
            assert_eq!(problem(good), "");
        }
        for (bad, part) in [
            ("", "not a URL"),
            ("localhost:11434/v1", "the scheme is \"localhost\""),
            ("ftp://example.com/", "the scheme is \"ftp\""),
            ("https://u:p@example.com/v1", "user name or password"),
            ("https://example.com/v1#x", "fragment"),
        ] {
            assert!(problem(bad).contains(part), "{bad}: {}", problem(bad));
        }
    }

    #[test]
    fn a_key_is_trimmed_and_never_printed() {
        let key = ApiKey::parse("KEY", " sk-secret\n").unwrap();
        assert_eq!(key.bearer(), "Bearer sk-secret");
        assert_eq!(format!("{key:?}"), "ApiKey([redacted])");
        assert_eq!(key.removed_from("bad key sk-secret!"), "bad key [key]!");
        for bad in ["", " \n", "two words", "a\r\nX-Other: b", "schlüssel"] {
            let error = ApiKey::parse("KEY", bad).unwrap_err().to_string();
            assert!(error.contains("KEY must hold a key"), "{error}");
            assert!(bad.trim().is_empty() || !error.contains(bad), "{error}");
        }
    }
}
