//! The views for people, and the role that can only look.

use std::fs;
use std::path::Path;

use sqlx::Row;

use super::bed::Bed;
use super::plans::explained;

#[tokio::test]
async fn the_views_show_what_there_is() {
    let bed = Bed::odd("views").await;
    let cat = sqlx::query("SELECT * FROM generations_overview WHERE score = 99.9").fetch_one(&bed.pool).await.unwrap();
    assert_eq!((cat.get::<&str, _>("size"), cat.get::<&str, _>("color")), ("chonky", "orange"));
    assert_eq!(cat.get::<Option<&str>, _>("breed"), None);
    let seconds = "SELECT seconds::text FROM generations_overview ORDER BY created_at DESC";
    let seconds: Vec<Option<String>> = sqlx::query_scalar(seconds).fetch_all(&bed.pool).await.unwrap();
    assert_eq!(seconds, [None, Some("1.380".to_owned()), None, None, None], "odd values break no view");

    let job = &bed.shell.enqueue(&["https://github.com/owner/name"])[0];
    bed.run(format!(
        "INSERT INTO queue.attempts (job_id, claim, outcome, error) VALUES ('{job}', 1, 'retried', 'the first'),
           ('{job}', 2, 'retried', 'the last');
         INSERT INTO queue.history (id, created_at, run_at, started_at, finished_at, claims, priority, max_attempts, attempts,
                                    deaths, kind, state, worker_id, payload)
         SELECT gen_random_uuid(), now(), now(), now() + interval '5 s', now() + interval '9 s', 1, 7, 5, 0, 0, 'backup',
                'completed', '00000000-0000-0000-0000-00000000000b', '{{}}';
         INSERT INTO queue.worker_names VALUES ('00000000-0000-0000-0000-00000000000b', 'host:1', now());
         INSERT INTO backup.backups (name, database, store, format, compression, encrypted, started_at, seconds, bytes,
                                     raw_bytes, tables, rows, server_version, pruned_at)
         VALUES ('cats_1', 'cats', 's', 'custom', 'zstd', false, now() - interval '2 days', 3, 2048, 4096, 5, 6, 150000, now())"
    ))
    .await;
    let jobs = "SELECT concat_ws('|', kind, state, repository, priority, wait >= '0', wait, worker, last_error)
                FROM jobs_overview ORDER BY finished_at NULLS LAST";
    let jobs: Vec<String> = sqlx::query_scalar(jobs).fetch_all(&bed.pool).await.unwrap();
    assert_eq!(jobs[0], "backup|completed|7|t|00:00:05|host:1");
    assert!(jobs[1].starts_with("generation|available|https://github.com/owner/name|0|t|"), "{jobs:?}");
    assert!(jobs[1].ends_with("|the last"), "{jobs:?}");
    let backup = "SELECT concat_ws('|', name, size, rows, verdict, pruned, age > '47 hours') FROM backups_overview";
    let backup: String = sqlx::query_scalar(backup).fetch_one(&bed.pool).await.unwrap();
    assert_eq!(backup, "cats_1|2048 bytes|6|unverified|t|t");
}

#[tokio::test]
async fn the_newest_jobs_are_read_by_their_index() {
    let bed = Bed::empty("newest_jobs").await;
    bed.run(
        "INSERT INTO queue.history (id, created_at, run_at, started_at, finished_at, claims, priority, max_attempts, attempts,
                                    deaths, kind, state, payload)
         SELECT md5(n::text)::uuid, now(), now(), now(), now(), 1, 0, 5, 0, 0, 'probe',
                CASE n % 9 WHEN 0 THEN 'discarded' ELSE 'completed' END, '{}' FROM generate_series(1, 20000) AS n;
         INSERT INTO queue.jobs (id, kind, payload) SELECT md5((-n)::text)::uuid, 'probe', '{}' FROM generate_series(1, 9000) AS n",
    )
    .await;
    bed.run("VACUUM ANALYZE").await;
    let mut connection = bed.connect().await;
    for (query, bound) in [
        ("SELECT * FROM jobs_overview ORDER BY id DESC LIMIT 20", 400),
        (
            "SELECT * FROM jobs_overview WHERE state = 'discarded' AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 20",
            400,
        ),
        ("SELECT * FROM jobs_overview WHERE state = 'available' ORDER BY id DESC LIMIT 20", 400),
        ("SELECT * FROM jobs_overview WHERE id = md5('7')::uuid", 150),
    ] {
        let plan = explained(&mut connection, query).await;
        assert!(plan.faults(&["jobs", "history_completed", "history_discarded"]).is_empty(), "{query}: {}", plan.text);
        assert!(plan.buffers() < bound, "{query} reads {} pages: {}", plan.buffers(), plan.text);
    }
}

/// The SQL of a block of our documentation that begins with these words.
fn documented(file: &str, beginning: &str) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file)).unwrap();
    let blocks = text.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.into_iter().find(|block| block.starts_with(beginning)).expect(beginning)
}

#[tokio::test]
async fn the_statements_of_the_documentation_run() {
    let bed = Bed::odd("documented").await;
    bed.run(documented("generations.md", "-- Create.")).await;
    assert_eq!(bed.count("SELECT count(*) FROM generations WHERE repo_owner = 'user'").await, 0, "deleted again");
    bed.run(documented("tools.md", "SELECT * FROM generations_overview")).await;

    // Roles are the server's: this one gets a name of its own.
    let role = "cat_reader_of_a_test";
    let recipe = documented("tools.md", "CREATE ROLE").replace("cat_reader", role);
    bed.run(format!("DROP ROLE IF EXISTS {role}; {recipe}")).await;
    for query in [
        "SELECT count(*) FROM generations_overview",
        "SELECT count(*) FROM jobs_overview",
        "SELECT count(*) FROM backups_overview",
        "SELECT count(*) FROM queue.history",
    ] {
        bed.run(format!("BEGIN; SET LOCAL ROLE {role}; {query}; COMMIT")).await;
    }
    for statement in ["SELECT * FROM users", "DELETE FROM generations", "UPDATE queue.jobs SET priority = 1"] {
        let mut connection = bed.connect().await;
        let script = format!("SET ROLE {role}; {statement}");
        let told = sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(&mut connection).await.unwrap_err();
        assert!(told.to_string().contains("permission denied"), "{statement}: {told}");
    }
    bed.run(format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}
