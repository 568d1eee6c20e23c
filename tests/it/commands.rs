//! Every verb that needs a database, through the program itself.

mod demo;
mod generations;
mod interrupt;
mod jobs;
mod obstacles;
mod repositories;
mod secrets;
mod service;

use std::path::Path;

use serde_json::Value;

use crate::fetch::fixture::{git, honest};
use crate::support::cli::Shell;
use crate::support::postgres::fresh_database;

/// A shell on a migrated database of its own, with the repository `repo` in its folder.
pub fn shell(name: &str) -> Shell {
    let shell = Shell::migrated(&fresh_database(name));
    honest(&shell.path("repo"));
    shell
}

/// A repository that keeps the parsers busy for a while.
pub fn many_files(folder: &Path) {
    honest(folder);
    let function = "fn cat(n: u32) -> u32 { if n > 1 { n } else { 0 } }\n";
    for n in 0..300 {
        std::fs::write(folder.join(format!("{n}.rs")), function.repeat(200 + n)).unwrap();
    }
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "-m", "many"]);
}

/// Text with what differs from run to run replaced.
pub fn redacted(shell: &Shell, text: &str) -> String {
    let text = text.replace(shell.folder().to_str().unwrap(), "[folder]");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(character) = rest.chars().next() {
        let (length, stand_in) = match rest.get(..36).filter(|head| uuid::Uuid::try_parse(head).is_ok()) {
            Some(_) => (36, "[id]"),
            None => match rest.get(..19).filter(|head| is_time(head)) {
                Some(_) => (19, "[time]"),
                None => (character.len_utf8(), &rest[..character.len_utf8()]),
            },
        };
        out.push_str(stand_in);
        rest = &rest[length..];
    }
    out
}

fn is_time(text: &str) -> bool {
    let shape = |c: char| if c.is_ascii_digit() { '0' } else { c };
    matches!(text.chars().map(shape).collect::<String>().as_str(), "0000-00-00 00:00:00" | "0000-00-00T00:00:00")
}

/// Data with ids, times and durations replaced.
fn redacted_json(shell: &Shell, value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| redacted_json(shell, item)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| {
                let is_time = key.ends_with("_at") && value.is_string();
                let value = if is_time { "[time]".into() } else { redacted_json(shell, value) };
                (key.clone(), value)
            })
            .collect(),
        Value::String(text) => redacted(shell, text).into(),
        other => other.clone(),
    }
}

/// How many jobs there are.
pub fn count(shell: &Shell) -> usize {
    shell.json(&["jobs", "list", "--limit", "1000"])["jobs"].as_array().unwrap().len()
}

/// Where a job stands.
fn state(shell: &Shell, id: &str) -> String {
    shell.json(&["jobs", "show", id])["job"]["state"].as_str().unwrap().to_owned()
}

/// Without what depends on the moment at which somebody looked: lines of steps and of the log.
fn without_progress(text: &str) -> String {
    let is_stable = |line: &&str| ![" ...", ": done (", ": failed (", " ERROR "].iter().any(|part| line.contains(part));
    text.lines().filter(is_stable).flat_map(|line| [line, "\n"]).collect()
}
