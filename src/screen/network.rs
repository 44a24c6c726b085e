//! E-mail, IP and hardware addresses, device numbers, URLs with credentials.

use std::net::Ipv6Addr;

use super::checksum::luhn;
use super::context::Topic;
use super::rule::{EntityLabel, Rule, rule};

const EMAIL: EntityLabel = EntityLabel("EMAIL");
const IP: EntityLabel = EntityLabel("IP_ADDRESS");
const NETWORK: &[Topic] = &[Topic::Network];

/// Addresses of machines and mailboxes, of all regions.
pub(super) const NETWORKS: &[Rule] = &[
    // Spelt out: "name [at] example dot com", "first . last at mail . example . com".
    rule(
        EMAIL,
        "OBFUSCATED",
        r"(?i)\b([a-z0-9_%+-]{1,64}(?:(?: ?\. ?| ?[\[({]?dot[\])}]? )[a-z0-9_%+-]{1,64}){0,4} ?[\[({<] ?(?:at|@|arroba|arobase) ?[\])}>] ?[a-z0-9-]{1,63}(?:(?: ?\. ?| ?[\[({]dot[\])}] ?| dot )[a-z0-9-]{1,63}){0,4}(?: ?\. ?| ?[\[({]dot[\])}] ?| dot )[a-z]{2,24})\b",
        0.9,
        None,
        &[],
    ),
    rule(
        EMAIL,
        "OBFUSCATED",
        r"(?i)\b([a-z0-9_%+-]{1,64}(?:(?: \. |\.| dot )[a-z0-9_%+-]{1,64}){0,4} (?:at|arroba|arobase) [a-z0-9-]{1,63}(?:(?: \. | dot )[a-z0-9-]{1,63}){0,3}(?: \. | dot )[a-z]{2,24})\b",
        0.75,
        Some(("a top-level domain", spelt_domain)),
        &[],
    ),
    rule(
        IP,
        "V4",
        r"\b(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\b",
        0.6,
        Some(("not a small version", not_version)),
        NETWORK,
    ),
    rule(IP, "V4", r"\b[0-9]\.[0-9]\.[0-9]\.[0-9]\b", 0.25, None, NETWORK),
    rule(
        IP,
        "V6",
        r"(?i)(?:\b|::)[0-9a-f]{0,4}(?::{1,2}[0-9a-f]{1,4}){2,7}(?:::)?",
        0.8,
        Some(("parses", ipv6)),
        NETWORK,
    ),
    rule(
        EntityLabel("MAC_ADDRESS"),
        "",
        r"(?i)\b(?:[0-9a-f]{2}(?:(?::[0-9a-f]{2}){5}|(?:-[0-9a-f]{2}){5})|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})\b",
        0.7,
        Some(("a letter", has_letter)),
        NETWORK,
    ),
    rule(EntityLabel("MAC_ADDRESS"), "", r"\b[0-9]{2}(?::[0-9]{2}){5}\b", 0.3, None, NETWORK),
    rule(
        EntityLabel("IMEI"),
        "",
        r"\b[0-9]{2}-?[0-9]{6}-?[0-9]{6}-?[0-9]\b",
        0.3,
        Some(("Luhn", luhn)),
        &[Topic::Device],
    ),
];

/// Endings that an address spelt with plain "at" must have: "look at example dot com" may be prose.
const ENDINGS: &[&str] = &[
    "com", "org", "net", "edu", "gov", "info", "biz", "io", "co", "ai", "app", "dev", "me",
    "africa", "int", "mil", "eu", "uk", "us", "fr", "pt", "de", "es", "it", "nl", "be", "ch", "ca",
    "au", "br", "in", "za", "ng", "ke", "ma", "eg", "gh", "sn", "tz", "ug", "rw", "tn", "dz", "mu",
    "mz", "et", "ci", "cm", "zm", "zw", "bw", "na", "ao",
];

fn spelt_domain(value: &str) -> bool {
    let ending = value.rsplit([' ', '.']).next().unwrap_or_default().to_ascii_lowercase();
    ENDINGS.contains(&ending.as_str())
}

fn not_version(value: &str) -> bool {
    let parts: Vec<&str> = value.split('.').collect();
    let padded = parts.iter().any(|part| part.len() > 1 && part.starts_with('0'));
    !padded && parts.iter().any(|part| part.len() > 1) && !value.starts_with('0')
}

fn ipv6(value: &str) -> bool {
    let groups = value.split(':').filter(|group| !group.is_empty()).count();
    let full = !value.contains("::");
    // "10:20:30" is a time and "std::fmt" no address.
    groups >= 3
        && value.bytes().any(|b| b.is_ascii_digit())
        && (full || value.bytes().any(|b| b.is_ascii_alphabetic()) || groups >= 4)
        && value.parse::<Ipv6Addr>().is_ok()
}

fn has_letter(value: &str) -> bool {
    value.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_versions_and_paths_are_no_addresses() {
        assert!(ipv6("2001:db8:cf6d:ffca:dbe5:13b0:add:3225") && ipv6("2001:db8::1"));
        assert!(!ipv6("10:20:30") && !ipv6("1::2") && !ipv6("dead::beef"));
        assert!(not_version("192.0.2.1") && !not_version("4.2.8.8") && !not_version("10.07.1.1"));
        assert!(spelt_domain("name at example dot com") && !spelt_domain("look at this dot thing"));
    }
}
