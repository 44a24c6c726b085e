//! A reader of mail that takes only what RFC 5322, 2045, 2046 and 2047 allow.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Headers and what follows them.
#[derive(Debug)]
pub(super) struct Entity {
    /// Names as they came; values unfolded, their encoded words decoded.
    pub(super) headers: Vec<(String, String)>,
    body: String,
}

impl Entity {
    pub(super) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut fields: Vec<String> = Vec::new();
        for line in head.split("\r\n") {
            if line.starts_with([' ', '\t']) {
                assert!(!line.trim().is_empty(), "a folded line of blanks");
                let field = fields.last_mut().unwrap();
                field.push(' ');
                field.push_str(line.trim_start());
            } else {
                fields.push(line.to_owned());
            }
        }
        let mut headers: Vec<(String, String)> = Vec::new();
        for field in fields {
            let (name, value) = field.split_once(": ").unwrap();
            let token = |c: char| c.is_ascii_alphanumeric() || c == '-';
            assert!(!name.is_empty() && name.chars().all(token), "{field:?}");
            assert!(
                headers.iter().all(|(other, _)| !other.eq_ignore_ascii_case(name)),
                "{name} twice"
            );
            headers.push((name.to_owned(), decoded_words(value)));
        }
        Self { headers, body: body.to_owned() }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map_or_else(|| panic!("no {name} in {:?}", self.headers), |(_, value)| value)
    }

    /// The parts of a multipart of the kind `kind`.
    pub(super) fn parts(&self, kind: &str) -> Vec<Self> {
        let (found, parameters) = self.header("Content-Type").split_once(';').unwrap();
        assert_eq!(found, kind);
        let boundary = parameters.trim().strip_prefix("boundary=").unwrap().trim_matches('"');
        assert!((1..=70).contains(&boundary.len()), "{boundary}");
        let body = format!("\r\n{}", self.body);
        let pieces: Vec<&str> = body.split(&format!("\r\n--{boundary}")).collect();
        let (last, parts) = pieces[1..].split_last().unwrap();
        // What is within another part ends where that one's boundary begins.
        assert!(["--", "--\r\n"].contains(last), "the end of the last part: {last:?}");
        parts.iter().map(|part| Self::parse(part.strip_prefix("\r\n").unwrap())).collect()
    }

    /// The bytes of a part that is no text.
    pub(super) fn bytes(&self) -> Vec<u8> {
        assert_eq!(self.header("Content-Transfer-Encoding"), "base64");
        assert!(self.body.lines().all(|line| line.len() <= 76));
        STANDARD.decode(self.body.split("\r\n").collect::<String>()).unwrap()
    }

    /// The text of a part in UTF-8.
    pub(super) fn text(&self) -> String {
        assert!(self.header("Content-Type").ends_with("; charset=utf-8"));
        match self.header("Content-Transfer-Encoding") {
            "7bit" => self.body.clone(),
            "base64" => {
                assert!(self.body.lines().all(|line| line.len() <= 76));
                let joined: String = self.body.split("\r\n").collect();
                String::from_utf8(STANDARD.decode(joined).unwrap()).unwrap()
            }
            "quoted-printable" => {
                assert!(self.body.split("\r\n").all(|line| line.len() <= 76));
                quoted(&self.body.replace("=\r\n", ""))
            }
            other => panic!("{other}"),
        }
    }
}

fn quoted(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'=' {
            let digits = std::str::from_utf8(&tail[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Encoded words become text; what parts two of them is no blank of the text.
fn decoded_words(value: &str) -> String {
    let mut out = String::new();
    let mut after_word = false;
    for word in value.split(' ') {
        let inner = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
        let joined = after_word && inner.is_some();
        if !(joined || out.is_empty()) {
            out.push(' ');
        }
        match inner {
            Some(inner) => {
                assert!(word.len() <= 75, "{word}");
                out.push_str(&String::from_utf8(STANDARD.decode(inner).unwrap()).unwrap());
            }
            None => out.push_str(word),
        }
        after_word = inner.is_some();
    }
    out
}
