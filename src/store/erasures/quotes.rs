//! Messages that quote what is erased: the quotation goes, the message stays what its receiver reads.

use std::collections::HashSet;

use serde_json::Value;

use crate::id::ProjectId;
use crate::store::engine::{Store, Tx, on_tx};
use crate::store::error::StoreError;
use crate::store::sealed_texts::{self, TextKey};

/// Messages read at a time.
const CHUNK: i64 = 200;
/// Letters and digits by which a quotation is known: messages cut texts, but never so short.
const LETTERS: usize = 20;
/// A text with fewer of them is only looked for as a whole.
const ENOUGH: usize = 8;
const ERASED: &str = "[erased]";

const BODIES: &str = "SELECT id, body, text_key FROM deliveries WHERE project_id = $1 AND id > $2
    ORDER BY id LIMIT $3";
const WRITE: &str = "UPDATE deliveries SET body = $2, text_key = $3 WHERE id = $1";

/// Query, response and original of an interaction.
pub(super) type Texts = (String, Option<String>, Option<String>);

/// What must not be quoted any more.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    beginnings: HashSet<String>,
    wholes: HashSet<String>,
}

impl Quotes {
    /// Of interactions: their ids, and their queries, responses and originals.
    pub(super) fn new(ids: &HashSet<String>, texts: &[Texts]) -> Self {
        let mut quotes = Self { wholes: ids.clone(), ..Self::default() };
        for (query, response, original) in texts {
            quotes.text(query);
            response.iter().for_each(|text| quotes.text(text));
            let original: Option<Value> =
                original.as_deref().and_then(|json| serde_json::from_str(json).ok());
            original.iter().for_each(|json| quotes.all(json));
        }
        quotes
    }

    /// Adds a text.
    pub(super) fn text(&mut self, text: &str) {
        let letters: String = letters(text).take(LETTERS).collect();
        if letters.chars().count() >= ENOUGH {
            self.beginnings.insert(letters);
        } else if !text.trim().is_empty() {
            self.wholes.insert(text.trim().to_owned());
        }
    }

    fn all(&mut self, json: &Value) {
        match json {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter().for_each(|item| self.all(item)),
            Value::Object(fields) => fields.values().for_each(|field| self.all(field)),
            _ => {}
        }
    }

    fn is_in(&self, text: &str) -> bool {
        // Escapes of markup would stand between the letters.
        let plain = text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
        let plain = plain.replace("&quot;", "\"").replace("&#39;", "'");
        let letters: String = letters(&plain).collect();
        self.beginnings.iter().any(|beginning| letters.contains(beginning.as_str()))
            || self
                .wholes
                .iter()
                .any(|whole| plain.trim() == whole || plain.contains(&format!("“{whole}”")))
    }

    /// Takes quotations out of every string of a document; whether there were any.
    fn strike(&self, json: &mut Value) -> bool {
        match json {
            Value::String(text) if self.is_in(text) => {
                ERASED.clone_into(text);
                true
            }
            Value::Array(items) => items.iter_mut().fold(false, |any, i| self.strike(i) | any),
            Value::Object(fields) => {
                fields.values_mut().fold(false, |any, field| self.strike(field) | any)
            }
            _ => false,
        }
    }

    /// The message without quotations; `None` when it has none.
    fn struck(&self, body: &str) -> Option<String> {
        match serde_json::from_str::<Value>(body) {
            Ok(mut json) => self.strike(&mut json).then(|| json.to_string()),
            Err(_) => self.is_in(body).then(|| ERASED.to_owned()),
        }
    }
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
}

/// Takes quotations out of the project's messages, sent or not; how many had any.
pub(super) async fn erase(
    store: &Store,
    tx: &mut Tx,
    project: ProjectId,
    quotes: &Quotes,
) -> Result<i64, StoreError> {
    let key = store.newest_text_key(tx, project).await?;
    let key = key.as_ref();
    let (mut erased, mut last) = (0, String::new());
    loop {
        let rows: Vec<(String, String, Option<i64>)> = on_tx!(tx, |connection| {
            sqlx::query_as(BODIES)
                .bind(project.to_string())
                .bind(&last)
                .bind(CHUNK)
                .fetch_all(connection)
                .await
        })?;
        let Some((id, ..)) = rows.last() else { return Ok(erased) };
        last.clone_from(id);
        let ring = store.keyring_in(tx, rows.iter().map(|row| row.2)).await?;
        for (id, body, of) in rows {
            let body = ring.open(of, sealed_texts::BODY, &id, body)?;
            let Some(body) = quotes.struck(&body) else { continue };
            erased += 1;
            let body = sealed_texts::seal(key, sealed_texts::BODY, &id, &body)?;
            on_tx!(tx, |connection| {
                sqlx::query(WRITE)
                    .bind(&id)
                    .bind(&*body)
                    .bind(key.map(TextKey::id))
                    .execute(connection)
                    .await
                    .map(|_| ())
            })?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations_go_however_they_are_cut_and_escaped() {
        let texts = [
            ("Where is <my> refund & the money I was promised?".to_owned(), None, None),
            ("ok".to_owned(), None, Some(r#"{"query":"OK \u0000 kept as it came"}"#.to_owned())),
        ];
        let quotes = Quotes::new(&HashSet::from(["i-1".to_owned()]), &texts);
        let body = serde_json::json!({"title": "Drift", "id": "i-1", "examples": [
            "“Where is &lt;my&gt; refund &amp; the mon…” (2026)", "“ok” (2026)", "it is ok to stay",
            "ok kept as it came"]});
        let struck: Value =
            serde_json::from_str(&quotes.struck(&body.to_string()).unwrap()).unwrap();
        let kept = ["[erased]", "[erased]", "it is ok to stay", "[erased]"];
        let wanted = serde_json::json!({"title": "Drift", "id": "[erased]", "examples": kept});
        assert_eq!(struck, wanted);
        assert_eq!(quotes.struck("{\"title\":\"Drift\"}"), None);
    }
}
