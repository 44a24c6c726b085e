//! Logs and metrics of the daemon itself.

mod log;
mod metrics;
mod process;

pub use log::{LogConfig, LogError, LogFormat, init};
pub use metrics::{
    AlertLabels, DetectorLabels, Metrics, MonitorLabels, RequestLabels, ResultLabels, StateLabels,
};
