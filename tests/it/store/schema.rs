//! The two engines have the same tables, columns and nullability.

use std::collections::BTreeSet;

use sqlx::{Connection, PgConnection, SqliteConnection};

/// Table, column, kind of value, and whether it may be NULL.
type Column = (String, String, String, bool);

const SQLITE: &str = "SELECT t.name, c.name, c.type, c.\"notnull\" = 0
    FROM sqlite_schema t JOIN pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> '_sqlx_migrations'";
const POSTGRES: &str =
    "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL), NOT a.attnotnull
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
      AND c.relname <> '_sqlx_migrations'";

fn kind(engine_type: &str) -> &'static str {
    match engine_type {
        "bigint" | "boolean" | "INTEGER" => "integer",
        "double precision" | "REAL" => "real",
        "text" | "TEXT" => "text",
        "bytea" | "BLOB" => "bytes",
        other => panic!("{other} is not a type that both engines have"),
    }
}

fn columns(rows: Vec<Column>) -> BTreeSet<(String, String, &'static str, bool)> {
    rows.into_iter().map(|(table, name, of, null)| (table, name, kind(&of), null)).collect()
}

#[tokio::test]
async fn both_engines_have_the_same_tables() {
    let store = super::setup::sqlite().await;
    let file = store.file().expect("a store in a file");
    let mut sqlite = SqliteConnection::connect(&file).await.unwrap();
    let mut postgres = PgConnection::connect(&crate::pg::database().await).await.unwrap();
    let sqlite: Vec<Column> = sqlx::query_as(SQLITE).fetch_all(&mut sqlite).await.unwrap();
    let postgres: Vec<Column> = sqlx::query_as(POSTGRES).fetch_all(&mut postgres).await.unwrap();
    assert_eq!(columns(sqlite), columns(postgres.clone()));
    assert_eq!(postgres.iter().map(|column| &column.0).collect::<BTreeSet<_>>().len(), 43);
}

#[test]
fn both_folders_hold_the_same_migrations() {
    let names = |engine: &str| -> BTreeSet<std::ffi::OsString> {
        let folder = format!("{}/migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    assert_eq!(names("postgres"), names("sqlite"));
}

/// SQLite builds the alerts anew in migration 11: nothing of them is lost on the way.
#[tokio::test]
async fn alerts_of_before_rules_are_carried_over() {
    let folder = format!("{}/migrations/sqlite", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut database = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let run = |path: &std::path::Path| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(std::fs::read_to_string(path).unwrap()))
    };
    for path in &files[..10] {
        run(path).execute(&mut database).await.unwrap();
    }
    sqlx::raw_sql(
        "INSERT INTO projects (id, name, position, created_at) VALUES ('p', 'p', 0, 0);
        INSERT INTO monitors VALUES ('m', 'p', 'm', '{}', NULL, 0, 0);
        INSERT INTO alerts (id, project_id, monitor_id, stream, kind, severity, state, streak, started_at,
            report_id, reasons) VALUES ('a', 'p', 'm', 'query', 'query_drift', 'warning', 'firing', 0, 5,
            'r', '[]');
        INSERT INTO alert_transitions (alert_id, at, from_state, to_state, reason, report_id)
            VALUES ('a', 5, 'inactive', 'firing', 'threshold_crossed', 'r');
        INSERT INTO alert_comments (alert_id, at, author, text) VALUES ('a', 6, 'me', 'seen');",
    )
    .execute(&mut database)
    .await
    .unwrap();
    run(&files[10]).execute(&mut database).await.unwrap();
    let count = "SELECT COUNT(*) FROM alerts a JOIN alert_transitions t ON t.alert_id = a.id
        JOIN alert_comments c ON c.alert_id = a.id WHERE a.started_at = 5 AND c.text = 'seen'";
    let carried: i64 = sqlx::query_scalar(count).fetch_one(&mut database).await.unwrap();
    assert_eq!(carried, 1);
    sqlx::raw_sql("DELETE FROM monitors").execute(&mut database).await.unwrap();
    for table in ["alerts", "alert_transitions", "alert_comments"] {
        let left = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        let left: i64 = sqlx::query_scalar(left).fetch_one(&mut database).await.unwrap();
        assert_eq!(left, 0, "{table} go with their monitor");
    }
}
