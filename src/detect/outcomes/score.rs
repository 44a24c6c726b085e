//! The statistics of a set of windows.

use crate::detect::outcomes::norm::Norm;
use crate::detect::outcomes::sums::{Group, Moments, Sums};

/// Outcomes of a window, of a segment in it and of a topic in it, with fewer of which nothing is said.
const LEAST: (f64, f64, f64) = (30.0, 20.0, 10.0);

/// The same for the reference.
const LEAST_THEN: (f64, f64, f64) = (100.0, 50.0, 20.0);

/// What a statistic looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// All interactions, in the window of that number.
    Whole(usize),
    /// The worst segment of the longest window.
    Segments,
    /// The worst topic of the longest window.
    Topics,
}

/// The statistics: for each name the windows, the segments, the topics.
pub(super) fn columns(names: usize, windows: usize) -> Vec<(usize, Scope)> {
    let scopes = || (0..windows).map(Scope::Whole).chain([Scope::Segments, Scope::Topics]);
    (0..names).flat_map(|name| scopes().map(move |scope| (name, scope))).collect()
}

/// The statistic of a column and the group that it is of; `None` where too few outcomes are there.
///
/// `windows` are the sums of the windows, shortest first.
pub(super) fn score(
    norm: &Norm,
    then: &Sums,
    windows: &[Sums],
    (name, scope): (usize, Scope),
) -> Option<(f64, Group)> {
    let groups = then.groups();
    let longest = windows.last()?;
    let worst = |candidates: &mut dyn Iterator<Item = Group>, least: f64, least_then: f64| {
        candidates
            .filter_map(|group| {
                let (then, now) = (baseline(then, name, group), longest.of(name, group));
                Some((z(norm, then, now, least_then, least)?, group))
            })
            .max_by(|a, b| a.0.total_cmp(&b.0))
    };
    match scope {
        Scope::Whole(window) => {
            let (then, now) =
                (then.of(name, Group::Whole), windows.get(window)?.of(name, Group::Whole));
            Some((z(norm, then, now, LEAST_THEN.0, LEAST.0)?, Group::Whole))
        }
        Scope::Segments => {
            worst(&mut (0..groups.segments).map(Group::Segment), LEAST.1, LEAST_THEN.1)
        }
        Scope::Topics => worst(&mut (0..groups.topics).map(Group::Topic), LEAST.2, LEAST_THEN.2),
    }
}

/// What is expected of a group. A topic that the reference hardly has is held against all of it.
pub(super) fn baseline(then: &Sums, name: usize, group: Group) -> Moments {
    match group {
        Group::Topic(_) if then.of(name, group).n < LEAST_THEN.2 => then.of(name, Group::Whole),
        _ => then.of(name, group),
    }
}

/// How much worse `now` is than `then`, in standard deviations of their difference.
fn z(norm: &Norm, then: Moments, now: Moments, least_then: f64, least: f64) -> Option<f64> {
    if now.n < least || then.n < least_then || norm.variance <= 0.0 {
        return None;
    }
    let worse = if norm.is_good_up { then.mean() - now.mean() } else { now.mean() - then.mean() };
    Some(worse / (norm.variance * (1.0 / now.n + 1.0 / then.n)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::outcomes::sums::Groups;

    fn norm(is_good_up: bool) -> Norm {
        Norm {
            name: "resolved".to_owned(),
            is_good_up,
            is_binary: true,
            matures_after_seconds: 0.0,
            low: 0.0,
            high: 1.0,
            variance: 0.16,
        }
    }

    /// `n` interactions of segment 1 and topic `topic`, every `each`-th of them bad.
    fn sums(n: usize, each: usize, topic: usize) -> Sums {
        let mut sums = Sums::empty(Groups { names: 1, segments: 2, topics: 3 });
        for i in 0..n {
            sums.add(&[1], Some(topic), &[Some(f64::from(u8::from(i % each != 0)))]);
        }
        sums
    }

    #[test]
    fn the_statistic_is_the_formula_and_worse_is_above_zero() {
        let (then, now) = (sums(1000, 5, 0), sums(200, 2, 0));
        let (found, group) =
            score(&norm(true), &then, std::slice::from_ref(&now), (0, Scope::Whole(0))).unwrap();
        let expected = 0.3 / (0.16f64 * (1.0 / 200.0 + 1.0 / 1000.0)).sqrt();
        assert!((found - expected).abs() < 1e-9 && group == Group::Whole, "{found}");
        let better = score(&norm(false), &then, &[now], (0, Scope::Whole(0))).unwrap().0;
        assert!((better + expected).abs() < 1e-9);
    }

    #[test]
    fn the_worst_topic_is_named_and_small_ones_say_nothing() {
        let mut then = sums(500, 5, 0);
        then += &sums(500, 5, 2);
        let mut now = sums(100, 5, 0);
        now += &sums(20, 2, 2);
        let windows = [now.clone()];
        let (_, group) = score(&norm(true), &then, &windows, (0, Scope::Topics)).unwrap();
        assert_eq!(group, Group::Topic(2));
        let (_, group) = score(&norm(true), &then, &windows, (0, Scope::Segments)).unwrap();
        assert_eq!(group, Group::Segment(1));
        let few = [sums(9, 2, 2)];
        assert_eq!(score(&norm(true), &then, &few, (0, Scope::Topics)), None);
    }
}
