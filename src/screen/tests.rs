//! The recognisers together: many countries and languages, numbers that are nobody's, properties
//! that hold for any text, and a labelled set where it is present.

use std::collections::BTreeMap;
use std::io::Read;

use proptest::prelude::*;

use super::placeholder::{placeholders, touches};
use super::policy::{Policy, PseudonymKeys, Side, apply};
use super::*;

fn screener(regions: &[&str]) -> Screener {
    let regions = regions.iter().map(ToString::to_string).collect();
    Screener::new(&Settings { regions, ..Settings::default() }).unwrap()
}

fn found(screener: &Screener, text: &str) -> Vec<(String, String)> {
    let label = |finding: &Finding| finding.entity.label().to_owned();
    screener.find(text).iter().map(|f| (label(f), text[f.span.clone()].to_owned())).collect()
}

/// Region, text, and the findings as `LABEL value`, separated by ` | `.
#[rustfmt::skip]
const PERSONAL: &[(&str, &str, &str)] = &[
    ("GH", "My Ghana card is GHA-713456789-2 and momo 0244123456", "NATIONAL_ID GHA-713456789-2 | PHONE 0244123456"),
    ("EG", "الرقم القومي: ٢٩٠٠١٠١٠١٠٠٠١٥", "NATIONAL_ID ٢٩٠٠١٠١٠١٠٠٠١٥"),
    ("TZ", "Namba yangu ya NIDA ni 19900115-12345-00001-12.", "NATIONAL_ID 19900115-12345-00001-12"),
    ("SN", "CNI n° 1548199201234, tél. 77 123 45 67", "NATIONAL_ID 1548199201234 | PHONE 77 123 45 67"),
    ("PT", "O meu NIF é 501964843 e o telemóvel 912 345 678.", "NATIONAL_ID 501964843 | PHONE 912 345 678"),
    ("FR", "Numéro de sécurité sociale 2 95 10 99 126 111 93.", "NATIONAL_ID 2 95 10 99 126 111 93"),
    ("GB", "NINO AB 12 34 56 C; sort code 12-34-56 account 12345678", "NATIONAL_ID AB 12 34 56 C | BANK_ACCOUNT 12-34-56 | BANK_ACCOUNT 12345678"),
    ("US", "SSN: 536-90-4399, call (212) 555-0199", "NATIONAL_ID 536-90-4399 | PHONE (212) 555-0199"),
    ("ZA", "{\"phone_number\":\"0821234567\",\"id_number\":\"8001015009087\"}", "PHONE 0821234567 | NATIONAL_ID 8001015009087"),
    ("NG", "NIN: 12345678901 and BVN 22123456789", "NATIONAL_ID 12345678901 | NATIONAL_ID 22123456789"),
    ("KE", "Kitambulisho: 23456789. Simu 0722 000 111", "NATIONAL_ID 23456789 | PHONE 0722 000 111"),
    ("KE", "QGH7X2K9LM Confirmed. Ksh500 sent", "MOBILE_MONEY QGH7X2K9LM"),
    ("KE", "nambari ya gari KDA 123B", "PLATE KDA 123B"),
    ("MA", "بطاقتي الوطنية AB123456", "NATIONAL_ID AB123456"),
    ("UG", "My number is 0772 123456, NIN CM90012345ABCD", "PHONE 0772 123456 | NATIONAL_ID CM90012345ABCD"),
    ("RW", "ID 1 1990 8 0012345 0 12", "NATIONAL_ID 1 1990 8 0012345 0 12"),
    ("TN", "Mon CIN 01234567, tél 98 123 456", "NATIONAL_ID 01234567 | PHONE 98 123 456"),
    ("DZ", "Mon numéro 0550 12 34 56", "PHONE 0550 12 34 56"),
    ("MZ", "O meu NUIT é 400339910", "NATIONAL_ID 400339910"),
    ("MU", "My phone 5712 3456", "PHONE 5712 3456"),
    ("NG", "Nọ́mbà fóònù mi ni 0803 123 4567", "PHONE 0803 123 4567"),
    ("NG", "Acct no 0123456789 GTBank", "BANK_ACCOUNT 0123456789"),
    ("ZA", "My passport number: A01234567", "PASSPORT A01234567"),
    ("FR", "née le 1er février 1990", "DATE_OF_BIRTH 1er février 1990"),
    ("PT", "nascido em 3 de março de 1985", "DATE_OF_BIRTH 3 de março de 1985"),
    ("ZA", "Gebore op 12 Maart 1990", "DATE_OF_BIRTH 12 Maart 1990"),
    ("ZA", "card 4111 1111 1111 1111 12/27 cvv 123", "CREDIT_CARD 4111 1111 1111 1111 | CREDIT_CARD 123"),
    ("ZA", "Card number ４１１１ １１１１ １１１１ １１１１", "CREDIT_CARD ４１１１ １１１１ １１１１ １１１１"),
    ("ZA", "IBAN GB82 WEST 1234 5698 7654 32 if so", "IBAN GB82 WEST 1234 5698 7654 32"),
    ("ZA", "MAC 00:1A:2B:3C:4D:5E and IP 10.0.0.12:80", "MAC_ADDRESS 00:1A:2B:3C:4D:5E | IP_ADDRESS 10.0.0.12"),
    ("ZA", "IMEI 490154203237518", "IMEI 490154203237518"),
    ("ZA", "postgres://u:p4ss@db:5432/x", "URL_CREDENTIALS postgres://u:p4ss@db:5432"),
    ("ZA", "server 2001:db8::ff00:42:8329", "IP_ADDRESS 2001:db8::ff00:42:8329"),
    ("ZA", "jane (at) example (dot) com", "EMAIL jane (at) example (dot) com"),
    ("ZA", "x.y AT example DOT co DOT za", "EMAIL x.y AT example DOT co DOT za"),
    ("ZA", "ek bly in Kerkstraat 12, Paarl", "ADDRESS Kerkstraat 12, Paarl"),
    ("GB", "10 Downing Street, London SW1A 2AA", "ADDRESS 10 Downing Street, London SW1A 2AA"),
    ("PT", "Moro na Rua Augusta 120, 1100-053 Lisboa", "ADDRESS Rua Augusta 120, 1100-053 Lisboa"),
    ("TZ", "S.L.P. 78, Dar es Salaam", "ADDRESS S.L.P. 78, Dar es Salaam"),
    ("MA", "12 شارع الحسن الثاني، الرباط", "ADDRESS 12 شارع الحسن الثاني، الرباط"),
];

#[test]
fn personal_data_of_many_countries() {
    for (region, text, expected) in PERSONAL {
        let found = found(&screener(&[region]), text);
        let found: Vec<String> =
            found.iter().map(|(label, value)| format!("{label} {value}")).collect();
        assert_eq!(found.join(" | "), *expected, "{region}: {text}");
    }
}

const IMPERSONAL: &[&str] = &[
    "Invoice INV-2024-000123 for R 12 345.67 is due 2024-05-01.",
    "Version 10.15.7 build 19H2 runs on port 8080 since 12:30:45.",
    "Ref 0812345678 dated 12/05/2024 was paid.",
    "Transaction reference: 100004240512103045123456789012",
    "Order 0712345678 shipped",
    "Meter 14287654321 token 1234 5678 9012 3456 7890 units 45.3",
    "In 2023 we sold 12345678 units to 254 shops",
    "La commande 2023 456 789 est prête, total 1 234 567 EUR",
    "EAN 5012345678900 and ISBN 0-306-40615-2",
    "commit 356a192b7913b04c54574d18c28d46e6395428ab is the key change",
    "Use std::net::Ipv4Addr and a::b::c at 10:20:30.",
    "Look at this example dot com domain: it is at the dot of noon.",
    "The password must be at least 12 characters: letters, digits.",
    "token: expired; secret: none; api_key: YOUR_API_KEY_HERE",
    "Windows 10.0.19045.3693 and Chrome 119.0.6045.199 crashed",
    "Latitude -33.924868, longitude 18.424055; 1 200 000 people",
    "We counted 12 345 678 901 naira in 2024",
    "request_id=4111111111111111 status=500",
    "timestamp 1700000000 and 1700000000000 ms, user id 1234567",
    "Request id 7cc7b9e9-75ac-4362-a1f1-8792d5c53591 failed with status 502.",
    "See you on 12/05/2024 at Main Street at 10; dial *120*321# 24/7",
    "icon@2x.png, @handle, C++, #0712345678, 3:2, 45%",
];

#[test]
fn numbers_that_are_nobodys_stay() {
    let screener = screener(&["ZA", "NG", "KE", "MA"]);
    for text in IMPERSONAL {
        assert_eq!(found(&screener, text), [], "{text}");
    }
}

#[test]
fn explanations_say_why_and_why_not() {
    let screener = screener(&["KE"]);
    let explained = screener.explain("My order 0712345678, my phone 0712345679");
    let phones: Vec<&Explained> =
        explained.iter().filter(|e| e.finding.entity == EntityType::Phone).collect();
    assert_eq!(phones[0].outcome, Outcome::BelowMinimum);
    assert_eq!(phones[0].word.as_deref(), Some("order"));
    assert_eq!(phones[1].outcome, Outcome::Found);
    assert_eq!(
        (phones[1].word.as_deref(), phones[1].check),
        (Some("phone"), Some("numbering plan"))
    );
    assert!(phones[1].finding.score > phones[1].base);
    // What the two say agrees.
    let shown = explained.into_iter().filter(|e| e.outcome == Outcome::Found).map(|e| e.finding);
    assert_eq!(
        shown.collect::<Vec<_>>(),
        screener.find("My order 0712345678, my phone 0712345679")
    );
}

#[test]
fn custom_recognisers_types_switched_off_and_allowed_values() {
    let settings: Settings = toml::from_str(
        r#"
        regions = ["KE"]
        off = ["IP_ADDRESS"]
        allow = ["0800 720 000"]
        [[custom]]
        name = "STAFF_NUMBER"
        pattern = 'EMP-([0-9]{5})'
        score = 0.3
        context = ["staff*", "employé*"]
        keyword = "EMP-"
        "#,
    )
    .unwrap();
    let screener = Screener::new(&settings).unwrap();
    let text = "Staff EMP-１２３４５ called 0800-720-000 from 10.0.0.12";
    assert_eq!(found(&screener, text), [("STAFF_NUMBER".to_owned(), "１２３４５".to_owned())]);
    assert_eq!(found(&screener, "part EMP-12345"), []);
    assert!(
        screener.knows("STAFF_NUMBER") && screener.knows("ZA_ID") && screener.knows("PAYSTACK")
    );
    assert!(!screener.knows("NOTHING") && !screener.knows(""));
    let refused = Screener::new(&Settings { minimum_score: 2.0, ..settings }).unwrap_err();
    assert_eq!(refused.0[0].field, "/minimum_score");
}

#[test]
fn names_are_found_only_when_asked_for_and_introduced() {
    let text = "My name is Wanjiru Kamau. Wanjiru Kamau paid. اسمي سلمى بناني";
    assert_eq!(found(&screener(&[]), text), []);
    let screener = Screener::new(&Settings { names: true, ..Settings::default() }).unwrap();
    let names: Vec<String> = found(&screener, text).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["Wanjiru Kamau", "سلمى بناني"]);
}

#[test]
fn one_screener_serves_many_threads() {
    fn shareable<T: Send + Sync>() {}
    shareable::<Screener>();
    let found = std::thread::scope(|scope| {
        let find = || shared().find("phone 0821234567").len();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(find)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(found, [1; 4]);
}

#[test]
fn spans_count_bytes_and_code_points() {
    let text = "é ٠٧١٢٣٤٥٦٧٨";
    let finding = screener(&["KE"]).find(text).remove(0);
    assert_eq!((finding.span.clone(), finding.code_points(text)), (3..23, 2..12));
}

#[test]
fn long_hostile_texts_are_screened() {
    let screener = screener(&["ZA", "NG", "KE", "MA", "US", "FR"]);
    for unit in [
        "1",
        "1 ",
        "+",
        "a@",
        "@",
        "at . dot ",
        "://",
        "-----BEGIN ",
        "<",
        "eyJ",
        "::",
        "\u{200b}1",
        "é",
        "A1",
        "0712 ",
        "token=",
        "12 Long ",
    ] {
        let text = unit.repeat(50_000);
        let findings = screener.find(&text);
        assert!(findings.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start), "{unit}");
    }
}

/// Pieces of which texts are made: values, words, separators and nonsense.
fn text() -> impl Strategy<Value = String> {
    let values: Vec<&str> =
        PERSONAL.iter().map(|(_, text, _)| *text).chain(IMPERSONAL.iter().copied()).collect();
    let piece = prop_oneof![
        3 => prop::sample::select(values).prop_map(str::to_owned),
        2 => "[0-9 +().-]{0,20}",
        1 => "[a-zA-Z@:/.<>_ ]{0,20}",
        1 => any::<String>(),
        1 => prop::sample::select(vec!["phone ", "ID ", "card ", "<EMAIL>", "<PHONE:k1:0123456789ab>", "account ", "key ", "order ", "né le "]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn shared() -> &'static Screener {
    static SHARED: std::sync::LazyLock<Screener> =
        std::sync::LazyLock::new(|| screener(&["ZA", "NG", "KE", "MA", "GB", "US"]));
    &SHARED
}

proptest! {
    #[test]
    fn spans_are_in_order_apart_and_on_characters(text in text()) {
        let findings = shared().find(&text);
        for finding in &findings {
            prop_assert!(text.get(finding.span.clone()).is_some_and(|value| !value.is_empty()));
            prop_assert!((0.5..=1.0).contains(&finding.score));
        }
        prop_assert!(findings.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start));
        prop_assert_eq!(&findings, &shared().find(&text));
    }

    #[test]
    fn placeholders_survive_a_second_screening(text in text()) {
        let keys = PseudonymKeys::new("k1", [("k1".to_owned(), vec![7; 32])]).unwrap();
        for default in [policy::Action::Mask, policy::Action::Partial, policy::Action::Pseudonym] {
            let policy = Policy { default, ..Policy::default() };
            let redact = |text: &str| {
                apply(text, &shared().find(text), &policy, Side::Query, Some(&keys)).text.unwrap()
            };
            let once = redact(&text);
            let opaque = placeholders(&once);
            for finding in shared().find(&once) {
                prop_assert!(!touches(&opaque, &finding.span), "{finding:?} in {once}");
            }
        }
    }
}

#[test]
fn masking_again_changes_nothing_in_ordinary_texts() {
    for (region, text, _) in PERSONAL {
        let screener = screener(&[region]);
        let mask = |text: &str| {
            apply(text, &screener.find(text), &Policy::default(), Side::Query, None).text.unwrap()
        };
        let once = mask(text);
        assert_eq!(mask(&once), once);
        assert_ne!(once, *text);
    }
}

#[derive(serde::Deserialize)]
struct Labelled {
    text: String,
    locale: Option<String>,
    level: String,
    spans: Vec<LabelledSpan>,
}

#[derive(serde::Deserialize)]
struct LabelledSpan {
    start_byte: usize,
    end_byte: usize,
    r#type: String,
}

/// Holds the floor of each type on the labelled set, where that lies beside the repository.
#[test]
fn the_labelled_set_is_found() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/labelled/pii_dev.jsonl.gz");
    let Ok(file) = std::fs::File::open(path) else { return };
    let mut lines = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut lines).unwrap();
    let mut screeners: BTreeMap<Option<String>, Screener> = BTreeMap::new();
    // Hits, false findings and misses by type.
    let mut counts: BTreeMap<String, [f64; 3]> = BTreeMap::new();
    let (mut negatives, mut flagged) = (0_u32, 0_u32);
    for line in lines.lines() {
        let record: Labelled = serde_json::from_str(line).unwrap();
        let screener = screeners.entry(record.locale.clone()).or_insert_with(|| {
            match record.locale.as_ref().map(|locale| locale.to_uppercase()) {
                Some(region) => screener(&[&region]),
                None => screener(&["ZA", "NG", "KE", "MA"]),
            }
        });
        let label = |f: &Finding| (f.span.start, f.span.end, f.entity.label().to_owned());
        let found: Vec<_> = screener.find(&record.text).iter().map(label).collect();
        let gold: Vec<_> =
            record.spans.into_iter().map(|s| (s.start_byte, s.end_byte, s.r#type)).collect();
        for span in &found {
            counts.entry(span.2.clone()).or_default()[usize::from(!gold.contains(span))] += 1.0;
        }
        for span in gold.iter().filter(|span| !found.contains(span)) {
            counts.entry(span.2.clone()).or_default()[2] += 1.0;
        }
        negatives += u32::from(record.level == "hard_negative");
        flagged += u32::from(record.level == "hard_negative" && !found.is_empty());
    }
    for (kind, [hits, false_findings, misses]) in counts.into_iter().filter(|(k, _)| k != "PERSON")
    {
        let f1 = 2.0 * hits / (2.0 * hits + false_findings + misses);
        assert!(f1 >= 0.98, "{kind}: F1 {f1:.3}");
    }
    assert!(flagged * 100 <= negatives, "{flagged} of {negatives}");
}
