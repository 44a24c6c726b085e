//! Groups among the points that no reference cell holds: topics that are new.
//!
//! Leader clustering (Hartigan, *Clustering Algorithms*, Wiley 1975, chapter 3): one pass in which a
//! point joins the nearest leader or becomes one. Leaders are the mean directions of their members;
//! near ones are merged, and a second pass gives each point to the nearest, so that little is left
//! of the order.

use std::cmp::Ordering;

use super::linear::{add, dot};

/// Leaders that are followed at most; what resembles none of them then stays alone.
const MAX_LEADERS: usize = 256;

/// Rows that a cell needs for a limit of its own.
const MIN_ROWS: usize = 200;

/// The part of a cell's reference rows that lie within its limit.
const QUANTILE: f64 = 0.995;

/// A point and how far it lies from what is known.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// A unit vector.
    pub x: &'a [f32],
    /// Its distance to the nearest reference centroid.
    pub distance: f64,
    /// The distance within which that cell holds its own: see [`radius_limits`].
    pub limit: f64,
}

/// What counts as a new group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Cosine with the group's mean direction from which a point belongs to it. A group of m members
    /// is held less strictly, 1 − (1 − `min_cosine`)(1 + 1/(m + 1)): the mean of few points lies
    /// farther from the next one than that of many.
    pub min_cosine: f32,
    /// Part of all points that a group needs of points beyond their limits.
    pub min_share: f64,
    /// Such points that it needs, however few there are in all.
    pub min_members: usize,
}

/// A group of points that lie together, and away from the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCluster {
    /// Mean direction of the members: a unit vector.
    pub centre: Vec<f32>,
    /// Indices of the points that belong to it, ascending.
    pub members: Vec<usize>,
}

/// The groups among the points, largest first: founded by points beyond their limits, and joined by
/// those within them that are nearer to the group's centre than to what is known.
///
/// Deterministic: it depends on the points and their order alone. O(points · groups · dimension).
/// Points beyond their limits that are in no group are scattered, and not reported.
pub fn new_clusters(points: &[Placed<'_>], rule: Rule) -> Vec<NewCluster> {
    let far: Vec<usize> =
        (0..points.len()).filter(|&i| points[i].distance > points[i].limit).collect();
    let mut groups: Vec<Group> = Vec::new();
    for &i in &far {
        match nearest(&groups, points[i].x, rule.min_cosine) {
            Some(group) => groups[group].join(i, points[i].x),
            None if groups.len() < MAX_LEADERS => groups.push(Group::of(i, points[i].x)),
            None => {}
        }
    }
    let mut groups = merged(groups, rule.min_cosine);
    // Centres stay as they are during the second pass, so that its order is of no account.
    let homes: Vec<Option<usize>> =
        far.iter().map(|&i| nearest(&groups, points[i].x, rule.min_cosine)).collect();
    groups.iter_mut().for_each(Group::clear);
    for (&i, home) in far.iter().zip(homes) {
        if let Some(home) = home {
            groups[home].join(i, points[i].x);
        }
    }
    let enough =
        rule.min_members.max((rule.min_share * points.len() as f64).ceil() as usize).max(1);
    groups.retain(|group| group.members.len() >= enough);
    let nearer: Vec<(usize, usize)> = (0..points.len())
        .filter(|&i| points[i].distance <= points[i].limit)
        .filter_map(|i| {
            let home = nearest(&groups, points[i].x, rule.min_cosine)?;
            let cosine = dot(&groups[home].centre, points[i].x);
            (2.0 - 2.0 * f64::from(cosine) < points[i].distance.powi(2)).then_some((i, home))
        })
        .collect();
    for (i, home) in nearer {
        groups[home].join(i, points[i].x);
    }
    groups.iter_mut().for_each(|group| group.members.sort_unstable());
    groups.sort_by(by_size);
    groups.into_iter().map(|g| NewCluster { centre: g.centre, members: g.members }).collect()
}

/// The distance within which each cell holds 99.5 % of its reference rows.
///
/// `rows` are (cell, distance to its centroid). Those that the centroids were fitted to lie nearer than
/// fresh ones, by about 1/2m of their distance with m of them in a cell. A cell with fewer than 200 rows, whose quantile
/// would be its farthest row, has the limit of all rows together, if that is larger than its
/// farthest.
pub fn radius_limits(rows: &[(usize, f64)], cells: usize) -> Vec<f64> {
    let mut by_cell = vec![Vec::new(); cells];
    for &(cell, distance) in rows.iter().filter(|(cell, _)| *cell < cells) {
        by_cell[cell].push(distance);
    }
    let overall = quantile(&mut rows.iter().map(|(_, distance)| *distance).collect::<Vec<_>>());
    by_cell
        .iter_mut()
        .map(|distances| {
            let own = quantile(distances);
            if distances.len() < MIN_ROWS { own.max(overall) } else { own }
        })
        .collect()
}

/// The smallest value that [`QUANTILE`] of the values do not exceed; 0 without values.
fn quantile(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (QUANTILE * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

struct Group {
    sum: Vec<f64>,
    centre: Vec<f32>,
    members: Vec<usize>,
}

impl Group {
    fn of(member: usize, x: &[f32]) -> Self {
        let mut group = Self { sum: vec![0.0; x.len()], centre: Vec::new(), members: Vec::new() };
        group.join(member, x);
        group
    }

    fn join(&mut self, member: usize, x: &[f32]) {
        self.members.push(member);
        add(&mut self.sum, x);
        self.centre = direction(&self.sum);
    }

    fn clear(&mut self) {
        self.members.clear();
        self.sum.fill(0.0);
    }
}

fn direction(sum: &[f64]) -> Vec<f32> {
    let norm = sum.iter().map(|v| v * v).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    sum.iter().map(|v| (v / norm) as f32).collect()
}

/// The group whose centre is nearest to `x`, the first of equals, if it is near enough.
fn nearest(groups: &[Group], x: &[f32], min_cosine: f32) -> Option<usize> {
    let mut best: Option<(usize, f32)> = None;
    for (i, group) in groups.iter().enumerate() {
        let cosine = dot(&group.centre, x);
        let leeway = 1.0 + 1.0 / (group.members.len() as f32 + 1.0);
        if cosine >= 1.0 - (1.0 - min_cosine) * leeway
            && best.is_none_or(|(_, nearest)| cosine > nearest)
        {
            best = Some((i, cosine));
        }
    }
    best.map(|(i, _)| i)
}

fn by_size(a: &Group, b: &Group) -> Ordering {
    b.members.len().cmp(&a.members.len()).then_with(|| a.members.cmp(&b.members))
}

/// `groups` with those whose centres are near joined to the largest of them.
fn merged(mut groups: Vec<Group>, min_cosine: f32) -> Vec<Group> {
    groups.sort_by(by_size);
    let mut kept: Vec<Group> = Vec::new();
    for group in groups {
        match nearest(&kept, &group.centre, min_cosine) {
            Some(home) => {
                kept[home].members.extend(group.members);
                kept[home].sum.iter_mut().zip(&group.sum).for_each(|(a, b)| *a += b);
                kept[home].centre = direction(&kept[home].sum);
            }
            None => kept.push(group),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const DIM: usize = 24;
    const RULE: Rule = Rule { min_cosine: 0.6, min_share: 0.01, min_members: 5 };

    /// A unit vector near axis `axis`.
    fn near(axis: usize, spread: f32, rng: &mut ChaCha8Rng) -> Vec<f32> {
        let mut x: Vec<f32> = (0..DIM).map(|_| spread * rng.random_range(-1.0..1.0f32)).collect();
        x[axis] += 1.0;
        let norm = dot(&x, &x).sqrt();
        x.iter().map(|v| v / norm).collect()
    }

    fn placed(points: &[Vec<f32>], distance: f64) -> Vec<Placed<'_>> {
        points.iter().map(|x| Placed { x, distance, limit: 1.0 }).collect()
    }

    /// 30 points about axis 0, 20 about axis 1, and one about each of ten others.
    fn mixed(seed: u64) -> Vec<Vec<f32>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..60)
            .map(|i| {
                let axis = [0, 0, 0, 1, 1, 2 + i / 6][i % 6];
                near(axis, 0.25, &mut rng)
            })
            .collect()
    }

    #[test]
    fn groups_are_found_and_scatter_is_not() {
        let points = mixed(1);
        let found = new_clusters(&placed(&points, 1.5), RULE);
        assert_eq!(found.iter().map(|c| c.members.len()).collect::<Vec<_>>(), [30, 20]);
        assert!(found[0].members.iter().all(|i| i % 6 < 3));
        assert!(found[0].centre[0] > 0.9 && found[1].centre[1] > 0.9);
    }

    #[test]
    fn points_that_the_reference_holds_are_not_new() {
        let points = mixed(1);
        assert!(new_clusters(&placed(&points, 1.0), RULE).is_empty());
        assert!(new_clusters(&[], RULE).is_empty());
    }

    #[test]
    fn points_nearer_to_a_group_than_to_what_is_known_join_it() {
        let points = mixed(1);
        let mut placed = placed(&points, 1.5);
        // Points of the first group within their limits: five far from their cells, five near.
        for i in [0, 6, 12, 18, 24] {
            placed[i].distance = 0.9;
        }
        for i in [30, 36, 42, 48, 54] {
            placed[i].distance = 0.1;
        }
        let found = new_clusters(&placed, RULE);
        assert_eq!(found.iter().map(|c| c.members.len()).collect::<Vec<_>>(), [25, 20]);
        assert!(found[0].members.contains(&24) && !found[0].members.contains(&30));
    }

    #[test]
    fn a_group_needs_its_share() {
        let points = mixed(1);
        let rule = Rule { min_share: 0.4, ..RULE };
        assert_eq!(new_clusters(&placed(&points, 1.5), rule).len(), 1);
        let rule = Rule { min_members: 31, ..RULE };
        assert!(new_clusters(&placed(&points, 1.5), rule).is_empty());
    }

    #[test]
    fn small_cells_take_the_limit_of_all() {
        let mut rows: Vec<(usize, f64)> = (1..=1_000).map(|i| (0, f64::from(i))).collect();
        rows.extend([(1, 5.0), (2, 5_000.0)]);
        assert_eq!(radius_limits(&rows, 4), [995.0, 996.0, 5_000.0, 996.0]);
        assert_eq!(radius_limits(&[], 2), [0.0, 0.0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn groups_are_disjoint_and_apart(seed in 0u64..1_000, min_cosine in 0.2f32..0.95) {
            let points = mixed(seed);
            let rule = Rule { min_cosine, ..RULE };
            let found = new_clusters(&placed(&points, 1.5), rule);
            prop_assert_eq!(&found, &new_clusters(&placed(&points, 1.5), rule));
            let mut members: Vec<usize> = found.iter().flat_map(|c| c.members.clone()).collect();
            let all = members.len();
            members.sort_unstable();
            members.dedup();
            prop_assert_eq!(members.len(), all);
            for cluster in &found {
                prop_assert!(cluster.members.len() >= 5);
                prop_assert!((dot(&cluster.centre, &cluster.centre) - 1.0).abs() < 1e-4);
            }
        }

        #[test]
        fn the_order_of_clear_groups_does_not_matter(seed in 0u64..1_000) {
            let points = mixed(seed);
            let mut turned = points.clone();
            turned.reverse();
            let sizes = |points: &[Vec<f32>]| -> Vec<usize> {
                new_clusters(&placed(points, 1.5), RULE).iter().map(|c| c.members.len()).collect()
            };
            let (one, other) = (sizes(&points), sizes(&turned));
            // A point at the rim may be just in or just out.
            let is_near = one.iter().zip(&other).all(|(a, b)| a.abs_diff(*b) <= 1);
            prop_assert!(one.len() == other.len() && is_near, "{one:?} {other:?}");
        }
    }
}
