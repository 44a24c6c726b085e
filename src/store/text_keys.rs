//! The data keys that texts are sealed with: some for each project, random, and stored wrapped by a key that
//! HKDF derives from `store.secret_key`. *Source:* RFC 5869.
//!
//! A transaction that writes reads the project's newest key itself, so that after a rotation nothing new is
//! sealed with the key before it for longer than transactions that are under way.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};

use super::codec;
use super::config::Config;
use super::engine::{Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use super::seal::SealingKey;
use super::sealed_texts::{Keyring, TextKey};
use crate::clock::Timestamp;
use crate::id::{MonitorId, ProjectId};

const TABLE: &str = "text_keys";
/// Keeps the key that wraps data keys apart from every other use of the secret key.
const WRAPPING: &[u8] = b"seamark text keys v1";
const KEY_BYTES: usize = 32;

const NEWEST: &str = "SELECT id, sealed_key FROM text_keys
    WHERE project_id = $1 AND sealed_key IS NOT NULL ORDER BY number DESC LIMIT 1";
const ALL: &str = "SELECT id, project_id, sealed_key FROM text_keys WHERE sealed_key IS NOT NULL";
/// Two that add one at the same moment add one together.
const ADD: &str = "INSERT INTO text_keys (project_id, number, sealed_key, created_at)
    SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3 FROM text_keys WHERE project_id = $1
    ON CONFLICT (project_id, number) DO NOTHING";
const PROJECT_OF: &str = "SELECT project_id FROM monitors WHERE id = $1";
const WRAP: &str = "UPDATE text_keys SET sealed_key = $2 WHERE id = $1 AND sealed_key IS NOT NULL";

/// What opens and makes data keys.
#[derive(Debug)]
pub(super) struct TextKeys {
    /// Whether new texts are sealed.
    seals: bool,
    /// From the secret key, then from those before it.
    wrapping: Vec<LessSafeKey>,
    opened: RwLock<Keyring>,
    random: SystemRandom,
}

impl TextKeys {
    pub(super) fn new(config: &Config) -> Result<Self, StoreError> {
        let keys = config.secret_key.iter().chain(&config.previous_secret_keys);
        Ok(Self {
            seals: config.encrypt_texts && config.secret_key.is_some(),
            wrapping: keys.map(wrapping).collect::<Result<_, _>>()?,
            opened: RwLock::default(),
            random: SystemRandom::new(),
        })
    }

    fn ring(&self) -> Keyring {
        self.opened.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn wrap(&self, project: &str, key: &[u8]) -> Result<String, StoreError> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| StoreError::TextKey)?;
        let mut sealed = key.to_vec();
        let wrapping = self.wrapping.first().ok_or(StoreError::TextKey)?;
        let assumed = Nonce::assume_unique_for_key(nonce);
        wrapping
            .seal_in_place_append_tag(assumed, Aad::from(project), &mut sealed)
            .map_err(|_| StoreError::TextKey)?;
        Ok(BASE64.encode([&nonce[..], &sealed].concat()))
    }

    /// The key, and whether the present secret key wraps it.
    fn unwrap(&self, project: &str, sealed: &str) -> Result<(Vec<u8>, bool), StoreError> {
        let bytes = BASE64.decode(sealed).map_err(|_| StoreError::TextKey)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(StoreError::TextKey)?;
        for (place, wrapping) in self.wrapping.iter().enumerate() {
            let mut sealed = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            if let Ok(key) = wrapping.open_in_place(nonce, Aad::from(project), &mut sealed) {
                return Ok((key.to_vec(), place == 0));
            }
        }
        Err(StoreError::TextKey)
    }

    /// Takes up the keys of `rows`, which are committed.
    fn take_up(&self, rows: Vec<(i64, String, String)>) -> Result<Keyring, StoreError> {
        let mut keys = HashMap::new();
        for (id, project, sealed) in rows {
            let (key, _) = self.unwrap(&project, &sealed)?;
            keys.insert(id, Arc::new(TextKey::new(id, &key)));
        }
        let ring = Keyring(Arc::new(keys));
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = ring.clone();
        Ok(ring)
    }
}

fn wrapping(key: &SealingKey) -> Result<LessSafeKey, StoreError> {
    let bytes = key.bytes().ok_or(StoreError::SealingKey)?;
    let derived = Salt::new(HKDF_SHA256, &[]).extract(&bytes);
    let derived = derived.expand(&[WRAPPING], &CHACHA20_POLY1305);
    let derived = derived.map_err(|_| StoreError::SealingKey)?;
    Ok(LessSafeKey::new(UnboundKey::from(derived)))
}

impl Store {
    /// Whether new texts are sealed.
    pub fn seals_texts(&self) -> bool {
        self.text_keys.seals
    }

    /// Fails where there are texts that cannot be opened with the keys of the settings.
    pub async fn check_text_keys(&self) -> Result<(), StoreError> {
        let rows: Vec<(i64, String, String)> =
            on_engine!(self, readers, |pool| sqlx::query_as(ALL).fetch_all(pool).await)?;
        self.text_keys.take_up(rows).map(|_| ())
    }

    /// The keys of rows that were read, by their ids.
    pub(super) async fn keyring(
        &self,
        mut ids: impl Iterator<Item = Option<i64>>,
    ) -> Result<Keyring, StoreError> {
        let ring = self.text_keys.ring();
        if ids.all(|id| id.is_none_or(|id| ring.0.contains_key(&id))) {
            return Ok(ring);
        }
        let rows = on_engine!(self, readers, |pool| sqlx::query_as(ALL).fetch_all(pool).await)?;
        self.text_keys.take_up(rows)
    }

    /// The same within a transaction that has made no key.
    pub(super) async fn keyring_in(
        &self,
        tx: &mut Tx,
        mut ids: impl Iterator<Item = Option<i64>>,
    ) -> Result<Keyring, StoreError> {
        let ring = self.text_keys.ring();
        if ids.all(|id| id.is_none_or(|id| ring.0.contains_key(&id))) {
            return Ok(ring);
        }
        let rows = on_tx!(tx, |connection| sqlx::query_as(ALL).fetch_all(connection).await)?;
        self.text_keys.take_up(rows)
    }

    /// What seals the project's new texts, made where there is none yet; `None` where they stay as they are.
    pub(super) async fn text_key(
        &self,
        tx: &mut Tx,
        project: ProjectId,
        now: Timestamp,
    ) -> Result<Option<TextKey>, StoreError> {
        if !self.text_keys.seals {
            return Ok(None);
        }
        if let Some(key) = self.newest_text_key(tx, project).await? {
            return Ok(Some(key));
        }
        self.add_text_key(tx, project, now).await?;
        self.newest_text_key(tx, project).await
    }

    /// What seals the new texts of the monitor's project.
    pub(super) async fn key_of_monitor(
        &self,
        tx: &mut Tx,
        monitor: MonitorId,
        now: Timestamp,
    ) -> Result<Option<TextKey>, StoreError> {
        let project: Option<String> = on_tx!(tx, |connection| {
            sqlx::query_scalar(PROJECT_OF)
                .bind(monitor.to_string())
                .fetch_optional(connection)
                .await
        })?;
        let Some(project) = project else { return Ok(None) };
        self.text_key(tx, project_id(&project)?, now).await
    }

    /// The project's newest key, where new texts are sealed and there is one.
    pub(super) async fn newest_text_key(
        &self,
        tx: &mut Tx,
        project: ProjectId,
    ) -> Result<Option<TextKey>, StoreError> {
        if !self.text_keys.seals {
            return Ok(None);
        }
        let project = project.to_string();
        let found: Option<(i64, String)> = on_tx!(tx, |connection| {
            sqlx::query_as(NEWEST).bind(&project).fetch_optional(connection).await
        })?;
        let Some((id, sealed)) = found else { return Ok(None) };
        let (key, _) = self.text_keys.unwrap(&project, &sealed)?;
        Ok(Some(TextKey::new(id, &key)))
    }

    /// Makes the project's next key; in the commit of whoever asks.
    pub(super) async fn add_text_key(
        &self,
        tx: &mut Tx,
        project: ProjectId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut key = [0; KEY_BYTES];
        self.text_keys.random.fill(&mut key).map_err(|_| StoreError::TextKey)?;
        let project = project.to_string();
        let sealed = self.text_keys.wrap(&project, &key)?;
        on_tx!(tx, |connection| {
            sqlx::query(ADD)
                .bind(&project)
                .bind(&sealed)
                .bind(now.as_micros())
                .execute(connection)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// Wraps data keys anew that a previous secret key wraps; how many.
    pub(super) async fn rewrap_text_keys(&self) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        let rows: Vec<(i64, String, String)> =
            on_tx!(&mut tx, |connection| sqlx::query_as(ALL).fetch_all(connection).await)?;
        let mut wrapped = 0;
        for (id, project, sealed) in rows {
            let (key, is_present) = self.text_keys.unwrap(&project, &sealed)?;
            if is_present {
                continue;
            }
            let sealed = self.text_keys.wrap(&project, &key)?;
            on_tx!(&mut tx, |connection| {
                sqlx::query(WRAP).bind(id).bind(&sealed).execute(connection).await.map(|_| ())
            })?;
            wrapped += 1;
        }
        tx.commit().await?;
        Ok(wrapped)
    }
}

/// Keys of several projects, read once each within a transaction.
#[derive(Debug, Default)]
pub(super) struct ProjectKeys(HashMap<ProjectId, Option<TextKey>>);

impl ProjectKeys {
    /// What seals the project's new texts; `None` where they stay as they are.
    pub(super) async fn of(
        &mut self,
        store: &Store,
        tx: &mut Tx,
        project: ProjectId,
        now: Timestamp,
    ) -> Result<Option<&TextKey>, StoreError> {
        Ok(match self.0.entry(project) {
            Entry::Occupied(known) => known.into_mut().as_ref(),
            Entry::Vacant(new) => new.insert(store.text_key(tx, project, now).await?).as_ref(),
        })
    }

    /// The same of a project that was asked for before.
    pub(super) fn known(&self, project: ProjectId) -> Option<&TextKey> {
        self.0.get(&project).and_then(Option::as_ref)
    }
}

/// The project of a row.
pub(super) fn project_id(text: &str) -> Result<ProjectId, StoreError> {
    codec::parse_id(TABLE, text)
}
