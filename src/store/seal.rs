//! Secrets at rest: receivers' URLs and secrets are sealed with a key that is not in the database.
//!
//! ChaCha20-Poly1305 with a random nonce of 96 bits; the receiver's id is authenticated with each value,
//! so that one cannot be put in another's place. At a few thousand values under one key a repeated nonce
//! is out of reach. *Source:* RFC 8439.
//!
//! From the same key come the pseudonyms of subjects and the hashes of contents, by HMAC-SHA-256 under keys for each
//! project, and the Ed25519 key that signs checkpoints of the audit trail.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize, Serializer};

use super::error::StoreError;
use crate::id::ProjectId;
use crate::model::outcome::{Pseudonym, Subject};

/// What a sealed value begins with.
const PREFIX: &str = "sealed:v1:";

const KEY_BYTES: usize = 32;

/// Keeps the keys of pseudonyms apart from every other use of the key.
const PSEUDONYMS: &[u8] = b"seamark subject v1:";
/// Keeps the key of checkpoints apart from every other use of the key.
const CHECKPOINTS: &[u8] = b"seamark checkpoint key v1";
/// Bytes of a salt.
const SALT_BYTES: usize = 16;
/// Keeps the keys of told values apart from every other use of the key.
const TOLD: &[u8] = b"seamark told value v1:";
/// Keeps the keys of content hashes apart from those of pseudonyms.
const CONTENTS: &[u8] = b"seamark content v1:";
/// 128 bits of a pseudonym are beyond any chance of two subjects with the same one.
const PSEUDONYM_BYTES: usize = 16;

/// A key of 32 bytes, as base64. Never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SealingKey(String);

impl SealingKey {
    /// The key that `text` is, as base64; [`SealingKey::problem`] says whether it is one.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// What is wrong with it, and the remedy.
    pub fn problem(&self) -> Option<String> {
        self.bytes().is_none().then(|| {
            "must be 32 bytes as base64: make one with `openssl rand -base64 32`".to_owned()
        })
    }

    pub(super) fn bytes(&self) -> Option<[u8; KEY_BYTES]> {
        BASE64.decode(self.0.trim()).ok()?.try_into().ok()
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Serialize for SealingKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("[redacted]")
    }
}

/// Seals and opens values; without a key it writes them as they are and opens only such.
#[derive(Debug)]
pub(super) struct Sealer {
    key: Option<LessSafeKey>,
    /// Those before it, which only open.
    previous: Vec<LessSafeKey>,
    pseudonyms: Option<hmac::Key>,
    checkpoints: Option<Ed25519KeyPair>,
    random: SystemRandom,
}

impl Sealer {
    /// With the secret key and those before it, the latest first: the last of all, the oldest, makes
    /// pseudonyms and hashes of contents, which must not change.
    pub(super) fn new(
        key: Option<&SealingKey>,
        previous: &[SealingKey],
    ) -> Result<Self, StoreError> {
        let random = SystemRandom::new();
        let previous_keys = previous.iter().map(sealing).collect::<Result<Vec<_>, _>>()?;
        let Some(key) = key else {
            let (key, pseudonyms, checkpoints) = (None, None, None);
            return Ok(Self { key, previous: previous_keys, pseudonyms, checkpoints, random });
        };
        let bytes = key.bytes().ok_or(StoreError::SealingKey)?;
        let oldest = previous.last().map_or(Some(bytes), SealingKey::bytes);
        let oldest = oldest.ok_or(StoreError::SealingKey)?;
        let seed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &bytes), CHECKPOINTS);
        let checkpoints = Ed25519KeyPair::from_seed_unchecked(seed.as_ref());
        Ok(Self {
            key: Some(sealing(key)?),
            previous: previous_keys,
            pseudonyms: Some(hmac::Key::new(hmac::HMAC_SHA256, &oldest)),
            checkpoints: Some(checkpoints.map_err(|_| StoreError::SealingKey)?),
            random,
        })
    }

    /// The Ed25519 signature of a checkpoint and the public key; none without a key.
    pub(super) fn sign(&self, message: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let pair = self.checkpoints.as_ref()?;
        Some((pair.sign(message).as_ref().to_vec(), pair.public_key().as_ref().to_vec()))
    }

    /// Bytes that nobody can guess.
    pub(super) fn salt(&self) -> Result<[u8; SALT_BYTES], StoreError> {
        let mut salt = [0; SALT_BYTES];
        self.random.fill(&mut salt).map_err(|_| StoreError::Sealed)?;
        Ok(salt)
    }

    /// Whether there is a key to make pseudonyms with.
    pub(super) const fn makes_pseudonyms(&self) -> bool {
        self.pseudonyms.is_some()
    }

    /// What is stored of a subject; none without a key, for then anyone could guess it.
    pub(super) fn pseudonym(&self, project: ProjectId, subject: &Subject) -> Option<Pseudonym> {
        let key = self.derived(PSEUDONYMS, project)?;
        let tag = hmac::sign(&key, subject.expose().as_bytes());
        let digits = tag.as_ref().iter().take(PSEUDONYM_BYTES).map(|byte| format!("{byte:02x}"));
        Some(Pseudonym(digits.collect()))
    }

    /// What is stored of a content's hash; none without a key.
    pub(super) fn keyed_hash(&self, project: ProjectId, hash: &[u8; 32]) -> Option<[u8; 32]> {
        let tag = hmac::sign(&self.derived(CONTENTS, project)?, hash);
        tag.as_ref().try_into().ok()
    }

    /// What is stored of a value that was told, or of the conversation that told it; none without a key.
    pub(super) fn told_hash(&self, project: ProjectId, value: &[u8]) -> Option<[u8; 32]> {
        let tag = hmac::sign(&self.derived(TOLD, project)?, value);
        tag.as_ref().try_into().ok()
    }

    /// A project's key for one use.
    fn derived(&self, usage: &[u8], project: ProjectId) -> Option<hmac::Key> {
        let context = [usage, project.to_string().as_bytes()].concat();
        let key = hmac::sign(self.pseudonyms.as_ref()?, &context);
        Some(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
    }

    /// `value` as it is stored, bound to `owner`.
    pub(super) fn seal(&self, owner: &str, value: &str) -> Result<String, StoreError> {
        let Some(key) = &self.key else { return Ok(value.to_owned()) };
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| StoreError::Sealed)?;
        let mut sealed = value.as_bytes().to_vec();
        let assumed = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(assumed, Aad::from(owner), &mut sealed)
            .map_err(|_| StoreError::Sealed)?;
        Ok(format!("{PREFIX}{}", BASE64.encode([&nonce[..], &sealed].concat())))
    }

    /// The value that `stored` holds; one that was never sealed as it is.
    pub(super) fn open(&self, owner: &str, stored: String) -> Result<String, StoreError> {
        let Some(encoded) = stored.strip_prefix(PREFIX) else { return Ok(stored) };
        let open = || {
            let bytes = BASE64.decode(encoded).ok()?;
            let mut keys = self.key.iter().chain(&self.previous);
            String::from_utf8(keys.find_map(|key| opened(key, owner, &bytes))?).ok()
        };
        open().ok_or(StoreError::Sealed)
    }

    /// The value sealed anew, where it is not sealed with the present key; `None` where it is, or there is
    /// no key.
    pub(super) fn resealed(&self, owner: &str, stored: &str) -> Result<Option<String>, StoreError> {
        let Some(key) = &self.key else { return Ok(None) };
        let encoded = stored.strip_prefix(PREFIX).and_then(|text| BASE64.decode(text).ok());
        if encoded.is_some_and(|bytes| opened(key, owner, &bytes).is_some()) {
            return Ok(None);
        }
        let value = self.open(owner, stored.to_owned())?;
        self.seal(owner, &value).map(Some)
    }
}

fn sealing(key: &SealingKey) -> Result<LessSafeKey, StoreError> {
    let bytes = key.bytes().ok_or(StoreError::SealingKey)?;
    let unbound = UnboundKey::new(&CHACHA20_POLY1305, &bytes);
    unbound.map(LessSafeKey::new).map_err(|_| StoreError::SealingKey)
}

/// What `bytes`, a nonce and a sealed value, hold for this key and owner.
fn opened(key: &LessSafeKey, owner: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
    let mut sealed = sealed.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    key.open_in_place(nonce, Aad::from(owner), &mut sealed).ok().map(|plain| plain.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealingKey {
        SealingKey::new(&BASE64.encode([byte; 32]))
    }

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(Some(&key(byte)), &[]).unwrap()
    }

    #[test]
    fn only_the_key_and_the_owner_open_it() {
        let sealed = sealer(1).seal("a", "whsec_x").unwrap();
        assert!(sealed.starts_with(PREFIX) && !sealed.contains("whsec"));
        assert_eq!(sealer(1).open("a", sealed.clone()).unwrap(), "whsec_x");
        assert_ne!(sealer(1).seal("a", "whsec_x").unwrap(), sealed, "a nonce of its own");
        for (sealer, owner) in
            [(sealer(2), "a"), (sealer(1), "b"), (Sealer::new(None, &[]).unwrap(), "a")]
        {
            assert!(matches!(sealer.open(owner, sealed.clone()), Err(StoreError::Sealed)));
        }
        let damaged = sealed.replacen(PREFIX, "sealed:v1:AAAA", 1);
        assert!(sealer(1).open("a", damaged).is_err());
    }

    #[test]
    fn what_was_stored_before_there_was_a_key_stays_readable() {
        assert_eq!(sealer(1).open("a", "https://x".to_owned()).unwrap(), "https://x");
    }

    #[test]
    fn a_key_before_opens_what_it_sealed_and_goes_on_making_pseudonyms() {
        let rotated = Sealer::new(Some(&key(2)), &[key(1)]).unwrap();
        let old = sealer(1).seal("a", "whsec_x").unwrap();
        assert_eq!(rotated.open("a", old.clone()).unwrap(), "whsec_x");
        let new = rotated.resealed("a", &old).unwrap().unwrap();
        assert_eq!(sealer(2).open("a", new.clone()).unwrap(), "whsec_x");
        assert_eq!(rotated.resealed("a", &new).unwrap(), None);
        assert!(rotated.resealed("a", "as it was").unwrap().is_some());
        let mut rng: rand_chacha::ChaCha8Rng = rand::SeedableRng::seed_from_u64(1);
        let project = ProjectId::new(crate::clock::Timestamp::from_micros(0), &mut rng);
        let subject = Subject::new("x".to_owned());
        let of = |sealer: &Sealer| sealer.pseudonym(project, &subject);
        assert_eq!(of(&rotated), of(&sealer(1)));
        assert_ne!(rotated.sign(b"m"), sealer(1).sign(b"m"));
    }

    #[test]
    fn pseudonyms_repeat_and_depend_on_key_project_and_subject() {
        let mut rng: rand_chacha::ChaCha8Rng = rand::SeedableRng::seed_from_u64(1);
        let mut project = || ProjectId::new(crate::clock::Timestamp::from_micros(0), &mut rng);
        let (one, two) = (project(), project());
        let make = |key: u8, project, name: &str| {
            sealer(key).pseudonym(project, &Subject::new(name.to_owned())).unwrap().0
        };
        let first = make(1, one, "+27821234567");
        assert_eq!((first.len(), &first), (32, &make(1, one, "+27821234567")));
        let others =
            [make(2, one, "+27821234567"), make(1, two, "+27821234567"), make(1, one, "x")];
        assert!(others.iter().all(|other| *other != first) && !first.contains("2782"));
        let without = Sealer::new(None, &[]).unwrap();
        assert_eq!(without.pseudonym(one, &Subject::new("x".to_owned())), None);
        let hash = |key: u8, project| sealer(key).keyed_hash(project, &[7; 32]).unwrap();
        assert!(hash(1, one) == hash(1, one) && hash(1, one) != [7; 32]);
        assert!(hash(1, one) != hash(2, one) && hash(1, one) != hash(1, two));
        assert_eq!(without.keyed_hash(one, &[7; 32]), None);
    }

    #[test]
    fn a_key_is_never_shown() {
        let key = SealingKey::new("c2VjcmV0");
        assert!(key.problem().is_some());
        assert_eq!(
            format!("{key:?} {}", serde_json::to_string(&key).unwrap()),
            "[redacted] \"[redacted]\""
        );
    }
}
