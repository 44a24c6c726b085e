//! Slots of a template that were not filled, and what programs write where a value is missing.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::reading::Reading;

/// Slots in the syntaxes in use; a group is the slot where its surroundings matter. Names in angle
/// brackets and capitals, such as `<ZA_ID>`, are not slots: redaction writes them.
static SLOT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        // {{name}}, ${name}, #{name}, <%= name %>, [object Object]
        r"\{\{[^{}\r\n]{1,60}\}\}|[$#]\{[A-Za-z_][A-Za-z0-9_.]*\}|<%[^%\r\n]{1,60}%>",
        r"|\[object Object\]",
        // {name} between words: not a group of LaTeX or a block of code
        r#"|(?:^|[\s(\[,;:"'>-])(\{[A-Za-z_][A-Za-z0-9_.]{2,40}\})"#,
        // %s, %1$d, %(name)s
        r"|(?:^|[\s(:#$€£'])(%(?:[0-9]\$)?[sd@])(?:$|[\s.,;:!?)'])|%\([a-z_]{1,40}\)[sd]",
        // [ORDER_ID], [Name], [your company]: not a link of Markdown
        r"|(\[[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\]",
        r"|\[(?:[Nn]ame|[Dd]ate|(?:[Ff]irst|[Ll]ast|[Ff]ull) [Nn]ame|[Oo]rder [Nn]umber)\]",
        r"|\[(?i:your|insert|enter|customer|company|client|recipient|agent)[ _][A-Za-z _]{2,40}\])",
        r"(?:$|[^(])",
        // <customer_name>, <your name>
        r"|<[a-z]+(?:_[a-z0-9]+)+>|<(?:your|insert|enter|customer)[ -][a-z -]{2,40}>",
    ))
    .ok()
});

/// Words after which a name belongs.
const SALUTATIONS: &[&str] = &["dear", "hello", "hey", "hi", "bonjour", "hola", "olá"];

pub(super) fn find(reading: &Reading) -> Option<Range<usize>> {
    slot(reading).or_else(|| missing_value(reading))
}

fn slot(reading: &Reading) -> Option<Range<usize>> {
    if !reading.has_any("{[<%") {
        return None;
    }
    let found = SLOT.as_ref()?.captures(reading.text)?;
    let group = found.iter().skip(1).flatten().next().or_else(|| found.get(0));
    group.map(|found| found.range())
}

/// `undefined`, `NaN`, `None` or `null` where a value belongs: after a sign of money or number, or
/// as the last word of a clause after a word in small letters or a salutation.
fn missing_value(reading: &Reading) -> Option<Range<usize>> {
    let mut previous: Option<Range<usize>> = None;
    for word in &reading.words {
        let text = reading.text.get(word.clone())?;
        if matches!(text, "undefined" | "NaN" | "None" | "null")
            && is_value(reading.text, previous, word, text)
        {
            return Some(word.clone());
        }
        previous = Some(word.clone());
    }
    None
}

fn is_value(text: &str, previous: Option<Range<usize>>, word: &Range<usize>, value: &str) -> bool {
    let before = text.get(..word.start).unwrap_or_default();
    let after = text.get(word.end..).unwrap_or_default();
    let sign = before.trim_end().chars().next_back();
    if sign.is_some_and(|c| "#$€£₦".contains(c))
        || sign == Some(':') && matches!(value, "undefined" | "NaN")
    {
        return true;
    }
    let Some(previous) = previous else { return false };
    let adjacent = text.get(previous.end..word.start) == Some(" ");
    let word_before = text.get(previous).unwrap_or_default();
    let clause_ends = after.is_empty() || after.starts_with(['.', ',', '!', '?', ';']);
    let leads = word_before.chars().all(char::is_lowercase)
        || SALUTATIONS.contains(&word_before.to_lowercase().as_str());
    adjacent && clause_ends && leads
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        find(&Reading::new(text)).and_then(|range| text.get(range))
    }

    #[test]
    fn slots_are_found_where_they_stand() {
        assert!(SLOT.is_some());
        for (text, slot) in [
            ("Hi {{ name }}!", "{{ name }}"),
            ("Hi {name}, welcome", "{name}"),
            ("Order ${order.id} is", "${order.id}"),
            ("Your order [ORDER_ID] left", "[ORDER_ID]"),
            ("Kind regards, [Your Name]", "[Your Name]"),
            ("Dear <customer_name>,", "<customer_name>"),
            ("You have %s points", "%s"),
            ("You have %(count)d points", "%(count)d"),
            ("Total: <%= total %>", "<%= total %>"),
            ("Hello undefined, how", "undefined"),
            ("It costs $NaN today", "NaN"),
            ("Your balance is null.", "null"),
            ("total: undefined", "undefined"),
            ("from [object Object]", "[object Object]"),
        ] {
            assert_eq!(found(text), Some(slot), "{text}");
        }
    }

    #[test]
    fn brackets_of_other_kinds_are_none() {
        for text in [
            "50% discount, 20 % sale",
            "\\frac{abc}{def} and x_{max}",
            "fn main(){return}",
            "[Your Account](https://example.com)",
            "see [1] and [sic] [INFO]",
            "<ZA_ID> and <EMAIL> were masked",
            "{\"name\": null}",
            "None of them. Allergies: None",
            "an undefined term; null and void",
            "I <3 you > me",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
