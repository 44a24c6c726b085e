//! Tests of the steps together.

use proptest::prelude::*;

use super::*;

fn cleaner(steps: Steps) -> Cleaner {
    let reference = ["where is it\nsent from my phone"; 10];
    Cleaner::new(steps, Boilerplate::learn(reference))
}

fn steps() -> impl Strategy<Value = Steps> {
    any::<[bool; 9]>().prop_map(|on| Steps {
        encoding: on[0],
        unicode: on[1],
        invisible: on[2],
        html: on[3],
        white_space: on[4],
        punctuation: on[5],
        boilerplate: on[6],
        numbers: on[7],
        dates: on[8],
    })
}

/// Pieces that one step or another cares about, in any order.
fn adversarial() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "<",
        ">",
        "&",
        ";",
        "#",
        "/",
        "!",
        "--",
        "\"",
        "'",
        "=",
        "`",
        "b",
        "i",
        "lt",
        "amp",
        "&lt;",
        "&gt;",
        "&amp;",
        "&#38;",
        "&shy;",
        "&#894;",
        "<b>",
        "</b>",
        "<br>",
        "<p class=x>",
        "<script>",
        "</script>",
        "<!--",
        "-->",
        "Ã",
        "©",
        "Â",
        "â",
        "€",
        "™",
        "”",
        "“",
        "’",
        "‹",
        "\u{a0}",
        "\u{ad}",
        "\u{9d}",
        "\u{85}",
        "ï»¿",
        "â€‹",
        "Р",
        "џ",
        "√",
        "├",
        "é",
        "e",
        "\u{301}",
        "\u{338}",
        "\u{37e}",
        "\u{fb2c}",
        "\u{200b}",
        "\u{200d}",
        "\u{200c}",
        "\u{202e}",
        "\u{feff}",
        "\u{e0041}",
        "\u{fe0f}",
        "👍",
        "🏴",
        "क",
        "ب",
        "\u{1b}[",
        "m",
        "\0",
        " ",
        "\t",
        "\n",
        "\r",
        "\u{2028}",
        "–",
        "…",
        "1",
        "12",
        "234",
        ",",
        ".",
        "٣",
        "٫",
        "1/13/2024",
        "May 3, 2024",
        "word",
        "sent from my phone",
        "\nsent from my phone\n",
        "\u{fffd}",
        "\u{ffff}",
        "\u{e000}",
    ]);
    prop::collection::vec(pieces, 0..30).prop_map(|pieces| pieces.concat())
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![3 => adversarial(), 1 => any::<String>(), 1 => "[ -~\\n]{0,80}"]
}

/// What every cleaning keeps to.
fn check(cleaner: &Cleaner, text: &str) {
    let cleaned = cleaner.clean(text);
    let again = cleaner.clean(&cleaned.text);
    assert_eq!(again.text, cleaned.text);
    assert!(matches!(again.text, Cow::Borrowed(_)));
    assert!(cleaned.settled);
    assert!(cleaned.text.len() <= 3 * text.len());
    assert!(is_blank(text) || !is_blank(&cleaned.text));
    assert_eq!(cleaned.changes.is_empty(), cleaned.text == text);
    assert!(cleaned.changes.is_sorted_by_key(|change| change.step));
    for change in &cleaned.changes {
        assert_eq!(change.spans.len(), change.count.min(SPANS));
        assert!(change.spans.iter().all(|span| text.get(span.clone()).is_some()));
    }
    let mut last = 0..0;
    for (at, c) in cleaned.text.char_indices() {
        let range = cleaned.original_range(at..at + c.len_utf8());
        assert!(text.get(range.clone()).is_some() && !range.is_empty());
        assert!(range == last || range.start >= last.end, "{range:?} after {last:?}");
        last = range;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_steps_keep_the_promises_on_any_text(steps in steps(), text in texts()) {
        check(&cleaner(steps), &text);
    }

    #[test]
    fn recommended_steps_keep_the_promises_on_any_text(text in texts()) {
        check(&cleaner(Steps::default()), &text);
        check(&cleaner(Steps::all()), &text);
    }

    #[test]
    fn no_steps_change_nothing(text in any::<String>()) {
        let none = cleaner(Steps::none());
        let cleaned = none.clean(&text);
        prop_assert!(matches!(cleaned.text, Cow::Borrowed(same) if same == text));
        prop_assert_eq!(cleaned.original_range(0..text.len()), 0..text.len());
    }
}

#[test]
fn a_dirty_text_comes_out_clean() {
    let text = "\u{feff}Hi,<br>the caf\u{65}\u{301} isn&rsquo;t\u{a0}open \u{2014} Itâ€™s closed!\r\n\
                Sent from my phone";
    let cleaner = cleaner(Steps::default());
    let cleaned = cleaner.clean(text);
    assert_eq!(cleaned.text, "Hi,\nthe café isn't open - It's closed!");
    let counts: Vec<(Step, usize)> =
        cleaned.changes.iter().map(|change| (change.step, change.count)).collect();
    assert_eq!(
        counts,
        [
            (Step::Encoding, 1),
            (Step::Unicode, 1),
            (Step::Invisible, 1),
            (Step::Html, 2),
            (Step::WhiteSpace, 3),
            (Step::Punctuation, 3),
            (Step::Boilerplate, 1),
        ]
    );
    let span = |step: usize| &text[cleaned.changes[step].spans[0].clone()];
    assert_eq!((span(0), span(1), span(2), span(3)), ("â€™", "e\u{301}", "\u{feff}", "<br>"));
    let at = cleaned.text.find("closed").unwrap();
    assert_eq!(&text[cleaned.original_range(at..at + 6)], "closed");
    let at = cleaned.text.find("café").unwrap();
    assert_eq!(&text[cleaned.original_range(at..at + 5)], "cafe\u{301}");
}

#[test]
fn what_decoding_brings_to_light_is_cleaned_too() {
    let clean = |text: &str| cleaner(Steps::all()).clean(text).text.into_owned();
    assert_eq!(clean("&lt;p&gt;one&lt;/p&gt; &amp;shy;two"), "one\ntwo");
    assert_eq!(clean("a&Atilde;&copy;b"), "aéb");
    assert_eq!(clean("٣١/١٢/٢٠٢٤ or ١٬٢٣٤٬٥٦٧"), "2024-12-31 or 1234567");
}

#[test]
fn a_text_that_never_settles_is_left_alone() {
    // In each layer an invisible character parts the bytes of the next one.
    let nested = (0..300).fold("â€‹".to_owned(), |inner, _| format!("â{inner}€‹"));
    let steps = Steps { encoding: true, invisible: true, ..Steps::none() };
    let cleaner = cleaner(steps);
    let cleaned = cleaner.clean(&nested);
    assert!(!cleaned.settled && cleaned.changes.is_empty());
    assert_eq!(cleaned.text, nested);
}

#[test]
fn steps_are_configured_by_name() {
    let steps: Steps = serde_json::from_str(r#"{"dates": true, "html": false}"#).unwrap();
    assert_eq!(steps, Steps { dates: true, html: false, ..Steps::default() });
    assert!(serde_json::from_str::<Steps>(r#"{"htm": false}"#).is_err());
    assert_eq!(Steps::all().enabled().count(), 9);
    assert!(Steps::all().enabled().is_sorted());
}
