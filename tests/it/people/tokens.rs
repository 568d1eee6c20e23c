//! Tokens: made, presented, expired, revoked.

use chrono::{TimeDelta, Utc};
use repo_to_cat::db::{tokens, users};
use repo_to_cat::model::failure::{Failure, Kind};
use repo_to_cat::model::token::{Scope, Scopes, TokenState};
use repo_to_cat::model::when::When;
use sqlx::Row;

use super::bed::Bed;

/// Why a token was not accepted.
fn reason<T: std::fmt::Debug>(refused: Result<T, Failure>) -> String {
    let failure = refused.unwrap_err();
    assert_eq!(failure.kind(), Kind::Unauthorized);
    failure.what().to_owned()
}

#[tokio::test]
async fn a_token_proves_whose_it_is_and_what_it_allows() {
    let bed = Bed::make().await;
    let cat = users::add(&bed.db, "cat", Some("cat@example.org")).await.unwrap();
    let scopes: Scopes = [Scope::Read].into_iter().collect();
    let (token, row) = tokens::create(&bed.db, cat.id, "ci", &scopes, None).await.unwrap();
    assert_eq!((row.prefix.as_str(), row.state, row.last_used_at), (token.prefix(), TokenState::Works, None));
    let proved = tokens::authenticate(&bed.db, token.reveal()).await.unwrap();
    assert_eq!((proved.user_id, proved.username.as_deref(), proved.token_id), (cat.id, Some("cat"), row.id));
    assert!(proved.scopes.allows(Scope::Read) && !proved.scopes.allows(Scope::Enqueue));

    let nearly =
        [&token.reveal()[..43], &format!("{} ", token.reveal()), &token.reveal().to_lowercase(), "", "\0", "rtc_"];
    for other in nearly {
        assert_eq!(reason(tokens::authenticate(&bed.db, other).await), "the token is not known", "{other:?}");
    }
}

#[tokio::test]
async fn what_is_revoked_or_disabled_does_not_work() {
    let bed = Bed::make().await;
    let cat = users::add(&bed.db, "cat", None).await.unwrap();
    let (token, row) = tokens::create(&bed.db, cat.id, "ci", &Scopes::default(), None).await.unwrap();
    let (other, _) = tokens::create(&bed.db, cat.id, "ci", &Scopes::default(), None).await.unwrap();

    assert!(users::set_disabled(&bed.db, cat.id, true).await.unwrap());
    assert!(!users::set_disabled(&bed.db, cat.id, true).await.unwrap(), "it was already");
    assert_eq!(reason(tokens::authenticate(&bed.db, token.reveal()).await), "the token's user is disabled");
    assert!(users::set_disabled(&bed.db, cat.id, false).await.unwrap());
    tokens::authenticate(&bed.db, token.reveal()).await.unwrap();

    let both = tokio::join!(tokens::revoke(&bed.db, row.id), tokens::revoke(&bed.db, row.id));
    assert_eq!(i32::from(both.0.unwrap()) + i32::from(both.1.unwrap()), 1, "one of two revokes it");
    assert!(!tokens::revoke(&bed.db, row.id).await.unwrap());
    assert_eq!(reason(tokens::authenticate(&bed.db, token.reveal()).await), "the token was revoked");
    tokens::authenticate(&bed.db, other.reveal()).await.unwrap();
    assert_eq!(users::find(&bed.db, "cat").await.unwrap().tokens, 1);
}

#[tokio::test]
async fn a_token_expires_by_the_databases_clock() {
    let bed = Bed::make().await;
    let cat = users::add(&bed.db, "cat", None).await.unwrap();
    let make = async |expires| tokens::create(&bed.db, cat.id, "ci", &Scopes::default(), expires).await;
    let (day, _) = make(Some(When::In(TimeDelta::days(1)))).await.unwrap();
    let (week, _) = make(Some(When::At(Utc::now() + TimeDelta::days(7)))).await.unwrap();
    let (ever, _) = make(None).await.unwrap();
    for past in [When::In(TimeDelta::zero()), When::At(Utc::now() - TimeDelta::seconds(1))] {
        assert_eq!(make(Some(past)).await.unwrap_err().kind(), Kind::Invalid, "{past:?}");
    }
    for (later, working) in [("23 hours", 3), ("1 day", 2), ("8 days", 1), ("1000 years", 1)] {
        let db = bed.later(later).await;
        let mut works = 0;
        for token in [&day, &week, &ever] {
            match tokens::authenticate(&db, token.reveal()).await {
                Ok(_) => works += 1,
                refused => assert_eq!(reason(refused), "the token has expired"),
            }
        }
        assert_eq!(works, working, "{later}");
        assert_eq!(users::find(&db, "cat").await.unwrap().tokens, working, "{later}");
    }
}

#[tokio::test]
async fn its_last_use_is_noted_at_most_once_a_minute_and_waits_for_nobody() {
    let bed = Bed::make().await;
    let cat = users::add(&bed.db, "cat", None).await.unwrap();
    let (token, _) = tokens::create(&bed.db, cat.id, "ci", &Scopes::default(), None).await.unwrap();
    let row = async || bed.one::<String>("SELECT concat(xmin, ' ', last_used_at) FROM tokens").await;
    tokens::authenticate(&bed.db, token.reveal()).await.unwrap();
    let first = row().await;
    assert!(!first.ends_with(' '), "{first}");
    tokens::authenticate(&bed.db, token.reveal()).await.unwrap();
    assert_eq!(row().await, first, "no second write");

    let db = bed.later("61 seconds").await;
    let mut holder = bed.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM tokens FOR UPDATE").execute(&mut *holder).await.unwrap();
    tokens::authenticate(&db, token.reveal()).await.unwrap();
    holder.rollback().await.unwrap();
    tokens::authenticate(&db, token.reveal()).await.unwrap();
    assert_ne!(row().await, first);

    let noted = row().await;
    users::set_disabled(&db, cat.id, true).await.unwrap();
    let db = bed.later("10 minutes").await;
    tokens::authenticate(&db, token.reveal()).await.unwrap_err();
    assert_eq!(row().await, noted, "what does not work is not used");
}

#[tokio::test]
async fn what_cannot_be_made_is_refused() {
    let bed = Bed::make().await;
    let cat = users::add(&bed.db, "cat", None).await.unwrap();
    for name in ["", " x", "a\nb", "api_token", &"n".repeat(256)] {
        let refused = tokens::create(&bed.db, cat.id, name, &Scopes::default(), None).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Invalid, "{name:?}");
    }
    for row in ["ARRAY['write']", "'{}'", "ARRAY['read', NULL]", "NULL"] {
        let insert = format!(
            "INSERT INTO tokens (user_id, name, prefix, hash, scopes) VALUES ('{}', 'x', 'x', sha256('x'), {row})",
            cat.id
        );
        bed.tries(&insert).await.expect_err(row);
    }
}

#[tokio::test]
async fn a_token_is_found_by_the_index_of_its_hash() {
    let bed = Bed::make().await;
    bed.run(
        "INSERT INTO users (username) SELECT 'u' || n FROM generate_series(1, 2000) AS n;
         INSERT INTO tokens (user_id, name, prefix, hash, scopes)
         SELECT id, 'ci', 'rtc_', sha256(convert_to(username, 'UTF8')), '{read}' FROM users;
         ANALYZE users, tokens",
    )
    .await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let described = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let statements = described.map(|file| serde_json::from_slice::<serde_json::Value>(&file).unwrap()["query"].clone());
    let mut found = statements.filter(|query| query.as_str().unwrap().contains("WITH presented AS"));
    let statement = found.next().expect("the statement of authenticate");
    for mode in ["force_generic_plan", "force_custom_plan"] {
        let script = format!(
            "BEGIN; SET LOCAL plan_cache_mode = {mode}; PREPARE one (bytea) AS {};
             EXPLAIN EXECUTE one (sha256('u77')); ROLLBACK; DEALLOCATE one",
            statement.as_str().unwrap()
        );
        let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(script)).fetch_all(&bed.pool).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(plan.contains("using tokens_hash_unique") && !plan.contains("Seq Scan"), "{mode}:\n{plan}");
    }
}
