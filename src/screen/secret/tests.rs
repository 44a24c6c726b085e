//! Shapes, assignments, key blocks and connection strings. The secrets are made up and put
//! together here, so that scanners do not take this file for a leak.

use super::*;

fn found(text: &str) -> Vec<(&'static str, String)> {
    let secrets = Secrets::new().unwrap().find(text);
    secrets.into_iter().map(|s| (s.subtype, text[s.span].to_owned())).collect()
}

/// A made-up body of this length that looks drawn at random.
fn body(length: usize, alphabet: &str) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut state = 7_u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        letters[(state >> 33) as usize % letters.len()]
    };
    (0..length).map(|_| next()).collect()
}

const ALNUM: &str = "aZ3kQ9xW1mB7cT5vR2nL8pD4sF6gH0jK";

#[test]
fn every_shape_is_found_whole() {
    for shape in SHAPES.iter().filter(|shape| shape.prefix != "eyJ") {
        let token = format!("{}{}", shape.prefix, body(shape.min, "7A3F0B9C5D1E8264"));
        let text = format!("we use {token}, thanks");
        assert!(
            found(&text).iter().any(|(_, value)| *value == token),
            "{}: {token} in {:?}",
            shape.prefix,
            found(&text)
        );
        assert!(found(&format!("we use {}, thanks", shape.prefix)).is_empty(), "{}", shape.prefix);
    }
    assert!(SHAPES.len() >= 100);
}

#[test]
fn words_that_begin_alike_are_none() {
    for text in [
        "sk-learn-is-a-library",
        "task-force-of-the-northern-region-2024",
        "the npm_config_registry_setting_in_your_environment",
        "AKIA is a prefix",
        "SKyscraper and dapirate",
    ] {
        assert!(found(text).is_empty(), "{text}: {:?}", found(text));
    }
}

#[test]
fn web_tokens_have_three_parts() {
    let token = format!("eyJ{}.eyJ{}.{}", body(20, ALNUM), body(30, ALNUM), body(43, ALNUM));
    assert_eq!(found(&format!("Cookie: t={token}; x")), [("JWT", token)]);
    assert!(found(&format!("eyJ{}", body(90, ALNUM))).is_empty());
}

#[test]
fn assignments_need_randomness_and_passwords_a_sign() {
    let value = body(32, ALNUM);
    for text in [
        format!("api_key = \"{value}\""),
        format!("'X-Consumer-Secret': '{value}'")
            .to_lowercase()
            .replace(&value.to_lowercase(), &value),
        format!("Authorization: Bearer {value}"),
        format!("my access token is {value}."),
        format!("export MPESA_PASSKEY={value}"),
    ] {
        assert_eq!(found(&text).last().map(|(_, v)| v.clone()), Some(value.clone()), "{text}");
    }
    assert_eq!(found("password: Tr0ub4dor&"), [("PASSWORD", "Tr0ub4dor".to_owned())]);
    assert_eq!(found("mot de passe : soleil77!"), [("PASSWORD", "soleil77".to_owned())]);
    for text in [
        "The token is in the mail",
        "secret: management-of-the-company",
        "password: required",
        "password: ${DB_PASSWORD}",
        "Your prepaid electricity token is 2629 3989 7035 6202 7454.",
        "tokens per second: 1234567890123",
    ] {
        assert!(found(text).is_empty(), "{text}: {:?}", found(text));
    }
}

#[test]
fn key_blocks_go_to_their_end_also_when_cut() {
    let block =
        |kind: &str| format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----", body(64, ALNUM));
    let key = block("RSA PRIVATE KEY");
    assert_eq!(found(&format!("here:\n{key}\nbye")), [("PRIVATE_KEY", key.clone())]);
    assert_eq!(found(&key[..60]).first().map(|(name, _)| *name), Some("PRIVATE_KEY"));
    assert!(found(&block("CERTIFICATE")).is_empty());
}

#[test]
fn connection_strings_with_a_password() {
    let url = format!("postgres://app:{}@db.example.com:5432", "s3cr3t");
    assert_eq!(found(&format!("use {url}/main")), [("", url)]);
    assert!(found("https://example.com/a@b:c").is_empty());
    assert!(found("https://user@example.com/").is_empty());
    assert!(found("postgres://user:${PASSWORD}@host/db").is_empty());
}
