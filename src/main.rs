//! The `seamark` binary: parses the command line and calls the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    seamark::cli::run()
}
