//! Schemathesis asks for all that the OpenAPI document names, in ways that people do not think of: what is answered must be
//! as the document says, and never a fault of ours.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use repo_to_cat::http::openapi;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::starting::{guarded, token_in};
use crate::dashboard::run;
use crate::fetch::fixture::honest;
use crate::support::cli::{Ran, Service, Shell};
use crate::support::postgres::wait_until;
use crate::webhooks::bed::Bed;

/// Checks that make no sense here. Most of what a document cannot say of a request, such as what a cron expression is, is
/// told in words only, so that a request which the document allows may well be refused. Wrong tokens are tried by
/// `matrix`: from one address the gate soon answers none of them.
const LEFT_OUT: &str = "positive_data_acceptance,ignored_auth";
/// Streams do not end; `events` and `streams` try them.
const ENDLESS: &str = "/events$";
/// Requests for each operation in each of the two phases that make them up.
const EXAMPLES: &str = "12";
/// Operations that need not go well here, and why.
const MAY_FAIL: [(&str, &str); 2] = [
    ("POST /v1/queue/release", "the queue is not held: the database is no copy"),
    ("POST /v1/jobs/{id}/", "all jobs were changed at once before, some way that does not go with another change"),
];

/// A program of the folder that `scripts/setup test` fills.
fn installed() -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/schemathesis");
    let read = |path| fs::read_to_string(path).ok();
    assert_eq!(
        read(folder.join("requirements.txt")),
        read(root.join("tests/it/http/requirements.txt")),
        "Schemathesis is not in target/schemathesis as tests/it/http/requirements.txt wants it: type `scripts/setup \
         test`, which needs python3, python3-venv and PyPI"
    );
    let mut command = Command::new(folder.join("bin/st"));
    command.env_clear().env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    command
}

/// What there is to ask for.
struct Stock {
    /// Jobs of every state, cats and webhooks.
    ids: Vec<String>,
    /// Cats.
    cats: [String; 2],
    /// A cat that may be deleted.
    spare: String,
    /// A webhook that was told.
    webhook: String,
    /// The file of a picture.
    picture: String,
    /// The beginning of a token that may be revoked.
    token: String,
}

/// Fills a database. What needs a worker is made by one that has ended when this returns.
fn stock(bed: &Bed) -> Stock {
    let shell = &bed.shell;
    honest(&shell.path("gone"));
    let cats = [bed.ask(&[]), bed.ask(&["--tag", "nightly"]), bed.ask(&[])];
    let discarded = shell.enqueue(&["gone"]).remove(0);
    fs::remove_dir_all(shell.path("gone")).unwrap();
    let service = shell.service("worker");
    for cat in &cats {
        bed.tries(cat, 1);
    }
    let state = |id: &str| shell.json(&["jobs", "show", id])["job"]["state"].as_str().unwrap().to_owned();
    wait_until("a job to be given up", || state(&discarded) == "discarded");
    shell.succeeds(&["backup", "now"]);
    service.stop(Signal::TERM);

    let jobs = shell.json(&["jobs", "list", "--limit", "1000"]);
    let jobs = jobs["jobs"].as_array().unwrap();
    let id = |job: &Value| job["id"].as_str().unwrap().to_owned();
    let webhook = id(jobs.iter().find(|job| job["kind"] == "webhook").unwrap());
    let [first, second, spare] = cats;
    let mut ids: Vec<String> = jobs.iter().map(id).filter(|id| *id != spare).collect();
    ids.extend(shell.enqueue(&["https://github.com/owner/name", "https://github.com/owner/other"]));
    ids.extend(shell.enqueue(&["https://github.com/owner/name", "--at", "2h"]));
    let [running, parked, cancelled] =
        ["running", "parked", "cancelled"].map(|name| shell.enqueue(&["repo", "--tag", name]).remove(0));
    shell.succeeds(&["jobs", "cancel", &cancelled]);
    // A worker elsewhere, whose lease is long.
    let elsewhere = "0198c0de-0000-7000-8000-000000000001";
    run(
        shell,
        &format!(
            "INSERT INTO queue.workers (id, name, lease_until) VALUES ('{elsewhere}', 'elsewhere:1', now() + '1 day');
             UPDATE queue.jobs SET state = 'running', worker_id = '{elsewhere}', claims = 1, started_at = now()
             WHERE id = '{running}';
             UPDATE queue.jobs SET state = 'parked', rank = NULL, parked_because = 'it waits' WHERE id = '{parked}';
             UPDATE generations SET github_url = 'https://github.com/owner/name', repo_owner = 'owner', repo_name = 'name'
             WHERE id IN ('{first}', '{second}')"
        ),
    );
    ids.extend([running, parked, cancelled]);

    let repository = ["--repository", "https://github.com/owner/name"];
    for name in ["nightly", "spare"] {
        shell.succeeds(&[&["schedules", "add", name, "--cron", "30 2 * * *"], &repository[..]].concat());
    }
    for user in ["somebody", "somebody-else"] {
        shell.succeeds(&["users", "add", user]);
    }
    let made = shell.json(&["users", "token", "new", "somebody-else", "--scope", "read"]);
    let shown = shell.json(&["generations", "show", &first]);
    let picture = shown["image_path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    Stock {
        ids,
        cats: [first, second],
        spare,
        webhook,
        picture,
        token: made["token"].as_str().unwrap()[..12].to_owned(),
    }
}

/// Which values to take often, so that most of what is asked for is there. What the run itself lives by is not touched: its
/// token, and who has it.
#[allow(clippy::format_push_string)]
fn settings(stock: &Stock) -> String {
    let often = |parameter: &str, values: Value| (parameter.to_owned(), values);
    let everywhere = [
        often("path.id", json!(stock.ids)),
        often("path.file", json!([stock.picture])),
        often("path.backup", json!(["latest"])),
        often("query.from", json!(["latest"])),
        often("query.to", json!(["latest"])),
        often("query.width", json!([96, 384, 1024])),
        often("path.owner", json!(["owner"])),
        often("path.name", json!(["name"])),
        often("path.user", json!(["somebody", "somebody-else"])),
    ];
    let mut text = String::from("[dictionaries.cats]\nvalues = ");
    text += &format!("{}\n[dictionaries.schedules]\nvalues = [\"nightly\"]\n", json!(stock.cats));
    for (number, (_, values)) in everywhere.iter().enumerate() {
        text += &format!("[dictionaries.d{number}]\nvalues = {values}\n");
    }
    text += "[parameters]\n";
    for (number, (parameter, _)) in everywhere.iter().enumerate() {
        text += &format!("\"{parameter}\" = {{ dictionary = \"d{number}\", probability = 0.7 }}\n");
    }
    let one = |value: &str| format!("\"{value}\"");
    let of = |dictionary: &str| format!("{{ dictionary = \"{dictionary}\", probability = 0.7 }}");
    for (operation, parameter, value) in [
        ("DELETE /v1/tokens/", "path.token", one(&stock.token)),
        ("DELETE /v1/generations/", "path.id", one(&stock.spare)),
        ("POST /v1/webhooks/", "path.id", one(&stock.webhook)),
        ("POST /v1/generations/.*/rerun$", "path.id", of("cats")),
        ("POST /v1/users/.*/disable$", "path.user", one("somebody")),
        ("GET /v1/generations/.*/(image|original)$", "path.id", of("cats")),
        ("GET /generation/", "path.id", of("cats")),
        ("(GET|POST|PATCH) /v1/schedules/", "path.name", of("schedules")),
        ("DELETE /v1/schedules/", "path.name", one("spare")),
    ] {
        text += &format!(
            "[[operations]]\ninclude-name-regex = \"^{operation}\"\nparameters = {{ \"{parameter}\" = {value} }}\n"
        );
    }
    text
}

/// The operations that went well at least once, by the report of a run.
fn went_well(report: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(report).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let recorders = events.map(|mut event| event["ScenarioFinished"]["recorder"].take());
    let mut well = BTreeSet::new();
    for recorder in recorders {
        for (id, interaction) in recorder["interactions"].as_object().into_iter().flatten() {
            if interaction["response"]["status_code"].as_u64().is_some_and(|status| status < 400) {
                let case = &recorder["cases"][id]["value"];
                well.insert(format!("{} {}", case["method"].as_str().unwrap(), case["path"].as_str().unwrap()));
            }
        }
    }
    well
}

/// Every operation of the document that is tried.
fn operations() -> BTreeSet<String> {
    let document = serde_json::to_value(openapi::document()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter().filter(|(path, _)| !path.ends_with("/events"));
    let named = paths.flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    named.collect()
}

#[test]
fn what_is_answered_is_what_the_document_says() {
    let bed = Bed::make("schemathesis", vec![]);
    let shell: &Shell = &bed.shell;
    let stock = stock(&bed);
    let service = Service::start(guarded(shell, &[("RATE_PER_MINUTE", "0"), ("WAIT_SECONDS", "1")]));
    let token = token_in(&shell.path("data/admin-token"));
    fs::write(shell.path("schemathesis.toml"), settings(&stock)).unwrap();
    let report = shell.path("report.ndjson");
    let mut schemathesis = installed();
    schemathesis
        .current_dir(shell.folder())
        .env("COLUMNS", "120")
        .args(["--config-file", "schemathesis.toml", "run", "--no-color", "--report", "ndjson"])
        .args([format!("http://{}/openapi.json", service.address()), format!("--header=Authorization:Bearer {token}")])
        .arg("--report-ndjson-path")
        .arg(&report)
        .args(["--generation-deterministic", "--generation-with-security-parameters", "false", "--continue-on-failure"])
        .args(["--phases", "examples,coverage,fuzzing,stateful", "--max-examples", EXAMPLES])
        .args(["--checks", "all", "--exclude-checks", LEFT_OUT, "--exclude-path-regex", ENDLESS]);
    let ran = Ran::of(&mut schemathesis);
    let (_, log) = service.stop(Signal::TERM);
    let faults: Vec<_> = log.lines().filter(|line| line.contains(" ERROR ")).collect();
    assert!(ran.code == Some(0) && faults.is_empty(), "{}\n{}\n{}", ran.out, ran.err, faults.join("\n"));

    let may_fail = |operation: &String| MAY_FAIL.iter().any(|(begin, _)| operation.starts_with(begin));
    let mut wanted = operations();
    wanted.retain(|operation| !may_fail(operation));
    let lacking: Vec<_> = wanted.difference(&went_well(&report)).cloned().collect();
    assert!(lacking.is_empty(), "never went well: {lacking:?}\n{}", ran.out);
}
