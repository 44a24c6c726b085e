//! Which terms one set of texts uses more than another.
//!
//! The log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi, Quinn, "Fightin'
//! Words", Political Analysis 16, 2008, equations 15, 20 and 22). Ratios of frequencies alone favour
//! the rarest terms, differences the commonest; the prior, which pulls every term to what both sets
//! say together, makes the scores comparable across frequencies.

use std::cmp::Ordering;

/// Above this score a word is shown.
const MIN_Z: f64 = 3.0;

/// Above this score a piece of words is shown: there are several times as many, so that chance alone
/// lifts some of them above 3.
const MIN_Z_PIECE: f64 = 4.0;

/// Texts that a term must be in to be shown: fewer can be one person.
const MIN_COUNT: f64 = 3.0;

/// Terms, best first, among which the shown ones are chosen.
const MAX_CANDIDATES: usize = 1_000;

/// One term's count, and the sum of the counts of all terms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// The term's count.
    pub count: f64,
    /// The counts of all terms together.
    pub total: f64,
}

/// How much more one set uses a term than another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogOdds {
    /// Difference of the log-odds; positive where the first set uses the term more.
    pub delta: f64,
    /// `delta` ÷ its standard deviation: about standard normal, or narrower, where both sets use
    /// the term equally often. Next to a count of 0 the deviation is large, so that a term that is
    /// gone can score a little less than one that is left once.
    pub z: f64,
}

/// The mass of the prior: half as many counts as the smaller set has.
///
/// A prior that weighs little leaves terms that one set lacks altogether, those of a new topic, with
/// a score below that of terms it has once; one that weighs much hides small differences.
pub fn prior_mass(a: Share, b: Share) -> f64 {
    0.5 * a.total.min(b.total)
}

/// δ = ln (y_a + α)/(n_a + α₀ − y_a − α) − ln (y_b + α)/(n_b + α₀ − y_b − α),
/// z = δ / √(1/(y_a + α) + 1/(y_b + α)),
///
/// with the prior α = mass · (y_a + y_b)/(n_a + n_b) of the pooled sets and α₀ = `mass`; see
/// [`prior_mass`]. Both are 0 where nothing can be said: a term that is in neither set, or the
/// only one.
pub fn log_odds(a: Share, b: Share, mass: f64) -> LogOdds {
    let (count, total) = (a.count + b.count, a.total + b.total);
    if count <= 0.0 || count >= total || mass <= 0.0 {
        return LogOdds { delta: 0.0, z: 0.0 };
    }
    let prior = mass * count / total;
    let log = |s: Share| ((s.count + prior) / (s.total + mass - s.count - prior)).ln();
    let delta = log(a) - log(b);
    let variance = 1.0 / (a.count + prior) + 1.0 / (b.count + prior);
    LogOdds { delta, z: delta / variance.sqrt() }
}

/// A term that may be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate<'a> {
    /// The term.
    pub term: &'a str,
    /// Whether it is a word rather than a piece of one.
    pub is_word: bool,
    /// Its score.
    pub z: f64,
    /// In how many texts it is, of the set that uses it more.
    pub count: f64,
}

/// The at most `k` terms that say best what is different, in the order of their scores.
///
/// Only words with z > 3 and pieces with z > 4, in at least three texts. A piece is left out where something longer
/// explains it:
///
/// 1. the candidate words that contain it are together in at least half as many texts as it, or
/// 2. one longer candidate piece that contains it is, or
/// 3. a piece that was chosen before, in at least half as many texts, is contained in it or overlaps
///    it by two characters or more (the end of one is the beginning of the other).
///
/// O(candidates²), with at most 1,000 candidates.
pub fn select<'a>(candidates: &[Candidate<'a>], k: usize) -> Vec<Candidate<'a>> {
    let bound = |c: &Candidate<'_>| if c.is_word { MIN_Z } else { MIN_Z_PIECE };
    let strong = |c: &&Candidate<'_>| c.z > bound(c) && c.count >= MIN_COUNT;
    let mut ranked: Vec<Candidate<'a>> = candidates.iter().filter(strong).copied().collect();
    ranked.sort_by(order);
    ranked.truncate(MAX_CANDIDATES);
    let mut chosen: Vec<Candidate<'a>> = Vec::new();
    for candidate in &ranked {
        if chosen.len() == k {
            break;
        }
        if candidate.is_word || !is_explained(candidate, &ranked, &chosen) {
            chosen.push(*candidate);
        }
    }
    chosen
}

/// Highest score first; of equals words, then the longer, then by alphabet.
fn order(a: &Candidate<'_>, b: &Candidate<'_>) -> Ordering {
    b.z.total_cmp(&a.z)
        .then_with(|| b.is_word.cmp(&a.is_word))
        .then_with(|| b.term.len().cmp(&a.term.len()))
        .then_with(|| a.term.cmp(b.term))
}

fn is_explained(piece: &Candidate<'_>, all: &[Candidate<'_>], chosen: &[Candidate<'_>]) -> bool {
    let enough = piece.count / 2.0;
    let longer = |c: &&Candidate<'_>| {
        c.term.contains(piece.term) && (c.is_word || c.term.len() > piece.term.len())
    };
    let mut in_words = 0.0;
    for container in all.iter().filter(longer) {
        if container.is_word {
            in_words += container.count;
        } else if container.count >= enough {
            return true;
        }
    }
    in_words >= enough
        || chosen.iter().any(|c| {
            !c.is_word
                && c.count >= enough
                && (piece.term.contains(c.term)
                    || overlaps(c.term, piece.term)
                    || overlaps(piece.term, c.term))
        })
}

/// Whether the end of `a`, of at least two characters, is the beginning of `b`.
fn overlaps(a: &str, b: &str) -> bool {
    let last_start = a.char_indices().rev().nth(1).map_or(0, |(at, _)| at);
    a.char_indices().skip(1).any(|(at, _)| at <= last_start && b.starts_with(&a[at..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn share(count: u32, rest: u32) -> Share {
        Share { count: count.into(), total: f64::from(count) + f64::from(rest) }
    }

    fn word(term: &str, z: f64, count: f64) -> Candidate<'_> {
        Candidate { term, is_word: true, z, count }
    }

    fn piece(term: &str, z: f64, count: f64) -> Candidate<'_> {
        Candidate { term, is_word: false, z, count }
    }

    fn names<'a>(candidates: &[Candidate<'a>]) -> Vec<&'a str> {
        select(candidates, 10).iter().map(|c| c.term).collect()
    }

    proptest! {
        #[test]
        fn swapping_the_sets_swaps_the_sign(
            a in 0u32..50, b in 0u32..50, ra in 1u32..5_000, rb in 1u32..5_000,
            mass in 1.0f64..5_000.0,
        ) {
            let there = log_odds(share(a, ra), share(b, rb), mass);
            let back = log_odds(share(b, rb), share(a, ra), mass);
            prop_assert!((there.delta + back.delta).abs() < 1e-9);
            prop_assert!((there.z + back.z).abs() < 1e-9);
        }

        #[test]
        fn equal_proportions_score_zero(count in 1u32..50, rest in 1u32..900, times in 1u32..20) {
            let odds = log_odds(share(count, rest), share(times * count, times * rest), 500.0);
            prop_assert!(odds.delta.abs() < 1e-9 && odds.z.abs() < 1e-9);
        }

        #[test]
        fn more_is_higher(a in 0u32..50, b in 0u32..50, rest in 100u32..5_000) {
            let total = f64::from(rest + 100);
            let odds = |a: u32| {
                let share = |count: u32| Share { count: count.into(), total };
                log_odds(share(a), share(b), total)
            };
            prop_assert!(odds(a + 1).delta > odds(a).delta);
            prop_assert_eq!(odds(a).z > 0.0, a > b);
        }
    }

    #[test]
    fn nothing_to_compare_scores_zero() {
        let none = LogOdds { delta: 0.0, z: 0.0 };
        assert_eq!(log_odds(share(0, 5), share(0, 9), 5.0), none);
        assert_eq!(log_odds(share(4, 0), share(9, 0), 5.0), none);
        assert_eq!(log_odds(share(0, 0), share(0, 0), 0.0), none);
    }

    #[test]
    fn without_a_difference_scores_stay_within_the_normal() {
        // Binomial counts of one term with the same probability in both sets.
        let mut rng = <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(5);
        let mut draw =
            |n: u32, p: f64| (0..n).filter(|_| rand::Rng::random_bool(&mut rng, p)).count();
        let beyond = (0..400)
            .map(|i| {
                let p = [0.002, 0.01, 0.05, 0.2][i % 4];
                let a = Share { count: draw(1_000, p) as f64, total: 1_000.0 };
                let b = Share { count: draw(4_000, p) as f64, total: 4_000.0 };
                log_odds(a, b, prior_mass(a, b)).z.abs()
            })
            .filter(|z| *z > 1.96)
            .count();
        assert!(beyond <= 32, "{beyond} of 400 beyond the 5 % level");
    }

    #[test]
    fn a_word_explains_its_pieces() {
        let candidates =
            [piece("irt", 9.0, 20.0), piece("airt", 8.9, 20.0), word("airtime", 8.8, 20.0)];
        assert_eq!(names(&candidates), ["airtime"]);
    }

    #[test]
    fn a_stem_of_many_words_is_shown_once() {
        let candidates = [
            piece("thand", 9.0, 30.0),
            piece("hand", 9.0, 30.0),
            piece("handa", 8.0, 28.0),
            word("uthando", 4.0, 5.0),
        ];
        assert_eq!(names(&candidates), ["thand", "uthando"]);
    }

    #[test]
    fn several_words_explain_a_piece_together() {
        let candidates =
            [piece("fund", 9.0, 20.0), word("refund", 7.0, 9.0), word("refunds", 6.0, 4.0)];
        assert_eq!(names(&candidates), ["refund", "refunds"]);
    }

    #[test]
    fn weak_and_rare_terms_are_left_out() {
        let weak = [word("a", 2.9, 50.0), piece("abc", 3.9, 50.0), word("b", 8.0, 2.0)];
        assert!(names(&weak).is_empty());
        let many: Vec<Candidate<'_>> = (0..9).map(|i| word("x", 5.0 + f64::from(i), 9.0)).collect();
        assert_eq!(select(&many, 4).len(), 4);
        assert!(select(&many, 4).iter().all(|c| c.z >= 10.0));
    }

    #[test]
    fn overlap_needs_two_characters() {
        assert!(overlaps("thand", "nda") && overlaps("退款申", "款申请"));
        assert!(!overlaps("thand", "data") && !overlaps("退款", "款申") && !overlaps("a", "a"));
    }
}
