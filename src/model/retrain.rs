//! A retraining: a workflow that an alert asks for, what keeps it from starting, and how it ended.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::clock::Timestamp;
use crate::id::{
    AlertId, DeliveryId, MonitorId, ProjectId, ReceiverId, ReferenceId, ReportId, RetrainId,
};
use crate::model::matcher::Matcher;

/// What a receiver of kind `retrain` starts, and under which conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetrainSettings {
    /// What is started.
    pub workflow: Workflow,
    /// What has to be true before anything is.
    #[serde(default)]
    pub guard: RetrainGuard,
    /// For how long the address of the drifted slice can be read, in seconds.
    #[serde(default = "six_hours")]
    pub dataset_seconds: u32,
    /// What happens to the reference once the run says that its model is deployed.
    #[serde(default)]
    pub next_reference: NextReference,
    /// How many interactions after the deployment make the next reference.
    #[serde(default = "two_thousand")]
    pub reference_events: u32,
}

/// A workflow that can be started from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Workflow {
    /// GitHub's `repository_dispatch`.
    GithubDispatch {
        /// `owner/name`.
        repository: String,
        /// The event's type, which the workflow names under `types`.
        event_type: String,
    },
    /// GitHub's `workflow_dispatch`.
    GithubWorkflow {
        /// `owner/name`.
        repository: String,
        /// The workflow's file name or id.
        workflow: String,
        /// The branch or tag that it runs on.
        git_ref: String,
    },
    /// A GitLab pipeline trigger.
    Gitlab {
        /// The project's number, or its path.
        project: String,
        /// The branch or tag that it runs on.
        git_ref: String,
    },
    /// A run of an Airflow DAG, by Airflow's REST API v2 or, before Airflow 3, v1.
    Airflow {
        /// The DAG's id.
        dag: String,
        /// `v1` or `v2`.
        #[serde(default)]
        api: AirflowApi,
    },
    /// A webhook of Argo Events.
    Argo,
    /// A POST of the same document to any address.
    Http,
}

/// Which of Airflow's REST APIs is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AirflowApi {
    /// Airflow 2.
    V1,
    /// Airflow 3 and later.
    #[default]
    V2,
}

/// What has to be true before a workflow is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetrainGuard {
    /// So long after the last start of this receiver nothing is started, in seconds.
    pub cooldown_seconds: u32,
    /// Events that the drifted window has to hold.
    pub min_events: u32,
    /// Statistic ÷ threshold that the drift has to reach, in hundredths: 150 is 1.5.
    pub min_ratio_percent: u32,
    /// So long the alert has to fire first, in seconds.
    pub firing_seconds: u32,
    /// An alert that matches has to fire too, such as one of an outcome that falls.
    #[schema(value_type = Vec<String>)]
    pub only_while: Vec<Matcher>,
    /// Whether someone has to approve each start.
    pub approval: bool,
    /// Decides and records, and starts nothing.
    pub dry_run: bool,
}

impl Default for RetrainGuard {
    fn default() -> Self {
        Self {
            cooldown_seconds: 24 * 3600,
            min_events: 200,
            min_ratio_percent: 100,
            firing_seconds: 0,
            only_while: Vec::new(),
            approval: true,
            dry_run: false,
        }
    }
}

/// What happens to the reference after a deployment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NextReference {
    /// Nothing.
    Off,
    /// It is proposed, and made when someone accepts.
    #[default]
    Propose,
    /// It is made at once.
    Make,
}

/// A retraining that an alert asked for.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Retrain {
    /// Its id.
    pub id: RetrainId,
    /// The project.
    pub project_id: ProjectId,
    /// The receiver that starts it.
    pub receiver_id: ReceiverId,
    /// The alert that asked for it.
    pub alert_id: AlertId,
    /// The monitor that drifted, if it is one.
    pub monitor_id: Option<MonitorId>,
    /// The report that shows the drift.
    pub report_id: Option<ReportId>,
    /// Where it stands.
    pub status: RetrainStatus,
    /// Why it stands there, in words.
    pub detail: String,
    /// Proves that a callback is the run's; never shown.
    #[serde(skip)]
    pub token: String,
    /// The request that started it.
    pub delivery_id: Option<DeliveryId>,
    /// Who approved or rejected it: the name of the key.
    pub decided_by: Option<String>,
    /// Where the run can be watched, as it said itself.
    pub run_url: Option<String>,
    /// The model that it made, as it said itself.
    pub model_version: Option<String>,
    /// The reference that followed the deployment.
    pub reference_id: Option<ReferenceId>,
    /// When the alert asked.
    pub created_at: Timestamp,
    /// The last change.
    pub updated_at: Timestamp,
    /// When the workflow was asked to start.
    pub started_at: Option<Timestamp>,
    /// When its model was deployed.
    pub deployed_at: Option<Timestamp>,
}

impl Retrain {
    /// Where the drifted slice can be read until `until`: the path, signed with the token.
    pub fn dataset_path(&self, until: Timestamp) -> String {
        let (id, seconds) = (self.id, until.as_seconds());
        format!(
            "/v1/retrains/{id}/dataset?expires={seconds}&signature={}",
            URL_SAFE_NO_PAD.encode(self.mac(seconds).finalize().into_bytes())
        )
    }

    /// Whether `signature` allows the slice to be read until `expires`, in constant time.
    pub fn allows_dataset(&self, expires: i64, signature: &str) -> bool {
        let tag = URL_SAFE_NO_PAD.decode(signature);
        tag.is_ok_and(|tag| self.mac(expires).verify_slice(&tag).is_ok())
    }

    fn mac(&self, expires: i64) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.token.as_bytes())
            .expect("HMAC takes keys of any length");
        mac.update(format!("dataset.{}.{expires}", self.id).as_bytes());
        mac
    }
}

/// Where a retraining stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetrainStatus {
    /// Its guard holds it back.
    Waiting,
    /// Someone has to approve it.
    AwaitingApproval,
    /// It would have been started.
    DryRun,
    /// Someone said no, or the alert ended before it was started.
    Cancelled,
    /// The workflow was asked to start.
    Requested,
    /// It runs.
    Running,
    /// It made a model.
    Succeeded,
    /// It failed, or could not be started.
    Failed,
    /// Its model serves.
    Deployed,
}

impl RetrainStatus {
    /// The status's name on the wire and in the stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::AwaitingApproval => "awaiting_approval",
            Self::DryRun => "dry_run",
            Self::Cancelled => "cancelled",
            Self::Requested => "requested",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Deployed => "deployed",
        }
    }

    /// Whether its guard or a person holds it back.
    pub const fn waits(self) -> bool {
        matches!(self, Self::Waiting | Self::AwaitingApproval)
    }

    /// Whether a workflow is on its way: another of the same receiver waits until it is done.
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Requested | Self::Running | Self::Succeeded)
    }

    /// Whether a run may report `next` in this status.
    pub const fn may_become(self, next: Self) -> bool {
        match next {
            Self::Running => matches!(self, Self::Requested | Self::Running),
            Self::Succeeded => matches!(self, Self::Requested | Self::Running | Self::Succeeded),
            Self::Failed | Self::Deployed => self.is_under_way(),
            _ => false,
        }
    }
}

impl RetrainSettings {
    /// Every problem, as (JSON pointer below the settings, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let mut say = |at: &'static str, detail: &str| problems.push((at, detail.to_owned()));
        let is_word = |text: &str| {
            (1..=200).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
                && !text.split('/').any(|part| matches!(part, "" | "." | ".."))
        };
        let is_repository = |text: &str| is_word(text) && text.split('/').count() == 2;
        match &self.workflow {
            Workflow::GithubDispatch { repository, .. }
            | Workflow::GithubWorkflow { repository, .. }
                if !is_repository(repository) =>
            {
                say("/settings/retrain/workflow/repository", "must be owner/name");
            }
            Workflow::GithubDispatch { event_type, .. }
                if event_type.is_empty() || event_type.len() > 100 =>
            {
                say("/settings/retrain/workflow/event_type", "must hold 1 to 100 bytes");
            }
            Workflow::GithubWorkflow { workflow, git_ref, .. }
                if !is_word(workflow) || workflow.contains('/') || !is_word(git_ref) =>
            {
                let detail =
                    "name the workflow's file, such as retrain.yml, and a branch as git_ref";
                say("/settings/retrain/workflow/workflow", detail);
            }
            Workflow::Gitlab { project, git_ref } if !is_word(project) || !is_word(git_ref) => {
                let detail = "give the project's number or path, and a branch as git_ref";
                say("/settings/retrain/workflow/project", detail);
            }
            Workflow::Airflow { dag, .. } if !is_word(dag) || dag.contains('/') => {
                say("/settings/retrain/workflow/dag", "must be the DAG's id");
            }
            _ => {}
        }
        if !(60..=7 * 24 * 3600).contains(&self.dataset_seconds) {
            say("/settings/retrain/dataset_seconds", "must be 60 to 604800, which is a week");
        }
        if !(200..=1_000_000).contains(&self.reference_events) {
            say("/settings/retrain/reference_events", "must be 200 to 1000000");
        }
        problems
    }
}

const fn six_hours() -> u32 {
    6 * 3600
}

const fn two_thousand() -> u32 {
    2000
}
