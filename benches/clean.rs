//! Times the cleaning of short texts, and of long hostile ones at two lengths: a step that is not
//! linear shows as a rate that falls.

use std::hint::black_box;
use std::time::{Duration, Instant};

use seamark::text::clean::{Boilerplate, Cleaner, Steps};

const BATCHES: u32 = 50;
const BATCH: Duration = Duration::from_millis(2);

/// Seconds that one cleaning of `text` takes: the fastest of several batches, since other programs
/// only ever slow it down.
fn seconds(cleaner: &Cleaner, text: &str) -> f64 {
    let batch = |_| {
        let start = Instant::now();
        let mut runs = 0_u32;
        while start.elapsed() < BATCH {
            black_box(cleaner.clean(black_box(text)));
            runs += 1;
        }
        start.elapsed().as_secs_f64() / f64::from(runs)
    };
    (0..BATCHES).map(batch).fold(f64::INFINITY, f64::min)
}

#[expect(clippy::print_stdout, reason = "a bench reports")]
fn main() {
    let lines = ["where is it\nSent from my phone today"; 10];
    let all = Cleaner::new(Steps::all(), Boilerplate::learn(lines));
    let recommended = Cleaner::new(Steps::default(), Boilerplate::learn(lines));
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
