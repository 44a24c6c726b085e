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
    assert_eq!(postgres.iter().map(|column| &column.0).collect::<BTreeSet<_>>().len(), 23);
}

#[test]
fn both_folders_hold_the_same_migrations() {
    let names = |engine: &str| -> BTreeSet<std::ffi::OsString> {
        let folder = format!("{}/migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    assert_eq!(names("postgres"), names("sqlite"));
}
