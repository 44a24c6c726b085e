//! The checks together.

use proptest::prelude::*;

use super::*;

fn names(text: &str) -> Vec<&'static str> {
    of(text, Some("en")).flags.iter().map(Flag::as_str).collect()
}

#[test]
fn good_texts_fail_nothing() {
    for text in [
        "Where is my card? I ordered it on the 4th of May.",
        "hi there can you help me",
        "Your order 4711 (two books) left today. It costs £4.50, and you'll get it by 5pm!",
        "Où est ma carte ? Je l’ai commandée le 4 mai.",
        "Ẹ káàárọ̀, ṣé ẹ lè ràn mí lọ́wọ́?",
        "መልካም ቀን፣ ካርዴ የት ነው?",
        "أين بطاقتي؟ طلبتها في 4 مايو.",
        "我的卡在哪里？",
        "👍",
    ] {
        let flags = of(text, None).flags;
        assert!(flags.is_empty(), "{text}: {flags:?}");
    }
}

#[test]
fn each_fault_has_its_flag() {
    for (text, name) in [
        ("\u{200b} \n", "blank"),
        ("n/a", "placeholder"),
        ("You can find it in the", "truncated"),
        ("You have {{count}} points.", "template_slot"),
        ("The cafÃ© is open.", "encoding"),
        ("The pass\u{200b}word is wrong.", "invisible"),
        ("My pаypal does not work.", "mixed_script"),
        ("It is <b>open</b>.", "markup"),
        ("The tra1n is late.", "digits_in_words"),
        ("It is aaaaaaaaaaaaaaaaa.", "repetition"),
        ("WHERE IS MY MONEY?", "shouting"),
        ("Internal server error for you.", "error_text"),
        ("I can't help with that.", "refusal"),
        ("balance account check", "keywords"),
    ] {
        assert_eq!(names(text), [name], "{text}");
    }
    let echo = of_pair("Where is my new card?", "where is my new card", Some("en")).flags;
    assert_eq!(echo.iter().collect::<Vec<_>>(), [Flag::Echo]);
}

#[test]
fn numbers_are_measured() {
    let signals = of("The tra1n to Fès is 1ate.", Some("en"));
    assert_eq!((signals.chars, signals.words), (25, 6));
    assert!((signals.digits_in_words - 1.0 / 6.0).abs() < 1e-6);
    assert_eq!(signals.function_words, Some(0.5));
    assert!((signals.log_chars() - 26.0_f64.ln()).abs() < 1e-12);
    let json = serde_json::to_string(&signals).unwrap();
    assert_eq!(serde_json::from_str::<Signals>(&json).unwrap(), signals);
}

/// Pieces that the checks look for, in any order.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "{{",
        "}}",
        "${a",
        "}",
        "[A_B]",
        "[",
        "(",
        "<",
        "<b",
        ">",
        "&#",
        ";",
        "%s",
        "%(",
        "<%",
        "%>",
        "```",
        "“",
        "«",
        "Ã",
        "â€",
        "ð",
        "é",
        "\u{a0}",
        "\u{200d}",
        "\u{202e}",
        "\u{e0041}",
        "\u{fffd}",
        "\0",
        "аp",
        "0",
        "1",
        "|",
        "-\n",
        "error: 500",
        "\"error\":",
        "as an ai",
        "can't ",
        "İ",
        "ß",
        "ǅ",
        "我",
        "ก",
        "ا",
        "\u{301}",
        "qwert",
        "a",
        "a ",
        "undefined",
        " is ",
        "None",
        ".",
        ". ",
        ",",
        "\n    at x(",
        ":1)",
        "🏴",
        "👩\u{200d}💻",
    ]);
    prop_oneof![
        prop::collection::vec(pieces, 0..60).prop_map(|pieces| pieces.concat()),
        ("\\PC{1,6}", 1_usize..200).prop_map(|(unit, times)| unit.repeat(times)),
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn any_text_can_be_read(query in hostile(), text in hostile()) {
        for language in [None, Some("en"), Some("yo"), Some("zu"), Some("xx")] {
            let signals = of(&text, language);
            let places = explain(&text, language);
            let flags: Flags = places.iter().map(|&(flag, _)| flag).collect();
            prop_assert_eq!(flags, signals.flags);
            for (_, place) in places {
                prop_assert!(text.get(place).is_some(), "a place within the text");
            }
            prop_assert!((0.0..=1.0).contains(&signals.digits_in_words));
            prop_assert!((0.0..=1.0).contains(&signals.repetition));
            prop_assert!(signals.function_words.is_none_or(|share| (0.0..=1.0).contains(&share)));
            let pair = of_pair(&query, &text, language);
            prop_assert_eq!(pair.flags.bits() & !(1 << 13), signals.flags.bits());
        }
    }

    #[test]
    fn outer_white_space_changes_no_flag(text in hostile()) {
        let padded = format!(" {text}\n");
        prop_assert_eq!(of(text.trim(), None).flags, of(&padded, None).flags);
    }
}
