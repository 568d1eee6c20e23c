//! The dashboard, as a browser without JavaScript meets it.

mod backups;
mod browser;
mod frame;
mod gallery;
mod generation;
mod jobs;
mod login;
mod overview;
mod people;
mod queues;
mod schedules;
mod system;

use std::cell::RefCell;

use serde_json::Value;
use sqlx::{Connection, PgConnection, PgPool};
use url::form_urlencoded;

use crate::support::cli::{Service, Shell};
use crate::support::http::{Answer, ask};

/// What no page may hold as it is.
const SCRIPT: &str = "<script>alert('cat')</script>";

/// A browser that keeps the cookies it is given.
struct Browser<'a> {
    service: &'a Service,
    cookies: RefCell<Vec<(String, String)>>,
}

impl<'a> Browser<'a> {
    fn new(service: &'a Service) -> Self {
        Self { service, cookies: RefCell::default() }
    }

    /// Opens a page.
    fn open(&self, path: &str) -> Answer {
        self.send("GET", path, "", "")
    }

    /// Sends a form with the proof of the page that it is on.
    fn submit(&self, page: &Answer, path: &str, fields: &[(&str, &str)]) -> Answer {
        let proof = proof(page);
        self.post(path, "\nsec-fetch-site: same-origin", &[fields, &[("csrf", &proof)]].concat())
    }

    /// Sends a form, with `more` headers.
    fn post(&self, path: &str, more: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", path, &format!("\ncontent-type: application/x-www-form-urlencoded{more}"), &body)
    }

    fn send(&self, method: &str, path: &str, more: &str, body: &str) -> Answer {
        let cookies: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = if cookies.is_empty() { String::new() } else { format!("\ncookie: {}", cookies.join("; ")) };
        let head = format!("{method} {path} HTTP/1.1\naccept: text/html,*/*;q=0.8{cookies}{more}");
        let answer = ask(self.service, &head, body.as_bytes());
        for line in answer.head.lines() {
            let Some((name, cookie)) = line.split_once(": ") else { continue };
            if !name.eq_ignore_ascii_case("set-cookie") {
                continue;
            }
            let (pair, attributes) = cookie.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut kept = self.cookies.borrow_mut();
            kept.retain(|(own, _)| own != name);
            if !attributes.contains("Max-Age=0") {
                kept.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }
}

/// The proof in the forms of a page.
fn proof(page: &Answer) -> String {
    let (_, after) = page.text().split_once("name=\"csrf\" value=\"").expect("a form");
    after.split('"').next().unwrap().to_owned()
}

/// Where an answer leads.
fn location(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{}", answer.headers);
    answer.header("location").unwrap()
}

/// The text of a page that must be there.
fn text(page: &Answer) -> &str {
    assert_eq!(page.status, 200, "{}\n{}", page.headers, page.text());
    page.text()
}

/// A token of a new user.
fn token(shell: &Shell, user: &str, scope: &str) -> String {
    shell.succeeds(&["users", "add", user]);
    shell.succeeds(&["users", "token", "new", user, "--scope", scope]).trim().to_owned()
}

/// Some statements on the database itself.
fn database(url: &str, statements: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let pool = PgPool::connect(url).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(&pool).await.unwrap();
        pool.close().await;
    });
}

/// Would run in whatever reads it as markup.
pub const EVIL: &str = "<script>alert('x')</script>";

/// What was done at the dashboard, the first first: action, target, outcome.
pub fn audited(shell: &Shell) -> Vec<(String, Option<String>, Option<String>)> {
    rows(
        shell,
        "SELECT action, target, outcome FROM web.audit WHERE via = 'dashboard' AND action NOT LIKE 'log%' ORDER BY id",
    )
}

/// The actions alone, where all were done.
pub fn deeds(shell: &Shell) -> Vec<String> {
    audited(shell)
        .into_iter()
        .filter(|(_, _, outcome)| outcome.as_deref() == Some("done"))
        .map(|(action, ..)| action)
        .collect()
}

fn rows(shell: &Shell, sql: &'static str) -> Vec<(String, Option<String>, Option<String>)> {
    with_database(shell, async |connection| sqlx::query_as(sql).fetch_all(connection).await.unwrap())
}

/// Changes the database behind the program's back.
pub fn run(shell: &Shell, sql: &str) {
    with_database(shell, async |connection| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
    });
}

fn with_database<T>(shell: &Shell, work: impl AsyncFnOnce(&mut PgConnection) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { work(&mut PgConnection::connect(shell.url()).await.unwrap()).await })
}

/// A job, as the command line tells it.
fn job(shell: &Shell, id: &str) -> Value {
    shell.json(&["jobs", "show", id])["job"].clone()
}
