//! `generations`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use sqlx::{Connection, PgConnection};

use super::shell;
use crate::support::cli::Shell;
use crate::support::postgres::fresh_database;

const NO_SUCH_CAT: &str = "0198c0de-0000-7000-8000-000000000000";

/// Two cats of the same commit, whose pictures are therefore the same files.
fn twins(shell: &Shell) -> [Value; 2] {
    let worker = shell.service("worker");
    let cats = shell.json(&["enqueue", "repo", "repo", "--wait"]);
    drop(worker);
    [cats[0].clone(), cats[1].clone()]
}

fn id(cat: &Value) -> &str {
    cat["id"].as_str().unwrap()
}

fn picture(shell: &Shell, cat: &Value, key: &str) -> PathBuf {
    shell.path("data").join(cat[key].as_str().unwrap())
}

fn age(file: &Path) {
    File::options().write(true).open(file).unwrap().set_modified(SystemTime::now() - Duration::from_hours(24)).unwrap();
}

#[test]
fn cats_are_listed_shown_and_opened() {
    let shell = shell("cats");
    assert!(shell.succeeds(&["generations", "list"]).contains("No cats yet"));
    let [one, two] = twins(&shell);
    assert_eq!((&one["image_path"], &one["analysis_data"]), (&two["image_path"], &two["analysis_data"]));
    assert_ne!(one["id"], two["id"]);

    let listed = |arguments: &[&str]| {
        let list = shell.json(&[&["generations", "list"], arguments].concat());
        list.as_array().unwrap().iter().map(|cat| id(cat).to_owned()).collect::<Vec<_>>()
    };
    let all = listed(&[]);
    assert_eq!(all.len(), 2);
    assert_eq!(listed(&["--repository", "local/repo"]), all);
    assert_eq!(listed(&["--repository", "./repo"]), all);
    assert_eq!(listed(&["--repository", "local/other"]), Vec::<String>::new());
    assert_eq!(listed(&["--language", "Rust", "--limit", "1"]), all[..1]);
    assert_eq!(listed(&["--language", "Go"]), Vec::<String>::new());
    assert_eq!(listed(&["--after", &all[0]]), all[1..]);
    assert_eq!(listed(&["--after", &all[1]]), Vec::<String>::new());
    shell.fails(4, &["generations", "list", "--after", NO_SUCH_CAT]);
    assert_eq!(shell.succeeds(&["generations", "list", "--language", "Go"]), "No such cats.\n");
    let told = shell.fails(2, &["generations", "list", "--repository", "github.com/local/repo"]);
    assert!(told.contains("hint: write https://github.com/local/repo"), "{told}");
    assert!(shell.succeeds(&["generations", "list"]).contains("local/repo"));

    let shown = shell.json(&["generations", "show", id(&one)]);
    assert_eq!(shown["commit_oid"].as_str().unwrap().len(), 40);
    let card = shell.succeeds(&["generations", "show", id(&one)]);
    for word in [id(&one), "Attributes", "Story", "Picture", "Time"] {
        assert!(card.contains(word), "{word}: {card}");
    }

    let file = picture(&shell, &one, "image_path");
    assert_eq!(shell.succeeds(&["generations", "open", id(&one)]).trim(), file.to_str().unwrap());
    shell.succeeds(&["generations", "open", id(&one), "-o", "cat.png"]);
    assert_eq!(fs::read(shell.path("cat.png")).unwrap(), fs::read(&file).unwrap());
    assert!(fs::read(&file).unwrap().starts_with(b"\x89PNG\r\n\x1a\n"));
    let opened = shell.json(&["generations", "open", id(&one), "--original", "-o", "plain.png"]);
    assert_eq!(opened["file"], "plain.png");
    let told = shell.fails(7, &["generations", "open", id(&one), "-o", "no/such/folder/cat.png"]);
    assert!(told.contains("no/such/folder/cat.png cannot be written"), "{told}");
    for verb in ["show", "open", "delete"] {
        let told = shell.fails(4, &["generations", verb, NO_SUCH_CAT]);
        assert!(told.contains(NO_SUCH_CAT), "{told}");
    }
    fs::remove_file(&file).unwrap();
    let told = shell.fails(4, &["generations", "open", id(&one)]);
    assert!(told.contains("not in the store") && told.contains("images.store"), "{told}");
}

#[test]
fn a_picture_goes_with_the_last_cat_that_shows_it() {
    let shell = shell("delete");
    let [one, two] = twins(&shell);
    let file = picture(&shell, &one, "image_path");
    age(&file);
    assert_eq!(shell.succeeds(&["generations", "delete", id(&one)]), format!("{}  deleted\n", id(&one)));
    assert!(file.exists(), "the other cat shows it");
    shell.fails(4, &["generations", "show", id(&one)]);

    let ran = shell.run(&["--json", "generations", "delete", NO_SUCH_CAT, id(&two)]);
    assert_eq!(ran.code, Some(4));
    let deleted: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(deleted, serde_json::json!([id(&two)]), "a wrong id does not keep the others");
    assert!(!file.exists(), "nobody shows it any more");
}

#[test]
fn a_young_picture_stays_for_whoever_may_be_about_to_name_it() {
    let shell = shell("young");
    let [one, two] = twins(&shell);
    shell.succeeds(&["generations", "delete", id(&one), id(&two)]);
    assert!(picture(&shell, &one, "image_path").exists());
    assert_eq!(shell.json(&["generations", "list"]), Value::Array(vec![]));
}

/// Only SQL can write such a moment; nothing of ours may break on it.
#[tokio::test]
async fn moments_that_no_calendar_has_are_shown_as_its_ends_and_paged_past() {
    let url = fresh_database("moments");
    let shell = Shell::migrated(&url);
    let mut connection = PgConnection::connect(&url).await.unwrap();
    for moment in ["infinity", "-infinity", "294276-01-01", "-infinity", "infinity", "2026-01-01"] {
        for statement in [
            "INSERT INTO generations (github_url, created_at) VALUES ('https://github.com/a/b', $1::text::timestamp)",
            "INSERT INTO users (created_at, updated_at) VALUES ($1::text::timestamp, $1::text::timestamp)",
        ] {
            sqlx::query(statement).bind(moment).execute(&mut connection).await.unwrap();
        }
    }
    let years = |arguments: &[&str]| {
        let listed = shell.json(arguments);
        let cats = listed.as_array().unwrap().clone();
        let years: Vec<_> = cats.iter().map(|cat| cat["created_at"].as_str().unwrap()[..4].to_owned()).collect();
        (years, cats.last().map(|cat| id(cat).to_owned()))
    };
    let all = ["9999", "9999", "9999", "2026", "0001", "0001"];
    assert_eq!(years(&["generations", "list"]).0, all);
    assert_eq!(years(&["users", "list"]).0, all);
    let (mut paged, mut next) = years(&["generations", "list", "--limit", "1"]);
    while let Some(last) = next {
        let (page, end) = years(&["generations", "list", "--limit", "1", "--after", &last]);
        paged.extend(page);
        next = end;
        assert!(paged.len() <= all.len(), "{paged:?}");
    }
    assert_eq!(paged, all);
    let (newest, first) = years(&["generations", "list", "--until", "2026-06-01T00:00:00Z", "--limit", "1"]);
    assert_eq!(newest, ["2026"]);
    shell.succeeds(&["generations", "show", &first.unwrap()]);
    shell.succeeds(&["generations", "list"]);
    shell.succeeds(&["users", "list"]);
}
