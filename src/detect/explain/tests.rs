//! A window in which one topic stays, one vanished, and one is new.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::model::explanation::Trend;
use crate::stats::leader::radius_limits;
use crate::stats::linear::{add, distance_sq};

const DIM: usize = 16;
const BILLING: usize = 0;
const NETWORK: usize = 1;
const FOOTBALL: usize = 2;

const TEXTS: [[&str; 3]; 3] = [
    ["Why is my bill so high?", "I was billed twice", "Please explain my bill"],
    ["The network is down", "No signal on my network", "Slow network since Monday"],
    ["Matokeo ya mpira wa miguu", "Nani alishinda mpira jana?", "Mpira utaanza lini?"],
];

struct Row {
    id: String,
    x: Vec<f32>,
    cell: usize,
    text: String,
}

struct World {
    rng: ChaCha8Rng,
    centroids: Vec<f32>,
}

impl World {
    fn new() -> Self {
        let mut centroids = vec![0.0; 2 * DIM];
        centroids[BILLING] = 0.9;
        centroids[DIM + NETWORK] = 0.9;
        Self { rng: ChaCha8Rng::seed_from_u64(11), centroids }
    }

    fn distance(&self, x: &[f32], cell: usize) -> f64 {
        distance_sq(x, &self.centroids[cell * DIM..(cell + 1) * DIM]).sqrt()
    }

    /// `n` events of a topic. Topics lie about axes 0, 1 and 2.
    fn draw(&mut self, topic: usize, n: usize, name: &str) -> Vec<Row> {
        (0..n)
            .map(|i| {
                let mut x: Vec<f32> =
                    (0..DIM).map(|_| self.rng.random_range(-0.25..0.25f32)).collect();
                x[topic] += 1.0;
                let norm = x.iter().map(|v| v * v).sum::<f32>().sqrt();
                x.iter_mut().for_each(|v| *v /= norm);
                let cell = usize::from(self.distance(&x, 1) < self.distance(&x, 0));
                let text = format!("{} ({})", TEXTS[topic][i % 3], 1_000 + i);
                Row { id: format!("{name}-{i}"), x, cell, text }
            })
            .collect()
    }
}

fn views(rows: &[Row]) -> Vec<WindowRow<'_>> {
    rows.iter()
        .map(|r| WindowRow { id: &r.id, x: &r.x, cell: r.cell, text: Some(&r.text) })
        .collect()
}

fn histogram(rows: &[Row]) -> Vec<f64> {
    let mut counts = vec![0.0; 2];
    rows.iter().for_each(|row| counts[row.cell] += 1.0);
    counts
}

/// Explains `window` against a reference of 300 billing and 300 network texts.
fn explained(make_window: impl Fn(&mut World) -> Vec<Row>) -> StreamExplanation {
    let mut world = World::new();
    let mut reference = world.draw(BILLING, 300, "bill");
    reference.extend(world.draw(NETWORK, 300, "net"));
    let window = make_window(&mut world);

    let distances: Vec<(usize, f64)> =
        reference.iter().map(|row| (row.cell, world.distance(&row.x, row.cell))).collect();
    let mut terms = vec![TermCounts::new(500), TermCounts::new(500)];
    reference.iter().for_each(|row| terms[row.cell].observe(&row.text));
    let exemplars: Vec<Vec<Exemplar>> = (0..2)
        .map(|cell| {
            let rows: Vec<WindowRow<'_>> =
                views(&reference).into_iter().filter(|row| row.cell == cell).collect();
            exemplars::typical(&rows, &world.centroids[cell * DIM..(cell + 1) * DIM], true)
        })
        .collect();
    let points: Vec<&[f32]> = reference.iter().map(|row| row.x.as_slice()).collect();
    let projection = Projection::fit(&points).unwrap();
    let mut mean = vec![0.0; DIM];
    reference.iter().for_each(|row| add(&mut mean, &row.x));
    mean.iter_mut().for_each(|v| *v /= reference.len() as f64);
    let sums: Vec<Vec<f64>> = window
        .chunks(20)
        .map(|rows| {
            let mut sum = vec![0.0; DIM];
            rows.iter().for_each(|row| add(&mut sum, &row.x));
            sum
        })
        .collect();
    let buckets: Vec<BucketSums<'_>> = sums
        .iter()
        .enumerate()
        .map(|(i, sum)| BucketSums {
            start: Timestamp::from_micros(i as i64),
            sums: MeanSums { n: 20.0, sum, sum_sq: 20.0 },
        })
        .collect();

    let (counts, counts_then) = (histogram(&window), histogram(&reference));
    let (rows, limits) = (views(&window), radius_limits(&distances, 2));
    let input = ExplainInput {
        streams: vec![StreamInput {
            stream: Stream::Query,
            counts: &counts,
            rows: &rows,
            buckets: &buckets,
            reference: ReferenceView {
                counts: &counts_then,
                centroids: &world.centroids,
                radius_limits: &limits,
                terms: &terms,
                all_terms: None,
                segment_terms: None,
                exemplars: &exemplars,
                mean: Some(&mean),
                projection: Some(&projection),
            },
        }],
        ..ExplainInput::default()
    };
    let explanation = explain(&input);
    assert_eq!(explanation, explain(&input), "it repeats");
    explanation.streams.into_iter().next().unwrap()
}

/// 100 events as before, then 140 with football in place of the network.
fn football_instead_of_network(world: &mut World) -> Vec<Row> {
    let mut before = world.draw(BILLING, 50, "now-bill-a");
    let network = world.draw(NETWORK, 50, "now-net");
    before = interleaved(before, network);
    let billing = world.draw(BILLING, 70, "now-bill-b");
    let football = world.draw(FOOTBALL, 70, "now-ball");
    before.extend(interleaved(billing, football));
    before
}

fn interleaved(a: Vec<Row>, b: Vec<Row>) -> Vec<Row> {
    a.into_iter().zip(b).flat_map(|(a, b)| [a, b]).collect()
}

#[test]
fn the_new_topic_is_named() {
    let found = explained(football_instead_of_network);
    let [topic] = &found.new_clusters[..] else { panic!("{:?}", found.new_clusters) };
    assert!((topic.share - 70.0 / 240.0).abs() < 0.02, "{}", topic.share);
    assert_eq!(topic.terms[0].term, "mpira");
    assert!((topic.terms[0].share_then, topic.terms[0].share_now) == (0.0, 1.0));
    assert!(topic.exemplars.iter().all(|e| e.interaction_id.starts_with("now-ball")));
    assert!((1..=3).contains(&topic.exemplars.len()), "there are three texts");
    assert_eq!(found.rising[0].term, "mpira");
    assert!(found.rising.iter().all(|t| t.z > 3.0 && t.share_now > t.share_then));
}

#[test]
fn the_vanished_topic_is_named() {
    let found = explained(|world| {
        interleaved(world.draw(BILLING, 120, "now-bill"), world.draw(FOOTBALL, 120, "now-ball"))
    });
    assert_eq!(found.falling[0].term, "network");
    assert!(found.falling[0].share_then > 0.4 && found.falling[0].share_now == 0.0);
    let [gone] = &found.cells[..] else { panic!("{:?}", found.cells) };
    assert_eq!((gone.cell, gone.trend), (NETWORK as u32, Trend::Vanished));
    assert_eq!(gone.terms[0], "network");
    assert!(gone.exemplars.iter().all(|e| e.in_reference && e.interaction_id.starts_with("net-")));
    assert!(!gone.exemplars.is_empty() && gone.share_now < 0.05 && gone.contribution < 0.0);
    let replaced = found.replaced_share.unwrap();
    assert!((0.4..=0.5).contains(&replaced), "{replaced}");
}

#[test]
fn a_fading_topic_leaves_room_to_a_growing_one() {
    let found = explained(|world| {
        let mut rows = world.draw(BILLING, 180, "now-bill");
        rows.extend(world.draw(NETWORK, 60, "now-net"));
        rows
    });
    let trends: Vec<(u32, Trend)> = found.cells.iter().map(|c| (c.cell, c.trend)).collect();
    assert_eq!(trends, [(BILLING as u32, Trend::Growing), (NETWORK as u32, Trend::Fading)]);
    assert!(found.cells[0].exemplars.iter().all(|e| !e.in_reference));
    assert!(found.new_clusters.is_empty());
}

#[test]
fn the_time_of_the_change_is_told() {
    let changed = explained(football_instead_of_network).changed.unwrap();
    assert_eq!((changed.at, changed.or_earlier), (Timestamp::from_micros(5), false));
    assert!(changed.share > 0.8, "{}", changed.share);
}

#[test]
fn the_map_shows_where_it_is() {
    let found = explained(football_instead_of_network);
    let map = found.map.unwrap();
    assert_eq!((map.cells.len(), map.points.len()), (2, 240));
    let new = map.points.iter().filter(|p| p.new_cluster == Some(0));
    assert!(new.clone().all(|p| p.interaction_id.starts_with("now-ball")));
    assert!((new.count() as f64 / 240.0 - found.new_clusters[0].share).abs() < 1e-12);
    assert!((map.cells[0].x - map.cells[1].x).abs() > 1.0, "the first axis parts the two topics");
}

#[test]
fn without_drift_there_is_nothing_to_tell() {
    let found = explained(|world| {
        interleaved(world.draw(BILLING, 120, "now-bill"), world.draw(NETWORK, 120, "now-net"))
    });
    assert!(found.cells.is_empty() && found.new_clusters.is_empty(), "{:?}", found.cells);
    assert!(found.rising.is_empty() && found.falling.is_empty(), "{:?}", found.rising);
    assert!(found.replaced_share.unwrap() < 0.02);
}

#[test]
fn an_empty_window_and_reference_are_borne() {
    let reference = ReferenceView {
        counts: &[],
        centroids: &[],
        radius_limits: &[],
        terms: &[],
        all_terms: None,
        segment_terms: None,
        exemplars: &[],
        mean: None,
        projection: None,
    };
    let row = WindowRow { id: "a", x: &[1.0, 0.0], cell: 3, text: Some("hello") };
    let stream =
        |rows| StreamInput { stream: Stream::Query, counts: &[], rows, buckets: &[], reference };
    let rows = [row];
    let streams = vec![stream(&[]), stream(&rows)];
    for found in explain(&ExplainInput { streams, ..ExplainInput::default() }).streams {
        assert_eq!((found.replaced_share, found.changed, found.map), (None, None, None));
        assert!(found.cells.is_empty() && found.new_clusters.is_empty() && found.rising.is_empty());
    }
}
