//! `seamark demo`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use indicatif::ProgressBar;
use serde_json::Value;

use crate::app::demo::receiver::Arrival;
use crate::app::demo::{Demo, REFERENCE_DAYS, Stage, clean, settings};
use crate::cli::serve::{apply_bind, interrupted};
use crate::cli::{block_on, print, progress, table};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::model::verdict::Verdict;
use crate::telemetry;
use crate::text::shorten;

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Folder for the demo's database, which is made anew each time
    #[arg(long, default_value = "seamark-data", value_name = "DIR")]
    data: PathBuf,
    /// Address to listen on
    #[arg(long, value_name = "ADDR:PORT")]
    bind: Option<std::net::SocketAddr>,
    /// End after the report instead of serving until Ctrl-C
    #[arg(long)]
    exit: bool,
}

/// Runs the command.
pub(super) fn run(mut config: Config, args: &DemoArgs) -> anyhow::Result<ExitCode> {
    apply_bind(&mut config, args.bind);
    let mut config = settings(config, &args.data);
    "warn".clone_into(&mut config.log.level);
    telemetry::init(&config.log)?;
    clean(&config, &args.data)?;
    block_on(play(config, args.exit))
}

struct Bars {
    current: ProgressBar,
}

impl Stage for Bars {
    fn begin(&mut self, label: &str, total: u64) {
        self.current.finish_and_clear();
        self.current = progress::bar(label, total);
    }

    fn at(&mut self, done: u64) {
        self.current.set_position(done);
    }
}

async fn play(config: Config, exit: bool) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let mut bars = Bars { current: ProgressBar::hidden() };
    print(
        "A telecom operator's support assistant: two weeks of chats, and a product launch on day 11.",
    );
    let mut demo = Demo::start(config, SystemClock.now(), progress::pull()).await?;
    print(&format!("  daemon       http://{}  (SQLite, model loaded)", demo.daemon.address));

    let n = demo.feed(0, REFERENCE_DAYS, &mut bars).await?;
    let reference = demo.freeze(&mut bars).await?;
    bars.current.finish_and_clear();
    print(&format!(
        "  reference    days 1–{REFERENCE_DAYS}: {} interactions frozen and calibrated ({n} sent)",
        reference["n"]
    ));
    if let Some(note) = reference["message"].as_str() {
        print(&format!("               note: {note}"));
    }
    let n = demo.feed(REFERENCE_DAYS, u32::MAX, &mut bars).await?;
    bars.current.finish_and_clear();
    demo.settle().await?;
    print(&format!("  stream       {n} interactions; the launch was at {}", demo.launch));

    let Some((alert, report)) = demo.first_alert().await? else {
        print("No alert fired. That should not happen in this scenario: please report it.");
        demo.daemon.stop().await;
        return Ok(ExitCode::FAILURE);
    };
    print(&format!(
        "\nALERT  {} fired at {} (event time), {:.0} s after the start of this demo\n",
        alert["kind"].as_str().unwrap_or("drift"),
        alert["fired_at"].as_str().unwrap_or("?"),
        started.elapsed().as_secs_f64()
    ));
    show_report(&report);
    show_arrivals(&mut demo).await;
    show_urls(&demo, &alert, &report);
    if !exit {
        print("Serving until Ctrl-C.");
        interrupted().await;
    }
    demo.daemon.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn show_report(report: &Value) {
    let verdicts: Vec<Verdict> =
        serde_json::from_value(report["verdicts"].clone()).unwrap_or_default();
    print(&table::verdicts(&verdicts));
    print("Most drifted interactions:");
    for example in report["example_interactions"].as_array().into_iter().flatten().take(8) {
        let stream = example["stream"].as_str().unwrap_or_default();
        let side = if stream == "response" { "response" } else { "query" };
        let text = example["interaction"][side].as_str().unwrap_or("(no text)");
        print(&format!("  {stream:<9}  {}", shorten(text, 80)));
    }
}

/// The messages that have come, each receiver's first one in full.
async fn show_arrivals(demo: &mut Demo) {
    let wait = std::time::Duration::from_secs(5);
    let (mut slack, mut webhooks, mut verified) = (0, 0, 0);
    while slack == 0 || webhooks == 0 {
        let Ok(Some(arrival)) = tokio::time::timeout(wait, demo.receiver.arrivals.recv()).await
        else {
            break;
        };
        match arrival {
            Arrival::Slack(body) => {
                if slack == 0 {
                    print("\nSlack receiver, first message:");
                    print(&indent(&slack_text(&body)));
                }
                slack += 1;
            }
            Arrival::Webhook { id, verified: right, body } => {
                if webhooks == 0 {
                    let signature = if right { "signature verified" } else { "SIGNATURE WRONG" };
                    let kind = body["type"].as_str().unwrap_or_default();
                    print(&format!(
                        "\nWebhook receiver, first message: {kind}, id {id}, {signature}"
                    ));
                }
                webhooks += 1;
                verified += usize::from(right);
            }
        }
    }
    while let Ok(arrival) = demo.receiver.arrivals.try_recv() {
        match arrival {
            Arrival::Slack(_) => slack += 1,
            Arrival::Webhook { verified: right, .. } => {
                webhooks += 1;
                verified += usize::from(right);
            }
        }
    }
    print(&format!(
        "\nArrived so far: {slack} Slack messages, {webhooks} webhooks ({verified} with a right signature)."
    ));
}

/// The readable parts of a Block Kit message.
fn slack_text(body: &Value) -> String {
    let mut lines = Vec::new();
    for block in body["blocks"].as_array().into_iter().flatten() {
        let mut texts: Vec<&str> = block["text"]["text"].as_str().into_iter().collect();
        for part in ["fields", "elements"] {
            texts.extend(block[part].as_array().into_iter().flatten().filter_map(|element| {
                element["text"].as_str().or_else(|| element["text"]["text"].as_str())
            }));
        }
        lines.extend(texts.into_iter().map(|text| text.replace('\n', " ")));
    }
    lines.join("\n")
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  │ {line}")).collect::<Vec<_>>().join("\n")
}

fn show_urls(demo: &Demo, alert: &Value, report: &Value) {
    let base = format!("http://{}", demo.daemon.address);
    let id = |value: &Value| value["id"].as_str().unwrap_or_default().to_owned();
    print("\nLook at it (the key is the demo's own):");
    print(&format!("  export KEY={}", demo.key));
    for path in [
        format!("/v1/reports/{}", id(report)),
        format!("/v1/alerts/{}", id(alert)),
        format!("/v1/monitors/{}/timeline?stream=query", demo.monitor),
        "/v1/deliveries".to_owned(),
    ] {
        print(&format!("  curl -H \"Authorization: Bearer $KEY\" {base}{path}"));
    }
    print(&format!("  curl {base}/metrics\n"));
}
