//! The threads a model computes on, and how they stand beside the others of the process.

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::error::EmbedError;

/// How many threads, how much they stand back, and whether each keeps to a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threads {
    /// 0 for one on each core.
    pub count: usize,
    /// Added to the process's own niceness; on Linux.
    pub nice: u8,
    /// The first thread on the first processor that the process may use, and so on; on Linux. Where
    /// two processors share a core, that may put two threads on one.
    pub pin: bool,
}

impl Threads {
    /// `count` threads like any others.
    pub fn new(count: usize) -> Self {
        Self { count, nice: 0, pin: false }
    }

    /// The pool of them.
    pub(super) fn pool(self) -> Result<ThreadPool, EmbedError> {
        ThreadPoolBuilder::new()
            .num_threads(self.count)
            .thread_name(|i| format!("embed-{i}"))
            .start_handler(move |i| place(i, self))
            .build()
            .map_err(|e| EmbedError::Device { device: "cpu", problem: e.to_string() })
    }
}

/// Sets up the thread that calls it. Where the system refuses, it stays like any other thread.
#[cfg(target_os = "linux")]
fn place(index: usize, threads: Threads) {
    use rustix::thread::{CpuSet, gettid, sched_getaffinity, sched_setaffinity};

    // To Linux a thread is a process with a number of its own.
    let own = Some(gettid());
    if threads.nice > 0 {
        let now = rustix::process::getpriority_process(own).unwrap_or(0);
        let _ = rustix::process::setpriority_process(own, now + i32::from(threads.nice));
    }
    if threads.pin
        && let Ok(allowed) = sched_getaffinity(own)
    {
        let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&i| allowed.is_set(i)).collect();
        let mut one = CpuSet::new();
        one.set(cores[index % cores.len()]);
        let _ = sched_setaffinity(own, &one);
    }
}

#[cfg(not(target_os = "linux"))]
fn place(_: usize, _: Threads) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_the_pools_threads_stand_back() {
        let pool = Threads { count: 2, nice: 3, pin: true }.pool().unwrap();
        let priority = || {
            let own = Some(rustix::thread::gettid());
            rustix::process::getpriority_process(own).unwrap()
        };
        let before = priority();
        assert_eq!(pool.install(priority), (before + 3).min(19));
        assert_eq!(priority(), before);
        let cores = pool.broadcast(|_| {
            rustix::thread::sched_getaffinity(Some(rustix::thread::gettid())).unwrap().count()
        });
        assert_eq!(cores, [1, 1]);
    }
}
