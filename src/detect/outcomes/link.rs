//! What drifted beside the rest: whether its outcomes are worse.

use crate::detect::outcomes::norm::{Norm, OutcomeProfile};
use crate::detect::outcomes::sums::{Group, Moments, Sums};
use crate::model::explanation::{OutcomeLink, Reading};

/// Outcomes of what drifted with fewer of which nothing is said.
const LEAST: f64 = 10.0;

/// A fall of this share of an outcome's range would be felt; a drift that rules it out is benign.
const FELT: f64 = 0.1;

/// Beside each other the outcomes of the topics that `drifted`, in the matured interactions of
/// `window`, and those of all others there.
///
/// For binary outcomes Newcombe's interval of the difference, for others the normal one with the
/// reference's variance. The cost is what the difference comes to on the drifted part of a day's
/// traffic. It says that they are found together, not that the drift is the cause.
pub(super) fn links(
    profile: &OutcomeProfile,
    window: &Sums,
    drifted: &[usize],
    per_day: f64,
) -> Vec<OutcomeLink> {
    profile
        .norms
        .iter()
        .enumerate()
        .filter_map(|(name, norm)| {
            let all = window.of(name, Group::Whole);
            let own = drifted.iter().fold(Moments::default(), |sum, topic| {
                let own = window.of(name, Group::Topic(*topic));
                Moments { n: sum.n + own.n, sum: sum.sum + own.sum }
            });
            let rest = Moments { n: all.n - own.n, sum: all.sum - own.sum };
            link(norm, own, rest, per_day * own.n / all.n.max(1.0))
        })
        .collect()
}

fn link(norm: &Norm, own: Moments, rest: Moments, own_per_day: f64) -> Option<OutcomeLink> {
    if own.n < LEAST || rest.n < LEAST {
        return None;
    }
    let difference = norm.difference(own, rest)?;
    let felt = FELT * (norm.high - norm.low);
    // Turned so that below 0 is worse.
    let (low, high) = if norm.is_good_up {
        (difference.low, difference.high)
    } else {
        (-difference.high, -difference.low)
    };
    let reading = match (low, high) {
        (_, high) if high < 0.0 => Reading::Harmful,
        (low, _) if low > -felt => Reading::Steady,
        _ => Reading::Unknown,
    };
    Some(OutcomeLink {
        name: norm.name.clone(),
        drifted: own.mean(),
        drifted_n: own.n as u64,
        rest: rest.mean(),
        rest_n: rest.n as u64,
        low: difference.low,
        high: difference.high,
        reading,
        cost_per_day: difference.estimate * own_per_day,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(is_good_up: bool, own: (f64, f64), rest: (f64, f64)) -> Option<OutcomeLink> {
        let norm = Norm {
            name: "resolved".to_owned(),
            is_good_up,
            is_binary: true,
            matures_after_seconds: 0.0,
            low: 0.0,
            high: 1.0,
            variance: 0.1,
        };
        let moments = |(sum, n): (f64, f64)| Moments { n, sum };
        link(&norm, moments(own), moments(rest), 50.0)
    }

    #[test]
    fn a_worse_part_is_harmful_and_costs_its_difference() {
        let found = read(true, (40.0, 100.0), (880.0, 1000.0)).unwrap();
        assert_eq!(found.reading, Reading::Harmful);
        assert!(found.high < -0.35 && found.low > -0.6, "{found:?}");
        assert!((found.cost_per_day + 24.0).abs() < 1e-9);
        // Fewer escalations are no harm.
        assert_eq!(read(false, (40.0, 100.0), (880.0, 1000.0)).unwrap().reading, Reading::Steady);
    }

    #[test]
    fn an_equal_part_is_steady_once_there_is_enough_of_it() {
        let reading = |own, rest| read(true, own, rest).map(|link| link.reading);
        assert_eq!(reading((880.0, 1000.0), (880.0, 1000.0)), Some(Reading::Steady));
        assert_eq!(reading((17.0, 20.0), (880.0, 1000.0)), Some(Reading::Unknown));
        assert_eq!(reading((5.0, 9.0), (880.0, 1000.0)), None);
    }
}
