//! Named points at which a test may kill the process, as `kill -9` would.
//!
//! Armed by `debug.crash_at` in debug builds only; a release build refuses the setting, and there a
//! point costs nothing.

#[cfg(debug_assertions)]
static ARMED: std::sync::OnceLock<Armed> = std::sync::OnceLock::new();

#[cfg(debug_assertions)]
struct Armed {
    name: String,
    passes_left: std::sync::atomic::AtomicI64,
}

/// Whether this build can crash on request.
pub const fn is_available() -> bool {
    cfg!(debug_assertions)
}

/// Arms a point for the rest of the process: `name`, or `name@3` to let it pass twice before.
pub fn arm(point: &str) {
    #[cfg(debug_assertions)]
    {
        let (name, pass) = point.split_once('@').unwrap_or((point, "1"));
        let passes_left = pass.parse().unwrap_or(1).into();
        let _ = ARMED.set(Armed { name: name.to_owned(), passes_left });
    }
    #[cfg(not(debug_assertions))]
    let _ = point;
}

/// Ends the process at once, without any cleaning up, when the point called `name` is armed.
#[inline]
pub fn point(name: &str) {
    #[cfg(debug_assertions)]
    if let Some(armed) = ARMED.get()
        && armed.name == name
        && armed.passes_left.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) == 1
    {
        std::process::abort();
    }
    #[cfg(not(debug_assertions))]
    let _ = name;
}
