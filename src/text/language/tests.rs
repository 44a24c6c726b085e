//! Own sentences in many languages; the labelled set where it is there.

use std::collections::BTreeMap;
use std::io::Read;

use proptest::prelude::*;

use super::*;

#[test]
fn the_codes_are_those_of_the_model_and_the_scripts() {
    let mut codes: Vec<_> = model().codes().iter().copied().chain(SETTLED).collect();
    codes.sort_unstable();
    assert_eq!(codes, CODES);
}

#[test]
fn plain_sentences_are_told_apart() {
    for (code, text) in [
        ("af", "Ek wil graag weet hoe laat die winkel vandag oopmaak."),
        ("am", "ዛሬ ሱቁ ስንት ሰዓት ላይ ይከፈታል?"),
        ("ar", "متى يفتح المتجر أبوابه هذا اليوم من فضلك؟"),
        ("bn", "দোকান আজ কখন খুলবে?"),
        ("de", "Ich möchte wissen, wann der Laden heute öffnet."),
        ("el", "Τι ώρα ανοίγει σήμερα το κατάστημα;"),
        ("en", "I would like to know when the shop opens today."),
        ("es", "Me gustaría saber a qué hora abre la tienda hoy."),
        ("fa", "می‌خواهم بدانم فروشگاه امروز چه ساعتی باز می‌شود."),
        ("fr", "Je voudrais savoir à quelle heure ouvre le magasin."),
        ("ha", "Ina so in san lokacin da za a buɗe shagon yau."),
        ("he", "באיזו שעה החנות נפתחת היום?"),
        ("hi", "आज दुकान कितने बजे खुलेगी?"),
        ("id", "Saya ingin tahu jam berapa toko itu buka hari ini."),
        ("ig", "Achọrọ m ịma mgbe ha ga-emepe ụlọ ahịa taa."),
        ("it", "Vorrei sapere a che ora apre il negozio oggi."),
        ("ja", "今日はお店は何時に開きますか。"),
        ("ko", "오늘 가게는 몇 시에 여나요?"),
        ("nl", "Ik wil graag weten hoe laat de winkel vandaag opengaat."),
        ("pcm", "Abeg wetin dey happen for dat shop wey dem never open am?"),
        ("pl", "Chciałbym wiedzieć, o której dziś otwierają sklep."),
        ("pt", "Gostaria de saber a que horas a loja abre hoje."),
        ("rw", "Ndashaka kumenya igihe iduka rifungurira uyu munsi."),
        ("so", "Waxaan rabaa inaan ogaado goorta dukaanka la furayo maanta."),
        ("sv", "Jag skulle vilja veta när affären öppnar i dag."),
        ("sw", "Ningependa kujua duka linafunguliwa saa ngapi leo."),
        ("ta", "இன்று கடை எப்போது திறக்கும்?"),
        ("tr", "Bugün dükkânın saat kaçta açıldığını öğrenmek istiyorum."),
        ("uk", "Я хотів би знати, о котрій сьогодні відкривається крамниця."),
        ("ur", "میں جاننا چاہتا ہوں کہ آج دکان کب کھلے گی۔"),
        ("vi", "Tôi muốn biết hôm nay cửa hàng mở cửa lúc mấy giờ."),
        ("yo", "Mo fẹ́ mọ ìgbà tí wọ́n máa ṣí ilé ìtajà lónìí."),
        ("zh", "请问商店今天几点开门？"),
        ("ru", "Я хотел бы узнать, во сколько сегодня открывается магазин."),
        ("th", "วันนี้ร้านเปิดกี่โมง"),
    ] {
        let language = identify(text);
        assert_eq!(language.code, code, "{text}: {language:?}");
        assert!(language.confidence > 0.7, "{text}: {language:?}");
    }
}

#[test]
fn neighbours_that_share_most_of_their_words_are_told_apart() {
    for (code, text) in [
        ("zu", "Ngicela ungitshele ukuthi isitolo sivulwa nini namhlanje."),
        ("xh", "Ndicela undixelele ukuba ivenkile ivulwa nini namhlanje."),
        ("nso", "Ke kgopela gore o mpotše gore lebenkele le bulwa neng lehono."),
        ("tn", "Ke kopa gore o mpolelele gore lebenkele le bulwa leng gompieno."),
        ("st", "Ke kopa hore o mpolelle hore lebenkele le bulwa neng kajeno."),
        ("ts", "Ndzi kombela leswaku u ndzi byela leswaku xitolo xi pfuriwa rini namuntlha."),
    ] {
        assert_eq!(identify(text).code, code, "{text}: {:?}", identify(text));
    }
}

#[test]
fn nothing_is_said_of_what_is_no_language() {
    for text in [
        "",
        " \n",
        "12 345,67",
        "?!… 🙂🎉",
        "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ",
        "https://example.org/a?b=c me@example.org",
    ] {
        let language = identify(text);
        assert_eq!(language.code, UNDETERMINED, "{text}: {language:?}");
        assert!(!language.is_confident());
    }
    assert!(!identify("xqzt wvkp jjjq zzxv qpwk").is_confident());
    assert!(identify("!!!").confidence <= 0.0);
}

#[test]
fn case_form_and_addresses_do_not_matter() {
    let text = "Je voudrais savoir où se trouve l'hôtel";
    let known = identify(text);
    assert_eq!(identify("Je voudrais savoir ou\u{300} se trouve l’ho\u{302}tel"), known);
    assert_eq!(identify("JE VOUDRAIS SAVOIR OÙ SE TROUVE L'HÔTEL!"), known);
    assert_eq!(identify("@moi Je voudrais savoir où se trouve l'hôtel www.example.org"), known);
}

#[test]
fn a_greek_epsilon_in_a_latin_word_is_the_open_e() {
    assert_eq!(identify("Mɛ wɛ ɖo azɔ̌ wà wɛ"), identify("Mε wε ɖo azɔ̌ wà wε"));
}

#[test]
fn kana_makes_han_japanese() {
    assert_eq!(identify("東京都庁").code, "zh");
    assert_eq!(identify("東京都庁へ行く").code, "ja");
}

#[test]
fn the_script_with_most_letters_decides() {
    let greek = identify("Τι ώρα ανοίγει ο Starbucks σήμερα;");
    assert_eq!(greek.code, "el");
    assert!((0.6..0.9).contains(&greek.confidence), "{greek:?}");
    assert_eq!(identify("I would like to know what αλήθεια means in English").code, "en");
    assert_eq!(identify("Windowsを使っています").code, "ja");
}

#[test]
fn only_the_beginning_of_a_long_text_is_read() {
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(50);
    let long = format!("{text}{}", "Τι ώρα ανοίγει σήμερα; ".repeat(10_000));
    assert_eq!(identify(&long), identify(&text[..2_000]));
    assert!(read(&long).switched <= 0.0);
}

#[test]
fn a_stretch_of_another_language_is_found() {
    let english = "I would like to know when the shop opens today please";
    for (other, words) in [
        ("lakini sijui kama wataniruhusu kuingia bila kitambulisho", 7),
        ("mais je ne sais pas si vous me laisserez entrer", 10),
        ("Но я не знаю пустят ли меня", 7),
        ("αλλά δεν ξέρω αν θα με αφήσουν", 7),
    ] {
        let share = read(&format!("{english} {other}")).switched;
        let expected = words as f32 / (11 + words) as f32;
        assert!((share - expected).abs() < 0.15, "{other}: {share}, not {expected}");
    }
}

#[test]
fn one_language_or_too_little_of_another_is_no_switch() {
    for text in [
        "",
        "12345",
        "I would like to know when the shop opens today please.",
        "Ningependa kujua duka linafunguliwa saa ngapi leo.",
        "I would like to know when the shop opens, merci!",
        "We flew with Air France from Johannesburg to Dar es Salaam.",
    ] {
        assert!(read(text).switched <= 0.0, "{text}");
    }
}

/// Rows of the labelled set that the targets are checked on, where it is at hand.
fn labelled() -> Option<Vec<(String, String)>> {
    let file = std::fs::File::open("../shared/data/labelled/langid_dev.jsonl.gz").ok()?;
    let mut lines = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut lines).unwrap();
    let row = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        (row["lang"].as_str().unwrap().to_owned(), row["text"].as_str().unwrap().to_owned())
    };
    Some(lines.lines().map(row).collect())
}

#[test]
fn the_targets_hold_on_the_labelled_set() {
    let Some(rows) = labelled() else { return };
    // Of each language: sentences, right answers, wrong answers given with confidence.
    let mut tallies: BTreeMap<&str, [f64; 3]> = BTreeMap::new();
    for (code, text) in &rows {
        let answer = identify(text);
        let tally = tallies.entry(code).or_default();
        tally[0] += 1.0;
        tally[1] += f64::from(answer.code == code);
        tally[2] += f64::from(answer.code != code && answer.is_confident());
    }
    let many: Vec<_> = tallies.values().filter(|tally| tally[0] >= 100.0).collect();
    let right = many.iter().map(|tally| tally[1] / tally[0]).sum::<f64>() / many.len() as f64;
    assert!(right >= 0.95, "macro accuracy {right}");
    for (code, [all, _, wrong]) in &tallies {
        assert!(wrong / all <= 0.02, "{code}: {wrong} of {all} wrong with confidence");
    }
}

#[test]
fn sentences_of_one_language_are_not_taken_for_switched() {
    let Some(rows) = labelled() else { return };
    let switched = rows.iter().filter(|(_, text)| read(text).switched > 0.0).count();
    assert!(switched * 100 <= rows.len(), "{switched} of {}", rows.len());
}

proptest! {
    #[test]
    fn any_text_has_an_answer_within_bounds(text in "\\PC{0,300}") {
        let language = identify(&text);
        prop_assert!(CODES.contains(&language.code));
        prop_assert!((0.0..=1.0).contains(&language.confidence));
        prop_assert!((0.0..=1.0).contains(&read(&text).switched));
        prop_assert_eq!(identify(&text), language);
    }

    #[test]
    fn letters_of_all_scripts_do_no_harm(text in "[a-zα-ωа-яא-תء-يሀ-ፚअ-हঅ-হก-ฮぁ-んァ-ン一-十가-힣'’ε ]{0,80}") {
        prop_assert!(CODES.contains(&identify(&text).code));
        prop_assert!((0.0..=1.0).contains(&read(&text).switched));
    }
}
