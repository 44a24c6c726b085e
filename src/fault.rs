//! Named points at which a test may kill the process, as `kill -9` would.
//!
//! Armed by `debug.crash_at` in debug builds only; a release build refuses the setting, and there a
//! point costs nothing.

#[cfg(debug_assertions)]
static CRASH_AT: std::sync::OnceLock<String> = std::sync::OnceLock::new();

/// Whether this build can crash on request.
pub const fn is_available() -> bool {
    cfg!(debug_assertions)
}

/// Arms the point called `name` for the rest of the process.
pub fn arm(name: &str) {
    #[cfg(debug_assertions)]
    let _ = CRASH_AT.set(name.to_owned());
    #[cfg(not(debug_assertions))]
    let _ = name;
}

/// Ends the process at once, without any cleaning up, when the point called `name` is armed.
#[inline]
pub fn point(name: &str) {
    #[cfg(debug_assertions)]
    if CRASH_AT.get().is_some_and(|armed| armed == name) {
        std::process::abort();
    }
    #[cfg(not(debug_assertions))]
    let _ = name;
}
