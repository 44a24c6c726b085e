//! Exact figures of synthetic windows: what they say without drift, with it, and of poor samples.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use seamark::clock::Timestamp;
use seamark::detect::exact::{ExactFigures, PERMUTATIONS, Yardstick, figures};
use seamark::detect::values::StreamRows;
use seamark::model::interaction::{Attributes, Event};
use seamark::model::stream::Stream;
use seamark::stats::codebook::Codebook;

const DIM: usize = 12;

/// `n` events in four topics, `session` of each in a row; with `shift`, a fifth topic's share.
fn events(n: usize, session: usize, shift: f64, seed: u64) -> Vec<Event> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut vector = |topic: usize| -> Vec<f32> {
        let near = |i: usize| f32::from(u8::from(i == topic)) + rng.random_range(-0.4..0.4f32);
        (0..DIM).map(near).collect()
    };
    let mut topics = ChaCha8Rng::seed_from_u64(seed + 1000);
    let mut topic = 0;
    (0..n)
        .map(|i| {
            if i % session == 0 {
                topic = if topics.random_bool(shift) { 4 } else { topics.random_range(0..4) };
            }
            Event {
                position: i as i64 + 1,
                interaction_id: i.to_string(),
                occurred_at: Timestamp::from_micros(i as i64),
                session_id: (session > 1).then(|| (i / session).to_string()),
                attributes: Attributes::new(),
                query: Some(vector(topic)),
                response: Some(vector(topic)),
                hashes: None,
                signals: seamark::model::signals::Signals::default(),
                outcomes: Vec::new(),
            }
        })
        .collect()
}

fn judged(reference: &[Event], window: &[Event], stream: Stream) -> Option<ExactFigures> {
    let sample = StreamRows::collect(reference, stream);
    let rows: Vec<&[f32]> = sample.rows.iter().map(Vec::as_slice).collect();
    let (fitted, counted) = rows.split_at(rows.len() / 2);
    let codebook = Codebook::fit(fitted, 8, 1);
    let cells = codebook.histogram(counted);
    let yardstick = Yardstick { gamma: 0.5, codebook: &codebook, cells: &cells };
    figures(reference, window, stream, yardstick, 1)
}

#[test]
fn without_drift_every_figure_is_near_what_it_expects() {
    let (reference, window) = (events(800, 1, 0.0, 1), events(200, 1, 0.0, 2));
    let found = judged(&reference, &window, Stream::Query).unwrap();
    assert_eq!((found.n_ref, found.n_window, found.scalar), (800, 200, None));
    assert!(found.mmd2.abs() < 0.005 && found.energy.abs() < 0.01, "{found:?}");
    assert!(found.psi < 3.0 * found.psi_expected, "{found:?}");
    assert!((found.classifier_auc.unwrap() - 0.5).abs() < 0.1, "{found:?}");
    let gaussian = found.gaussian.unwrap();
    assert_eq!(gaussian.axes, DIM);
    for figure in [gaussian.frechet, gaussian.kl.unwrap()] {
        assert!(figure.p_value > 0.01 && figure.expected > 0.0, "{found:?}");
        assert!((0.5..2.0).contains(&(figure.value / figure.expected)), "{found:?}");
    }
    assert_eq!(judged(&reference, &window, Stream::Query), Some(found));
}

#[test]
fn with_drift_every_figure_sees_it() {
    let (reference, window) = (events(800, 1, 0.0, 1), events(200, 1, 0.5, 2));
    let found = judged(&reference, &window, Stream::Response).unwrap();
    assert!(found.mmd2 > 0.01 && found.energy > 0.03, "{found:?}");
    assert!(found.psi > 5.0 * found.psi_expected, "{found:?}");
    assert!(found.classifier_auc.unwrap() > 0.65, "{found:?}");
    let gaussian = found.gaussian.unwrap();
    let smallest = 1.0 / (1 + PERMUTATIONS) as f64;
    for figure in [gaussian.frechet, gaussian.kl.unwrap()] {
        assert!((figure.p_value - smallest).abs() < 1e-12, "{found:?}");
        assert!(figure.value > 2.0 * figure.expected, "{found:?}");
    }
}

#[test]
fn relevance_has_the_figures_of_one_dimension() {
    let reference = events(600, 1, 0.0, 1);
    let calm = judged(&reference, &events(150, 1, 0.0, 2), Stream::Relevance).unwrap();
    let calm = calm.scalar.unwrap();
    for figure in [calm.ks, calm.wasserstein, calm.psi_deciles] {
        assert!(figure.p_value > 0.01 && figure.value < 3.0 * figure.expected, "{calm:?}");
    }
    // Answers to other questions.
    let mut mixed = events(150, 1, 0.0, 2);
    let others = events(150, 1, 0.0, 9);
    mixed.iter_mut().zip(others).for_each(|(event, other)| event.response = other.response);
    let moved = judged(&reference, &mixed, Stream::Relevance).unwrap().scalar.unwrap();
    for figure in [moved.ks, moved.wasserstein, moved.psi_deciles] {
        assert!(figure.p_value < 0.011 && figure.value > 2.0 * figure.expected, "{moved:?}");
    }
}

#[test]
fn sessions_change_sides_as_a_whole() {
    // Ten events of one topic in a row: twenty sessions differ more than 200 single events would.
    let (reference, window) = (events(800, 10, 0.0, 1), events(200, 10, 0.0, 2));
    let whole = judged(&reference, &window, Stream::Query).unwrap().gaussian.unwrap().frechet;
    let single = |events: &[Event]| -> Vec<Event> {
        events.iter().cloned().map(|event| Event { session_id: None, ..event }).collect()
    };
    let apart = judged(&single(&reference), &single(&window), Stream::Query).unwrap();
    let apart = apart.gaussian.unwrap().frechet;
    assert!((whole.value - apart.value).abs() < 1e-12);
    assert!(whole.expected > 1.5 * apart.expected && whole.p_value > apart.p_value, "{whole:?}");
}

#[test]
fn poor_samples_lack_figures_and_never_panic() {
    let reference = events(100, 1, 0.0, 1);
    assert_eq!(judged(&reference, &reference[..1], Stream::Query), None);
    let few = judged(&reference, &reference[..3], Stream::Query).unwrap();
    assert!(few.classifier_auc.is_none() && few.gaussian.is_some());
    let constant: Vec<Event> = std::iter::repeat_n(&reference[0], 40).cloned().collect();
    let still = judged(&constant, &constant[..20], Stream::Query).unwrap();
    assert!(
        still.gaussian.is_none() && still.classifier_auc.is_none() && still.energy.abs() < 1e-12
    );
    let collapsed = judged(&reference, &constant, Stream::Query).unwrap().gaussian.unwrap();
    assert!(collapsed.kl.is_none() && collapsed.frechet.p_value < 0.011);
}
