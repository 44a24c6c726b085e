//! What the operating system says of this process, read at every scrape. Linux only.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Clock ticks per second of `/proc`: fixed at 100 in the interface to user space on every
/// architecture that Linux still supports.
const TICKS_PER_SECOND: f64 = 100.0;

/// The `process_*` metrics under the names of the Prometheus client libraries.
#[derive(Debug)]
pub(super) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let Some(sample) = Sample::read() else {
            return Ok(());
        };
        let mut gauge = |name, help, value| {
            let metric = ConstGauge::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        gauge("process_resident_memory_bytes", "Resident memory.", sample.resident_bytes)?;
        gauge("process_open_fds", "Open file descriptors.", sample.open_files)?;
        gauge("process_start_time_seconds", "Start time since 1970.", sample.started_at)?;
        let cpu = ConstCounter::new(sample.cpu_seconds);
        let (name, help) = ("process_cpu_seconds", "CPU time, user and system.");
        cpu.encode(encoder.encode_descriptor(name, help, None, cpu.metric_type())?)
    }
}

#[derive(Debug, PartialEq)]
struct Sample {
    cpu_seconds: f64,
    resident_bytes: f64,
    started_at: f64,
    open_files: f64,
}

impl Sample {
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let system = fs::read_to_string("/proc/stat").ok()?;
        let open_files = fs::read_dir("/proc/self/fd").ok()?.count() as f64;
        Self::parse(&stat, &status, &system, open_files)
    }

    /// Fields of `stat` by `proc_pid_stat(5)`; the name in parentheses may hold spaces.
    fn parse(stat: &str, status: &str, system: &str, open_files: f64) -> Option<Self> {
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let boot = value(system, "btime")?;
        Some(Self {
            cpu_seconds: (ticks(14)? + ticks(15)?) / TICKS_PER_SECOND,
            resident_bytes: value(status, "VmRSS:")? * 1024.0,
            started_at: boot + ticks(22)? / TICKS_PER_SECOND,
            open_files,
        })
    }
}

fn value(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_understood() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 9 0 1000 1 1";
        let status = "Name:\tx\nVmRSS:\t    2048 kB\n";
        let sample = Sample::parse(stat, status, "cpu 1 2\nbtime 1700000000\n", 5.0).unwrap();
        let expected = Sample {
            cpu_seconds: 2.0,
            resident_bytes: 2_097_152.0,
            started_at: 1_700_000_010.0,
            open_files: 5.0,
        };
        assert_eq!(sample, expected);
        assert_eq!(Sample::parse("nonsense", status, "", 0.0), None);
    }
}
