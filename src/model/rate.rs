//! What the rate of a rule counts: texts in which a check, a type of personal data or a policy was found.

use crate::model::quality::Side;
use crate::model::signals::TextSignals;
use crate::policy::MAX_POLICIES;
use crate::screen::EntityType;
use crate::text::signals::Flag;

/// What counts of policies begin with.
pub const POLICY: &str = "policy/";

/// Bytes of a policy's name.
const POLICY_BYTES: usize = 100;

/// What texts are counted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// A check found something: `error_text`.
    Check(Flag),
    /// A type of personal data, by its place among [`EntityType::counted`]: `personal/EMAIL`.
    Personal(usize),
    /// One that the response tells though the query did not: `disclosed/EMAIL`.
    Disclosed(usize),
    /// One whose value was told in another conversation: `foreign/EMAIL`.
    Foreign(usize),
    /// The text is against the policy of that name: `policy/no advice`.
    Policy(String),
}

impl Signal {
    /// What `name` stands for; `None` where nothing is counted under it.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(policy) = name.strip_prefix(POLICY) {
            let sound = !policy.trim().is_empty() && policy.len() <= POLICY_BYTES;
            return sound.then(|| Self::Policy(policy.to_owned()));
        }
        let Some((kind, label)) = name.split_once('/') else {
            return Flag::ALL.into_iter().find(|flag| flag.as_str() == name).map(Self::Check);
        };
        let place = EntityType::counted().position(|known| known == label)?;
        match kind {
            "personal" => Some(Self::Personal(place)),
            "disclosed" => Some(Self::Disclosed(place)),
            "foreign" => Some(Self::Foreign(place)),
            _ => None,
        }
    }

    /// What a name has to be, in words.
    pub fn known() -> String {
        let checks = Flag::ALL.map(Flag::as_str).join(", ");
        format!(
            "give one of {checks}; personal/…, disclosed/… or foreign/… with a type such as EMAIL; or \
             policy/ with the policy's name"
        )
    }

    /// Whether it can be found on this side: what a response tells unasked is never in a query.
    pub const fn is_of(&self, side: Side) -> bool {
        !matches!((self, side), (Self::Disclosed(_) | Self::Foreign(_), Side::Query))
    }

    /// Whether it was found in a text; `slot` is that of its policy. `None` where nobody looked: a text
    /// that came before the policy is neither for nor against it.
    pub fn found_in(&self, seen: &TextSignals, slot: usize) -> Option<bool> {
        let has = |bits: u32, place: usize| bits >> place & 1 == 1;
        match self {
            Self::Check(flag) => Some(seen.flags.contains(*flag)),
            Self::Personal(place) => Some(has(seen.personal, *place)),
            Self::Disclosed(place) => Some(has(seen.disclosed, *place)),
            Self::Foreign(place) => Some(has(seen.foreign, *place)),
            Self::Policy(_) if slot >= MAX_POLICIES => None,
            Self::Policy(_) => seen.marks.map(|marks| has(marks, slot)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::signals::Signals;

    #[test]
    fn what_is_counted_has_a_name_and_nothing_else_has() {
        assert_eq!(Signal::parse("error_text"), Some(Signal::Check(Flag::ErrorText)));
        assert_eq!(Signal::parse("policy/no advice"), Some(Signal::Policy("no advice".to_owned())));
        let place = EntityType::counted().position(|label| label == "EMAIL").unwrap();
        assert_eq!(Signal::parse("foreign/EMAIL"), Some(Signal::Foreign(place)));
        for name in
            ["", "odd_writing", "EMAIL", "personal/", "personal/SHOE_SIZE", "policy/ ", "x/EMAIL"]
        {
            assert_eq!(Signal::parse(name), None, "{name:?}");
        }
        assert!(!Signal::Disclosed(place).is_of(Side::Query));
        assert!(Signal::Personal(place).is_of(Side::Query));
    }

    #[test]
    fn a_text_that_no_policy_judged_counts_neither_way() {
        let mut seen = Signals::of("Internal Server Error", None).query.unwrap();
        let policy = Signal::Policy("p".to_owned());
        assert_eq!(policy.found_in(&seen, 3), None);
        seen.marks = Some(1 << 3);
        assert_eq!(
            (policy.found_in(&seen, 3), policy.found_in(&seen, 2)),
            (Some(true), Some(false))
        );
        assert_eq!(policy.found_in(&seen, 99), None);
        assert_eq!(Signal::Check(Flag::ErrorText).found_in(&seen, 0), Some(true));
        seen.disclosed = 0b10;
        assert_eq!(Signal::Disclosed(1).found_in(&seen, 0), Some(true));
        assert_eq!(Signal::Foreign(1).found_in(&seen, 0), Some(false));
    }
}
