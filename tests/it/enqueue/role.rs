//! What upstream services may do, and what not.

use sqlx::{Executor, PgConnection, Row};

use crate::queue::bed::Bed;

async fn code(connection: &mut PgConnection, sql: &'static str) -> Option<String> {
    let failed = connection.execute(sql).await.err()?;
    Some(failed.into_database_error().unwrap().code().unwrap().into_owned())
}

#[tokio::test]
async fn an_enqueuer_asks_and_looks_and_nothing_else() {
    let bed = Bed::make().await;
    let mut connection = bed.gate.pool.acquire().await.unwrap().detach();
    connection.execute("SET ROLE repo_to_cat_enqueuer").await.unwrap();
    let ask = "SELECT id, is_new FROM queue.enqueue_generation('git@github.com:o/r.git', ref => 'main', priority => 5,
               delay => '1 hour', unique_key => 'k', tags => '{a,b}')";
    let (first, second) = (connection.fetch_one(ask).await.unwrap(), connection.fetch_one(ask).await.unwrap());
    let id: uuid::Uuid = first.get(0);
    assert_eq!((id, first.get(1), second.get(1)), (second.get(0), true, false));
    let many =
        "SELECT * FROM queue.enqueue_generations(ARRAY['https://github.com/o/a', 'https://gitlab.com/g/s/b.git'])";
    assert_eq!(connection.fetch_all(many).await.unwrap().len(), 2);
    let status =
        sqlx::query("SELECT state, kind FROM queue.status($1)").bind(id).fetch_one(&mut connection).await.unwrap();
    assert_eq!((status.get(0), status.get(1)), ("scheduled", "generation"));
    let result: Option<serde_json::Value> =
        sqlx::query_scalar("SELECT queue.result($1)").bind(id).fetch_one(&mut connection).await.unwrap();
    assert_eq!(result, None);
    for forbidden in [
        "SELECT * FROM queue.jobs",
        "INSERT INTO queue.jobs (id, kind, payload) VALUES (gen_random_uuid(), 'probe', '{}')",
        "SELECT * FROM queue.unique_keys",
        "SELECT * FROM public.generations",
        "SELECT queue.enqueue_job('maintenance', '{}')",
        "SELECT queue.enqueue_jobs('maintenance', ARRAY['{}']::jsonb[])",
        "SELECT queue.wake('probe')",
        "SELECT queue.allow_enqueueing('repo_to_cat_enqueuer')",
        "CREATE TABLE queue.mine ()",
    ] {
        assert_eq!(code(&mut connection, forbidden).await.as_deref(), Some("42501"), "{forbidden}");
    }
    let open = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'queue'::regnamespace AND prosecdef
                AND (has_function_privilege('public', oid, 'EXECUTE') OR NOT proconfig::text LIKE '%search_path=pg_catalog%'
                     OR proowner <> (SELECT relowner FROM pg_class WHERE oid = 'queue.jobs'::regclass))";
    connection.execute("RESET ROLE").await.unwrap();
    let open: i64 = connection.fetch_one(open).await.unwrap().get(0);
    assert_eq!(open, 0, "who runs as the owner is open to nobody unasked, and pins its search path");
}

#[tokio::test]
async fn options_out_of_range_raise_and_nulls_are_defaults() {
    let bed = Bed::make().await;
    let mut connection = bed.gate.pool.acquire().await.unwrap().detach();
    for bad in [
        "priority => 101",
        "max_attempts => 0",
        "delay => '-1 s'",
        "delay => '1 s', run_at => now()",
        "timeout => '0'",
        "run_at => now() + interval '11 years'",
        "unique_key => ''",
        "unique_key => repeat('k', 256)",
        "unique_key => E'a\\nb'",
        "unique_key => 'k', unique_scope => 'x'",
        "unique_key => 'k', unique_window => '0'",
        "on_conflict => 'x'",
        "tags => array_fill('t'::text, '{33}')",
        "tags => ARRAY['']",
        "tags => ARRAY[E'a\\nb']",
        "limit_key => '*'",
        "run_at => now(), deadline => now()",
    ] {
        let sql = format!("SELECT queue.enqueue_job('probe', '{{}}', {bad})");
        let raised = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap_err();
        assert_eq!(raised.into_database_error().unwrap().code().as_deref(), Some("RC003"), "{bad}");
    }
    let nulls =
        "SELECT is_new FROM queue.enqueue_job('probe', '{}', NULL, NULL, NULL, 'k', NULL, NULL, NULL, NULL, NULL, NULL,
                 NULL, NULL, NULL, NULL, NULL, NULL)";
    assert!(connection.fetch_one(nulls).await.unwrap().get::<bool, _>(0));
    let plain = "SELECT priority = 0 AND max_attempts = 5 AND state = 'available' AND tags IS NULL FROM queue.jobs";
    assert!(connection.fetch_one(plain).await.unwrap().get::<bool, _>(0));
}
