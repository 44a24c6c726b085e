//! `apply` and `export` against the real daemon.

use std::io::Write as _;
use std::process::Stdio;

use seamark::egress::LoopbackClient;
use serde_json::{Value, json};

use super::seamark::{Ended, Folder};
use crate::crash::process::Process;

const EXAMPLE: &str = include_str!("../../../examples/monitors.toml");
const PAGER_KEY: &str = "0123456789abcdef0123456789abcdef";
const SLACK_URL: &str = "https://hooks.slack.com/services/T0/B0/secret-of-slack";
/// 32 zero bytes.
const SIGNING: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// A daemon with an empty database, and a folder with files to apply.
struct Site {
    folder: Folder,
    daemon: Process,
    key: String,
    client: LoopbackClient,
}

impl Site {
    async fn start() -> Self {
        let folder = Folder::new();
        let database = format!("sqlite://{}", folder.path("seamark.db").display());
        let mut daemon = Process::start(&database, "").await.unwrap();
        let key = daemon.key().await;
        let client = LoopbackClient::new(daemon.address, Some(key.clone())).unwrap();
        std::fs::write(folder.path("pager-key"), format!("{PAGER_KEY}\n")).unwrap();
        Self { folder, daemon, key, client }
    }

    /// Puts the example, with its secret's file in the folder, at `monitors.toml`.
    fn write_example(&self) {
        self.write(EXAMPLE);
    }

    fn write(&self, text: &str) {
        let text = text.replace("/run/secrets/pager", "pager-key");
        std::fs::write(self.folder.path("monitors.toml"), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "")
    }

    /// Runs with the secrets in the environment and `input` on standard input.
    fn run_with(&self, arguments: &[&str], input: &str) -> Ended {
        let url = format!("http://{}", self.daemon.address);
        let mut child = self
            .folder
            .command(&[arguments, &["--url", &url]].concat())
            .env("SEAMARK_API_KEY", &self.key)
            .env("OPS_SLACK_URL", SLACK_URL)
            .env("AUDIT_SECRET", SIGNING)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ended::of(child.wait_with_output().unwrap())
    }

    fn apply(&self, more: &[&str]) -> Ended {
        self.run(&[&["apply", "-f", "monitors.toml"], more].concat())
    }

    async fn list(&self, path: &str) -> Vec<Value> {
        self.client.get(path).await.unwrap()["items"].as_array().unwrap().clone()
    }

    async fn find(&self, path: &str, name: &str) -> Value {
        let found = self.list(path).await.into_iter().find(|item| item["name"] == name);
        found.unwrap_or_else(|| panic!("no {name} at {path}"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_is_applied_and_then_nothing_changes() {
    let site = Site::start().await;
    site.write_example();
    let shown = site.apply(&["--dry-run"]).exits(3).out;
    assert!(shown.contains("+ receivers.\"pager\" (pagerduty)\n"), "{shown}");
    assert!(shown.ends_with("8 to create, 1 to change, 0 to delete.\n"), "{shown}");
    assert!(site.list("/v1/receivers").await.is_empty(), "a dry run does nothing");

    let done = site.apply(&["--yes"]).ok();
    assert!(
        done.ends_with("created rules.\"Checkout drifts while others do\"\nchanged routing\n"),
        "{done}"
    );
    for secret in [PAGER_KEY, "secret-of-slack", SIGNING, &site.key] {
        assert!(!done.contains(secret), "{done}");
    }
    let pager = site.find("/v1/receivers", "pager").await["id"].clone();
    assert_eq!(site.find("/v1/rules", "Nothing comes in").await["receivers"], json!([pager]));
    let slack = site.find("/v1/receivers", "ops-slack").await["id"].clone();
    let monitor = site.find("/v1/monitors", "checkout-bot").await;
    assert_eq!(monitor["receivers"], json!([slack]));
    assert_eq!(monitor["alert"]["labels"], json!({"team": "payments"}));
    assert_eq!(monitor["alert"]["annotations"], json!({"owner": "payments, #checkout"}));
    let rate = site.find("/v1/rules", "Answers fail").await["when"].clone();
    assert_eq!((&rate["signal"], &rate["minutes"]), (&json!("error_text"), &json!(60)));
    let routing = site.client.get("/v1/routing").await.unwrap();
    assert_eq!(routing["route"]["routes"][0]["escalate"]["receivers"], json!([slack]));

    assert_eq!(site.apply(&[]).ok(), "Nothing to change.\n", "and nobody is asked");
    assert_eq!(site.apply(&["--dry-run"]).ok(), "Nothing to change.\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_is_changed_by_its_condition_and_exported_as_it_stands() {
    let site = Site::start().await;
    site.write_example();
    site.apply(&["--yes"]).ok();
    site.write(&EXAMPLE.replace("minutes = 30, below = 1.0", "minutes = 45, below = 1.0"));
    let shown = site.apply(&["--yes"]).ok();
    assert!(shown.starts_with("~ rules.\"Nothing comes in\" when.minutes: 30 -> 45\n"), "{shown}");
    let rule = site.find("/v1/rules", "Nothing comes in").await;
    assert_eq!(rule["when"], json!({"figure": "events", "minutes": 45, "below": 1.0}));
    let exported = site.run(&["export"]).ok();
    assert!(exported.contains("minutes = 45") && !exported.contains("holds_since"), "{exported}");
    for part in ["signal = \"error_text\"", "owner = \"payments, #checkout\""] {
        assert!(exported.contains(part), "{part} is missing in {exported}");
    }
    site.write(&EXAMPLE.replace("figure = \"events\", minutes = 30", "figure = \"events\""));
    site.apply(&["--dry-run"]).fails_saying(&["rules.\"Nothing comes in\"", "/when/minutes"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_changed_field_is_one_line_and_one_change() {
    let site = Site::start().await;
    site.write_example();
    site.apply(&["--yes"]).ok();
    let before = site.find("/v1/monitors", "checkout-bot").await;
    site.write(&EXAMPLE.replace("severity = \"critical\",", "severity = \"warning\","));
    let shown = site.apply(&["--dry-run"]).exits(3).out;
    let wanted = "~ monitors.\"checkout-bot\" alert.severity: critical -> warning\n\
                  0 to create, 1 to change, 0 to delete.\n";
    assert_eq!(shown, wanted);
    site.apply(&[]).fails_saying(&["nobody to ask", "--yes"]);
    assert_eq!(site.find("/v1/monitors", "checkout-bot").await, before);
    site.apply(&["--yes"]).ok();
    let mut after = site.find("/v1/monitors", "checkout-bot").await;
    assert_eq!(after["alert"]["severity"], json!("warning"));
    after["alert"]["severity"] = json!("critical");
    after["updated_at"] = before["updated_at"].clone();
    assert_eq!(after, before);
    assert_eq!(site.apply(&[]).ok(), "Nothing to change.\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_changes_nothing_here_and_makes_the_same_elsewhere() {
    let site = Site::start().await;
    site.write_example();
    site.apply(&["--yes"]).ok();
    let other = Site::start().await;
    for format in ["toml", "yaml"] {
        let text = site.run(&["export", "--format", format]).ok();
        assert!(!text.contains(SLACK_URL) && !text.contains(PAGER_KEY), "{text}");
        let apply = ["apply", "-f", "-", "--format", format, "--prune"];
        let again = site.run_with(&apply, &text).ok();
        assert!(again.ends_with("Nothing to change.\n"), "{again}");
        assert!(again.contains("SEAMARK_RECEIVER_OPS_SLACK_URL is not set"), "{again}");

        std::fs::write(other.folder.path("export.txt"), &text).unwrap();
        let url = format!("http://{}", other.daemon.address);
        let arguments =
            ["apply", "-f", "export.txt", "--format", format, "--yes", "--url", &url, "--prune"];
        let made = other
            .folder
            .command(&arguments)
            .env("SEAMARK_API_KEY", &other.key)
            .env("SEAMARK_RECEIVER_OPS_SLACK_URL", SLACK_URL)
            .env("SEAMARK_RECEIVER_PAGER_SECRET", PAGER_KEY)
            .env("SEAMARK_RECEIVER_AUDIT_URL", "https://audit.example/seamark")
            .env("SEAMARK_RECEIVER_AUDIT_SECRET", SIGNING)
            .output();
        Ended::of(made.unwrap()).ok();
        assert_eq!(other.run(&["export", "--format", format]).ok(), text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_in_the_file_goes_only_when_asked() {
    let site = Site::start().await;
    site.write_example();
    site.apply(&["--yes"]).ok();
    site.write("[[monitors]]\nname = \"support\"\n");
    let kept = site.apply(&["--yes"]).ok();
    assert!(kept.starts_with("  monitors.\"checkout-bot\" is not in the file\n"), "{kept}");
    let gone = site.apply(&["--yes", "--prune"]).ok();
    assert!(gone.contains("- monitors.\"checkout-bot\" (with its references"), "{gone}");
    assert_eq!(site.list("/v1/monitors").await.len(), 1);
    assert_eq!(site.list("/v1/receivers").await.len(), 3, "the file says nothing of them");
    site.write("receivers = []\nmonitors = []\n[routing]\n");
    let gone = site.apply(&["--yes", "--prune"]).ok();
    assert!(gone.contains("changed routing\ndeleted monitors.\"support\"\n"), "{gone}");
    assert!(site.list("/v1/receivers").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_come_from_variables_and_files() {
    let site = Site::start().await;
    let pager = "[[receivers]]\nname = \"pager\"\nkind = \"pagerduty\"\nsecret = ";
    site.write(&format!("{pager}{{ env = \"NO_SUCH_VARIABLE\" }}"));
    let wanted =
        ["receivers.\"pager\": /secret the environment variable NO_SUCH_VARIABLE is not set"];
    site.apply(&["--yes"]).fails_saying(&wanted);
    site.write(&format!("{pager}{{ file = \"no-such-file\" }}"));
    site.apply(&["--yes"]).fails_saying(&["receivers.\"pager\": /secret no-such-file cannot"]);
    site.write(&format!("{pager}\"{PAGER_KEY}\""));
    site.apply(&["--yes"]).fails_saying(&["/secret must not stand in the file"]);
    site.write(&format!("{pager}{{ file = \"/run/secrets/pager\" }}"));
    site.apply(&["--yes"]).ok();
    // It is there: the secret is needed no more, until it is to be sent again.
    site.write(&format!("{pager}{{ env = \"NO_SUCH_VARIABLE\" }}"));
    assert_eq!(site.apply(&["--yes"]).ok(), "Nothing to change.\n");
    site.apply(&["--yes", "--update-secrets"]).fails_saying(&["NO_SUCH_VARIABLE is not set"]);
    site.write(&format!("{pager}{{ file = \"/run/secrets/pager\" }}"));
    let sent = site.apply(&["--yes", "--update-secrets"]).ok();
    assert!(sent.starts_with("~ receivers.\"pager\" secret: sent again\n"), "{sent}");
    let moved =
        format!("{pager}{{ env = \"X\" }}\nurl = \"https://events.eu.pagerduty.com/v2/enqueue\"");
    site.write(&moved);
    let wanted = "target: https://events.pagerduty.com -> https://events.eu.pagerduty.com\n";
    let shown = site.apply(&["--yes"]).ok();
    assert!(shown.contains(wanted), "{shown}");
    let target = site.find("/v1/receivers", "pager").await["target"].clone();
    assert_eq!(target, json!("https://events.eu.pagerduty.com"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_said_in_one_line() {
    let site = Site::start().await;
    let fails = |text: &str, parts: &[&str]| {
        site.write(text);
        site.apply(&["--yes"]).fails_saying(parts);
    };
    fails(
        "[[monitors]]\nname = \"m\"\nalert = { sevrity = \"x\" }",
        &["monitors.\"m\": /alert/sevrity unknown field `sevrity`, expected one of"],
    );
    fails(
        "[[monitors]]\nname = \"m\"\nreceivers = [\"nobody\"]",
        &["monitors.\"m\": /receivers/0 there is no receiver \"nobody\""],
    );
    fails("[[monitor]]\nname = \"m\"", &["monitors.toml: \"monitor\" is nothing that can be"]);
    fails("[[monitors]\n", &["monitors.toml: line 1, column"]);
    fails("[[monitors]]\nname = \"m\"\n[[monitors]]\nname = \"m\"", &["\"m\": is there twice"]);
    assert!(site.list("/v1/monitors").await.is_empty());
    // Two at once are two lines.
    site.write("[[monitors]]\nname = \"m\"\nx = 1\ny = 2\n[budget]\nconfidence = 7\n");
    let both = site.apply(&["--yes"]).exits(1).err;
    assert!(both.starts_with("seamark: 2 problems:\n  monitors.\"m\": /x"), "{both}");

    site.write("[budget]\n");
    let url = format!("http://{}", site.daemon.address);
    let to = |url: &str, key: &str| {
        let arguments = ["apply", "-f", "monitors.toml", "--url", url];
        Ended::of(site.folder.command(&arguments).env("SEAMARK_API_KEY", key).output().unwrap())
    };
    to(&url, "seamark_wrong").fails_saying(&[&url, "answered 401", "--key-file"]);
    to("http://127.0.0.1:1", &site.key).fails_saying(&["no answer", "http://127.0.0.1:1"]);
    to("127.0.0.1", &site.key).fails_saying(&["\"127.0.0.1\" is not a daemon's address"]);
    std::fs::write(site.folder.path("key"), format!("{}\n", site.key)).unwrap();
    let bind = format!("server.bind={}", site.daemon.address);
    let arguments = ["apply", "-f", "monitors.toml", "--key-file", "key", "--set", &bind];
    assert_eq!(site.folder.run(&arguments).ok(), "Nothing to change.\n", "by the settings");
    site.folder.run(&["apply", "-f", "a.txt"]).fails_saying(&["a.txt", "No such file"]);
    site.folder.run(&["apply"]).exits(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failure_a_second_run_goes_on() {
    let site = Site::start().await;
    // Only the daemon knows which addresses it may call.
    let text = "[[receivers]]\nname = \"a\"\nkind = \"alertmanager\"\nurl = \"https://a.example\"\n\
                [[receivers]]\nname = \"b\"\nkind = \"alertmanager\"\nurl = \"https://10.0.0.1\"\n\
                disabled = true\n[[monitors]]\nname = \"m\"\nreceivers = [\"a\", \"b\"]\n";
    site.write(text);
    let failed = site.apply(&["--yes"]).exits(1);
    assert!(
        failed.out.ends_with("created receivers.\"a\"\nnot done: monitors.\"m\"\n"),
        "{failed:?}"
    );
    failed.fails_saying(&["receivers.\"b\": /url 10.0.0.1 is not a public", "1 of 3 done"]);
    site.write(&text.replace("10.0.0.1", "b.example"));
    let done = site.apply(&["--yes"]).ok();
    assert!(done.ends_with("created receivers.\"b\"\ncreated monitors.\"m\"\n"), "{done}");
    assert_eq!(site.find("/v1/receivers", "b").await["disabled"], json!(true));
    assert_eq!(site.apply(&[]).ok(), "Nothing to change.\n");
}

#[test]
fn the_manual_shows_the_example_whole() {
    let manual = include_str!("../../../docs/DECLARATIVE.md");
    assert!(manual.contains(EXAMPLE), "docs/DECLARATIVE.md has another examples/monitors.toml");
}
