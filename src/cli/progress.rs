//! Progress bars, on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::embed::Progress;

/// A bar of `total` steps with a label.
pub(super) fn bar(label: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    bar.set_style(style("{prefix:>12} [{bar:40}] {human_pos}/{human_len} {eta}"));
    bar.set_prefix(label.to_owned());
    bar
}

/// A bar of `total` bytes with a label.
pub(super) fn bytes(label: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    bar.set_style(style("{prefix:>12} [{bar:40}] {bytes}/{total_bytes} {eta}"));
    bar.set_prefix(label.to_owned());
    bar
}

/// A spinner with a label, for work of unknown length.
pub(super) fn spinner(label: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_style(style("{prefix:>12} {spinner} {msg}"));
    bar.set_prefix(label.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// Draws a model being fetched and loaded; the bar appears with the first byte.
pub(super) fn pull() -> impl Fn(Progress<'_>) + Send + 'static {
    let bar = ProgressBar::hidden();
    let shown = std::cell::RefCell::new(bar);
    move |progress| match progress {
        Progress::Stage(stage) => {
            shown.borrow().finish_and_clear();
            let next = spinner("model");
            next.set_message(stage.to_owned());
            *shown.borrow_mut() = next;
        }
        Progress::Bytes { done, total } => {
            if shown.borrow().length() != total || total.is_none() {
                shown.borrow().finish_and_clear();
                *shown.borrow_mut() = bytes("model", total.unwrap_or(done));
            }
            shown.borrow().set_position(done);
            if total == Some(done) {
                shown.borrow().finish_and_clear();
            }
        }
    }
}
