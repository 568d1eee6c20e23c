//! Migration 10 on a database of ours and on one that an application brought, up and down.

use repo_to_cat::db::{tokens, users};
use repo_to_cat::model::failure::Kind;
use repo_to_cat::model::password::Verdict;
use repo_to_cat::model::token::Scopes;

use super::bed::{Bed, dump};

/// What the original's last revision has beyond the guide's columns.
const ORIGINAL: &str = "
    ALTER TABLE users ADD COLUMN email varchar(255) UNIQUE, ADD COLUMN password_hash varchar(255);
    UPDATE users SET password_hash = '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';
    ALTER TABLE users ALTER COLUMN username SET NOT NULL, ALTER COLUMN password_hash SET NOT NULL;";

const SCHEMA: [&str; 2] = ["--schema-only", "--no-owner"];

#[tokio::test]
async fn plain_tokens_are_hashed_and_go_on_working() {
    let bed = Bed::before().await;
    let cat = bed.insert("cat", Some("plain-token-of-the-cat-0123456789")).await;
    let ümlaut = bed.insert("ümlaut", Some("geheim-für-käthe")).await;
    bed.insert("empty", Some("")).await;
    bed.insert("none", None).await;
    bed.up().await;
    for (user, plain, prefix) in
        [(cat, "plain-token-of-the-cat-0123456789", "plain-to"), (ümlaut, "geheim-für-käthe", "gehe")]
    {
        assert!(bed.is_hashed(plain).await, "{plain}");
        let proved = tokens::authenticate(&bed.db, plain).await.unwrap();
        assert_eq!((proved.user_id, proved.scopes), (user, Scopes::default()), "{plain}");
        let row = tokens::look_up(&bed.db, plain).await.unwrap();
        assert_eq!((row.name.as_str(), row.prefix.as_str(), row.expires_at), ("api_token", prefix, None));
        assert_eq!(row.created_at.to_rfc3339(), "2025-10-08T12:00:00+00:00");
    }
    assert_eq!(bed.one::<i64>("SELECT count(*) FROM tokens").await, 2);
    assert_eq!(tokens::authenticate(&bed.db, "").await.unwrap_err().kind(), Kind::Unauthorized);
}

#[tokio::test]
async fn what_an_application_brought_stays_and_goes_on_working() {
    let bed = Bed::before().await;
    bed.insert("cat", Some("a-plain-token-of-the-application")).await;
    bed.run(ORIGINAL).await;
    bed.run("UPDATE users SET email = 'cat@example.org'").await;
    bed.up().await;
    let found = users::find(&bed.db, "cat@example.org").await.unwrap();
    assert_eq!((found.username.as_deref(), found.has_password, found.tokens), (Some("cat"), true, 1));
    assert_eq!(users::check_password(&bed.db, "cat", "U*U").await.unwrap(), Verdict::Right);
    let keys = "SELECT count(*) FROM pg_index WHERE indrelid = 'users'::regclass AND indisunique";
    assert_eq!(bed.one::<i64>(keys).await, 4, "id, name, token, address: none twice");

    // Ours have no password; theirs are written as ever.
    users::add(&bed.db, "ours", None).await.unwrap();
    bed.run("INSERT INTO users (username, password_hash) VALUES ('theirs', '$2b$12$x')").await;

    let first = dump(&bed.url, &SCHEMA);
    bed.down().await;
    let kept: String = bed
        .one("SELECT string_agg(concat_ws(' ', username, email, left(password_hash, 7)), ', ' ORDER BY username) FROM users")
        .await;
    assert_eq!(kept, "cat cat@example.org $2b$05$, ours, theirs $2b$12$");
    bed.up().await;
    assert_eq!(dump(&bed.url, &SCHEMA), first);
}

#[tokio::test]
async fn a_unique_index_is_as_good_as_a_constraint() {
    let bed = Bed::before().await;
    bed.run("ALTER TABLE users ADD COLUMN email varchar(255); CREATE UNIQUE INDEX ix_users_email ON users (email)")
        .await;
    bed.up().await;
    assert_eq!(bed.one::<i64>("SELECT count(*) FROM pg_constraint WHERE conname = 'users_email_unique'").await, 0);
    bed.down().await;
    assert_eq!(bed.one::<i64>("SELECT count(*) FROM pg_class WHERE relname = 'ix_users_email'").await, 1);

    // One that does not hold for all rows is none.
    let bed = Bed::before().await;
    bed.run(
        "ALTER TABLE users ADD COLUMN email varchar(255);
             CREATE UNIQUE INDEX email_of_some ON users (email) WHERE username IS NOT NULL;
             CREATE UNIQUE INDEX email_and_name ON users (email, username)",
    )
    .await;
    bed.up().await;
    assert_eq!(bed.one::<i64>("SELECT count(*) FROM pg_constraint WHERE conname = 'users_email_unique'").await, 1);
}

#[tokio::test]
async fn a_database_of_ours_goes_up_down_and_up() {
    let bed = Bed::before().await;
    let before = dump(&bed.url, &SCHEMA);
    bed.up().await;
    let after = dump(&bed.url, &SCHEMA);
    bed.down().await;
    let of_users = |dump: &str| {
        dump.split("\n\n")
            .filter(|part| part.contains("users") || part.contains("tokens"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(of_users(&dump(&bed.url, &SCHEMA)), of_users(&before));
    bed.up().await;
    assert_eq!(dump(&bed.url, &SCHEMA), after);
    for of in ["public.users", "public.tokens"] {
        let silent: Vec<String> = bed
            .one(&format!(
                "SELECT coalesce(array_agg(attname::text), '{{}}') FROM pg_attribute
                 WHERE attrelid = '{of}'::regclass AND attnum > 0 AND NOT attisdropped
                   AND coalesce(col_description(attrelid, attnum), '') = ''"
            ))
            .await;
        assert!(silent.is_empty(), "{of}: {silent:?} have no comment");
    }
}
