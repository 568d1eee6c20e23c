//! Everything that a tool shows has a comment.

use sqlx::Row;

use super::bed::Bed;

/// What has none. A week of history is a part of a table whose columns have theirs.
const WITHOUT: &str = "
WITH ours AS (SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('public', 'queue', 'backup')),
     shown AS (SELECT class.oid, class.oid::regclass::text AS name, relkind::text AS kind, relispartition AS is_part
               FROM pg_class AS class JOIN ours ON ours.oid = relnamespace
               WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND relname <> '_sqlx_migrations')
SELECT 'schema ' || nspname AS what FROM ours WHERE obj_description(oid, 'pg_namespace') IS NULL
UNION ALL SELECT kind || ' ' || name FROM shown WHERE NOT is_part AND obj_description(oid, 'pg_class') IS NULL
UNION ALL SELECT 'column ' || name || '.' || attname FROM shown JOIN pg_attribute ON attrelid = shown.oid
  WHERE kind <> 'S' AND NOT is_part AND attnum > 0 AND NOT attisdropped AND col_description(shown.oid, attnum) IS NULL
UNION ALL SELECT 'function ' || proc.oid::regprocedure FROM pg_proc AS proc JOIN ours ON ours.oid = pronamespace
  WHERE obj_description(proc.oid, 'pg_proc') IS NULL
UNION ALL SELECT 'type ' || type.oid::regtype FROM pg_type AS type JOIN ours ON ours.oid = typnamespace
  LEFT JOIN pg_class AS class ON class.oid = typrelid
  WHERE (typtype IN ('e', 'd', 'r') OR typtype = 'c' AND relkind = 'c') AND obj_description(type.oid, 'pg_type') IS NULL
ORDER BY 1";

#[tokio::test]
async fn everything_has_a_comment() {
    let bed = Bed::empty("comments").await;
    let without = async || {
        let rows = sqlx::query(WITHOUT).fetch_all(&bed.pool).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
    };
    assert_eq!(without().await, Vec::<String>::new());
    // The look finds what it is for.
    bed.run(
        "CREATE TABLE public.bare (n serial); CREATE VIEW queue.bare AS SELECT 1 AS n; CREATE DOMAIN backup.bare AS text;
         CREATE FUNCTION queue.bare() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    )
    .await;
    assert_eq!(
        without().await,
        [
            "S bare_n_seq",
            "column bare.n",
            "column queue.bare.n",
            "function queue.bare()",
            "r bare",
            "type backup.bare",
            "v queue.bare"
        ]
    );
}
