//! The command line: arguments, and one file per group of commands.

mod admin;
mod apply;
mod audit;
mod calibration;
mod check;
mod demo;
mod keys;
mod model;
mod progress;
mod quality;
mod replay;
mod screen;
mod serve;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::config::{self, Config, Sources};

/// Watches what an LLM application is asked and what it answers, and says when either drifts away
/// from a frozen reference.
#[derive(Debug, Parser)]
#[command(name = "seamark", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Start with:  seamark demo\nDocumentation: README.md, docs/OPERATIONS.md\n\n\
Exit codes: 0 done, 1 failed, drift (check) or personal data (screen) found or chain broken (audit verify), \
2 wrong arguments, 3 would change \
(apply --dry-run)."
)]
pub struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

/// Arguments of every command.
#[derive(Debug, Clone, Args)]
pub struct GlobalArgs {
    /// Settings file (TOML); see `seamark check-config --defaults`
    #[arg(long, short, global = true, value_name = "FILE", env = "SEAMARK_CONFIG")]
    config: Option<PathBuf>,
    /// One setting, as in `--set server.bind=127.0.0.1:9000`; repeatable
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon: ingest API, workers, reports, alerts
    Serve(serve::ServeArgs),
    /// See it work: a telecom assistant's two weeks, a product launch, and the alert
    Demo(demo::DemoArgs),
    /// Run the whole pipeline over files, in event time, as fast as the machine can
    Replay(replay::ReplayArgs),
    /// Find personal data and secrets in texts, and say why; exits 1 when there are any
    Screen(screen::ScreenArgs),
    /// Compare two files once; exits 1 on drift
    Check(check::CheckArgs),
    /// Embedding models: fetch, list, verify, measure
    #[command(subcommand)]
    Model(model::ModelCommand),
    /// References: freeze, list, show
    #[command(subcommand)]
    Reference(admin::ReferenceCommand),
    /// Monitors: create, list, show, delete
    #[command(subcommand)]
    Monitor(admin::MonitorCommand),
    /// Set up monitors, receivers, rules, routing and budget of a running daemon from files
    Apply(apply::ApplyArgs),
    /// Write what a running daemon has as such a file
    Export(apply::ExportArgs),
    /// API keys: create, list, revoke
    #[command(subcommand)]
    Key(keys::KeyCommand),
    /// The audit trail: verify, export
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Bring the database up to date (`serve` does so too)
    Migrate,
    /// Check the settings and print them, secrets redacted
    CheckConfig {
        /// Print the defaults with their comments instead
        #[arg(long)]
        defaults: bool,
    },
    /// Print the OpenAPI 3.1 document
    Openapi,
    /// Ask a running daemon whether it is ready; exits 1 when not
    Health,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the command line; one clear line on standard error when something fails.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli) {
        Ok(code) => code,
        Err(error) => {
            // The outermost message says what failed; its causes follow on the same line.
            say(&format!("seamark: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    let load = || cli.global.load();
    match cli.command {
        Command::Serve(args) => serve::run(load()?, &args),
        Command::Demo(args) => demo::run(load()?, &args),
        Command::Replay(args) => replay::run(&load()?, &args),
        Command::Screen(args) => screen::run(&load()?, &args),
        Command::Check(args) => check::run(&load()?, &args),
        Command::Model(command) => model::run(&load()?, &command),
        Command::Reference(command) => block_on(admin::reference(load()?, command)),
        Command::Monitor(command) => block_on(admin::monitor(load()?, command)),
        Command::Apply(args) => block_on(apply::apply(load()?, args)),
        Command::Export(args) => block_on(apply::export(load()?, args)),
        Command::Key(command) => block_on(keys::key(load()?, command)),
        Command::Audit(command) => block_on(audit::audit(load()?, command)),
        Command::Migrate => block_on(admin::migrate(load()?)),
        Command::CheckConfig { defaults: true } => {
            print(config::DEFAULT_TOML);
            Ok(ExitCode::SUCCESS)
        }
        Command::CheckConfig { defaults: false } => {
            print(&config::to_display(&load()?));
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi => {
            print(&crate::api::openapi_json());
            Ok(ExitCode::SUCCESS)
        }
        Command::Health => block_on(serve::health(load()?)),
        Command::Completions { shell } => {
            let mut bytes = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "seamark", &mut bytes);
            print(&String::from_utf8_lossy(&bytes));
            Ok(ExitCode::SUCCESS)
        }
    }
}

impl GlobalArgs {
    fn load(&self) -> anyhow::Result<Config> {
        let sources = Sources {
            file: self.config.clone(),
            environment: config::environment(),
            flags: self.set.clone(),
        };
        let config = config::load(&sources)?;
        if !config.debug.crash_at.is_empty() {
            crate::fault::arm(&config.debug.crash_at);
        }
        Ok(config)
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("want KEY=VALUE")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

/// Runs `future` on a runtime of its own.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(future)
}

/// One line (or block) on standard output.
#[expect(clippy::print_stdout, reason = "the command line's own output")]
fn print(text: &str) {
    println!("{}", text.trim_end());
}

/// One line on standard error.
#[expect(clippy::print_stderr, reason = "the command line's own output")]
fn say(text: &str) {
    eprintln!("{text}");
}
