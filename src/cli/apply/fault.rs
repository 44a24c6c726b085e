//! What is wrong with a document, and where, in the words of the document.

use std::fmt;

/// One thing that is wrong with an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// JSON pointer within the item; empty for the whole.
    pub(super) pointer: String,
    /// What is wrong, and the remedy.
    pub(super) detail: String,
}

impl Fault {
    /// A fault at `pointer`.
    pub(super) fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gap = if self.pointer.is_empty() { "" } else { " " };
        let line = format!("{}{gap}{}", self.pointer, self.detail);
        // Both may quote what stands in a file or in an answer.
        f.write_str(&line.replace(char::is_control, " "))
    }
}

/// An item as people find it in their file: `receivers."pager"`, or `routing`.
pub(super) fn label(key: &str, name: Option<&str>) -> String {
    // Names come from elsewhere: quoted so that no control character reaches a terminal.
    name.map_or_else(|| key.to_owned(), |name| format!("{key}.{name:?}"))
}

/// `faults` of one item, a line each.
pub(super) fn lines(label: &str, faults: &[Fault]) -> Vec<String> {
    faults.iter().map(|fault| format!("{label}: {fault}")).collect()
}

/// Any number of lines as the one error that the command ends with.
pub(super) fn error(what: &str, lines: &[String]) -> anyhow::Error {
    match lines {
        [one] => anyhow::anyhow!("{one}"),
        many => anyhow::anyhow!("{} {what}:\n  {}", many.len(), many.join("\n  ")),
    }
}
