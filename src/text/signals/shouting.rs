//! Capital letters throughout.

use std::ops::Range;

use super::reading::{Reading, may_have_case};

/// Letters with case that a text must have: "OK", "ATM PIN" and codes are no shouting.
const MIN_LETTERS: usize = 10;

pub(super) fn find(reading: &Reading) -> Option<Range<usize>> {
    let (mut upper, mut lower) = (0_usize, 0_usize);
    for c in reading.text.chars().filter(|&c| may_have_case(c)) {
        upper += usize::from(c.is_uppercase());
        lower += usize::from(c.is_lowercase());
    }
    let shouts = upper >= MIN_LETTERS && upper >= 9 * lower && reading.words.len() > 1;
    shouts.then(|| reading.trimmed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_throughout_shout() {
        let shouts = |text: &str| find(&Reading::new(text)).is_some();
        assert!(shouts("WHERE IS MY MONEY?!"));
        assert!(shouts("OÙ EST MA COMMANDE n"));
        assert!(shouts("ГДЕ МОЙ ЗАКАЗ"));
        assert!(!shouts("Where is my ATM PIN"));
        assert!(!shouts("OK") && !shouts("ABCDEFGHIJKL") && !shouts("أين طلبي الآن من فضلك"));
    }
}
