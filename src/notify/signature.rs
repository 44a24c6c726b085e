//! Standard Webhooks, version 1: a body that its receiver can prove to be ours and fresh.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use rand::RngCore;
use sha2::Sha256;

use crate::clock::Timestamp;

const PREFIX: &str = "whsec_";
const GENERATED_BYTES: usize = 32;

/// A webhook's signing secret: 24 to 64 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// A text that is not a signing secret. Never repeats the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Without its prefix.
    #[error("a webhook secret starts with whsec_")]
    Prefix,
    /// Not base64.
    #[error("what follows whsec_ is not base64; copy the secret whole")]
    Base64,
    /// Too short or too long.
    #[error("the secret holds {0} bytes; the Standard Webhooks allow 24 to 64")]
    Length(usize),
}

impl Secret {
    /// A new secret of 32 bytes; `rng` must be a cryptographic one.
    pub fn generate(rng: &mut impl rand::CryptoRng) -> Self {
        let mut bytes = vec![0; GENERATED_BYTES];
        RngCore::fill_bytes(rng, &mut bytes);
        Self(bytes)
    }

    /// From `whsec_` and base64.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SecretError::Prefix)?;
        let bytes = BASE64.decode(encoded).map_err(|_| SecretError::Base64)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(SecretError::Length(bytes.len()));
        }
        Ok(Self(bytes))
    }

    /// As `whsec_` and base64: to be shown once and kept secret.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", BASE64.encode(&self.0))
    }

    /// The `webhook-signature` of `body`, sent as message `id` at `at`.
    pub fn sign(&self, id: &str, at: Timestamp, body: &str) -> String {
        let tag = self.mac(id, at.as_seconds(), body).finalize().into_bytes();
        format!("v1,{}", BASE64.encode(tag))
    }

    /// Whether one of the space-separated signatures in `headers` is right, in constant time.
    pub fn verify(
        &self,
        headers: &Headers<'_>,
        body: &str,
        now: Timestamp,
        tolerance: Duration,
    ) -> Result<(), VerifyError> {
        let seconds: i64 = headers.timestamp.parse().map_err(|_| VerifyError::Timestamp)?;
        let apart = now.as_seconds().abs_diff(seconds);
        if apart > tolerance.as_secs() {
            return Err(VerifyError::Stale { apart });
        }
        let mac = self.mac(headers.id, seconds, body);
        let right = |signature: &str| {
            let encoded = signature.strip_prefix("v1,")?;
            let tag = BASE64.decode(encoded).ok()?;
            mac.clone().verify_slice(&tag).ok()
        };
        headers.signature.split(' ').find_map(right).ok_or(VerifyError::Signature)
    }

    fn mac(&self, id: &str, seconds: i64, body: &str) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body.as_bytes());
        mac
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whsec_[redacted]")
    }
}

/// The headers of a signed message as they were received.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`: seconds since 1970.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or more, separated by spaces.
    pub signature: &'a str,
}

/// A message that is not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Not a number.
    #[error("webhook-timestamp is not a number of seconds")]
    Timestamp,
    /// Too old or from the future: perhaps a replay.
    #[error("the message is {apart} s away from now; check the clocks")]
    Stale {
        /// Seconds between the message and now.
        apart: u64,
    },
    /// Wrong key or changed content.
    #[error("no signature matches; check that the secret is the receiver's own")]
    Signature,
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const FIVE_MINUTES: Duration = Duration::from_mins(5);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn the_published_vector_is_met() {
        let published = "whsec_plJ3nmyCDGBKInavdOK15jsl";
        assert_eq!(Secret::parse(published), Err(SecretError::Length(18)));
        let secret = Secret(BASE64.decode(&published[PREFIX.len()..]).unwrap());
        let body = r#"{"event_type":"ping","data":{"success":true}}"#;
        let signature = secret.sign("msg_loFOjxBNrRLzqYUf", at(1_731_705_121), body);
        assert_eq!(signature, "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=");
    }

    #[test]
    fn only_the_untouched_fresh_message_verifies() {
        let secret = Secret::generate(&mut rand_chacha::ChaCha20Rng::seed_from_u64(1));
        let signed = secret.sign("m1", at(1000), "{}");
        let signature = format!("v1,AAAA v1a,xx {signed}");
        let verify = |id, timestamp, body, now| {
            let headers = Headers { id, timestamp, signature: &signature };
            secret.verify(&headers, body, at(now), FIVE_MINUTES)
        };
        assert_eq!(verify("m1", "1000", "{}", 1300), Ok(()));
        assert_eq!(verify("m2", "1000", "{}", 1000), Err(VerifyError::Signature));
        assert_eq!(verify("m1", "1001", "{}", 1000), Err(VerifyError::Signature));
        assert_eq!(verify("m1", "1000", "{ }", 1000), Err(VerifyError::Signature));
        assert_eq!(verify("m1", "1000", "{}", 1301), Err(VerifyError::Stale { apart: 301 }));
        assert_eq!(verify("m1", "1000", "{}", 699), Err(VerifyError::Stale { apart: 301 }));
        assert_eq!(verify("m1", "now", "{}", 1000), Err(VerifyError::Timestamp));
    }

    #[test]
    fn a_secret_round_trips_and_hides_itself() {
        let secret = Secret::generate(&mut rand_chacha::ChaCha20Rng::seed_from_u64(2));
        assert_eq!(Secret::parse(&secret.reveal()), Ok(secret.clone()));
        assert_eq!(format!("{secret:?}"), "whsec_[redacted]");
    }

    #[test]
    fn bad_secrets_say_what_is_wrong() {
        assert_eq!(Secret::parse("abc"), Err(SecretError::Prefix));
        assert_eq!(Secret::parse("whsec_*"), Err(SecretError::Base64));
        let long = format!("whsec_{}", BASE64.encode([0; 65]));
        assert_eq!(Secret::parse(&long), Err(SecretError::Length(65)));
    }
}
