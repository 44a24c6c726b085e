//! Personal data: gone before anything is stored, told alike by every door.

mod conversations;
mod dump;
mod http;
mod placeholders;
mod stored;

/// Values that must be nowhere afterwards. Of each the form that a search finds is the whole.
pub(crate) fn personal_data() -> Vec<(&'static str, String)> {
    let values = [
        ("EMAIL", "thandi.mokoena@example.co.za"),
        ("EMAIL", "ngozi+bank@mail.example.ng"),
        ("PHONE", "082 123 4567"),
        ("PHONE", "+254712345678"),
        ("NATIONAL_ID", "7503305044089"),
        ("CREDIT_CARD", "4111 1111 1111 1111"),
        ("IBAN", "GB82 WEST 1234 5698 7654 32"),
        ("IP_ADDRESS", "203.0.113.77"),
        ("URL_CREDENTIALS", "postgres://bob:hunter2pass@db.example.com"),
    ];
    let mut values: Vec<_> = values.map(|(label, value)| (label, value.to_owned())).to_vec();
    // Put together here, so that no scanner of sources takes it for a key that leaked.
    values.push(("API_KEY", format!("{}{}", "ghp_", "x7Kq2mZ9".repeat(4) + "aB3d")));
    values
}
