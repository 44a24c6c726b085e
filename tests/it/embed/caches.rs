//! The caches: nothing is embedded twice, nothing comes back changed, nothing grows without bound.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use seamark::embed::{CachedEmbedder, DiskCache, EmbedError, Embedder, Lookups, Side, Text};
use seamark::model::vector;

use super::{Noted, queries};

const MIB: usize = 1 << 20;

fn disk(folder: &Path) -> DiskCache {
    DiskCache::open(folder, "0123456789abcdef0123", 64).unwrap()
}

fn cached(folder: Option<&Path>, memory: usize) -> (Arc<Noted>, CachedEmbedder) {
    let noted = Arc::new(Noted::default());
    (Arc::clone(&noted), CachedEmbedder::new(noted, memory, folder.map(disk)))
}

fn file_in(folder: &Path) -> PathBuf {
    folder.join("0123456789abcdef.embeddings")
}

#[test]
fn a_text_is_embedded_once_within_a_call_and_across_calls() {
    let (noted, cached) = cached(None, MIB);
    let first = cached.embed(&queries(&["a b", "c d", "a b"])).unwrap();
    assert_eq!(noted.take(), ["a b", "c d"]);
    assert_eq!(first[0], first[2]);
    let second = cached.embed(&queries(&["c d", "e f"])).unwrap();
    assert_eq!(noted.take(), ["e f"]);
    assert_eq!(second[0], first[1]);
    assert_eq!(cached.lookups(), Lookups { hits: 2, misses: 3 });
}

#[test]
fn the_sides_share_a_vector_only_when_their_prefixes_are_equal() {
    let ask = |query_prefix| {
        let noted = Arc::new(Noted { query_prefix, ..Noted::default() });
        let cached = CachedEmbedder::new(Arc::clone(&noted) as Arc<dyn Embedder>, MIB, None);
        let on = |side| Text { side, text: "same" };
        cached.embed(&[on(Side::Query), on(Side::Response)]).unwrap();
        noted.take().len()
    };
    assert_eq!((ask(""), ask("query: ")), (1, 2));
}

#[test]
fn the_memory_is_bounded_and_keeps_what_is_used() {
    // Room for two generations of four vectors.
    let (noted, cached) = cached(None, 2 * 4 * (2 * 64 + 48));
    for i in 0..40 {
        let text = format!("text {i}");
        cached.embed(&queries(&["always", &text])).unwrap();
    }
    let asked = noted.take();
    assert_eq!(asked.iter().filter(|text| *text == "always").count(), 1);
    cached.embed(&queries(&["text 0"])).unwrap();
    assert_eq!(noted.take(), ["text 0"]);
}

#[test]
fn a_second_run_finds_everything_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (noted, first) = cached(Some(folder.path()), 0);
    let made = first.embed(&queries(&["a b", "c d"])).unwrap();
    assert_eq!(noted.take().len(), 2);
    let (noted, second) = cached(Some(folder.path()), 0);
    assert_eq!(
        second.embed(&queries(&["c d", "a b"])).unwrap(),
        [made[1].clone(), made[0].clone()]
    );
    assert!(noted.take().is_empty());
}

#[test]
fn a_torn_last_record_costs_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (_, first) = cached(Some(folder.path()), 0);
    first.embed(&queries(&["a", "b", "c"])).unwrap();
    let whole = fs::metadata(file_in(folder.path())).unwrap().len();
    for cut in 1..=144 {
        let file = OpenOptions::new().write(true).open(file_in(folder.path())).unwrap();
        file.set_len(whole - cut).unwrap();
        assert_eq!(disk(folder.path()).len(), 2, "cut {cut}");
        let (noted, again) = cached(Some(folder.path()), 0);
        again.embed(&queries(&["a", "b", "c"])).unwrap();
        assert_eq!(noted.take(), ["c"], "cut {cut}");
        assert_eq!(fs::metadata(file_in(folder.path())).unwrap().len(), whole, "cut {cut}");
        assert_eq!(disk(folder.path()).len(), 3, "cut {cut}");
    }
}

#[test]
fn a_torn_head_is_written_anew_and_a_foreign_file_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(file_in(folder.path()), b"smkem").unwrap();
    assert!(disk(folder.path()).is_empty());
    assert_eq!(fs::metadata(file_in(folder.path())).unwrap().len(), 16);
    for foreign in [&b"a letter to my aunt"[..], b"letter"] {
        fs::write(file_in(folder.path()), foreign).unwrap();
        let error = DiskCache::open(folder.path(), "0123456789abcdef0123", 64).unwrap_err();
        assert!(matches!(error, EmbedError::Cache { .. }), "{error}");
        assert_eq!(fs::read(file_in(folder.path())).unwrap(), foreign);
    }
}

#[test]
fn two_writers_share_one_file() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let folder = folder.path();
            scope.spawn(move || {
                let (_, cached) = cached(Some(folder), 0);
                for i in 0..50 {
                    cached.embed(&queries(&[&format!("{writer} {i}")])).unwrap();
                }
            });
        }
    });
    let bytes = fs::metadata(file_in(folder.path())).unwrap().len();
    assert_eq!((disk(folder.path()).len(), bytes), (100, 16 + 100 * 144));
}

proptest! {
    #[test]
    fn a_cache_changes_no_vector_and_repeats_no_work(
        calls in prop::collection::vec(prop::collection::vec("[a-c]{1,2}", 0..6), 1..12),
    ) {
        let (noted, cached) = cached(None, MIB);
        for call in &calls {
            let texts: Vec<&str> = call.iter().map(String::as_str).collect();
            let plain = noted.inner.embed(&queries(&texts)).unwrap();
            let rounded: Vec<_> = plain.iter().map(|made| vector::rounded(made)).collect();
            prop_assert_eq!(cached.embed(&queries(&texts)).unwrap(), rounded);
        }
        let distinct: HashSet<&String> = calls.iter().flatten().collect();
        prop_assert_eq!(noted.take().len(), distinct.len());
    }
}
