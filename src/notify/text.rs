//! Texts of users in bounded messages.

/// `text` cut to at most `limit` characters, the last of them an ellipsis if anything was cut.
///
/// Never leaves half a cluster behind: marks, joiners and selectors go with the character before
/// them. Control characters become blanks and invisible tag characters disappear.
pub(super) fn cut(text: &str, limit: usize) -> String {
    let clean: Vec<char> = text.chars().filter(|c| !is_tag(*c)).map(blank_control).collect();
    if clean.len() <= limit {
        return clean.into_iter().collect();
    }
    let mut end = limit.saturating_sub(1);
    while end > 0 && continues(clean[end - 1], clean[end]) {
        end -= 1;
    }
    // Joined marks without a start would eat the whole text; then a plain cut is better.
    if end == 0 {
        end = limit.saturating_sub(1);
    }
    clean[..end].iter().collect::<String>().trim_end().to_owned() + "…"
}

const fn is_tag(c: char) -> bool {
    matches!(c, '\u{E0000}'..='\u{E007F}')
}

fn blank_control(c: char) -> char {
    let is_bidi = matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || is_bidi { ' ' } else { c }
}

/// Whether `next` belongs to the same visible character as `before`.
const fn continues(before: char, next: char) -> bool {
    before == '\u{200D}'
        || matches!(next,
            '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05BD}'
            | '\u{0610}'..='\u{061A}' | '\u{064B}'..='\u{065F}' | '\u{135D}'..='\u{135F}'
            | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{200C}' | '\u{200D}'
            | '\u{20D0}'..='\u{20FF}' | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}'
            | '\u{1F3FB}'..='\u{1F3FF}')
}

/// A number as people read it: four significant digits.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !(0.001..100_000.0).contains(&size) {
        format!("{value:.3e}")
    } else {
        let digits = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
        format!("{value:.digits$}")
    }
}

/// A row of ratios to a threshold as a small picture, scaled to its largest: `▁▁▂▃▅█, the line at 3 of 8`.
/// `None` for fewer than three of them.
pub(super) fn sparkline(ratios: &[f64]) -> Option<String> {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    if ratios.len() < 3 {
        return None;
    }
    let top = ratios.iter().copied().fold(1.0, f64::max);
    let block = |ratio: &f64| {
        let level = (ratio.max(0.0) / top * 7.0).round();
        BLOCKS[(level as usize).min(7)]
    };
    let picture: String = ratios.iter().map(block).collect();
    Some(format!("{picture} up to {top:.1} × the threshold"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cut_leaves_no_half_character() {
        assert_eq!(cut("hello", 5), "hello");
        assert_eq!(cut("hello!", 5), "hell…");
        assert_eq!(cut("abe\u{301}f", 4), "ab…", "the accent does not stay without its letter");
        assert_eq!(cut("ab👩\u{200D}🚀cd", 4), "ab…");
        assert_eq!(cut("a\u{E0041}b\nc\u{202E}", 9), "ab c ");
    }

    #[test]
    fn numbers_have_four_digits() {
        let shown = [0.0, 1.0, 0.012_345, 12.345_6, 1234.56, 0.000_012_3].map(number);
        assert_eq!(shown, ["0", "1.000", "0.01235", "12.35", "1235", "1.230e-5"]);
    }

    proptest! {
        #[test]
        fn a_cut_never_exceeds_its_limit(text in "\\PC{0,60}", limit in 1_usize..40) {
            prop_assert!(cut(&text, limit).chars().count() <= limit);
        }
    }

    #[test]
    fn a_course_is_a_picture_with_its_scale() {
        let picture = sparkline(&[0.0, 0.5, 1.0, 2.0, f64::NAN]).unwrap();
        assert_eq!(picture, "▁▃▅█▁ up to 2.0 × the threshold");
        assert_eq!(sparkline(&[0.2, 0.1, 0.3]).unwrap(), "▂▂▃ up to 1.0 × the threshold");
        assert_eq!(sparkline(&[3.0]), None);
    }
}
