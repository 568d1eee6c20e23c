//! Who may start the listener, and where the first token comes from.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::commands::shell;
use crate::support::cli::{Ran, Service, Shell};
use crate::support::http::{ask, bearer, get};

/// A listener that asks who one is.
pub fn guarded(shell: &Shell, settings: &[(&str, &str)]) -> Command {
    let mut command = shell.command(&["run", "--only", "http"]);
    command.env("REPO_TO_CAT_HTTP__AUTH", "token");
    command.envs(settings.iter().map(|(name, value)| (format!("REPO_TO_CAT_HTTP__{name}"), value)));
    command
}

/// The token in a file.
pub fn token_in(file: &Path) -> String {
    fs::read_to_string(file).unwrap().trim().to_owned()
}

fn list(service: &Service, token: &str) -> u16 {
    ask(service, &format!("GET /v1/generations HTTP/1.1{}", bearer(token)), b"").status
}

#[test]
fn the_first_start_makes_a_token_and_tells_where_it_is() {
    let shell = shell("first_token");
    let file = shell.path("data/admin-token");
    let service = Service::start(guarded(&shell, &[]));
    let token = token_in(&file);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!((list(&service, &token), get(&service, "/v1/generations").status), (200, 401));
    let (status, log) = service.stop(Signal::TERM);
    assert!(status.success() && log.contains("admin-token") && log.contains("dashboard="), "{log}");
    assert!(!log.contains(&token), "the token itself is not logged");

    // It is there: nothing is made, and what the file holds stays.
    let service = Service::start(guarded(&shell, &[]));
    assert_eq!((token_in(&file), list(&service, &token)), (token.clone(), 200));
    drop(service);

    // Once it does not work any more, the file is of no use.
    shell.succeeds(&["users", "token", "revoke", &token[..12]]);
    let service = Service::start(guarded(&shell, &[]));
    let new = token_in(&file);
    assert_ne!(new, token);
    assert_eq!((list(&service, &new), list(&service, &token)), (200, 401));
    let users = shell.json(&["users", "list"]);
    assert_eq!(users["users"].as_array().map_or(1, Vec::len), 1, "{users}");
}

#[test]
fn beyond_this_machine_somebody_must_have_said_where_it_goes() {
    let shell = shell("first_token_beyond");
    let everywhere = ("LISTEN", "0.0.0.0:0");
    let ran = Ran::of(&mut guarded(&shell, &[everywhere]));
    assert_ne!(ran.code, Some(0));
    for part in ["no admin has a token", "users token new admin --scope admin", "REPO_TO_CAT_HTTP__TOKEN_FILE"] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    let file = shell.path("secrets/token");
    let service = Service::start(guarded(&shell, &[everywhere, ("TOKEN_FILE", file.to_str().unwrap())]));
    assert_eq!(list(&service, &token_in(&file)), 200);
    let (_, log) = service.stop(Signal::TERM);
    let told = log.lines().find(|line| line.contains("dashboard=")).unwrap();
    assert!(told.contains("http://localhost:") && !told.contains("0.0.0.0"), "nobody can go to 0.0.0.0: {told}");
    // Somebody is known now.
    let service = Service::start(guarded(&shell, &[everywhere]));
    assert_eq!(list(&service, &token_in(&file)), 200);
}

#[test]
fn a_file_that_is_of_use_is_not_overwritten() {
    let shell = shell("first_token_taken");
    let file = shell.path("mine");
    let setting = [("TOKEN_FILE", file.to_str().unwrap())];
    fs::write(&file, "my diary").unwrap();
    let ran = Ran::of(&mut guarded(&shell, &setting));
    assert!(ran.code != Some(0) && ran.err.contains("something else than a token"), "{}", ran.err);
    shell.succeeds(&["users", "add", "reader"]);
    let made = shell.json(&["users", "token", "new", "reader", "--scope", "read"]);
    let token = made["token"].as_str().unwrap();
    fs::write(&file, token).unwrap();
    let ran = Ran::of(&mut guarded(&shell, &setting));
    assert!(ran.code != Some(0) && ran.err.contains("no admin's"), "{}", ran.err);
    assert_eq!(token_in(&file), token);
    fs::write(&file, format!("rtc_{}", "x".repeat(40))).unwrap();
    let service = Service::start(guarded(&shell, &setting));
    assert_eq!(list(&service, &token_in(&file)), 200);
}

#[test]
fn of_two_that_start_at_once_one_makes_the_token() {
    let shell = shell("first_token_race");
    let files = ["one", "other"].map(|name| shell.path(name));
    let start = |file: &Path| {
        let mut command = guarded(&shell, &[("TOKEN_FILE", file.to_str().unwrap())]);
        std::thread::spawn(move || {
            Service::start({
                command.stdin(std::process::Stdio::null());
                command
            })
        })
    };
    let services = files.each_ref().map(|file| start(file)).map(|started| started.join().unwrap());
    let made: Vec<_> = files.iter().filter(|file| file.exists()).collect();
    let [file] = made.as_slice() else { panic!("{made:?}") };
    let token = token_in(file);
    for service in &services {
        assert_eq!(list(service, &token), 200);
    }
}
