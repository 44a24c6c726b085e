//! One exchange with the watched application: what it was asked and what it answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::model::outcome::{Figures, Pseudonym};
use crate::model::signals::{Personal, Signals};
use crate::text::hashes::Hashes;

/// Labels of an interaction, for segments: `channel = "whatsapp"`.
pub type Attributes = BTreeMap<String, String>;

/// An interaction that was received, checked and kept by the sampler, not yet stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewInteraction {
    /// The caller's id, or one that was made: the idempotency key within the project.
    pub id: String,
    /// When it happened, by the caller's clock.
    pub occurred_at: Timestamp,
    /// What the application was asked.
    pub query: String,
    /// What it answered; `None` when it did not.
    pub response: Option<String>,
    /// The conversation it belongs to.
    pub session_id: Option<String>,
    /// Labels for segments.
    pub attributes: Attributes,
    /// The model that answered.
    pub model: Option<String>,
    /// Anything else, as JSON text of an object; never interpreted.
    pub metadata: Option<String>,
    /// The probability with which the sampler kept it, in (0, 1].
    pub inclusion_probability: f64,
    /// A hash of the content: the same id with another content is a conflict. Of the content as it was
    /// received, under the project's key; without a key, of what is stored.
    pub content_hash: [u8; 32],
    /// Who used the application. Rows of an uploaded reference have none.
    #[serde(skip)]
    pub subject: Option<Pseudonym>,
    /// Technical figures, stored as outcomes. Rows of an uploaded reference have none.
    #[serde(skip)]
    pub figures: Figures,
    /// What screening found in the texts, which are the screened ones.
    #[serde(default, skip_serializing_if = "Personal::is_none")]
    pub personal: Personal,
    /// Whether the texts are to be deleted once they are embedded. Those of an uploaded reference are
    /// deleted when it is frozen.
    #[serde(skip)]
    pub until_embedded: bool,
}

/// An interaction as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Interaction {
    /// The caller's id.
    pub id: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When Seamark stored it.
    pub received_at: Timestamp,
    /// What the application was asked; `None` once its retention has passed.
    pub query: Option<String>,
    /// What it answered.
    pub response: Option<String>,
    /// The conversation it belongs to.
    pub session_id: Option<String>,
    /// Labels for segments.
    pub attributes: Attributes,
    /// The model that answered.
    pub model: Option<String>,
    /// How far it has come.
    pub state: InteractionState,
}

/// How far a stored interaction has come; `accepted` is the sum of all states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InteractionState {
    /// Waits for its embeddings.
    Pending,
    /// Has embeddings and a position.
    Embedded,
    /// Failed too often in the embedder and was set aside.
    Quarantined,
}

impl InteractionState {
    /// The state's name in the stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Embedded => "embedded",
            Self::Quarantined => "quarantined",
        }
    }
}

/// An event with its texts, as far as they are stored still.
#[derive(Debug, Clone, PartialEq)]
pub struct EventWithTexts {
    /// The event.
    pub event: Event,
    /// What was asked.
    pub query: Option<String>,
    /// What was answered.
    pub response: Option<String>,
}

/// An embedded interaction as the detectors see it.
///
/// Vectors are what the store gives back, so that daemon and replay compute with the same bits.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Gap-free order of embedding within the project: what a monitor's cursor counts.
    pub position: i64,
    /// The caller's id of the interaction.
    pub interaction_id: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The conversation it belongs to.
    pub session_id: Option<String>,
    /// Labels for segments.
    pub attributes: Attributes,
    /// Unit vector of the query; `None` for a blank text.
    pub query: Option<Vec<f32>>,
    /// Unit vector of the response; `None` for none or a blank text.
    pub response: Option<Vec<f32>>,
    /// Of the query, to know it again; `None` for a blank one.
    pub hashes: Option<Hashes>,
    /// What was seen of the texts themselves.
    pub signals: Signals,
    /// What became of it, as far as that is known yet.
    pub outcomes: Vec<EventOutcome>,
}

/// What became of an interaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventOutcome {
    /// What was measured.
    #[serde(rename = "n")]
    pub name: String,
    /// What came out; of a category 1 where it is a good one, else 0.
    #[serde(rename = "v")]
    pub value: f64,
    /// Seconds that it took to come.
    #[serde(rename = "s")]
    pub after_seconds: f64,
}
