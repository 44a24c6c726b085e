//! `seamark key`: keys made, listed, rotated and revoked in the database directly.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::api::generate_key;
use crate::app::seeded_rng;
use crate::cli::admin::{Desk, time};
use crate::cli::{print, table};
use crate::clock::Timestamp;
use crate::config::Config;
use crate::id::KeyId;
use crate::model::key::{ApiKey, Role};

/// Commands on API keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Create a key and print it, once
    Create(CreateArgs),
    /// List keys, never their secrets
    List,
    /// Make a key in the place of another, print it once, and let the old one end; a running daemon
    /// follows within 5 s
    Rotate {
        /// The old key's id
        id: KeyId,
        /// Seconds for which the old key goes on
        #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
        grace: u64,
    },
    /// Revoke a key; a running daemon follows within 5 s
    Revoke {
        /// The key's id
        id: KeyId,
    },
}

/// Arguments of `key create`.
#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// What it allows
    #[arg(long, value_enum)]
    role: RoleArg,
    /// A name for people
    #[arg(long)]
    name: String,
    /// From this moment on it opens nothing (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires: Option<Timestamp>,
    /// Requests that it may make in a minute
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    requests_per_minute: Option<u32>,
    /// Bytes of bodies that it may send in a minute
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1 << 50))]
    bytes_per_minute: Option<u64>,
}

/// A role on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleArg {
    /// Send interactions
    Ingest,
    /// Read everything but secrets
    Read,
    /// Everything
    Admin,
}

/// `seamark key …`
pub(super) async fn key(config: Config, command: KeyCommand) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(&config).await?;
    match command {
        KeyCommand::Create(args) => create(&desk, args).await?,
        KeyCommand::List => {
            let keys = desk.store.list_keys(desk.project).await?;
            let rows: Vec<Vec<String>> = keys.iter().map(row).collect();
            let header = ["id", "name", "role", "created", "expires", "revoked", "successor"];
            print(&table::render(&header, &rows, 7));
        }
        KeyCommand::Rotate { id, grace } => rotate(&desk, id, grace).await?,
        KeyCommand::Revoke { id } => {
            if !desk.store.revoke_key(desk.project, id, desk.now).await? {
                bail!("there is no active key {id}");
            }
            desk.note("key.revoke", id, json!({})).await?;
            print(&format!("revoked {id}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(desk: &Desk, args: CreateArgs) -> anyhow::Result<()> {
    if args.expires.is_some_and(|end| end <= desk.now) {
        bail!("--expires must lie in the future");
    }
    let role = match args.role {
        RoleArg::Ingest => Role::Ingest,
        RoleArg::Read => Role::Read,
        RoleArg::Admin => Role::Admin,
    };
    let (text, made) = generate_key(desk.project, &args.name, role, desk.now, &mut seeded_rng());
    let key = ApiKey {
        expires_at: args.expires,
        requests_per_minute: args.requests_per_minute,
        bytes_per_minute: args.bytes_per_minute,
        ..made
    };
    desk.store.insert_key(&key).await?;
    desk.note("key.create", key.id, json!({ "after": key })).await?;
    print(&text);
    Ok(())
}

async fn rotate(desk: &Desk, id: KeyId, grace_s: u64) -> anyhow::Result<()> {
    let found = desk.store.find_key(id).await?.filter(|key| key.project_id == desk.project);
    let old = found.with_context(|| format!("there is no key {id}"))?;
    let mut rng = seeded_rng();
    let (text, made) = generate_key(desk.project, &old.name, old.role, desk.now, &mut rng);
    let key = old.succeeded_by(made, desk.now);
    let end = desk.now.plus(Duration::from_secs(grace_s));
    if !desk.store.rotate_key(id, &key, end, desk.now).await? {
        bail!("the key {id} is revoked, has expired or was rotated before; create a new one");
    }
    let payload = json!({ "before": old, "after": key, "grace_s": grace_s });
    desk.note("key.rotate", id, payload).await?;
    print(&text);
    Ok(())
}

fn row(key: &ApiKey) -> Vec<String> {
    let moment = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string());
    vec![
        key.id.to_string(),
        key.name.clone(),
        key.role.as_str().to_owned(),
        key.created_at.to_string(),
        moment(key.expires_at),
        moment(key.revoked_at),
        key.successor_id.map_or_else(String::new, |id| id.to_string()),
    ]
}
