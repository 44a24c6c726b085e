//! Reads the rates that rules compare: of checks, personal data and policies in texts, and of outcomes.
//!
//! A rate over minutes is taken from the latest interactions, [`SAMPLED`] at most, so that a look costs no
//! more on a busy project; one over days is taken from the daily counts, which hold every text.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use crate::alert::Trouble;
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::condition::{Condition, SAMPLED};
use crate::model::interaction::Attributes;
use crate::model::outcome::OutcomeDefinition;
use crate::model::quality::{CHANNEL, QualityCount, Side, counted_channel};
use crate::model::rate::{POLICY, Signal};
use crate::store::{OutcomeQuery, SeenTexts, Store, StoreError};

/// For how long what was learned of delays is good: they are learned from thousands of outcomes, and
/// change slowly.
const MATURITY_HOLDS: Duration = Duration::from_mins(10);

/// A rate, or why there is none.
type Answer = Result<f64, Trouble>;

/// After how long interactions have had the time for their outcomes, as it was learned lately; by project
/// and name. It outlives the looks at rules, which are many.
#[derive(Debug, Default)]
pub struct Maturities {
    known: HashMap<(ProjectId, String), (Timestamp, Duration)>,
}

impl Maturities {
    async fn of(
        &mut self,
        store: &Store,
        definition: &OutcomeDefinition,
        now: Timestamp,
    ) -> Result<Duration, StoreError> {
        let key = (definition.project_id, definition.name.clone());
        // A definition that was changed since has another attribution window, and a clock that was set
        // back makes everything old.
        let is_good = |at: Timestamp| {
            at <= now && at >= definition.updated_at && now.since(at) < MATURITY_HOLDS
        };
        if let Some((_, after)) = self.known.get(&key).filter(|(at, _)| is_good(*at)) {
            return Ok(*after);
        }
        let curve = store.outcome_delay(definition.project_id, &definition.name, now).await?;
        let after = definition.matures_after(curve.as_ref());
        self.known.insert(key, (now, after));
        Ok(after)
    }
}

/// The labels of interactions with their outcomes; `None` where nothing is called so.
type Outcomes = Option<Vec<(Attributes, f64)>>;

/// Reads rates of one project at one moment. What several rules need is read once.
pub struct Rates<'a> {
    store: &'a Store,
    project: ProjectId,
    now: Timestamp,
    maturities: &'a mut Maturities,
    seen: HashMap<u32, Vec<SeenTexts>>,
    counts: HashMap<u32, Vec<QualityCount>>,
    outcomes: HashMap<(String, u32), Outcomes>,
    policies: HashMap<String, Option<(usize, Timestamp)>>,
}

impl<'a> Rates<'a> {
    /// The rates of `project` at `now`.
    pub fn new(
        store: &'a Store,
        project: ProjectId,
        now: Timestamp,
        maturities: &'a mut Maturities,
    ) -> Self {
        Self {
            store,
            project,
            now,
            maturities,
            seen: HashMap::new(),
            counts: HashMap::new(),
            outcomes: HashMap::new(),
            policies: HashMap::new(),
        }
    }

    /// The share of texts in which the comparison's signal was found.
    pub async fn rate(&mut self, comparison: &Condition) -> Result<Answer, StoreError> {
        let name = comparison.signal.as_deref().unwrap_or_default();
        let (Some(signal), Some(side)) = (Signal::parse(name), comparison.side) else {
            return Ok(Err(Trouble::error(format!("nothing is counted as {name:?}"))));
        };
        let place = match &signal {
            Signal::Policy(policy) => self.place(policy).await?,
            _ => Some((0, Timestamp::from_micros(i64::MIN))),
        };
        let Some((slot, since)) = place else {
            let policy = name.strip_prefix(POLICY).unwrap_or(name);
            return Ok(Err(Trouble::error(format!("there is no policy called {policy:?}"))));
        };
        let wanted = Wanted { signal, side, slot, since, comparison };
        let (found, texts) = match comparison.days {
            Some(days) => wanted.count(name, self.counts(days).await?),
            None => wanted.tally(self.seen(comparison.minutes.unwrap_or(1)).await?),
        };
        Ok(mean(found as f64, texts, comparison))
    }

    /// The mean of the comparison's outcome over interactions that have had the time for it.
    pub async fn outcome(&mut self, comparison: &Condition) -> Result<Answer, StoreError> {
        let name = comparison.outcome.clone().unwrap_or_default();
        let minutes = comparison.minutes.unwrap_or(1);
        let Some(outcomes) = self.outcomes(&name, minutes).await? else {
            return Ok(Err(Trouble::no_data(format!("no outcome called {name:?} has come yet"))));
        };
        let own = outcomes.iter().filter(|(labels, _)| is_in(comparison, labels));
        let (n, sum) = own.fold((0, 0.0), |(n, sum), (_, worth)| (n + 1, sum + worth));
        Ok(mean(sum, n, comparison))
    }

    /// The bit of the policy of that name, and since when it is that policy's.
    async fn place(&mut self, policy: &str) -> Result<Option<(usize, Timestamp)>, StoreError> {
        if let Some(known) = self.policies.get(policy) {
            return Ok(*known);
        }
        let place = self.store.policy_place(self.project, policy).await?;
        self.policies.insert(policy.to_owned(), place);
        Ok(place)
    }

    async fn seen(&mut self, minutes: u32) -> Result<&[SeenTexts], StoreError> {
        Ok(match self.seen.entry(minutes) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let since = self.now.minus(Duration::from_mins(u64::from(minutes)));
                new.insert(self.store.seen_texts(self.project, since, SAMPLED).await?)
            }
        })
    }

    async fn counts(&mut self, days: u32) -> Result<&[QualityCount], StoreError> {
        Ok(match self.counts.entry(days) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let to = self.now.day() + 1;
                new.insert(self.store.quality_counts(self.project, to - i64::from(days), to).await?)
            }
        })
    }

    async fn outcomes(&mut self, name: &str, minutes: u32) -> Result<&Outcomes, StoreError> {
        Ok(match self.outcomes.entry((name.to_owned(), minutes)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let store = self.store;
                let read = match store.find_outcome_definition(self.project, name).await? {
                    None => None,
                    Some(definition) => {
                        let after = self.maturities.of(store, &definition, self.now).await?;
                        let to = self.now.minus(after);
                        let from = to.minus(Duration::from_mins(u64::from(minutes)));
                        let query = OutcomeQuery { definition: &definition, from, to };
                        Some(store.latest_outcomes(&query, SAMPLED).await?)
                    }
                };
                new.insert(read)
            }
        })
    }
}

/// What is counted, and where.
struct Wanted<'c> {
    signal: Signal,
    side: Side,
    /// The bit of a policy.
    slot: usize,
    /// What came before is not its.
    since: Timestamp,
    comparison: &'c Condition,
}

impl Wanted<'_> {
    /// Texts in which it was found, and all texts, by the daily counts; `name` is the signal's.
    fn count(&self, name: &str, counts: &[QualityCount]) -> (u64, u64) {
        let counted = match &self.signal {
            Signal::Policy(_) => format!("{POLICY}{}", self.slot),
            _ => name.to_owned(),
        };
        let channel = self.comparison.segment.get(CHANNEL).map(|name| counted_channel(name));
        let own = counts.iter().filter(|count| {
            count.side == self.side
                && count.day >= self.since.day()
                && channel.is_none_or(|channel| channel == count.channel)
        });
        own.fold((0, 0), |(found, texts), count| {
            let n = u64::try_from(count.count).unwrap_or(0);
            match count.signal.as_str() {
                "" => (found, texts + n),
                signal if signal == counted => (found + n, texts),
                _ => (found, texts),
            }
        })
    }

    /// The same of interactions one by one.
    fn tally(&self, seen: &[SeenTexts]) -> (u64, u64) {
        let own = seen.iter().filter(|texts| {
            texts.occurred_at >= self.since && is_in(self.comparison, &texts.attributes)
        });
        let own = own.filter_map(|texts| match self.side {
            Side::Query => texts.signals.query,
            Side::Response => texts.signals.response,
        });
        own.filter_map(|text| self.signal.found_in(&text, self.slot))
            .fold((0, 0), |(found, texts), is_found| (found + u64::from(is_found), texts + 1))
    }
}

fn is_in(comparison: &Condition, labels: &Attributes) -> bool {
    comparison.segment.iter().all(|(label, value)| labels.get(label) == Some(value))
}

/// What is said of too few does not count them: a rule's state would be stored anew with each.
fn mean(sum: f64, n: u64, comparison: &Condition) -> Answer {
    let least = comparison.least();
    if n == 0 || n < u64::from(least) {
        let what = if comparison.outcome.is_some() { "outcomes" } else { "texts" };
        return Err(Trouble::no_data(format!("fewer than {least} {what} in its time")));
    }
    Ok(sum / n as f64)
}
