//! Cuts a body into the JSON of its items: one object, an array, JSON lines, or concatenated JSON.
//!
//! What it is shows in the bytes, whatever the content type says. In an array a broken item breaks
//! the whole; in lines it costs only itself.

use serde_json::value::RawValue;

/// Objects that may be tried beyond the end of their line in vain: a pretty-printed object is one
/// try that succeeds, and a body of broken lines must not be scanned again from each of them.
const TRIES_BEYOND_A_LINE: usize = 16;

/// The JSON of one item, or why there is none.
pub(crate) type Piece<'a> = Result<&'a [u8], String>;

/// Why no item can be had from a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SplitError {
    /// Nothing in it is JSON.
    Malformed(String),
    /// It holds more items than it may.
    TooLong,
}

/// The items of `body`, at most `max_items`, each of at most `max_bytes` where lines run on.
pub(crate) fn split(
    body: &[u8],
    max_items: usize,
    max_bytes: usize,
) -> Result<Vec<Piece<'_>>, SplitError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Err(SplitError::Malformed("the body is empty; send JSON".to_owned())),
        Some(b'[') => array(body, max_items),
        Some(_) => Lines { body, at: 0, max_bytes, tries: TRIES_BEYOND_A_LINE }.all(max_items),
    }
}

fn array(body: &[u8], max_items: usize) -> Result<Vec<Piece<'_>>, SplitError> {
    let items: Vec<&RawValue> = serde_json::from_slice(body)
        .map_err(|error| SplitError::Malformed(format!("the array is not whole JSON: {error}")))?;
    if items.len() > max_items {
        return Err(SplitError::TooLong);
    }
    Ok(items.into_iter().map(|item| Ok(item.get().as_bytes())).collect())
}

struct Lines<'a> {
    body: &'a [u8],
    at: usize,
    max_bytes: usize,
    tries: usize,
}

impl<'a> Lines<'a> {
    fn all(mut self, max_items: usize) -> Result<Vec<Piece<'a>>, SplitError> {
        let mut pieces = Vec::new();
        let mut any_object = false;
        while self.skip_blanks() {
            if pieces.len() == max_items {
                if any_object {
                    return Err(SplitError::TooLong);
                }
                break;
            }
            let piece = self.next();
            any_object |= piece.as_ref().is_ok_and(|json| json.first() == Some(&b'{'));
            pieces.push(piece);
        }
        // The pieces of one broken, pretty-printed object are no items.
        match pieces.iter().find_map(|piece| piece.as_ref().err()) {
            Some(detail) if !any_object => Err(SplitError::Malformed(detail.clone())),
            _ => Ok(pieces),
        }
    }

    fn skip_blanks(&mut self) -> bool {
        let rest = &self.body[self.at..];
        let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.at += blanks;
        blanks < rest.len()
    }

    fn next(&mut self) -> Piece<'a> {
        let rest = &self.body[self.at..];
        let line = &rest[..rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())];
        let object = line.first() == Some(&b'{');
        let found = match first_value(line) {
            Err(error) if object && error.is_eof() && line.len() < rest.len() && self.tries > 0 => {
                let beyond = first_value(&rest[..rest.len().min(self.max_bytes)]);
                self.tries -= usize::from(beyond.is_err());
                beyond.map_err(|_| error)
            }
            found => found,
        };
        match found {
            Ok(value) => {
                self.at += value.len();
                Ok(value)
            }
            Err(error) => {
                self.at += line.len();
                Err(format!("the item is not JSON ({error}); nothing of this line was kept"))
            }
        }
    }
}

fn first_value(bytes: &[u8]) -> Result<&[u8], serde_json::Error> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>();
    match values.next() {
        Some(value) => value.map(|value| value.get().as_bytes()),
        None => Ok(&[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(body: &str) -> Vec<Option<&str>> {
        let pieces = split(body.as_bytes(), 10, 1000).unwrap();
        pieces.into_iter().map(|p| p.ok().map(|json| std::str::from_utf8(json).unwrap())).collect()
    }

    fn malformed(body: &[u8]) -> bool {
        matches!(split(body, 10, 1000), Err(SplitError::Malformed(_)))
    }

    #[test]
    fn one_object_an_array_lines_and_concatenated_json() {
        assert_eq!(pieces(" {\"a\": 1}\n"), [Some("{\"a\": 1}")]);
        assert_eq!(pieces("{\n  \"a\": 1\n}"), [Some("{\n  \"a\": 1\n}")]);
        assert_eq!(pieces("[{}, 7]"), [Some("{}"), Some("7")]);
        assert_eq!(pieces("{}\r\n\r\n \n{\"b\":2}"), [Some("{}"), Some("{\"b\":2}")]);
        assert_eq!(pieces("{}{\"b\":2}"), [Some("{}"), Some("{\"b\":2}")]);
        assert_eq!(pieces("{\n}\n{\n}"), [Some("{\n}"), Some("{\n}")]);
        assert_eq!(pieces("\u{feff}{}"), [Some("{}")]);
        assert_eq!(pieces("[]"), [] as [Option<&str>; 0]);
    }

    #[test]
    fn a_broken_line_costs_only_itself() {
        for broken in ["{\"a\":", "{\"a\":\"x", "nonsense", "{\"a\":1,,}", "[1,", "}", "{\"a\":{"] {
            let body = format!("{{\"n\":1}}\n{broken}\n{{\"n\":2}}\n");
            assert_eq!(pieces(&body), [Some("{\"n\":1}"), None, Some("{\"n\":2}")], "{broken}");
        }
    }

    #[test]
    fn a_line_that_is_not_utf_8_costs_only_itself() {
        let body = b"{\"n\":1}\n{\"a\":\"\xff\"}\n{\"n\":2}";
        let good: Vec<_> = split(body, 10, 1000).unwrap().iter().map(Result::is_ok).collect();
        assert_eq!(good, [true, false, true]);
    }

    #[test]
    fn what_holds_no_json_is_malformed() {
        assert!(malformed(b""));
        assert!(malformed(b" \n "));
        assert!(malformed(b"hello"));
        assert!(malformed(b"{\"a\": 1,\n \"b\" 2\n}"));
        assert!(malformed(b"[{}, {]"));
        assert!(malformed(b"[{}] x"));
        assert!(malformed("x\n".repeat(100).as_bytes()));
    }

    #[test]
    fn too_many_items_are_not_even_collected() {
        assert_eq!(split("{}\n".repeat(11).as_bytes(), 10, 1000), Err(SplitError::TooLong));
        assert_eq!(split(b"[1,2,3]", 2, 1000), Err(SplitError::TooLong));
        assert_eq!(split("{}\n".repeat(10).as_bytes(), 10, 1000).unwrap().len(), 10);
    }

    #[test]
    fn unclosed_lines_are_not_scanned_again_and_again() {
        let body = "{\"a\":\n".repeat(200_000);
        assert!(split(body.as_bytes(), 300_000, 1 << 20).is_err());
    }
}
