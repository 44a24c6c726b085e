//! URLs and connection strings that carry a user name and password.

use super::Secret;

/// Longest user information.
const LONGEST: usize = 256;

/// The credentials of the URL whose `://` stands at this place: scheme to host.
pub(super) fn credentials(text: &str, at: usize) -> Option<Secret> {
    let scheme = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let before = text.get(..at)?;
    let length = before.chars().rev().take(32).take_while(scheme).count();
    let start = at - length;
    let rest = text.get(at + 3..)?;
    let ends =
        |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>' | '`');
    // A password may hold an `@` or a `/` that was not escaped: the last `@` before a blank counts.
    let reach = rest.char_indices().take(LONGEST).find(|(_, c)| ends(*c)).map_or_else(
        || rest.char_indices().nth(LONGEST).map_or(rest.len(), |(at, _)| at),
        |(at, _)| at,
    );
    let authority = rest.get(..reach)?;
    let (user, host) = authority.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    let host = host.trim_end_matches([',', '.', ';', ')', ']']);
    let placeholder = password.starts_with(['<', '$', '{', '%', '*'])
        && !password.starts_with("%2")
        || matches!(password.to_ascii_lowercase().as_str(), "password" | "pass" | "xxx" | "***");
    if length == 0 || password.is_empty() || host.is_empty() || placeholder {
        return None;
    }
    let end = at + 3 + user.len() + 1 + host.len();
    let (entity, subtype) = ("URL_CREDENTIALS", "");
    Some(Secret { span: start..end, entity, subtype, score: 0.95, check: "user and password" })
}
