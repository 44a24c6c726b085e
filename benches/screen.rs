//! Time to screen a text of 2 kB: prose, mixed traffic, and the worst that was thought of.

use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use seamark::screen::{Screener, Settings};

/// Bytes of a text.
const BYTES: usize = 2048;
/// Texts of mixed traffic, and how often each text is screened.
const TEXTS: usize = 1000;
const ROUNDS: usize = 9;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let begun = Instant::now();
    let regions = ["ZA", "NG", "KE", "MA"].map(str::to_owned).to_vec();
    let settings = Settings { regions, ..Settings::default() };
    let screener = Screener::new(&settings).expect("settings are right");
    writeln!(out, "built in {:.1} ms", begun.elapsed().as_secs_f64() * 1e3)?;
    writeln!(
        out,
        "{:<20} {:>8} {:>7} {:>7} {:>8}",
        "text of 2 kB", "us", "us/kB", "MB/s", "findings"
    )?;
    for (name, unit) in UNITS {
        let text = filled([*unit].into_iter().cycle());
        let best = best(&screener, &text);
        let (per_kb, speed) = (best / text.len() as f64 * 1e3, text.len() as f64 / best);
        let found = screener.find(&text).len();
        writeln!(out, "{name:<20} {best:>8.1} {per_kb:>7.1} {speed:>7.1} {found:>8}")?;
    }
    // Each text of the traffic begins at another unit and goes on with another step.
    let mut times: Vec<f64> = (0..TEXTS)
        .map(|seed| {
            let unit = |at: usize| UNITS[(seed + at * (1 + seed % 5)) % ORDINARY].1;
            best(&screener, &filled((0..).map(unit)))
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let (p50, p99, most) = (times[TEXTS / 2], times[TEXTS * 99 / 100], times[TEXTS - 1]);
    writeln!(
        out,
        "mixed traffic, {TEXTS} texts: p50 {p50:.0} us, p99 {p99:.0} us, most {most:.0} us"
    )
}

/// The shortest of several rounds, in microseconds: what else the machine does is left out.
fn best(screener: &Screener, text: &str) -> f64 {
    let round = || {
        let begun = Instant::now();
        black_box(screener.find(black_box(text)));
        begun.elapsed().as_secs_f64() * 1e6
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

fn filled<'a>(units: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for unit in units {
        text.push_str(unit);
        if text.len() >= BYTES {
            break;
        }
    }
    text
}

/// How many of the units are ordinary.
const ORDINARY: usize = 6;

const UNITS: &[(&str, &str)] = &[
    (
        "prose",
        "Thank you for waiting, the branch near the market opens on Monday and the clerk will explain how the loan works, what it costs and whom to ask. ",
    ),
    (
        "French prose",
        "Merci de votre patience : l'agence près du marché ouvre lundi, et le conseiller vous expliquera le prêt, son coût et à qui s'adresser. ",
    ),
    (
        "Arabic prose",
        "شكرا على انتظاركم، يفتح الفرع القريب من السوق يوم الاثنين وسيشرح لكم الموظف كيف يعمل القرض وكم يكلف ومن تسألون. ",
    ),
    (
        "prose, some digits",
        "Your order 5817413777 left on 12 May at 10:30 and arrives within 3 days; version 4.2.1 of the app shows where it is, room 230, building B12. ",
    ),
    (
        "support mail",
        "Dear team, I paid with card 4111 1111 1111 1111 but order 83712 never came. Call me on 0712 345 678 or write to jane@example.com, my ID number is 12345678, thanks for looking into this soon. ",
    ),
    (
        "French mail",
        "Bonjour, je m'appelle Salma, mon numéro est le 06 62 70 86 90 et ma carte d'identité BK953567 ; j'habite au 12 rue de la République, 69002 Lyon. ",
    ),
    ("digits in groups", "12 345 6789 "),
    ("one digit run", "1234567890"),
    ("telephone numbers", "0712 345 678 "),
    ("plus signs", "+254 712 "),
    ("context words", "phone card id account order key "),
    ("IDs and words", "phone 12345678 id 22345678 "),
    ("at signs", "a@b.co@"),
    ("spelt at", "a . b [at] c dot "),
    ("key words", "token=a1b2c3d4e5f6 "),
    ("hex groups", "ab:cd:12:34::"),
    ("addresses", "12 Long Street, Cape Town 12 Acacia "),
    ("codes", "A1B2C3D4E5 "),
    ("URLs", "://a:b@c "),
    ("placeholders", "<EMAIL> 1 <PHONE:k1:0123456789ab> "),
];
