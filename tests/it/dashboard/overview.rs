//! How all does, at a glance.

use super::{Browser, EVIL, run};
use crate::commands::shell;
use crate::support::http::Answer;
use crate::support::postgres::wait_until;

#[test]
fn an_empty_service_says_what_to_do_next() {
    let shell = shell("overview_empty");
    let service = shell.service("http");
    let page = Browser::new(&service).get("/");
    let told = page.text();
    for hint in ["Nobody works.", "repo-to-cat run", "No cats yet.", "repo-to-cat enqueue", "The cats purr.", "never"] {
        assert!(told.contains(hint), "no {hint}");
    }
}

#[test]
fn the_verified_backup_is_that_of_the_database_that_is_worst_off() {
    let shell = shell("overview_worst");
    shell.succeeds(&["backup", "now"]);
    let service = shell.service("http");
    let browser = Browser::new(&service);
    browser.get("/").has(&["fresh enough"]).lacks(&["none is proven yet"]);
    let payload = r#"{"database": "other"}"#;
    shell.succeeds(&["schedules", "add", "others", "--cron", "0 3 * * *", "--kind", "backup", "--payload", payload]);
    browser.get("/").has(&["other: none is proven yet", "<span class=\"value\">never"]).lacks(&["fresh enough"]);
}

#[test]
fn each_figure_leads_to_what_is_behind_it() {
    let shell = shell("overview");
    let service = shell.service("worker,http,scheduler");
    let browser = Browser::new(&service);
    shell.enqueue(&["repo"]);
    shell.enqueue(&["repo", "--delay", "1h"]);
    wait_until("a cat", || browser.get("/").text().contains("class=\"cat\""));
    let failed = shell.enqueue(&["repo", "--delay", "2h"]).remove(0);
    shell.succeeds(&["jobs", "discard", &failed, "--yes"]);
    let attempt = format!(
        "INSERT INTO queue.attempts (job_id, claim, started_at, outcome, error_class, error)
         VALUES ('{failed}', 1000, now(), 'discarded', 'too_large', '{}')",
        EVIL.replace('\'', "''")
    );
    run(&shell, &attempt);
    let page = browser.get("/");
    let told = page.text();
    for link in [
        "/jobs?state=available",
        "/jobs?state=running",
        "/jobs?state=completed&amp;ended_since=1h",
        "/jobs?state=discarded&amp;ended_since=1h",
        "/jobs?state=scheduled&amp;kind=generation",
        "/jobs?state=discarded&amp;ended_since=24h&amp;error_class=too_large",
        "/queues",
        "/backups",
        "/schedules",
        "/generations/",
    ] {
        assert!(told.contains(&format!("href=\"{link}")), "no {link}: {told}");
    }
    assert!(told.contains("too large") && told.contains("&lt;script&gt;") && !told.contains(EVIL), "{told}");
    // Charts are read without being seen, and live parts are marked.
    assert!(told.contains("1 completed and 1 discarded in six hours") && told.contains("<summary>Data"), "{told}");
    assert!(told.contains("id=\"overview\" data-live"));
}

/// All was enqueued seven hours ago; what ended did so at another time.
const JOBS: &str = "
CREATE FUNCTION pg_temp.id(n bigint) RETURNS uuid LANGUAGE sql AS $$
  SELECT (lpad(to_hex((extract(epoch FROM queue.now() - interval '7 hours') * 1000)::bigint), 12, '0')
          || '70008' || lpad(n::text, 15, '0'))::uuid
$$;
INSERT INTO queue.history (id, created_at, run_at, started_at, finished_at, claims, priority, max_attempts, attempts, deaths,
                           kind, state, payload)
SELECT pg_temp.id(row_number() OVER ()), at - interval '7 hours', at, at, at - ago, 1, 0, 5, 0, 0, kind, state, '{}'
FROM queue.now() AS at, (VALUES
  ('probe', 'completed', interval '10 s', 2), ('backup', 'completed', '20 minutes', 3), ('probe', 'completed', '2 hours', 4),
  ('probe', 'discarded', '10 minutes', 5), ('backup', 'discarded', '5 hours', 1), ('probe', 'discarded', '3 days', 6)
) AS jobs (kind, state, ago, many), generate_series(1, many);
INSERT INTO queue.attempts (job_id, claim, outcome, error_class)
SELECT id, claim, 'discarded', CASE WHEN claim = 1 THEN 'unavailable' WHEN kind = 'probe' AND finished_at > now() - interval '1 day' THEN 'not_found' ELSE 'too_large' END
FROM (SELECT *, row_number() OVER (ORDER BY id) AS nth FROM queue.history WHERE state = 'discarded') AS job, generate_series(1, 2) AS claim
WHERE nth <> 2;
INSERT INTO queue.jobs (id, rank, lane, kind, payload, state, parked_because)
SELECT pg_temp.id(100 + n), NULL, 0, 'webhook', '{}', 'parked', 'a test' FROM generate_series(1, 2) AS n;
";

/// The numbers of a page with the lists that they lead to.
fn numbers(page: &Answer) -> Vec<(String, usize)> {
    let links = page.text().split("<a ").skip(1).filter_map(|part| {
        let (head, rest) = part.split_once('>')?;
        let (_, link) = head.split_once("href=\"")?;
        let link = link.split('"').next()?.replace("&amp;", "&");
        // The name of a class of errors has its number behind it.
        let end = if link.contains("error_class") { "</li>" } else { "</a>" };
        let text: String = rest
            .split(end)
            .next()?
            .split('<')
            .map(|part| part.rsplit('>').next().unwrap())
            .map(|text| format!("{text} "))
            .collect();
        let number = text.split_whitespace().find_map(|word| word.parse().ok())?;
        link.starts_with("/jobs?").then_some((link, number))
    });
    links.collect()
}

#[test]
fn each_number_leads_to_as_many_jobs() {
    let shell = shell("overview_numbers");
    shell.enqueue(&["repo"]);
    shell.enqueue(&["repo", "--delay", "1h"]);
    run(&shell, JOBS);
    let service = shell.service("http");
    let browser = Browser::new(&service);
    for (page, expected) in [
        (
            "/",
            &[
                ("state=available", 1),
                ("state=completed&ended_since=1h", 5),
                ("state=discarded&ended_since=1h", 5),
                ("state=discarded&ended_since=24h&error_class=not_found", 4),
                ("state=discarded&ended_since=24h&error_class=too_large", 1),
                ("state=discarded&ended_since=24h&error_class=none", 1),
                ("state=scheduled&kind=generation", 1),
                ("state=parked&kind=webhook", 2),
                ("state=completed&ended_since=20", 9),
                ("state=discarded&ended_since=20", 6),
            ][..],
        ),
        (
            "/queues",
            &[
                ("state=completed&kind=probe&ended_since=1m", 2),
                ("state=completed&kind=backup&ended_since=1h", 3),
                ("state=discarded&kind=probe&ended_since=1h", 5),
            ],
        ),
    ] {
        let told = numbers(&browser.get(page));
        for (query, number) in expected {
            let is_there = |(link, own): &(String, usize)| link.starts_with(&format!("/jobs?{query}")) && own == number;
            assert!(told.iter().any(is_there), "{page}: {query} {number}: {told:?}");
        }
        for (link, number) in told {
            assert_eq!(browser.get(&link).text().matches("class=\"id\"").count(), number, "{page}: {link}");
        }
    }
}
