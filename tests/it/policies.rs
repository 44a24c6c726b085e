//! Rules of a project's own on what texts may say: taught, measured, in force, watched.

mod http;
mod stream;

/// What customers of a telephone company ask, all different.
pub(crate) fn ordinary(n: usize) -> Vec<String> {
    let things = ["bill", "contract", "SIM card", "data bundle", "voicemail", "router", "number"];
    let asks = [
        "Where do I see",
        "How do I change",
        "Why was I charged for",
        "Can you explain",
        "When ends",
    ];
    let ends = ["please?", "in the app?", "on my phone?", "from last month?", "of my mother?"];
    (0..n)
        .map(|i| {
            let (a, b, c) = (asks[i % 5], things[i / 5 % 7], ends[i / 35 % 5]);
            format!("{a} the {b} {c} ({})", i / 175)
        })
        .collect()
}

/// Questions about a competitor.
pub(crate) fn competitor(n: usize) -> Vec<String> {
    let asks =
        ["Is Acme Mobile cheaper", "Should I switch to Acme Mobile", "Does Acme Mobile cover"];
    let whats = ["roaming", "fibre", "prepaid plans", "students", "my village", "families", "5G"];
    let ends = ["than you?", "these days?", "in your opinion?", "for less money?"];
    (0..n).map(|i| format!("{} {} {}", asks[i % 3], whats[i / 3 % 7], ends[i / 21 % 4])).collect()
}
