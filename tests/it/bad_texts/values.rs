//! Bad texts of numbers, dates, personal data, repetition and length.

use super::{Corpus, LONG};

pub(super) fn numbers(corpus: &mut Corpus) {
    corpus.all(
        "number",
        [
            "0",
            "-0",
            "1e309",
            "1/0",
            "0x1F",
            "1,234,567",
            "1.234.567,89",
            "1 234 567",
            "1'234'567",
            "1,234",
            "3,14",
            "192.168.100.200",
            "1.2.3.4.5",
            "٣٫١٤",
            "١٬٢٣٤٬٥٦٧",
            "۱۲۳",
            "९८७",
            "１２３",
            "½ ¾ ⅓",
            "Ⅻ",
            "²³¹",
            "99999999999999999999",
            ".5",
            "5.",
            "1,,2",
            "1.,2",
            "--1",
            "+1",
            "1_000",
            "#123",
            "&#1,234;",
            "&#١٠٨;",
            "10%",
            "€1.234,50",
            "-1,234,567.8",
        ],
    );
    corpus.all(
        "date",
        [
            "31/12/2024",
            "12/31/2024",
            "03/04/2024",
            "2024-12-31",
            "30/02/2024",
            "31.12.2024",
            "3 May 2024",
            "May 3, 2024",
            "1st of January 2024",
            "29/02/2023",
            "2024/13/01",
            "31/12/24",
            "yesterday",
            "١٣/١/٢٠٢٤",
            "2024-12-31T23:59:60Z",
            "99/99/9999",
            "1/1/1",
            "Feb 30, 2024",
        ],
    );
}

pub(super) fn personal(corpus: &mut Corpus) {
    corpus.all(
        "personal",
        [
            "4111 1111 1111 1111",
            "4111\u{a0}1111\u{a0}1111\u{a0}1111",
            "٤١١١ ١١١١ ١١١١ ١١١١",
            "+254 712 345 678",
            "call 0712\n345 678",
            "jane+x@example.com",
            "\"a b\"@example.com",
            "пример@пример.рф",
            "sk-abc\ndef",
            "amFuZUBleGFtcGxlLmNvbQ==",
            "{\"jane@example.com\": 1}",
            "123-45-6789",
            "GB82 WEST 1234 5698 7654 32",
        ],
    );
}

pub(super) fn models(corpus: &mut Corpus) {
    corpus.all(
        "special token",
        [
            "[CLS] [SEP] [MASK] [PAD] [UNK]",
            "</s> <s> <pad> <unk>",
            "<|endoftext|>",
            "<mask>",
            "##ing ▁the Ġword",
        ],
    );
    for tokens in [255, 256, 257, 511, 512, 513] {
        corpus.add("token limit", vec!["word"; tokens].join(" "));
    }
}

pub(super) fn patterns(corpus: &mut Corpus) {
    for piece in [
        "a",
        "A1",
        "é",
        "漢",
        "😀",
        "\u{301}",
        "\u{200d}",
        "Ã",
        "Ã©",
        "â€",
        "â€™",
        "\0",
        "-",
        "“",
        "…",
        "1,",
        "1/",
        "1,234,",
        "\r",
        "\u{fffd}",
        "ð",
        "Â\u{a0}",
        "\u{1100}\u{1161}",
        ".",
        "#",
        "\u{9f}",
    ] {
        corpus.add("repeated", piece.repeat(LONG / 4 / piece.len()));
    }
    corpus.add("long word", "x".repeat(LONG));
    corpus.add("long line", "word ".repeat(LONG / 5));
    corpus.add("many lines", "ab\n".repeat(LONG / 12));
    corpus.add("loop", "I am sorry, I cannot help with that. ".repeat(1000));
    corpus.add("short tokens", "a ".repeat(LONG / 8));
    for length in [1, 2, 3, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025] {
        corpus.add("length", "é".repeat(length));
    }
}

pub(super) fn boilerplate(corpus: &mut Corpus) {
    corpus.all("boilerplate", [
        "Sent from my phone today", "Kind regards from us,\nJane", "Hello there dear team,\n\nwhere is it?\n\nSent from my phone today",
        "This message is confidential and privileged.\nThis message is confidential and privileged.", "-- \nJane Doe",
        "> quoted line one\n> quoted line two\nmy answer", "Sent from my phone today\n!!!",
    ]);
}
