//! Keyed pseudonyms: the same value has the same token, and nobody without the key can tell which.
//!
//! HMAC-SHA-256 over the type and the value's canonical form, cut to 48 bits: among a million
//! values of a type two share a token with a probability of 0.2 %. A plain hash would not do: all
//! eleven-digit numbers are tried in seconds. Rotation makes another key current; old tokens stay
//! linkable as long as their key is kept, and no longer once it is destroyed.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};
use sha2::Sha256;

use super::super::entity::EntityType;
use super::super::fold::Folded;
use super::super::placeholder::pseudonym;
use super::super::screener::Finding;

/// Least bytes of a key.
const KEY_BYTES: usize = 16;
/// Bytes of a token: 48 bits.
const TOKEN_BYTES: usize = 6;

/// A project's pseudonym keys, of which one is current.
#[derive(Clone)]
pub struct PseudonymKeys {
    current: String,
    keys: BTreeMap<String, Vec<u8>>,
}

/// Why there are no keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyError {
    /// The id is not 1 to 16 small letters and digits.
    Id(String),
    /// The key of this id has fewer than 16 bytes.
    Short(String),
    /// No key has the id that is to be current.
    NoCurrent(String),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "key id {id}: use 1 to 16 small letters and digits, as k1"),
            Self::Short(id) => {
                write!(f, "key {id} has fewer than {KEY_BYTES} bytes: use 32 random ones")
            }
            Self::NoCurrent(id) => {
                write!(f, "there is no key {id}: add it, or make another current")
            }
        }
    }
}

impl std::error::Error for KeyError {}

impl fmt::Debug for PseudonymKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&String> = self.keys.keys().collect();
        f.debug_struct("PseudonymKeys").field("current", &self.current).field("ids", &ids).finish()
    }
}

impl PseudonymKeys {
    /// Keys by id; new tokens are made with the current one.
    ///
    /// # Errors
    /// Where an id or key is unfit, or the current one is missing.
    pub fn new(
        current: &str,
        keys: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<Self, KeyError> {
        let keys: BTreeMap<String, Vec<u8>> = keys.into_iter().collect();
        for (id, key) in &keys {
            let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            if !(1..=16).contains(&id.len()) || !id.bytes().all(fits) {
                return Err(KeyError::Id(id.clone()));
            }
            if key.len() < KEY_BYTES {
                return Err(KeyError::Short(id.clone()));
            }
        }
        if !keys.contains_key(current) {
            return Err(KeyError::NoCurrent(current.to_owned()));
        }
        Ok(Self { current: current.to_owned(), keys })
    }

    /// The token of a finding's value under the current key.
    pub fn token(&self, finding: &Finding, value: &str) -> String {
        self.keys
            .get(&self.current)
            .map_or_else(String::new, |key| token(finding, value, &self.current, key))
    }

    /// The tokens under every key that is kept: to find what was stored before a rotation.
    pub fn tokens(&self, finding: &Finding, value: &str) -> Vec<String> {
        self.keys.iter().map(|(id, key)| token(finding, value, id, key)).collect()
    }
}

fn token(finding: &Finding, value: &str, id: &str, key: &[u8]) -> String {
    // HMAC takes keys of any length, so the error cannot occur.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(finding.entity.label().as_bytes());
    mac.update(&[0]);
    mac.update(canonical(finding, value).as_bytes());
    let digest = mac.finalize().into_bytes();
    let nibbles = digest.iter().take(TOKEN_BYTES).flat_map(|byte| [byte >> 4, byte & 15]);
    let hex: String = nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)).collect();
    pseudonym(&finding.entity, id, &hex)
}

/// The value of a finding in the one form that all its spellings share.
pub fn canonical(finding: &Finding, value: &str) -> String {
    let folded = Folded::new(value);
    let value = folded.text().trim();
    match finding.entity {
        EntityType::Phone => phone(finding.subtype.as_deref(), value),
        EntityType::Email => email(value),
        EntityType::IpAddress => {
            value.parse().map_or_else(|_| value.to_owned(), |address: IpAddr| address.to_string())
        }
        // Case and signs matter.
        EntityType::ApiKey | EntityType::UrlCredentials | EntityType::CryptoAddress => {
            value.to_owned()
        }
        EntityType::Address | EntityType::Person => {
            let words = value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
        }
        _ => value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect(),
    }
}

/// E.164 where the number is one.
fn phone(region: Option<&str>, value: &str) -> String {
    let region = region.and_then(|region| Region::from_code(region).ok());
    let value =
        value.strip_prefix("00").map_or_else(|| value.to_owned(), |rest| format!("+{rest}"));
    PHONE_NUMBER_UTIL.parse(&value, region).map_or_else(
        |_| value.chars().filter(char::is_ascii_digit).collect(),
        |number| number.format_as(PhoneNumberFormat::E164).to_string(),
    )
}

/// Small letters, with "at" and "dot" as signs.
fn email(value: &str) -> String {
    let lower = value.to_lowercase();
    let spelt = lower.contains(char::is_whitespace) || lower.contains(['[', '(', '{', '<']);
    if !spelt {
        return lower;
    }
    let bracketless = lower.replace(['[', ']', '(', ')', '{', '}', '<', '>'], " ");
    let signs = bracketless.split_whitespace().map(|word| match word {
        "at" | "arroba" | "arobase" => "@",
        "dot" => ".",
        word => word,
    });
    signs.collect()
}

#[cfg(test)]
mod tests {
    use super::super::Recogniser;
    use super::*;

    fn finding(entity: EntityType, subtype: &str) -> Finding {
        let subtype = (!subtype.is_empty()).then(|| subtype.to_owned());
        Finding { entity, subtype, span: 0..1, score: 1.0, recogniser: Recogniser::Rules }
    }

    fn keys(current: &str, ids: &[&str]) -> PseudonymKeys {
        let keys = ids.iter().map(|id| ((*id).to_owned(), format!("{id:0>32}").into_bytes()));
        PseudonymKeys::new(current, keys).unwrap()
    }

    #[test]
    fn spellings_of_one_value_share_a_token() {
        let keys = keys("k1", &["k1"]);
        let same = |entity: EntityType, subtype: &str, values: &[&str]| {
            let finding = finding(entity, subtype);
            let tokens: Vec<String> =
                values.iter().map(|value| keys.token(&finding, value)).collect();
            assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]), "{values:?} {tokens:?}");
        };
        same(
            EntityType::Phone,
            "KE",
            &["0712 345 678", "+254712345678", "٠٧١٢٣٤٥٦٧٨", "00254 712-345678"],
        );
        same(
            EntityType::Email,
            "",
            &["A.b@Example.com", "a . b [at] example dot com", "a.b at example . com"],
        );
        same(EntityType::NationalId, "ZA_ID", &["750330 5044 08 9", "7503305044089"]);
        same(EntityType::IpAddress, "", &["2001:db8::1", "2001:0DB8:0:0::1"]);
        same(EntityType::Iban, "", &["GB82 WEST 1234 5698 7654 32", "gb82west12345698765432"]);
        same(EntityType::Address, "", &["12 Long Street, Paarl", "12 long street Paarl"]);
    }

    #[test]
    fn types_values_and_keys_are_kept_apart() {
        let keys = keys("k2", &["k1", "k2"]);
        let id = finding(EntityType::NationalId, "KE_ID");
        let token = keys.token(&id, "12345678");
        assert!(
            token.starts_with("<NATIONAL_ID:k2:") && token.len() == "<NATIONAL_ID:k2:>".len() + 12
        );
        assert_ne!(token, keys.token(&id, "12345679"));
        assert_ne!(token[16..], keys.token(&finding(EntityType::Passport, ""), "12345678")[13..]);
        assert_eq!(keys.tokens(&id, "12345678").len(), 2);
        assert_eq!(keys.tokens(&id, "12345678")[1], token);
    }

    #[test]
    fn a_destroyed_key_unlinks() {
        let id = finding(EntityType::NationalId, "KE_ID");
        let before = keys("k1", &["k1"]).token(&id, "12345678");
        assert!(keys("k2", &["k1", "k2"]).tokens(&id, "12345678").contains(&before));
        assert!(!keys("k2", &["k2"]).tokens(&id, "12345678").contains(&before));
    }

    #[test]
    fn unfit_keys_are_refused_and_never_shown() {
        let new = |current: &str, id: &str, length: usize| {
            PseudonymKeys::new(current, [(id.to_owned(), vec![7; length])])
        };
        assert_eq!(new("k1", "K1", 32).unwrap_err(), KeyError::Id("K1".to_owned()));
        assert_eq!(new("k1", "k1", 15).unwrap_err(), KeyError::Short("k1".to_owned()));
        assert_eq!(new("k2", "k1", 32).unwrap_err(), KeyError::NoCurrent("k2".to_owned()));
        assert!(!format!("{:?}", new("k1", "k1", 32).unwrap()).contains('7'));
    }
}
