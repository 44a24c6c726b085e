//! Progress bars, on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

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
