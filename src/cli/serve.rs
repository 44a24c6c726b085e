//! `seamark serve` and `seamark health`.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;

use crate::app::{Daemon, Launch};
use crate::cli::{block_on, print, progress, say};
use crate::config::Config;
use crate::egress::LoopbackClient;
use crate::telemetry;

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Address to listen on [default: server.bind, 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    bind: Option<SocketAddr>,
    /// Database: postgres://… or sqlite://… [default: store.url]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

/// Runs the daemon until it is told to stop.
pub(super) fn run(mut config: Config, args: &ServeArgs) -> anyhow::Result<ExitCode> {
    apply_bind(&mut config, args.bind);
    if let Some(url) = &args.database {
        config.store.url.clone_from(url);
    }
    telemetry::init(&config.log)?;
    block_on(async move {
        let launch = Launch { progress: Box::new(progress::pull()), ..Launch::default() };
        let start = Daemon::start(config, launch);
        // A model that is still being fetched must not keep Ctrl-C waiting.
        let daemon = tokio::select! {
            daemon = start => daemon?,
            () = interrupted() => return Ok(ExitCode::SUCCESS),
        };
        if let Some(key) = &daemon.first_key {
            say("seamark: this is the first start; an admin key was made and is shown only now:");
            print(key);
        }
        tracing::info!(address = %daemon.address, "ready");
        interrupted().await;
        tracing::info!("stopping");
        daemon.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Listens where the flag says.
pub(super) fn apply_bind(config: &mut Config, bind: Option<SocketAddr>) {
    if let Some(bind) = bind {
        config.server.bind = bind;
    }
}

/// Waits for Ctrl-C or, on Unix, SIGTERM.
pub(super) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Asks the daemon at the configured address whether it is ready.
pub(super) async fn health(config: Config) -> anyhow::Result<ExitCode> {
    let client = LoopbackClient::new(config.server.bind, None)?;
    client.get("/readyz").await?;
    print("ready");
    Ok(ExitCode::SUCCESS)
}
