//! Placeholders move no statistic: masked traffic is within what the original varies by itself.

use std::path::Path;

use seamark::api::Received;
use seamark::app::vectors::{Item, events, guard};
use seamark::detect::check::{CheckOptions, check};
use seamark::embed::{
    Embedder, HashingEmbedder, Instructions, Manifest, PackedEmbedder, PackedOptions, Precision,
    Threads, weights,
};
use seamark::model::interaction::Event;
use seamark::model::stream::Stream;
use seamark::prepare::Preparer;
use seamark::text::clean::Boilerplate;

/// Of each hundred texts so many hold personal data.
const SHARE: usize = 10;
const TEXTS: usize = 400;

fn traffic() -> Vec<Received> {
    const ASKED: [&str; 8] = [
        "How do I activate my data bundle",
        "My parcel has not arrived yet",
        "I want to change the address of my account",
        "Why was I charged twice this month",
        "Can you block my card, it was stolen",
        "When does the branch in town open",
        "The app says that my password is wrong",
        "Please cancel my subscription from next week",
    ];
    const HOW: [&str; 5] = ["please", "since yesterday", "for my mother", "again", "urgently"];
    let values = super::personal_data();
    (0..TEXTS)
        .map(|n| {
            let (what, how) = (ASKED[n * 7 % 8], HOW[n * 3 % 5]);
            // Each text has its own words, so that the sample varies as traffic does.
            let about = ["order", "phone", "ticket", "line", "router", "bank", "plan"][n * 5 % 7];
            let mut query = format!("{what} {how}, it is about my {about}");
            if n % (100 / SHARE) == 0 {
                query = format!("{query}. Write to {}", values[n / 10 % values.len()].1);
            }
            Received { id: Some(n.to_string()), query, ..Received::default() }
        })
        .collect()
}

/// The traffic as events: masked, or as if nothing were looked for.
fn embedded(masked: bool, embedder: &dyn Embedder) -> Vec<Event> {
    let preparer = Preparer::standard(Boilerplate::default());
    let guard = guard(&["ZA".to_owned(), "KE".to_owned()]).unwrap();
    let items = traffic().into_iter().map(|received| {
        let query = received.query.clone();
        let mut item = Item::prepared(received, &guard, &preparer);
        if !masked {
            item.received.query = query;
        }
        item
    });
    events(items.collect(), 1, embedder).unwrap()
}

fn is_within_the_null(embedder: &dyn Embedder) {
    let (original, masked) = (embedded(false, embedder), embedded(true, embedder));
    let changed = original.iter().zip(&masked).filter(|(a, b)| a.query != b.query).count();
    assert_eq!(changed, TEXTS * SHARE / 100);
    let options = CheckOptions { alpha: 0.05, permutations: 499, seed: 1 };
    let verdicts = check(&original, &masked, &options);
    let of_queries: Vec<_> = verdicts.iter().filter(|v| v.stream == Stream::Query).collect();
    assert!(!of_queries.is_empty());
    for verdict in of_queries {
        assert!(!verdict.is_drift, "{}: p {:?}", verdict.detector, verdict.p_value);
    }
}

#[test]
fn masked_traffic_is_no_drift_for_the_hashing_embedder() {
    is_within_the_null(&HashingEmbedder::new());
}

#[test]
fn masked_traffic_is_no_drift_for_the_real_model() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let manifest = Manifest::find("all-MiniLM-L6-v2", &models).unwrap();
    let Ok(weights) = weights::verify(&manifest, &models) else {
        println!("skipped: no weights; `seamark model pull` fetches them");
        return;
    };
    let (instructions, threads) = (Instructions::Auto, Threads::new(0));
    let options = PackedOptions { precision: Precision::Int8, instructions, threads };
    is_within_the_null(&PackedEmbedder::load(&manifest, &weights, options).unwrap());
}
