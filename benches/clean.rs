//! Times what is done with each text beside its embedding, the cleaning of short texts, and that of
//! long hostile ones at two lengths: a step that is not linear shows as a rate that falls.

use std::hint::black_box;
use std::time::{Duration, Instant};

use seamark::text::clean::{Boilerplate, Cleaner, Steps};
use seamark::text::hashes::Hashes;
use seamark::text::writing::Writing;
use seamark::text::{language, signals};

const BATCHES: u32 = 50;
const BATCH: Duration = Duration::from_millis(2);

/// Seconds that one cleaning of `text` takes.
fn seconds(cleaner: &Cleaner, text: &str) -> f64 {
    fastest(|| {
        black_box(cleaner.clean(black_box(text)));
    })
}

/// Seconds that `work` takes: the fastest of several batches, since other programs only ever slow it
/// down.
fn fastest(work: impl Fn()) -> f64 {
    let batch = |_| {
        let start = Instant::now();
        let mut runs = 0_u32;
        while start.elapsed() < BATCH {
            work();
            runs += 1;
        }
        start.elapsed().as_secs_f64() / f64::from(runs)
    };
    (0..BATCHES).map(batch).fold(f64::INFINITY, f64::min)
}

/// What is done with every text, in microseconds: the same text of 100 characters again and again would
/// find everything in the caches, so that each time is the mean over a hundred texts.
#[expect(clippy::print_stdout, reason = "a bench reports")]
fn each_text(cleaner: &Cleaner) {
    let sentences = [
        (
            "English",
            "Where is my parcel number 17? I paid for it two weeks ago and nobody has answered my mails.",
        ),
        (
            "French",
            "Où est mon colis numéro 17 ? J'ai payé il y a deux semaines et personne ne répond à mes mails.",
        ),
        (
            "Swahili",
            "Kifurushi changu namba 17 kiko wapi? Nililipa wiki mbili zilizopita na hakuna aliyenijibu.",
        ),
        (
            "Yoruba",
            "Níbo ni ẹrù mi nọ́mbà 17 wà? Mo ti sanwó lọ́sẹ̀ méjì sẹ́yìn, kò sì sí ẹni tó dá mi lóhùn.",
        ),
        (
            "Arabic",
            "أين طردي رقم 17؟ لقد دفعت ثمنه قبل أسبوعين ولم يجب أحد على رسائلي الإلكترونية حتى الآن.",
        ),
        (
            "Chinese",
            "我的第17号包裹在哪里？我两个星期前就付了钱，但是没有人回复我的邮件，请帮我查一下。",
        ),
    ];
    println!("µs a text     chars  checks languages  writing   hashes cleaning    all");
    for (name, sentence) in sentences {
        let words: Vec<&str> = sentence.split_inclusive(' ').collect();
        let texts: Vec<String> = (0..200).map(|i| rotated(&words, i)).collect();
        let writing = Writing::fit(texts.iter().map(String::as_str));
        let texts = &texts[..100];
        let mean = |work: &dyn Fn(&str)| {
            fastest(|| texts.iter().for_each(|text| work(black_box(text)))) * 1e6 / 100.0
        };
        let steps = [
            mean(&|text| {
                black_box(signals::of(text, Some("en")));
            }),
            mean(&|text| {
                black_box(language::read(text));
            }),
            mean(&|text| {
                black_box(writing.as_ref().map(|writing| writing.oddness(text)));
            }),
            mean(&|text| {
                black_box(Hashes::of(text));
            }),
            mean(&|text| {
                black_box(cleaner.clean(text));
            }),
        ];
        print!("{name:<12} {:>5}", sentence.chars().count());
        steps.iter().for_each(|step| print!("{step:>9.2}"));
        println!("{:>9.2}", steps.iter().sum::<f64>());
    }
    println!();
}

/// The words from another one on, and a number of its own.
fn rotated(words: &[&str], i: usize) -> String {
    let (before, after) = words.split_at(i % words.len());
    format!("{}{} {i}", after.concat(), before.concat())
}

#[expect(clippy::print_stdout, reason = "a bench reports")]
fn main() {
    let lines = ["where is it\nSent from my phone today"; 10];
    let all = Cleaner::new(Steps::all(), Boilerplate::learn(lines));
    let recommended = Cleaner::new(Steps::default(), Boilerplate::learn(lines));
    each_text(&recommended);
    let plain = "Where is my order, please? I paid for it two weeks ago and nobody answers. ";
    let ascii = plain.repeat(4);
    let dirty = "<p>Hi,&nbsp;the cafe\u{301} isnâ€™t open — “really”</p>\r\n\r\n";
    let cyrillic = "Привет, где моя посылка? Я заплатил две недели назад, и никто не отвечает. ";
    let short = [
        ("ASCII", ascii.get(..250).unwrap_or(&ascii).to_owned()),
        ("Cyrillic", cyrillic.repeat(4).chars().take(250).collect()),
        ("dirty", dirty.repeat(6).chars().take(250).collect::<String>()),
        ("signed", format!("{plain}\n{plain}\nSent from my phone today")),
    ];
    for (name, text) in &short {
        let (few, every) = (seconds(&recommended, text) * 1e6, seconds(&all, text) * 1e6);
        println!(
            "{name:<28} {:>4} chars {few:>8.2} µs   all steps {every:>8.2} µs",
            text.chars().count()
        );
    }
    let hostile = [
        "<",
        "&",
        "`",
        "<b>",
        "</b>",
        "<b",
        "<a x=\"",
        "<a x='\"",
        "<a x=\"<a x='",
        "<a x=\"\" ",
        "<!--",
        "<script>",
        "</script",
        "&amp;",
        "&amp",
        "&#",
        "&lt;b&gt;",
        "Ã",
        "Ã©",
        "â",
        "â€",
        "â€™",
        "Ãƒ",
        "Р",
        "ð",
        "ðŸ",
        "\u{9f}",
        "\u{fffd}",
        "\u{301}",
        "e\u{301}",
        "\u{301}\u{323}",
        "\u{1d160}",
        "\u{200d}",
        "क\u{200d}",
        "\u{e0041}",
        "🏴\u{e0067}",
        "\u{1b}[",
        "\0",
        " ",
        "\r\n",
        "\n",
        "a\n",
        "“",
        "1",
        "1,",
        "1,234,",
        "1.2,",
        "٣",
        "1/",
        "May ",
        "3 May ",
        "11/12/",
        "a b c\n",
    ];
    for piece in hostile {
        let rate = |bytes: usize| {
            let text = piece.repeat(bytes / piece.len());
            text.len() as f64 / seconds(&all, &text) / 1e6
        };
        let (small, large) = (rate(1 << 14), rate(1 << 20));
        // Caches cost a factor of two or three; a step that is not linear would cost up to 64.
        let flag = if large < small / 8.0 { "  <- falls" } else { "" };
        println!("{piece:<28?} {small:>8.1} MB/s at 16 KiB {large:>8.1} MB/s at 1 MiB{flag}");
    }
}
