//! What holds for the screening of any text.

use std::sync::LazyLock;

use crate::screen::policy::{
    Action, Applied, Decision, Policy, PseudonymKeys, Side, apply, canonical,
};
use crate::screen::{EntityType, Finding, Outcome, Screener, Settings};

/// Longest text.
pub const LONGEST: usize = 64 * 1024;
/// Longest unit that is repeated up to [`LONGEST`].
const UNIT: usize = 64;

/// Settings that the first byte of an input chooses from.
static SCREENERS: LazyLock<Vec<(Settings, Screener)>> = LazyLock::new(|| {
    let settings = [
        "",
        "regions = ['ZA', 'NG', 'KE', 'MA']\nnames = true\nminimum_score = 0.3",
        "regions = ['EG', 'GH', 'SN', 'TZ', 'UG', 'RW', 'TN', 'DZ', 'MU', 'MZ']\nnames = true\n\
         minimum_score = 0.0",
        "regions = ['GB', 'US', 'FR', 'PT', 'ZA']\noff = ['IP_ADDRESS', 'STAFF']\n\
         allow = ['0800 720 000', 'a@b.cd']\nminimum_score = 0.1\n\
         [[custom]]\nname = 'STAFF_NUMBER'\npattern = 'EMP-([0-9]{5})'\nscore = 0.3\n\
         context = ['staff*', 'employé*']\nkeyword = 'EMP-'\n\
         [[custom]]\nname = 'STAFF'\npattern = '(?i)staff'\n\
         [[custom]]\nname = 'ANYTHING'\npattern = '(?s)q(.)[<>:*]|zz\\w(x?)'\nscore = 0.2\n\
         context = ['é']",
    ];
    let ready = |text: &&str| {
        let settings: Settings = toml::from_str(text).unwrap();
        let screener = Screener::new(&settings).unwrap();
        (settings, screener)
    };
    settings.iter().map(ready).collect()
});

static KEYS: LazyLock<PseudonymKeys> = LazyLock::new(|| {
    let keys = ["k1", "k2"].map(|id| (id.to_owned(), format!("{id:0>32}").into_bytes()));
    PseudonymKeys::new("k2", keys).unwrap()
});

/// The text of an input: what follows the first byte, which chooses the settings. From 240 on the
/// rest is repeated, so that time that grows faster than the text shows.
pub fn check(data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else { return };
    let mut text = String::from_utf8_lossy(&rest[..rest.len().min(LONGEST)]).into_owned();
    if choice >= 240 && !text.is_empty() && text.len() <= UNIT {
        text = text.repeat(LONGEST / text.len());
    }
    let (settings, screener) = &SCREENERS[usize::from(choice) % SCREENERS.len()];
    check_text(settings, screener, &text);
}

/// Everything that holds for `text`.
///
/// # Panics
/// Where something does not.
pub fn check_text(settings: &Settings, screener: &Screener, text: &str) {
    let findings = screener.find(text);
    check_findings(settings, screener, text, &findings);
    check_explanations(screener, text, &findings);
    for action in ACTIONS {
        check_action(screener, text, &findings, action);
    }
    let redacted = |default: Action| {
        let policy = Policy { default, ..Policy::default() };
        apply(text, &findings, &policy, Side::Response, None).text
    };
    assert_eq!(redacted(Action::Pseudonym), redacted(Action::Mask), "without a key");
}

const ACTIONS: [Action; 7] = [
    Action::Allow,
    Action::Flag,
    Action::Mask,
    Action::Partial,
    Action::Pseudonym,
    Action::Drop,
    Action::Block,
];

/// In order, apart, on characters, and what the settings ask for.
fn check_findings(settings: &Settings, screener: &Screener, text: &str, findings: &[Finding]) {
    let mut last = 0;
    for finding in findings {
        let value = text.get(finding.span.clone()).expect("a span inside the text, on characters");
        assert!(!value.is_empty() && finding.span.start >= last, "{finding:?}");
        last = finding.span.end;
        assert!((settings.minimum_score..=1.0).contains(&finding.score), "{finding:?}");
        assert!(!settings.off.contains(&finding.entity), "{finding:?} is off");
        // Beyond ASCII the value is compared as it is read, which may be otherwise.
        assert!(
            !value.is_ascii() || !settings.allow.iter().any(|v| letters(v) == letters(value)),
            "{finding:?} is allowed"
        );
        let custom = settings.custom.iter().any(|c| c.name == finding.entity.label());
        assert_eq!(matches!(finding.entity, EntityType::Custom(_)), custom, "{finding:?}");
        assert!(settings.names || finding.entity != EntityType::Person);
    }
    // Dear, so only of some.
    for finding in findings.iter().take(16) {
        let value = &text[finding.span.clone()];
        assert!(screener.knows(finding.entity.label()), "{finding:?}");
        if let Some(subtype) = &finding.subtype
            && finding.entity != EntityType::Phone
        {
            assert!(screener.knows(subtype), "{finding:?}: a policy could not name the subtype");
        }
        let canonical = canonical(finding, value);
        assert!(canonical.len() <= 4 * value.len() + 8, "{canonical}");
        assert!(KEYS.tokens(finding, value).contains(&KEYS.token(finding, value)));
        let points = finding.code_points(text);
        assert_eq!(points.start, text[..finding.span.start].chars().count());
        assert_eq!(points.len(), text[finding.span.clone()].chars().count());
    }
}

fn letters(value: &str) -> String {
    value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// They tell the same as the findings.
fn check_explanations(screener: &Screener, text: &str, findings: &[Finding]) {
    let explained = screener.explain(text);
    assert!(explained.is_sorted_by_key(|e| e.finding.span.start));
    for e in &explained {
        assert!(text.get(e.finding.span.clone()).is_some(), "{e:?}");
        assert!((0.0..=1.0).contains(&e.base) && (0.0..=1.0).contains(&e.finding.score), "{e:?}");
    }
    let found = explained.into_iter().filter(|e| e.outcome == Outcome::Found).map(|e| e.finding);
    assert_eq!(found.collect::<Vec<_>>(), findings);
}

/// What is between the findings stays; for each of them stands what the action says and, but for the
/// last characters that `partial` shows, nothing of the value. What stands there is never screened
/// again.
fn check_action(screener: &Screener, text: &str, findings: &[Finding], action: Action) {
    let policy = Policy { default: action, ..Policy::default() };
    let screened = apply(text, findings, &policy, Side::Query, Some(&KEYS));
    let decision = match action {
        _ if findings.is_empty() => Decision::Allow,
        Action::Allow => Decision::Allow,
        Action::Flag => Decision::Flag,
        Action::Block => Decision::Block,
        _ => Decision::Redact,
    };
    assert_eq!(screened.decision, decision);
    assert_eq!(screened.applied.len(), findings.len(), "each finding is accounted for");
    let same = |(a, f): (&Applied, &Finding)| a.span == f.span && a.action == action;
    assert!(screened.applied.iter().zip(findings).all(same));
    let Some(kept) = screened.text else {
        assert!(matches!(action, Action::Drop | Action::Block) && !findings.is_empty());
        return;
    };
    if matches!(action, Action::Allow | Action::Flag) || findings.is_empty() {
        assert_eq!(kept, text);
        return;
    }
    let mut places = Vec::new();
    let (mut at, mut rest) = (0, kept.as_str());
    for finding in findings {
        let between = &text[at..finding.span.start];
        rest = rest.strip_prefix(between).expect("what is between the findings stays");
        let start = kept.len() - rest.len();
        rest = replaced(rest, finding, &text[finding.span.clone()], action);
        places.push(start..kept.len() - rest.len());
        at = finding.span.end;
    }
    assert_eq!(rest, &text[at..]);
    for again in screener.find(&kept) {
        let next = places.partition_point(|place| place.end <= again.span.start);
        let touched = places.get(next).is_some_and(|place| place.start < again.span.end);
        assert!(!touched, "{again:?} is in a placeholder of {kept:?}");
    }
}

/// What follows the placeholder that `rest` begins with.
fn replaced<'a>(rest: &'a str, finding: &Finding, value: &str, action: Action) -> &'a str {
    let rest = rest.strip_prefix('<').and_then(|rest| rest.strip_prefix(finding.entity.label()));
    let (shown, rest) = rest.and_then(|rest| rest.split_once('>')).expect("a placeholder");
    match action {
        Action::Partial => {
            let tail = shown.strip_prefix(":****").expect("stars");
            let letters: Vec<char> = value.chars().filter(|c| c.is_alphanumeric()).collect();
            assert!(tail.chars().count() <= 4 && (tail.is_empty() || letters.len() >= 9));
            assert!(letters.ends_with(&tail.chars().collect::<Vec<_>>()));
        }
        Action::Pseudonym => {
            let token = shown.strip_prefix(":k2:").expect("the current key");
            assert!(token.len() == 12 && token.bytes().all(|b| b.is_ascii_hexdigit()));
        }
        _ => assert_eq!(shown, ""),
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checks_hold_for_what_is_usual() {
        for choice in 0..4 {
            for text in include_str!("../seeds.txt").lines() {
                let data = [&[choice], text.as_bytes()].concat();
                check(&data);
                let repeated = [&[240 + choice], text.as_bytes()].concat();
                check(&repeated);
            }
        }
    }
}
