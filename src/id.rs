//! Typed identifiers: `UUIDv7`, so that ids sort by the time they were made.

use std::fmt;
use std::str::FromStr;

use rand::RngCore;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Timestamp;

/// A text that is not the id it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind} id (a UUID)")]
pub struct IdError {
    /// What kind of id was wanted.
    pub kind: &'static str,
    /// What was given.
    pub text: String,
}

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident = $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, format = "uuid")]
        pub struct $name(Uuid);

        impl $name {
            /// A new id for something made at `now`; the rest comes from `rng`.
            pub fn new(now: Timestamp, rng: &mut impl RngCore) -> Self {
                Self(uuid_v7(now, rng))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| IdError { kind: $kind, text: text.to_owned() })
            }
        }
    )*};
}

typed_id! {
    /// A project: the unit of isolation, with its own keys and limits.
    ProjectId = "project";
    /// An API key.
    KeyId = "key";
    /// A monitor.
    MonitorId = "monitor";
    /// A frozen reference.
    ReferenceId = "reference";
    /// One evaluation's report.
    ReportId = "report";
    /// One alert episode, from pending to resolved.
    AlertId = "alert";
    /// A receiver of alerts.
    ReceiverId = "receiver";
    /// An alert rule.
    RuleId = "rule";
    /// A silence.
    SilenceId = "silence";
    /// A workflow that an alert asks for.
    RetrainId = "retrain";
    /// A message to one receiver; its `webhook-id` on the wire.
    DeliveryId = "delivery";
    /// A rule of the project's own on what texts may say.
    PolicyId = "policy";
    /// A request to erase.
    ErasureId = "erasure";
}

/// A fresh id text for an interaction that came without one.
pub fn interaction_id(now: Timestamp, rng: &mut impl RngCore) -> String {
    uuid_v7(now, rng).to_string()
}

fn uuid_v7(now: Timestamp, rng: &mut impl RngCore) -> Uuid {
    let mut random = [0; 10];
    rng.fill_bytes(&mut random);
    let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn ids_sort_by_time_and_repeat_with_the_seed() {
        let make = |micros| {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
            AlertId::new(Timestamp::from_micros(micros), &mut rng)
        };
        assert!(make(1_000_000) < make(2_000_000));
        assert_eq!(make(1_000_000), make(1_000_000));
    }

    #[test]
    fn a_wrong_id_names_its_kind() {
        let error = "nope".parse::<MonitorId>().unwrap_err();
        assert_eq!(error.to_string(), "\"nope\" is not a monitor id (a UUID)");
    }
}
