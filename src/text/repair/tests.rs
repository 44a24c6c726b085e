//! Tests of the repair as a whole.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const TEXTS: [&str; 6] = [
    "Please cancel the transfer to my account, I want my money back.",
    "When will the transfer reach my account, please?",
    "I want to transfer money to another account. Please help.",
    "My card was declined and the transfer failed. Where can I return the card?",
    "Please return the money that I paid by card, or help me to return it.",
    "Where is my card? I want to cancel the card and return the money. Please help with the account.",
];

/// What the model of these tests knows beside the words of the reference.
const KNOWN: [&str; 6] = ["cars", "cart", "transform", "model", "am", "refund"];

fn vocabulary() -> Vocabulary {
    Vocabulary::learn(TEXTS, |_| true)
}

fn repairer() -> Repairer {
    let known: BTreeSet<&str> = KNOWN.into_iter().collect();
    Repairer::new(&vocabulary(), Arc::new(move |word| known.contains(word))).unwrap()
}

fn repaired(text: &str) -> String {
    repairer().repair(text).0.into_owned()
}

#[test]
fn slips_are_repaired_in_their_case() {
    for (written, meant) in [
        ("I want to cancel the trasnfer", "I want to cancel the transfer"),
        ("Please retrun my MONYE", "Please return my MONEY"),
        ("Pleeease return my carrd", "Pleeease return my card"),
        ("Please return my mon3y", "Please return my money"),
        ("the acc0unt and the rnoney, please", "the account and the money, please"),
        ("Tran5fer my money", "Transfer my money"),
    ] {
        assert_eq!(repaired(written), meant);
    }
    let (text, repairs) = repairer().repair("the trasnfer, please");
    assert_eq!(repairs, [Repair { span: 4..12, word: "transfer".to_owned() }]);
    assert_eq!(text, "the transfer, please");
}

#[test]
fn what_may_be_meant_is_left() {
    for text in [
        // Known to the model, or a name.
        "Where is my cars and cart, please?",
        "I want a model5 card, 5am please",
        // Forms and other beginnings.
        "Please return the transfers and moneys to my account",
        "Please xreturn the money",
        // Two words lie near.
        "Please help with the cand",
        // Words of another language or topic around it.
        "ninataka kufuta trasnfer yangu sasa hivi",
        // What is no word.
        "the card https://bank.example/trasnfer trasnfer@example.com [TRASNFER] $acc0unt",
        "my account 4000123412341234 and 0800",
        "",
    ] {
        let (same, repairs) = repairer().repair(text);
        assert!(matches!(same, Cow::Borrowed(_)) && repairs.is_empty(), "{text:?}: {same:?}");
    }
}

#[test]
fn a_vocabulary_of_another_version_is_not_used() {
    let json = serde_json::to_string(&vocabulary()).unwrap();
    let other = json.replace("\"version\":1", "\"version\":0");
    let other: Vocabulary = serde_json::from_str(&other).unwrap();
    assert!(Repairer::new(&other, Arc::new(|_| false)).is_none());
}

/// Words of the reference, slips, numbers, addresses and placeholders, in any order.
fn mixed() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "transfer",
        "account",
        "money",
        "card",
        "return",
        "please",
        "Cancel",
        "HELP",
        "trasnfer",
        "acc0unt",
        "MONYE",
        "Retrun",
        "carrd",
        "1234",
        "5am",
        "[EMAIL]",
        "[PHONE_1]",
        "a@b.example",
        "https://bank.example/acc0unt",
        "'",
        "’",
        "|",
        "^",
        "-",
        ".",
        ",",
        " ",
        "\n",
        "İ",
        "ß",
        "ﬁ",
        "मदद",
        "钱",
    ]);
    let piece = prop_oneof![4 => pieces.prop_map(str::to_owned), 1 => "\\PC{0,3}"];
    prop::collection::vec((piece, prop::bool::weighted(0.8)), 0..14).prop_map(|pieces| {
        let spaced = |(piece, is_apart)| if is_apart { format!("{piece} ") } else { piece };
        pieces.into_iter().map(spaced).collect()
    })
}

proptest! {
    #[test]
    fn repairing_a_repaired_text_changes_nothing(text in mixed()) {
        let once = repaired(&text);
        prop_assert_eq!(repaired(&once), once);
    }

    #[test]
    fn repairs_are_of_the_text_and_nothing_else_changes(text in mixed()) {
        let repairer = repairer();
        let (repaired, repairs) = repairer.repair(&text);
        prop_assert_eq!(repairs.is_empty(), repaired == text);
        let mut rebuilt = String::new();
        let mut at = 0;
        for repair in &repairs {
            prop_assert!(repairer.index.contains(&repair.word.to_lowercase()));
            prop_assert!(text[repair.span.clone()].chars().any(char::is_alphabetic));
            rebuilt += &text[at..repair.span.start];
            rebuilt += &repair.word;
            at = repair.span.end;
        }
        rebuilt += &text[at..];
        prop_assert_eq!(rebuilt, repaired);
    }

    #[test]
    fn known_words_stay(words in prop::collection::vec(
        prop::sample::select(vec!["transfer", "Account", "money", "CARD", "cart", "refund", "7"]), 0..12,
    )) {
        let text = words.join(" ");
        prop_assert_eq!(repaired(&text), text);
    }

    #[test]
    fn what_is_no_word_stays(
        foreign in prop_oneof![
            "[0-9]{1,20}", "https?://[a-z0-9.]{1,9}/[a-z0-9]{0,9}", "[a-z0-9]{1,9}@[a-z]{1,9}\\.example",
            "\\[[A-Z_0-9]{1,12}\\]", "[a-z]{1,9}\\.[a-z]{1,9}", "[$#][a-z0-9]{1,9}",
        ],
        slip in prop::sample::select(vec!["trasnfer", "acc0unt", "carrd"]),
    ) {
        let text = format!("please return {foreign} the {slip} to my account");
        let (_, repairs) = repairer().repair(&text);
        let after = text.find(" the ").unwrap();
        prop_assert_eq!(repairs.len(), 1);
        prop_assert!(repairs[0].span.start > after, "{:?}", repairs);
    }
}
