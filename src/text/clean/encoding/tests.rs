//! Tests of the repair of mojibake.

use encoding_rs::{MACINTOSH, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252};

use super::*;

fn clean(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..8 {
        text = edits(&text).apply(&text);
    }
    text
}

/// The text of `text`'s UTF-8 when read as `encoding`.
fn misread(text: &str, encoding: &'static encoding_rs::Encoding) -> String {
    encoding.decode_without_bom_handling(text.as_bytes()).0.into_owned()
}

const SENTENCES: [&str; 17] = [
    "Le café est fermé à midi, déjà — « c’est l’été »…",
    "Größe über Straße: “schön”, 5 € für Äpfel",
    "¿Dónde está el niño? ¡Mañana! 25 °C",
    "São Paulo não é a capital, coração",
    "Ọjọ́ dára púpọ̀, ẹ káàárọ̀, báwo ni?",
    "Ina kwana? Ƙasar Hausa da ɗan ƙauye, ɓera",
    "Ɛte sɛn? Me din de Kofi, mɛkɔ fie",
    "Привет, как дела? Спасибо большое, ёж",
    "Καλημέρα, τι κάνεις; Ευχαριστώ",
    "مرحبا، كيف حالك؟ شكرا جزيلا",
    "שלום, מה שלומך?",
    "नमस्ते, आप कैसे हैं? धन्यवाद",
    "สวัสดีครับ ขอบคุณมาก",
    "ሰላም፣ እንዴት ነህ? አመሰግናለሁ።",
    "你好，世界！谢谢",
    "こんにちは、世界",
    "Great job 👍🏽 ❤️ 😂",
];

#[test]
fn texts_of_many_languages_are_repaired() {
    for text in SENTENCES {
        assert_eq!(clean(&misread(text, WINDOWS_1252)), text);
    }
}

#[test]
fn layers_come_off_one_by_one() {
    for text in SENTENCES {
        let once = misread(text, WINDOWS_1252);
        let twice = misread(&once, WINDOWS_1252);
        assert_eq!(clean(&twice), text, "twice");
        assert_eq!(clean(&misread(&twice, WINDOWS_1252)), text, "three times");
    }
}

#[test]
fn other_code_pages_are_recognised() {
    for text in ["Příliš žluťoučký kůň", "Привет, как дела?", "déjà vu — café", "“don’t”"]
    {
        for encoding in [WINDOWS_1250, WINDOWS_1251, MACINTOSH] {
            assert_eq!(clean(&misread(text, encoding)), text, "{}", encoding.name());
        }
    }
}

#[test]
fn correct_text_is_never_touched() {
    let more = [
        "“LE CAFÉ” NÃO É AQUI… MAÇÃ, CORAÇÃO™ Pokémon® n.º 5, 10 €",
        "fermé…” voilà…» Ñ¿Qué? está¡",
        "МОЇ ДРУЗІ — її сім’я, Різдво. Моё всё ещё",
        "x² ± √2 ≤ π·r², ∑≈10‰",
        "┌──┐ │ab│ └──┘ ░▒▓",
        "iPhone™手机 αβγ Ångström µm 5°C",
        "Ä Ö Ü ß Å Æ Ø Ð Þ €£¥¢",
        "naïve façade — “quoted” ‘single’ «guillemets»",
    ];
    for text in SENTENCES.into_iter().chain(more) {
        assert!(edits(text).is_empty(), "{text} -> {}", clean(text));
    }
}

#[test]
fn controls_become_what_windows_means_by_them() {
    assert_eq!(clean("it\u{92}s \u{93}so\u{94} \u{96} \u{80}5"), "it’s “so” – €5");
    assert_eq!(clean("a\u{85}b\u{81}"), "a\u{85}b\u{81}");
}

#[test]
fn surrogate_pairs_are_joined() {
    assert_eq!(clean("\u{ed}\u{a0}\u{bd}\u{ed}\u{b8}\u{8d}"), "😍");
}

#[test]
fn text_in_which_only_a_part_is_broken_is_repaired_there() {
    assert_eq!(clean("café and cafÃ©, â€œyesâ€\u{9d}"), "café and café, “yes”");
}
