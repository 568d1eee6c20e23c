//! What an application writes to `users.api_token` once this program has been here.

use repo_to_cat::db::tokens;
use repo_to_cat::model::failure::Kind;
use repo_to_cat::model::token::{Scopes, TokenState};
use sqlx::postgres::PgPoolCopyExt;

use super::bed::Bed;

#[tokio::test]
async fn a_plain_token_is_hashed_as_it_is_written() {
    let bed = Bed::make().await;
    let cat = bed.insert("cat", Some("first-token-of-the-cat")).await;
    assert!(bed.is_hashed("first-token-of-the-cat").await);
    assert_eq!(tokens::authenticate(&bed.db, "first-token-of-the-cat").await.unwrap().user_id, cat);

    // What is no change of the token changes nothing of it.
    bed.run("UPDATE users SET username = 'tomcat'; UPDATE users SET username = 'cat', api_token = NULL").await;
    bed.run("UPDATE users SET api_token = 'first-token-of-the-cat'; UPDATE users SET api_token = ''").await;
    assert_eq!(tokens::authenticate(&bed.db, "first-token-of-the-cat").await.unwrap().user_id, cat);
    assert_eq!(bed.one::<i64>("SELECT count(*) FROM users WHERE api_token IS NOT NULL").await, 0);

    // Another takes its place; what was made by other ways stays.
    let (mine, _) = tokens::create(&bed.db, cat, "mine", &Scopes::default(), None).await.unwrap();
    bed.run("UPDATE users SET api_token = 'second-token-of-the-cat'").await;
    assert_eq!(tokens::authenticate(&bed.db, "second-token-of-the-cat").await.unwrap().user_id, cat);
    assert_eq!(tokens::authenticate(&bed.db, mine.reveal()).await.unwrap().user_id, cat);
    let first = tokens::look_up(&bed.db, "first-token-of-the-cat").await.unwrap();
    assert_eq!(first.state, TokenState::Revoked);

    // One that was revoked does not come to life by being written again.
    bed.run("UPDATE users SET api_token = 'first-token-of-the-cat'").await;
    let refused = tokens::authenticate(&bed.db, "first-token-of-the-cat").await.unwrap_err();
    assert_eq!((refused.kind(), refused.what()), (Kind::Unauthorized, "the token was revoked"));
}

#[tokio::test]
async fn a_token_is_one_users_only() {
    let bed = Bed::make().await;
    bed.insert("cat", Some("the-token-of-the-cat")).await;
    let refused = bed.tries("INSERT INTO users (username, api_token) VALUES ('dog', 'the-token-of-the-cat')").await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("tokens_hash_unique") && !refused.contains("the-token"), "{refused}");
    assert_eq!(bed.one::<i64>("SELECT count(*) FROM users").await, 1);
    bed.run("DELETE FROM users").await;
    assert_eq!(bed.one::<i64>("SELECT count(*) FROM tokens").await, 0, "they go with their user");
}

#[tokio::test]
async fn many_at_once_and_by_copy_are_hashed_too() {
    let bed = Bed::make().await;
    bed.run("INSERT INTO users (username, api_token) SELECT 'u' || n, 'token-number-' || n FROM generate_series(1, 100) AS n").await;
    let mut copy = bed.pool.copy_in_raw("COPY users (username, api_token) FROM STDIN").await.unwrap();
    copy.send("copied\ttoken-by-copy-is-hashed\n".as_bytes()).await.unwrap();
    copy.finish().await.unwrap();
    assert_eq!(bed.one::<i64>("SELECT count(*) FROM tokens").await, 101);
    assert!(bed.is_hashed("token-number-77").await && bed.is_hashed("token-by-copy-is-hashed").await);
}

#[tokio::test]
async fn an_application_needs_no_right_on_tokens() {
    let bed = Bed::make().await;
    let role: String = bed.one("SELECT 'app_of_' || current_database()").await;
    bed.run(&format!(
        "CREATE ROLE {role}; GRANT SELECT, INSERT, UPDATE ON users TO {role};
         BEGIN; SET LOCAL ROLE {role};
         INSERT INTO users (username, api_token) VALUES ('cat', 'token-of-the-application'); COMMIT"
    ))
    .await;
    assert!(bed.is_hashed("token-of-the-application").await);
    let looking = bed.tries(&format!("BEGIN; SET LOCAL ROLE {role}; SELECT hash FROM tokens; COMMIT")).await;
    assert!(looking.unwrap_err().to_string().contains("permission denied"));
}
