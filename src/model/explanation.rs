//! Why a window differs from its reference: what grew, what is new, what is gone, and since when.
//!
//! It holds terms and ids, and no texts. Everything in it is a description, not a verdict: whether
//! there is drift, the verdicts say.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::model::stream::Stream;

/// What is behind the drift of one window.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Explanation {
    /// Each stream that was explained.
    pub streams: Vec<StreamExplanation>,
    /// The rates of quality and language that changed, most certain first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<RateChange>,
    /// Outcomes of what drifted beside the rest; empty while there are too few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeLink>,
    /// Whether users ask other things or the answers changed; absent without responses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<DriftSplit>,
    /// Segments whose share changed, largest contribution first.
    pub segments: Vec<SegmentChange>,
}

/// What is behind the drift of one stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StreamExplanation {
    /// The stream.
    pub stream: Stream,
    /// At least this share of the traffic, in 0…1, is not what it was; absent for an empty window.
    pub replaced_share: Option<f64>,
    /// When the change began; absent without a history of buckets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<ChangeTime>,
    /// Topics of the reference whose share changed, largest contribution to the divergence first.
    pub cells: Vec<CellChange>,
    /// Topics that the reference does not have, largest first.
    pub new_clusters: Vec<NewTopic>,
    /// Terms that are used more than in the reference, strongest first.
    pub rising: Vec<TermChange>,
    /// Terms that are used less than in the reference, strongest first.
    pub falling: Vec<TermChange>,
    /// Where things lie on the reference's two main axes; absent where the reference has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<DriftMap>,
}

/// What became of a topic of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// Its share is larger.
    Growing,
    /// Its share is smaller.
    Fading,
    /// Its share is a tenth or less of what it was.
    Vanished,
}

/// A topic of the reference whose share changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CellChange {
    /// Number of the cell: the same in every report on this reference.
    pub cell: u32,
    /// What became of it.
    pub trend: Trend,
    /// Its share of the reference, in 0…1.
    pub share_then: f64,
    /// Its share of the window, in 0…1, without what belongs to a new topic.
    pub share_now: f64,
    /// p ln(p/q) in nats: its part of KL(window ‖ reference), in which the new topics together are
    /// one more cell.
    pub contribution: f64,
    /// The change of its share in standard deviations of sampling.
    pub z: f64,
    /// What sets the cell apart from the reference's others: the same in every report.
    pub terms: Vec<String>,
    /// Interactions that stand for it, most typical first: of the window where it grew, of the
    /// reference where it faded.
    pub exemplars: Vec<Exemplar>,
}

/// A group of interactions that no topic of the reference holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NewTopic {
    /// Its share of the window, in 0…1.
    pub share: f64,
    /// What sets it apart from the reference.
    pub terms: Vec<TermChange>,
    /// Interactions of the window that stand for it, most typical first.
    pub exemplars: Vec<Exemplar>,
    /// Where its centre lies on the map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
}

/// A term that one side uses more than the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TermChange {
    /// A word; or a run of characters that several words share, or of a script without spaces.
    pub term: String,
    /// Whether it is a whole word.
    pub is_word: bool,
    /// Log-odds ratio in standard deviations, positive on the side that uses it more.
    pub z: f64,
    /// The share of the reference's texts that hold it, in 0…1.
    pub share_then: f64,
    /// The share of the window's (or the new topic's) texts that hold it, in 0…1.
    pub share_now: f64,
}

/// An interaction that stands for a topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Exemplar {
    /// The interaction's id.
    pub interaction_id: String,
    /// Whether it is one of the reference's rather than of the window's.
    pub in_reference: bool,
    /// Euclidean distance to the topic's centre.
    pub distance: f64,
}

/// When a change began.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChangeTime {
    /// Start of the first bucket after the change.
    pub at: Timestamp,
    /// Whether that is the first bucket there is: the change began then, or before.
    pub or_earlier: bool,
    /// The part of the variation between buckets that this moment accounts for, in 0…1: near 1 for
    /// a step, about ¾ for a slope, less where buckets vary for other reasons.
    pub share: f64,
}

/// The shift of the mean response, taken apart by what was asked. Squared distances of embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DriftSplit {
    /// How far the mean response moved.
    pub total: SplitPart,
    /// Users ask other things: what the mix of queries explains of it.
    pub query: SplitPart,
    /// Equal questions get other answers: how far these moved in common.
    pub response: SplitPart,
    /// Answers moved differently from topic to topic, so that it cancels in the mean.
    pub pairing: SplitPart,
    /// Twice the product of the shifts `query` and `response`: above 0 where they point the same
    /// way. `total` = `query` + `response` + this.
    pub interaction: f64,
    /// The share of the window that could be compared, in 0…1: topics that the reference has.
    pub covered: f64,
}

/// One part of a shift.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SplitPart {
    /// Zero on average without drift; can be negative.
    pub value: f64,
    /// What sampling alone makes of the squared distance, on average: already subtracted.
    pub noise: f64,
}

/// A rate that changed: of a check of the texts, or of a language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RateChange {
    /// The stream.
    pub stream: Stream,
    /// The check, as `refusal`; or the language, as `sw`.
    pub name: String,
    /// The expected rate, in 0…1.
    pub share_then: f64,
    /// The window's rate, in 0…1.
    pub share_now: f64,
    /// Lower end of the difference's interval, which holds it in 95 of 100 cases.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
    /// The change in standard deviations of sampling.
    pub z: f64,
}

/// The outcomes of what drifted beside those of the rest: found together, which names no cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OutcomeLink {
    /// The outcome's name.
    pub name: String,
    /// Its mean in what drifted: topics that grew and what belongs to no topic of the reference.
    pub drifted: f64,
    /// Outcomes behind that mean.
    pub drifted_n: u64,
    /// Its mean in the rest of the traffic.
    pub rest: f64,
    /// Outcomes behind that one.
    pub rest_n: u64,
    /// Lower end of the difference's interval, which holds it in 95 of 100 cases.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
    /// What it comes to.
    pub reading: Reading,
    /// The difference times what drifted of a day's traffic, in units of the outcome.
    pub cost_per_day: f64,
}

/// What the outcomes say of a drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// They are worse in what drifted.
    Harmful,
    /// They are not worse by a tenth of their range.
    Steady,
    /// There are too few to tell.
    Unknown,
}

/// A segment whose share of the traffic changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SegmentChange {
    /// The label, as `channel`.
    pub key: String,
    /// Its value, as `whatsapp`.
    pub value: String,
    /// Its share of the reference, in 0…1.
    pub share_then: f64,
    /// Its share of the window, in 0…1.
    pub share_now: f64,
    /// p ln(p/q) in nats: its part of the divergence of the label's values.
    pub contribution: f64,
    /// The change of its share in standard deviations of sampling.
    pub z: f64,
}

/// The window on the reference's first two principal axes: equal in all reports on a reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DriftMap {
    /// The share of the reference's variance that each axis shows.
    pub explained: [f64; 2],
    /// Centres of the reference's cells, by number.
    pub cells: Vec<Place>,
    /// Interactions of the window: an even selection.
    pub points: Vec<MapPoint>,
}

/// A place on the map.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Place {
    /// Along the first axis.
    pub x: f32,
    /// Along the second axis.
    pub y: f32,
}

/// An interaction on the map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MapPoint {
    /// The interaction's id.
    pub interaction_id: String,
    /// Where it lies.
    pub at: Place,
    /// Index into `new_clusters` of the new topic that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_cluster: Option<u32>,
}
