//! `/health`: honest about each dependency, to whom it may be told.

use repo_to_cat::postgres::DATABASE;
use serde_json::Value;

use super::starting::{guarded, token_in};
use crate::commands::shell;
use crate::support::cli::{Service, Shell};
use crate::support::http::{ask, bearer, get};
use crate::support::postgres::{PrivateCluster, wait_until};

const CHECKS: [&str; 9] =
    ["database", "schema", "image_store", "backup_store", "backups", "workers", "queue", "scheduler", "disk"];

fn state<'a>(report: &'a Value, check: &str) -> &'a str {
    report["checks"][check]["state"].as_str().unwrap_or_else(|| panic!("{check}: {report}"))
}

#[test]
fn each_dependency_has_a_state_and_a_latency() {
    let shell = shell("health");
    let service = shell.service("worker,http");
    wait_until("the worker", || get(&service, "/health").json()["checks"]["workers"]["state"] == "ok");
    let answer = get(&service, "/health");
    let report = answer.json();
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    for check in CHECKS {
        assert_eq!(report["checks"][check]["checked"], true, "{check}: {report}");
        assert!(report["checks"][check]["latency_ms"].is_u64() && report["checks"][check]["detail"].is_string());
    }
    for check in ["database", "schema", "image_store", "backups", "queue", "scheduler"] {
        assert_eq!(state(&report, check), "ok", "{report}");
    }
    assert_eq!(report["backup"]["fresh"], true, "there was no time for one yet: {report}");
    std::fs::remove_dir_all(shell.path("data/images"))
        .or_else(|_| std::fs::remove_dir_all(shell.path("data")))
        .unwrap();
    wait_until("the loss to be told", || get(&service, "/health").status == 503);
    assert_eq!(state(&get(&service, "/health").json(), "image_store"), "failed");
}

#[test]
fn strangers_are_told_states_and_nothing_else() {
    let shell = shell("health_told");
    let service = Service::start(guarded(&shell, &[]));
    let token = bearer(&token_in(&shell.path("data/admin-token")));
    for path in ["/health/live", "/health/ready", "/health"] {
        let answer = get(&service, path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let (text, folder) = (answer.text(), shell.folder().to_str().unwrap());
        assert!(!text.contains(folder) && !text.contains("health_told"), "{path}: {text}");
    }
    let report = get(&service, "/health").json();
    assert_eq!((&report["status"], state(&report, "workers")), (&"degraded".into(), "degraded"));
    assert_eq!(report["checks"]["workers"]["detail"], Value::Null);
    let told = ask(&service, &format!("GET /health HTTP/1.1{token}"), b"").json();
    assert_eq!(told["checks"]["workers"]["detail"], "none holds a lease");
    for path in ["/health/backups", "/metrics"] {
        assert_eq!(get(&service, path).status, 401, "{path}");
        assert_eq!(ask(&service, &format!("GET {path} HTTP/1.1{token}"), b"").status, 200, "{path}");
    }
}

#[test]
fn what_could_not_be_looked_at_is_not_called_well() {
    let mut private = PrivateCluster::start();
    let shell = Shell::migrated(&private.cluster.url_of(DATABASE));
    let service = shell.service("http");
    assert_eq!(get(&service, "/health").status, 200);
    private.begin_outage();
    wait_until("the outage to be told", || get(&service, "/health").status == 503);
    let report = get(&service, "/health").json();
    assert_eq!(report["status"], "failed");
    for check in ["database", "schema", "backups", "workers", "queue", "scheduler"] {
        let told = &report["checks"][check];
        assert_eq!((state(&report, check), &told["checked"]), ("failed", &false.into()), "{check}: {report}");
        assert!(told["detail"].as_str().unwrap().starts_with("it could not be looked at"), "{told}");
    }
    assert_eq!((state(&report, "image_store"), &report["backup"]), ("ok", &Value::Null));
    assert_eq!((get(&service, "/health/live").status, get(&service, "/health/ready").status), (200, 503));
    private.end_outage();
    wait_until("the service to be well", || get(&service, "/health").status == 200);
}
