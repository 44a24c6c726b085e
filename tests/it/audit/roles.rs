//! On Postgres the daemon's role can append to the trail and do nothing else to it.

use seamark::model::audit::AuditRecord;
use seamark::store::{Config, Store};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::store::sample::{at, project};

/// What the manual tells people to run, with roles of this test's own: a server has one set of them.
fn script(app: &str, owner: &str) -> String {
    let text = include_str!("../../../docs/audit-roles.sql");
    let text =
        text.replace("seamark_audit", owner).replace("FROM PUBLIC, seamark", "FROM PUBLIC, APP");
    text.replace("TO seamark;", "TO APP;").replace("APP", app)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemons_role_only_appends() {
    let url = crate::pg::database().await;
    let (app, owner) =
        (format!("app_{}", std::process::id()), format!("owner_{}", std::process::id()));
    let mut admin = PgConnection::connect(&url).await.unwrap();
    let rights = format!(
        "CREATE ROLE {app} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {app};
        GRANT USAGE ON SCHEMA public TO {app};"
    );
    for sql in [rights, script(&app, &owner)] {
        admin.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.unwrap();
    }
    let mut restricted = url::Url::parse(&url).unwrap();
    restricted.set_username(&app).unwrap();
    let url = restricted.to_string();
    let store = Store::open(&Config { url: url.clone(), ..Config::default() }).await.unwrap();
    // As a daemon does when it starts.
    store.migrate().await.unwrap();
    let project = project(&store).await;
    for n in 1..=3 {
        let record = AuditRecord::by_system("test.act", n.to_string(), json!({ "n": n }));
        assert_eq!(store.append_audit(project, &record, at(0)).await.unwrap(), n);
    }
    let mut raw = PgConnection::connect(&url).await.unwrap();
    for table in ["audit_log", "audit_heads", "audit_payloads"] {
        let mut refused = vec![
            format!("INSERT INTO {table} SELECT * FROM {table}"),
            format!("UPDATE {table} SET seq = seq"),
            format!("TRUNCATE {table}"),
            format!("DROP TABLE {table}"),
            format!("ALTER TABLE {table} OWNER TO {app}"),
        ];
        if table != "audit_payloads" {
            refused.push(format!("DELETE FROM {table}"));
        }
        for sql in refused {
            let error = raw.execute(AssertSqlSafe(sql.clone())).await.unwrap_err();
            let code = error.as_database_error().unwrap().code().unwrap().into_owned();
            assert_eq!(code, "42501", "{sql}: {error}");
        }
    }
    // A table of the same name in the session's own schema deceives the function as little.
    raw.execute(
        "CREATE TEMP TABLE audit_heads (project_id TEXT PRIMARY KEY, seq BIGINT, hash BYTEA)",
    )
    .await
    .unwrap();
    let sql = "SELECT audit_append($1, 0, 'me', 'test.act', '4', '\\x00', '{}', NULL)";
    let place: i64 =
        sqlx::query_scalar(sql).bind(project.to_string()).fetch_one(&mut raw).await.unwrap();
    assert_eq!(place, 4);
    raw.execute("DELETE FROM audit_payloads WHERE seq = 2").await.unwrap();
    let walk = store.verify_audit(project, None).await.unwrap().unwrap();
    assert_eq!((walk.seq(), walk.erased), (4, 1));
}
