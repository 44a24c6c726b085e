//! Values that are assigned to a name such as `api_key` or `password`.

use super::blob::random;
use super::{Secret, entropy};

/// A name whose value is secret.
#[derive(Debug)]
pub(super) struct Keyword {
    pub(super) word: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// Random by nature: the value must look so.
    Key,
    /// Chosen by people: eight characters of any kind, or six with a digit, after `:` or `=`.
    Password,
    /// An HTTP scheme: the value follows after a blank.
    Scheme,
}

const fn key(word: &'static str) -> Keyword {
    Keyword { word, kind: Kind::Key }
}

const fn password(word: &'static str) -> Keyword {
    Keyword { word, kind: Kind::Password }
}

/// The names, in lower case; a name in a longer word ("X_SECRET_KEY") counts by its end.
pub(super) const KEYWORDS: &[Keyword] = &[
    key("api_key"),
    key("api-key"),
    key("apikey"),
    key("api key"),
    key("secret_key"),
    key("secret-key"),
    key("secretkey"),
    key("secret key"),
    key("access_key"),
    key("access-key"),
    key("accesskey"),
    key("access key"),
    key("client_secret"),
    key("client-secret"),
    key("clientsecret"),
    key("client secret"),
    key("consumer_key"),
    key("consumerkey"),
    key("consumer key"),
    key("consumer_secret"),
    key("consumersecret"),
    key("consumer secret"),
    key("auth_token"),
    key("auth-token"),
    key("authtoken"),
    key("auth token"),
    key("access_token"),
    key("access-token"),
    key("accesstoken"),
    key("access token"),
    key("refresh_token"),
    key("bot_token"),
    key("private_key"),
    key("encryption_key"),
    key("signing_key"),
    key("signing_secret"),
    key("webhook_secret"),
    key("account_key"),
    key("accountkey"),
    key("sharedaccesskey"),
    key("subscription_key"),
    key("subscription-key"),
    key("passkey"),
    key("security_credential"),
    key("securitycredential"),
    key("initiator_password"),
    key("token"),
    key("secret"),
    password("password"),
    password("passwd"),
    password("pwd"),
    password("passphrase"),
    password("mot de passe"),
    password("senha"),
    password("palavra-passe"),
    password("wagwoord"),
    password("nenosiri"),
    password("nywila"),
    password("كلمة المرور"),
    password("كلمة السر"),
    password("የይለፍ ቃል"),
    Keyword { word: "bearer ", kind: Kind::Scheme },
    Keyword { word: "authorization: basic ", kind: Kind::Scheme },
];

/// Longest value.
const LONGEST: usize = 512;

impl Keyword {
    /// The value that is assigned to the name at this place.
    pub(super) fn value(&self, text: &str, name: std::ops::Range<usize>) -> Option<Secret> {
        let before = text.get(..name.start)?.chars().next_back();
        if before.is_some_and(char::is_alphanumeric) {
            return None;
        }
        let rest = text.get(name.end..)?;
        let skipped = match self.kind {
            Kind::Scheme => 0,
            Kind::Key | Kind::Password => assigned(rest)?,
        };
        let value = token(rest.get(skipped..)?);
        let passes = match self.kind {
            Kind::Key => value.len() >= 12 && entropy(value) >= 3.0 && random_enough(value),
            Kind::Scheme => value.len() >= 16 && entropy(value) >= 3.0,
            Kind::Password => chosen(value),
        };
        let subtype = if self.kind == Kind::Password { "PASSWORD" } else { "GENERIC" };
        let start = name.end + skipped;
        let span = start..start + value.len();
        let entity = "API_KEY";
        passes.then_some(Secret {
            span,
            entity,
            subtype,
            score: 0.8,
            check: "assignment and entropy",
        })
    }
}

/// Bytes from the name to the value: a closing quote, `:`, `=`, `=>` or a verb, an opening quote.
fn assigned(rest: &str) -> Option<usize> {
    let quote = |c: char| matches!(c, '"' | '\'' | '`' | '*' | ' ' | '\t');
    let after_quote = rest.trim_start_matches(quote);
    let operators = [":=", "=>", "==", "=", ":", "is ", "est ", "é ", "ni ", "هي ", "هو "];
    let operator = operators.iter().find(|operator| after_quote.starts_with(**operator))?;
    let value = after_quote.get(operator.len()..)?.trim_start_matches(quote);
    let skipped = rest.len() - value.len();
    (skipped <= 16).then_some(skipped)
}

/// The characters of one value.
fn token(rest: &str) -> &str {
    let stop = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\''
                    | '`'
                    | ','
                    | ';'
                    | '<'
                    | '>'
                    | '('
                    | ')'
                    | '['
                    | ']'
                    | '{'
                    | '}'
                    | '&'
                    | '|'
                    | '،'
                    | '؛'
            )
    };
    let end = rest.char_indices().take(LONGEST).find(|(_, c)| stop(*c)).map_or_else(
        || rest.char_indices().nth(LONGEST).map_or(rest.len(), |(at, _)| at),
        |(at, _)| at,
    );
    rest.get(..end).unwrap_or_default().trim_end_matches(['.', '!', '?', ':'])
}

fn random_enough(value: &str) -> bool {
    let plain = value.bytes().all(|b| b.is_ascii_graphic());
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    plain && (random(value) || (digits >= 2 && letters >= 2))
}

/// A password of people's making; "password: must" and templates are none.
fn chosen(value: &str) -> bool {
    let length = value.chars().count();
    let digit = value.chars().any(|c| c.is_ascii_digit());
    let sign = value.chars().any(|c| c.is_ascii_punctuation());
    let template = value.starts_with(['$', '%', '{', '<', '*']);
    !template
        && (6..=128).contains(&length)
        && digit | sign
        && !value.bytes().all(|b| b.is_ascii_punctuation())
}
