//! alert: being written.
