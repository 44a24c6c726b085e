//! The policies of a project that are switched on.

use serde::{Deserialize, Serialize};

use super::{Judge, Verdict};
use crate::screen::policy::Side;

/// Policies of a project at most: each has a bit of its own in what is noted of a text.
pub const MAX_POLICIES: usize = 32;

/// A policy that is switched on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Its bit, less than [`MAX_POLICIES`], as long as the policy lives.
    pub slot: u8,
    /// Its name.
    pub name: String,
    /// The texts that it looks at.
    pub side: Side,
    /// Whether a text that is against it stops what is asked about with `POST /v1/screen`.
    pub blocks: bool,
    /// What decides.
    pub judge: Judge,
}

/// The policies that are switched on, by slot.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PolicySet {
    /// They.
    pub members: Vec<Member>,
}

impl PolicySet {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether one of them looks at embeddings of `side`.
    pub fn needs_vector(&self, side: Side) -> bool {
        self.members.iter().any(|member| member.side == side && member.judge.needs_vector())
    }

    /// Those that look at `side`, and what each says where it can say something.
    pub fn judge(
        &self,
        side: Side,
        text: Option<&str>,
        vector: Option<&[f32]>,
    ) -> impl Iterator<Item = (&Member, Option<Verdict>)> {
        let members = self.members.iter().filter(move |member| member.side == side);
        members.map(move |member| (member, member.judge.judge(text, vector)))
    }

    /// A bit for each policy of `side` that the text is against; `None` where none looks at it.
    /// Where one cannot say, its bit in `before` stays.
    pub fn marks(
        &self,
        side: Side,
        text: Option<&str>,
        vector: Option<&[f32]>,
        before: Option<u32>,
    ) -> Option<u32> {
        let before = before.unwrap_or(0);
        self.judge(side, text, vector).fold(None, |marks, (member, verdict)| {
            let bit = 1_u32.checked_shl(member.slot.into()).unwrap_or(0);
            let is_over = verdict.map_or(before & bit != 0, |verdict| verdict.is_over());
            Some(marks.unwrap_or(0) | if is_over { bit } else { 0 })
        })
    }

    /// The name of each slot; `policy 7` for one that nobody has.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            (0..MAX_POLICIES).map(|slot| format!("policy {slot}")).collect();
        for member in &self.members {
            if let Some(name) = names.get_mut(usize::from(member.slot)) {
                name.clone_from(&member.name);
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(slot: u8, side: Side, word: &str) -> Member {
        let judge = Judge::Lexicon(vec![word.to_owned()].into());
        Member { slot, name: word.to_owned(), side, blocks: false, judge }
    }

    #[test]
    fn each_policy_has_its_bit_and_its_side() {
        let set = PolicySet {
            members: vec![
                words(0, Side::Query, "casino"),
                words(31, Side::Query, "refund"),
                words(5, Side::Response, "casino"),
            ],
        };
        let marks = |side, text| set.marks(side, Some(text), None, None);
        assert_eq!(marks(Side::Query, "casino refund"), Some(1 | 1 << 31));
        assert_eq!(marks(Side::Response, "casino refund"), Some(1 << 5));
        assert_eq!(marks(Side::Query, "hello"), Some(0));
        assert_eq!(PolicySet::default().marks(Side::Query, Some("casino"), None, Some(1)), None);
        // Without the text what was found when it was there remains, and nothing else.
        assert_eq!(set.marks(Side::Query, None, None, Some(0b11)), Some(1));
        assert_eq!(set.names()[31], "refund");
        assert_eq!(set.names()[1], "policy 1");
    }
}
