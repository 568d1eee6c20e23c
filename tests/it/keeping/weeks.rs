//! The weeks of history: made ahead, and made up for.

use repo_to_cat::db::history;

use super::yard::Yard;

/// This week's partition of completed jobs is dropped, as if nobody had made it.
async fn forget_this_week(yard: &Yard) -> String {
    let name: String =
        sqlx::query_scalar("SELECT 'history_completed_' || to_char(queue.now() AT TIME ZONE 'utc', 'IYYY\"_w\"IW')")
            .fetch_one(&yard.pool)
            .await
            .unwrap();
    yard.run(format!("DROP TABLE queue.{name}")).await;
    format!("queue.{name}")
}

#[tokio::test]
async fn rows_of_a_week_that_was_missing_move_when_it_is_made() {
    let yard = Yard::make().await;
    let week = forget_this_week(&yard).await;
    let (now, old) = (yard.finished("completed", 0).await, yard.finished("completed", 300).await);
    assert_eq!(yard.place(now).await, "queue.history_completed_default");
    history::prepare(&yard.db).await.unwrap();
    assert_eq!(yard.place(now).await, week);
    assert_eq!(yard.place(old).await, "queue.history_completed_default", "its week was not made");
    let comment: String =
        sqlx::query_scalar("SELECT obj_description($1::regclass)").bind(&week).fetch_one(&yard.pool).await.unwrap();
    assert!(comment.starts_with("Jobs completed in the week from "), "{comment}");
    let indexes: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_index WHERE indrelid = $1::regclass")
        .bind(&week)
        .fetch_one(&yard.pool)
        .await
        .unwrap();
    assert_eq!(indexes, 3, "as history has");
}

#[tokio::test]
async fn a_week_waits_for_a_long_transaction_and_nothing_waits_for_the_week() {
    let yard = Yard::make().await;
    let week = forget_this_week(&yard).await;
    let mut dump = yard.pool.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM queue.history").execute(&mut *dump).await.unwrap();
    history::prepare(&yard.db).await.unwrap();
    let meanwhile = yard.finished("completed", 0).await;
    assert_eq!(yard.place(meanwhile).await, "queue.history_completed_default");
    dump.rollback().await.unwrap();
    history::prepare(&yard.db).await.unwrap();
    assert_eq!(yard.place(meanwhile).await, week);
}
