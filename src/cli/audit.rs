//! `seamark audit`: the trail verified and exported, from the database directly.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use crate::app::DEFAULT_PROJECT;
use crate::cli::admin::Desk;
use crate::cli::{print, say};
use crate::config::Config;
use crate::id::ProjectId;
use crate::model::audit::{AuditView, Checkpoint};
use crate::store::verify_checkpoint;

/// Commands on the audit trail.
#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Look at every row of the chain; exits 1 and names the first that is not as it was written
    Verify(VerifyArgs),
    /// Print the whole trail as JSON lines, oldest first
    Export {
        /// The project's name
        #[arg(long, default_value = DEFAULT_PROJECT)]
        project: String,
    },
}

/// Arguments of `audit verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// A checkpoint that was kept outside of the database: begin there
    #[arg(long, value_name = "CHECKPOINT.json")]
    from: Option<PathBuf>,
    /// The project's name
    #[arg(long, default_value = DEFAULT_PROJECT)]
    project: String,
}

/// `seamark audit …`
pub(super) async fn audit(config: Config, command: AuditCommand) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(&config).await?;
    match command {
        AuditCommand::Verify(args) => verify(&desk, &args).await,
        AuditCommand::Export { project } => export(&desk, &project).await,
    }
}

async fn named(desk: &Desk, name: &str) -> anyhow::Result<ProjectId> {
    let found = desk.store.find_project(name).await?;
    found.with_context(|| format!("no project is called {name:?}"))
}

async fn verify(desk: &Desk, args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let project = named(desk, &args.project).await?;
    let since = match &args.from {
        Some(path) => Some(checkpoint(desk, project, path).await?),
        None => None,
    };
    match desk.store.verify_audit(project, since.as_ref()).await? {
        Ok(walk) => {
            let first = since.map_or(1, |checkpoint| checkpoint.seq + 1);
            print(&format!(
                "the chain of {} holds: rows {first} to {} are as they were written, {} of their \
                 payloads are erased",
                args.project,
                walk.seq(),
                walk.erased
            ));
            Ok(ExitCode::SUCCESS)
        }
        Err(fault) => {
            let what = fault.wrong.as_str();
            print(&format!("the chain of {} is broken: row {} {what}", args.project, fault.seq));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// A checkpoint from a file, once it is found to be one of this project and daemon.
async fn checkpoint(desk: &Desk, project: ProjectId, path: &Path) -> anyhow::Result<Checkpoint> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    let checkpoint: Checkpoint =
        serde_json::from_str(&text).with_context(|| format!("{shown} is no checkpoint"))?;
    if checkpoint.project != project {
        bail!("{shown} is a checkpoint of the project {}", checkpoint.project);
    }
    let own = desk.store.audit_checkpoint(project, desk.now).await?.public_key;
    match (&checkpoint.signature, own) {
        (None, _) => say(&format!("{shown} is not signed: it is only as good as its keeping")),
        (Some(_), _) if !verify_checkpoint(&checkpoint) => {
            bail!("the signature of {shown} does not hold")
        }
        (Some(_), Some(own)) if checkpoint.public_key.as_ref() != Some(&own) => {
            bail!("{shown} is signed with another key than the one of store.secret_key")
        }
        (Some(_), None) => say("without store.secret_key the checkpoint's own key was believed"),
        (Some(_), Some(_)) => {}
    }
    Ok(checkpoint)
}

async fn export(desk: &Desk, name: &str) -> anyhow::Result<ExitCode> {
    let project = named(desk, name).await?;
    desk.audit(project, "audit.export", project.to_string(), serde_json::json!({})).await?;
    let mut after = 0;
    loop {
        let rows = desk.store.audit_after(project, after).await?;
        let Some(last) = rows.last() else { return Ok(ExitCode::SUCCESS) };
        after = last.seq;
        for row in rows {
            print(&serde_json::to_string(&AuditView::from(row))?);
        }
    }
}
