//! A private Postgres for the tests, from the installed binaries; one cluster for the test binary,
//! started when the first test asks, and one database a test, cloned from a migrated template.
//!
//! `SEAMARK_TEST_DATABASE_URL` names a server to use instead: its user must be allowed to create
//! databases, which are called `seamark_test_…` and are left there.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use seamark::store::{Config, Store};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::sync::OnceCell;

const REMEDY: &str = "install PostgreSQL (Debian: apt-get install postgresql), or set \
    SEAMARK_TEST_DATABASE_URL to a server whose user may create databases";

static SERVER: OnceCell<Server> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

struct Server {
    /// URL with `{}` for the database.
    url: String,
    admin: String,
    template: String,
    /// Stops the cluster when this process ends in whatever way, because its input ends then.
    _watchdog: Option<Child>,
}

/// The URL of a new, migrated database.
pub(crate) async fn database() -> String {
    let server = SERVER.get_or_init(Server::start).await;
    let name = format!(
        "seamark_test_{}_{}",
        std::process::id(),
        DATABASES.fetch_add(1, Ordering::Relaxed)
    );
    server.create(&name, &server.template).await;
    server.url.replace("{}", &name)
}

/// The URL of a new, empty database.
pub(crate) async fn empty_database() -> String {
    let server = SERVER.get_or_init(Server::start).await;
    let name = format!("seamark_test_{}_empty", std::process::id());
    server.create(&name, "template0").await;
    server.url.replace("{}", &name)
}

impl Server {
    async fn start() -> Self {
        let (url, admin, watchdog) = external().unwrap_or_else(private_cluster);
        let template = format!("seamark_test_{}_template", std::process::id());
        let server = Self { url, admin, template, _watchdog: watchdog };
        server.create(&server.template, "template0").await;
        let config =
            Config { url: server.url.replace("{}", &server.template), ..Config::default() };
        let store = Store::open(&config).await.expect(REMEDY);
        store.migrate().await.expect("the migrations run on an empty database");
        // Nobody may be connected to a template while it is copied.
        store.close().await;
        server
    }

    async fn create(&self, name: &str, template: &str) {
        let mut admin = PgConnection::connect(&self.admin).await.expect(REMEDY);
        let sql = format!("CREATE DATABASE {name} TEMPLATE {template}");
        admin.execute(AssertSqlSafe(sql)).await.expect("the test user may create databases");
        admin.close().await.expect("the connection closes");
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests' own setting, not the program's")]
fn external() -> Option<(String, String, Option<Child>)> {
    let admin = std::env::var("SEAMARK_TEST_DATABASE_URL").ok()?;
    let mut url = url::Url::parse(&admin).expect("SEAMARK_TEST_DATABASE_URL is a URL");
    url.set_path("/DATABASE");
    Some((url.as_str().replace("/DATABASE", "/{}"), admin, None))
}

fn private_cluster() -> (String, String, Option<Child>) {
    let binaries = binaries().unwrap_or_else(|| panic!("no PostgreSQL binaries found; {REMEDY}"));
    let temporary = tempfile::Builder::new().prefix("seamark-pg").tempdir();
    let temporary = temporary.expect("a folder for temporary files");
    let folder = temporary.path().to_owned();
    if is_root() {
        run(Command::new("chown").arg("postgres").arg(&folder));
    }
    let data = folder.join("data");
    let initdb = binaries.join("initdb");
    run(unprivileged(&initdb, &folder)
        .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", "-D"])
        .arg(&data));
    let watchdog = watchdog(&binaries, &folder, &data);
    // From here on the watchdog removes it: what a static holds is never dropped.
    let _ = temporary.keep();
    // Durability is the benches' matter; the tests kill processes, not power.
    let options = format!(
        "-k {} -c listen_addresses= -c fsync=off -c max_connections=200 -c shared_buffers=32MB",
        folder.display()
    );
    run(unprivileged(&binaries.join("pg_ctl"), &folder)
        .args(["start", "-w", "-t", "60", "-D"])
        .arg(&data)
        .arg("-l")
        .arg(folder.join("log"))
        .arg("-o")
        .arg(options));
    let url = format!("postgres://postgres@localhost/{{}}?host={}", folder.display());
    let admin = url.replace("{}", "postgres");
    (url, admin, Some(watchdog))
}

/// A shell that waits for the end of its input, then stops the cluster and removes its folder.
fn watchdog(binaries: &Path, folder: &Path, data: &Path) -> Child {
    let stop =
        "cat > /dev/null; \"$1\" stop -m immediate -D \"$2\" > /dev/null 2>&1; rm -rf \"$3\"";
    let mut command = unprivileged(Path::new("/bin/sh"), folder);
    command.args(["-c", stop, "sh"]).arg(binaries.join("pg_ctl")).arg(data).arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C reaches the tests' process group, not the watchdog.
    command.process_group(0).spawn().expect("a shell starts")
}

/// Postgres refuses to run as root: then everything runs as the user `postgres`.
fn unprivileged(program: &Path, folder: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(folder);
    command
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|of| of.uid() == 0)
}

fn binaries() -> Option<PathBuf> {
    let from_pg_config = Command::new("pg_config").arg("--bindir").output().ok();
    let from_pg_config = from_pg_config
        .filter(|output| output.status.success())
        .map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let debian = std::fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten();
    from_pg_config
        .into_iter()
        .chain(debian.flatten().map(|version| version.path().join("bin")))
        .find(|folder| folder.join("initdb").exists())
}

fn run(command: &mut Command) {
    // Files, not pipes: the server would keep a pipe open and this would wait for its end.
    let output: Output = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?} did not start: {error}; {REMEDY}"));
    assert!(output.status.success(), "{command:?} ended with {}; {REMEDY}", output.status);
}
