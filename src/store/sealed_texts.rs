//! Texts at rest: one value sealed under its project's data key, and opened again.
//!
//! Each value has a key of its own, HMAC-SHA-256 of its place and its owner under the data key, and is
//! sealed with ChaCha20-Poly1305 under a random nonce: a value that is put in another's place does not open,
//! and no number of texts brings a repeated nonce into reach. *Sources:* RFC 2104, RFC 8439.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use super::error::StoreError;

/// How values are sealed: the first byte of each.
const FORMAT: u8 = 1;

/// Where a sealed value lies: part of the key that it is sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(pub(super) &'static str);

pub(super) const QUERY: Place = Place("interaction_texts.query");
pub(super) const RESPONSE: Place = Place("interaction_texts.response");
pub(super) const ORIGINAL: Place = Place("interaction_texts.original");
pub(super) const METADATA: Place = Place("interactions.metadata");
pub(super) const UPLOAD: Place = Place("reference_uploads.rows");
pub(super) const BODY: Place = Place("deliveries.body");
pub(super) const EXPLANATION: Place = Place("reports.explanation");
pub(super) const PROFILE: Place = Place("frozen_references.profile");
pub(super) const EXAMPLE: Place = Place("policy_examples.text");
pub(super) const BOILERPLATE: Place = Place("projects.boilerplate");

/// A project's data key.
pub(super) struct TextKey {
    id: i64,
    key: hmac::Key,
    random: SystemRandom,
}

impl fmt::Debug for TextKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TextKey({})", self.id)
    }
}

impl TextKey {
    pub(super) fn new(id: i64, bytes: &[u8]) -> Self {
        Self { id, key: hmac::Key::new(hmac::HMAC_SHA256, bytes), random: SystemRandom::new() }
    }

    /// What stands beside each value that it seals.
    pub(super) const fn id(&self) -> i64 {
        self.id
    }

    fn of(&self, place: Place, owner: &str) -> Result<LessSafeKey, StoreError> {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(place.0.as_bytes());
        context.update(&[0]);
        context.update(owner.as_bytes());
        let key = UnboundKey::new(&CHACHA20_POLY1305, context.sign().as_ref());
        key.map(LessSafeKey::new).map_err(|_| StoreError::SealedText)
    }

    /// `value` as it is stored at `place` of `owner`, an id that is unique there within the project.
    pub(super) fn seal_bytes(
        &self,
        place: Place,
        owner: &str,
        value: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| StoreError::SealedText)?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + value.len() + 16);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(value);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let key = self.of(place, owner)?;
        let tag = key
            .seal_in_place_separate_tag(nonce, Aad::empty(), &mut sealed[1 + NONCE_LEN..])
            .map_err(|_| StoreError::SealedText)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    fn open_bytes(
        &self,
        place: Place,
        owner: &str,
        mut sealed: Vec<u8>,
    ) -> Result<Vec<u8>, StoreError> {
        let key = self.of(place, owner)?;
        let mut open = || {
            let (format, rest) = sealed.split_first_mut()?;
            let (nonce, rest) = rest.split_first_chunk_mut::<NONCE_LEN>()?;
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let plain = (*format == FORMAT).then_some(rest)?;
            Some(key.open_in_place(nonce, Aad::empty(), plain).ok()?.len())
        };
        let length = open().ok_or(StoreError::SealedText)?;
        sealed.drain(..=NONCE_LEN);
        sealed.truncate(length);
        Ok(sealed)
    }

    /// The same for a text.
    pub(super) fn seal(&self, place: Place, owner: &str, text: &str) -> Result<String, StoreError> {
        Ok(BASE64.encode(self.seal_bytes(place, owner, text.as_bytes())?))
    }
}

/// `text` sealed with `key`, or as it is without one.
pub(super) fn seal<'a>(
    key: Option<&TextKey>,
    place: Place,
    owner: &str,
    text: &'a str,
) -> Result<Cow<'a, str>, StoreError> {
    match key {
        Some(key) => key.seal(place, owner, text).map(Cow::Owned),
        None => Ok(Cow::Borrowed(text)),
    }
}

/// The same for a text that may be missing.
pub(super) fn seal_some<'a>(
    key: Option<&TextKey>,
    place: Place,
    owner: &str,
    text: Option<&'a str>,
) -> Result<Option<Cow<'a, str>>, StoreError> {
    text.map(|text| seal(key, place, owner, text)).transpose()
}

/// The data keys that were opened so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Keyring(pub(super) Arc<HashMap<i64, Arc<TextKey>>>);

impl Keyring {
    fn key(&self, id: i64) -> Result<&TextKey, StoreError> {
        self.0.get(&id).map(AsRef::as_ref).ok_or(StoreError::SealedText)
    }

    /// The bytes that `stored` holds; what has no key was never sealed.
    pub(super) fn open_bytes(
        &self,
        key: Option<i64>,
        place: Place,
        owner: &str,
        stored: Vec<u8>,
    ) -> Result<Vec<u8>, StoreError> {
        let Some(id) = key else { return Ok(stored) };
        self.key(id)?.open_bytes(place, owner, stored)
    }

    /// The text that `stored` holds.
    pub(super) fn open(
        &self,
        key: Option<i64>,
        place: Place,
        owner: &str,
        stored: String,
    ) -> Result<String, StoreError> {
        let Some(id) = key else { return Ok(stored) };
        let bytes = BASE64.decode(stored).map_err(|_| StoreError::SealedText)?;
        let plain = self.key(id)?.open_bytes(place, owner, bytes)?;
        String::from_utf8(plain).map_err(|_| StoreError::SealedText)
    }

    /// The same for a text that may be missing.
    pub(super) fn open_some(
        &self,
        key: Option<i64>,
        place: Place,
        owner: &str,
        stored: Option<String>,
    ) -> Result<Option<String>, StoreError> {
        stored.map(|stored| self.open(key, place, owner, stored)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_place_and_owner_open_a_text() {
        let key = TextKey::new(7, &[1; 32]);
        let sealed = key.seal(QUERY, "i-1", "ein Geheimnis").unwrap();
        assert_ne!(sealed, key.seal(QUERY, "i-1", "ein Geheimnis").unwrap());
        let ring = |byte: u8| {
            Keyring(Arc::new(HashMap::from([(7, Arc::new(TextKey::new(7, &[byte; 32])))])))
        };
        let open = |byte, id, place, owner, stored: &str| {
            ring(byte).open(Some(id), place, owner, stored.to_owned())
        };
        assert_eq!(open(1, 7, QUERY, "i-1", &sealed).unwrap(), "ein Geheimnis");
        let damaged = sealed.replace(&sealed[20..22], "zz");
        let wrong = [
            open(2, 7, QUERY, "i-1", &sealed),
            open(1, 8, QUERY, "i-1", &sealed),
            open(1, 7, RESPONSE, "i-1", &sealed),
            open(1, 7, QUERY, "i-2", &sealed),
            open(1, 7, QUERY, "i-1", &damaged),
            open(1, 7, QUERY, "i-1", ""),
            open(1, 7, QUERY, "i-1", "not sealed"),
        ];
        assert!(wrong.iter().all(|opened| matches!(opened, Err(StoreError::SealedText))));
        let plain = ring(1).open(None, QUERY, "i-1", "as it came".to_owned());
        assert_eq!(plain.unwrap(), "as it came");
        assert_eq!(format!("{key:?}"), "TextKey(7)");
    }

    #[test]
    fn any_bytes_come_back() {
        let key = TextKey::new(1, &[3; 32]);
        for length in [0, 1, 15, 16, 1000] {
            let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let sealed = key.seal_bytes(PROFILE, "r", &bytes).unwrap();
            assert_eq!(sealed.len(), bytes.len() + 29);
            assert_eq!(key.open_bytes(PROFILE, "r", sealed).unwrap(), bytes);
        }
    }
}
