//! Looking at jobs and steering them, as the command line does.

use serde_json::{Value, json};

use crate::commands::shell;
use crate::support::cli::{Service, Shell};
use crate::support::http::{get, post};

const UNKNOWN: &str = "0198c0de-0000-7000-8000-000000000000";

/// What a path answers to a body, where it must be well.
fn done(service: &Service, path: &str, body: &Value) -> Value {
    let answer = post(service, path, &body.to_string());
    assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
    answer.json()
}

/// Jobs that nobody works on.
fn with_jobs(name: &str, tags: &[&str]) -> (Shell, Vec<String>) {
    let shell = shell(name);
    let ids = tags.iter().flat_map(|tag| shell.enqueue(&["repo", "--tag", tag])).collect();
    (shell, ids)
}

#[test]
fn jobs_are_listed_by_the_command_lines_filters_in_pages() {
    let (shell, ids) = with_jobs("http_jobs_list", &["red", "blue", "red"]);
    let service = shell.service("http");
    for (query, arguments) in [
        ("", &[][..]),
        ("?tag=red", &["--tag", "red"]),
        ("?state=running&state=available", &["--state", "running,available"]),
        ("?state=discarded", &["--state", "discarded"]),
        ("?kind=generation&since=1h&until=2000d", &["--kind", "generation", "--since", "1h", "--until", "2000d"]),
        ("?text=NO-SUCH-TEXT", &["--text", "NO-SUCH-TEXT"]),
        ("?ended_since=2h", &["--ended-since", "2h"]),
        ("?error_class=none", &["--error-class", "none"]),
        ("?longer_than=500ms", &["--longer-than", "500ms"]),
        ("?shorter_than=1h", &["--shorter-than", "1h"]),
    ] {
        let answer = get(&service, &format!("/v1/jobs{query}"));
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        assert_eq!(answer.json(), shell.json(&[&["jobs", "list"], arguments].concat()), "{query}");
    }
    let first = get(&service, "/v1/jobs?limit=2&tag=red");
    assert_eq!(first.json()["jobs"].as_array().unwrap().len(), 2);
    let page = get(&service, "/v1/jobs?limit=1&tag=red");
    let link = page.header("link").unwrap().to_owned();
    assert_eq!(link, format!("</v1/jobs?limit=1&tag=red&after={}>; rel=\"next\"", ids[2]));
    let next = get(&service, link.trim_start_matches('<').split('>').next().unwrap()).json();
    assert_eq!(next["jobs"][0]["id"], ids[0]);
    for (wrong, field) in [
        ("limit=0", "limit"),
        ("limit=x", "query"),
        ("state=dozing", "query"),
        ("since=soon", "query"),
        ("ended_since=soon", "query"),
        ("error_class=sleepy", "query"),
        ("longer_than=99999999999999999ms", "query"),
        ("colour=red", "query"),
    ] {
        let problem = get(&service, &format!("/v1/jobs?{wrong}"));
        assert_eq!(
            (problem.status, problem.json()["field"].as_str()),
            (400, Some(field)),
            "{wrong}: {}",
            problem.text()
        );
    }
    assert_eq!(get(&service, "/v1/jobs?user=nobody").status, 404);
}

#[test]
fn a_job_is_shown_and_changed_as_its_state_allows() {
    let (shell, ids) = with_jobs("http_jobs_one", &["one"]);
    let service = shell.service("http");
    let own = format!("/v1/jobs/{}", ids[0]);
    assert_eq!(get(&service, &own).json(), shell.json(&["jobs", "show", &ids[0]]));

    let job = done(&service, &format!("{own}/reprioritize"), &json!({"priority": 7}));
    assert_eq!((&job["priority"], &job["state"]), (&json!(7), &json!("available")));
    let job = done(&service, &format!("{own}/reschedule"), &json!({"run_at": "2027-01-31T09:00:00Z"}));
    assert_eq!((&job["run_at"], &job["state"]), (&json!("2027-01-31T09:00:00Z"), &json!("scheduled")));
    let job = done(&service, &format!("{own}/reschedule"), &json!({"run_at": "2020-01-31T09:00:00Z"}));
    assert_eq!(job["state"], "available", "a time that has passed means at once");
    assert_eq!(done(&service, &format!("{own}/cancel"), &json!({}))["state"], "cancelled");
    let again = post(&service, &format!("{own}/cancel"), "");
    assert_eq!(
        (again.status, again.json()["detail"].as_str().unwrap()),
        (409, &*format!("job {} is cancelled and cannot be cancelled", ids[0]))
    );
    assert_eq!(done(&service, &format!("{own}/retry"), &json!({}))["state"], "available");
    assert_eq!(done(&service, &format!("{own}/discard"), &json!({}))["state"], "discarded");

    for (action, body, status) in [
        ("reprioritize", json!({"priority": 101}), 400),
        ("reprioritize", json!({"priority": 99_999}), 400),
        ("reprioritize", json!({}), 400),
        ("reprioritize", json!({"priority": 1, "more": 1}), 400),
        ("reschedule", json!({"run_at": "+200000-01-01T00:00:00Z"}), 400),
        ("reschedule", json!({"run_at": "0001-01-01T00:00:00Z"}), 400),
        ("reschedule", json!({"run_at": "soon"}), 400),
        ("reprioritize", json!({"priority": 1}), 409),
    ] {
        let answer = post(&service, &format!("{own}/{action}"), &body.to_string());
        assert_eq!(answer.status, status, "{action} {body}: {}", answer.text());
    }
    assert_eq!(get(&service, &format!("/v1/jobs/{UNKNOWN}")).status, 404);
    assert_eq!(post(&service, &format!("/v1/jobs/{UNKNOWN}/cancel"), "").status, 404);
    assert_eq!(get(&service, "/v1/jobs/1").status, 400);

    let log = get(&service, &format!("/v1/audit?target={}", ids[0])).json();
    let told: Vec<_> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["action"].as_str().unwrap(), entry["outcome"] == "done"))
        .collect();
    let expected = [
        ("jobs.reprioritize", false),
        ("jobs.discard", true),
        ("jobs.retry", true),
        ("jobs.cancel", false),
        ("jobs.cancel", true),
        ("jobs.reschedule", true),
        ("jobs.reschedule", true),
        ("jobs.reprioritize", true),
    ];
    assert_eq!(told, expected, "what was tried is written down, done or not");
    assert_eq!((&log["entries"][0]["who"], &log["entries"][0]["via"]), (&json!("anybody"), &json!("http")));
}

#[test]
fn many_jobs_are_changed_at_once_after_a_look_at_how_many() {
    let (shell, ids) = with_jobs("http_jobs_many", &["red", "red", "blue"]);
    let service = shell.service("http");
    let tally = |changed: u64, dry_run: bool| json!({"dry_run": dry_run, "changed": changed, "went_on": 0, "key_in_use": 0, "deadline": 0, "busy": 0, "more": false, "refused": []});
    let red = json!({"filter": {"tag": "red"}, "dry_run": true});
    assert_eq!(done(&service, "/v1/jobs/cancel", &red), tally(2, true));
    assert_eq!(get(&service, "/v1/jobs?state=cancelled").json()["jobs"], json!([]), "nothing was done");
    assert_eq!(get(&service, "/v1/audit").json()["entries"], json!([]), "and nothing is to be written down");
    assert_eq!(
        done(&service, "/v1/jobs/reprioritize", &json!({"filter": {"tag": "red"}, "priority": -3})),
        tally(2, false)
    );
    assert_eq!(done(&service, "/v1/jobs/cancel", &json!({"filter": {"tag": "red"}})), tally(2, false));
    assert_eq!(done(&service, "/v1/jobs/retry", &json!({"all": true})), tally(0, false), "what people cancelled stays");
    assert_eq!(done(&service, "/v1/jobs/retry", &json!({"filter": {"state": ["cancelled"]}})), tally(2, false));
    let later = json!({"filter": {"tag": "blue"}, "run_at": "2027-01-31T09:00:00Z"});
    assert_eq!(done(&service, "/v1/jobs/reschedule", &later), tally(1, false));

    let named = done(&service, "/v1/jobs/discard", &json!({"ids": [ids[0], UNKNOWN]}));
    assert_eq!((&named["changed"], &named["went_on"], &named["ids"]), (&json!(1), &json!(1), &json!([ids[0]])));
    assert_eq!(named["refused"][0]["detail"], format!("there is no job {UNKNOWN}"));

    let many = vec![UNKNOWN; 1001];
    for (body, status, words) in [
        (json!({}), 400, "it was not said which jobs"),
        (json!({"filter": {}}), 400, "it was not said which jobs"),
        (json!({"ids": [UNKNOWN], "all": true}), 400, "both ids and a filter were given"),
        (json!({"filter": {"state": ["completed"]}}), 400, "completed jobs cannot be discarded"),
        (json!({"filter": {"tag": "a\0"}}), 400, "NUL"),
        (json!({"filter": {"text": ""}}), 400, "text is empty"),
        (json!({"filter": {"user": "nobody"}}), 404, "nobody"),
        (json!({"filter": {"colour": "red"}}), 400, "colour"),
        (json!({"ids": many}), 400, "1001 ids"),
        (json!([]), 400, "a list"),
    ] {
        let answer = post(&service, "/v1/jobs/discard", &body.to_string());
        assert!(answer.status == status && answer.text().contains(words), "{body}: {}", answer.text());
    }
}

#[test]
fn the_command_line_reschedules_too() {
    let (shell, ids) = with_jobs("reschedule", &["later"]);
    let told = shell.succeeds(&["jobs", "reschedule", "--at", "2027-01-31T09:00:00Z", &ids[0]]);
    assert_eq!(told, format!("{}  will run at 2027-01-31 09:00:00 UTC\n", ids[0]));
    assert_eq!(shell.json(&["jobs", "show", &ids[0]])["job"]["state"], "scheduled");
    shell.succeeds(&["jobs", "cancel", &ids[0]]);
    assert!(
        shell
            .fails(7, &["jobs", "reschedule", "--at", "1h", &ids[0]])
            .contains("is cancelled and cannot be rescheduled")
    );

    let due = shell.enqueue(&["repo", "--deadline", "2027-01-01T00:00:00Z"]).remove(0);
    let too_late = shell.fails(7, &["jobs", "reschedule", "--at", "2027-01-31T09:00:00Z", &due]);
    assert!(too_late.contains("its deadline is not after that time"), "{too_late}");
}
