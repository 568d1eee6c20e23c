//! Imports go down only, and four things have their fixed places: sqlx and SQL, apalis, processes, the environment.

use super::source::{Source, lines_naming};
use super::{File, Finding, Rule};

/// The modules of the crate, lowest layer first. A module may name those of the layers below its own.
const LAYERS: [&[&str]; 12] = [
    &["model"],
    // Settings are plain values that every component takes a section of.
    &["config"],
    &["telemetry"],
    &["db"],
    &["queue", "providers", "postgres"],
    // What the kinds of jobs do.
    &["generation", "backup", "probe"],
    &["worker", "schedule", "doctor"],
    &["http"],
    &["dashboard"],
    &["cli"],
    &["commands"],
    &["main", "lib"],
];

// Each list: modules under `src/`, and with them all that lies below.
/// `queue/enqueue` takes the connection of a caller's own transaction.
const MAY_NAME_SQLX: [&str; 2] = ["db", "queue/enqueue"];
const MAY_HOLD_SQL: [&str; 2] = ["db", "postgres"];
const MAY_NAME_APALIS: [&str; 2] = ["queue", "worker"];
const MAY_START_PROCESSES: [&str; 3] = ["postgres", "providers/repository", "generation/score"];
const MAY_READ_THE_ENVIRONMENT: [&str; 1] = ["config"];

pub const RULES: &[Rule] = &[
    Rule {
        name: "layers",
        why: "imports go down only (ARCHITECTURE.md), so that each layer can be read and tested without those above",
        find: upward_imports,
        bad: &[
            &[("src/db/jobs.rs", "use crate::queue::Lease;")],
            &[("src/queue/mod.rs", "use crate::{db::Pool, providers};")],
            &[("src/model/job.rs", "fn f() -> crate::config::Data {}")],
            &[("src/http/mod.rs", "use super::commands;")],
            &[("src/novel.rs", "use crate::model;")],
        ],
        good: &[
            &[(
                "src/queue/mod.rs",
                "use crate::{config, db::{self, jobs}, model::failure::Failure};\nuse crate::queue::x;",
            )],
            &[("src/commands/run.rs", "use crate::http; // and crate::nowhere")],
            &[("src/http/mod.rs", "#[cfg(test)] mod tests { use super::*; }")],
        ],
    },
    Rule {
        name: "sqlx in db",
        why: "all statements stand in src/db, checked at compile time; other modules call its functions",
        find: |files| naming(files, &["sqlx"], &MAY_NAME_SQLX),
        bad: &[&[("src/http/jobs.rs", "use sqlx::PgPool;")], &[("src/queue/lease.rs", "sqlx::query!(\"\");")]],
        good: &[&[
            ("src/db/jobs.rs", "use sqlx::PgPool;"),
            ("src/http/jobs.rs", "// not sqlx\nlet sqlx_free = \"sqlx\";"),
        ]],
    },
    Rule {
        name: "SQL in db",
        why: "all statements stand in src/db, checked at compile time; other modules call its functions",
        find: sql_elsewhere,
        bad: &[
            &[("src/queue/fetcher.rs", "let q = \"\n  select 1 from x\";")],
            &[("src/worker.rs", "run(r#\"UPDATE jobs SET x = 1\"#)")],
        ],
        good: &[&[
            ("src/db/jobs.rs", "\"SELECT a FROM b\""),
            (
                "src/worker.rs",
                "\"Select a repository to update\"; #[cfg(test)] mod tests { fn f() { \"DELETE FROM b\"; } }",
            ),
        ]],
    },
    Rule {
        name: "apalis in queue",
        why: "the framework stays behind one seam: src/queue and src/worker.rs",
        find: |files| naming(files, &["apalis", "apalis_core"], &MAY_NAME_APALIS),
        bad: &[&[("src/http/mod.rs", "use apalis::prelude::*;")], &[("src/commands/run.rs", "apalis_core::x()")]],
        good: &[&[("src/worker.rs", "use apalis::prelude::*;"), ("src/queue/backend.rs", "use apalis_core::x;")]],
    },
    Rule {
        name: "processes",
        why: "child processes need limits, a parent-death signal and a clean environment: few places start them",
        find: |files| naming_outside_tests(files, &["process::Command", "tokio::process"], &MAY_START_PROCESSES),
        bad: &[
            &[("src/queue/mod.rs", "use std::process::Command;")],
            &[("src/commands/run.rs", "tokio::process::Command::new(x)")],
            &[("src/commands/run.rs", "use std::process::{Child, Command};")],
        ],
        good: &[
            &[("src/postgres/cluster.rs", "use std::process::Command;")],
            &[("src/main.rs", "fn main() -> std::process::ExitCode {}")],
            &[("src/queue/mod.rs", "#[cfg(test)] mod tests { use std::process::Command; }")],
            &[("src/queue/mod.rs", "#[cfg(test)]\nmod probes;"), ("src/queue/probes.rs", "use std::process::Command;")],
            &[("src/main.rs", "use std::process::{ExitCode, Stdio};")],
        ],
    },
    Rule {
        name: "environment",
        why: "what a process depends on is one typed value: src/config.rs reads the environment, others get settings",
        find: |files| {
            let names = ["env::var", "env::var_os", "env::vars", "env::vars_os", "env::set_var", "dotenvy"];
            naming_outside_tests(files, &names, &MAY_READ_THE_ENVIRONMENT)
        },
        bad: &[&[("src/queue/mod.rs", "std::env::var(\"HOME\")")], &[("src/main.rs", "dotenvy::dotenv();")]],
        good: &[&[
            ("src/config.rs", "std::env::var(\"HOME\")"),
            ("src/main.rs", "std::env::current_exe(); std::env::temp_dir(); env!(\"CARGO_PKG_VERSION\");"),
        ]],
    },
];

/// The module path of a file below `src/`: `queue/fetcher` for `src/queue/fetcher.rs`.
fn module(file: &File) -> Option<&str> {
    let path = file.path.strip_prefix("src/")?.strip_suffix(".rs")?;
    Some(path.strip_suffix("/mod").unwrap_or(path))
}

fn is_within(module: &str, places: &[&str]) -> bool {
    places.iter().any(|place| module.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|names| names.contains(&name))
}

fn upward_imports(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let Some(module) = module(file) else { continue };
        let own = module.split('/').next().unwrap_or(module);
        let Some(own_layer) = layer(own) else {
            findings.push(Finding::new(
                file,
                1,
                format!("`{own}` has no place in the layers of tests/it/tidy/layers.rs"),
            ));
            continue;
        };
        for (line, name) in imports(&Source::new(&file.text).code, module) {
            if name != own && layer(&name).is_some_and(|layer| layer >= own_layer) {
                findings.push(Finding::new(file, line, format!("`{own}` names `{name}`, which is not below it")));
            }
        }
    }
    findings
}

/// The top modules that `code` names after `crate::`, with their lines; also after `super::` in a top module.
fn imports(code: &str, module: &str) -> Vec<(usize, String)> {
    let prefixes: &[&str] = if module.contains('/') { &["crate::"] } else { &["crate::", "super::"] };
    let mut names = Vec::new();
    for prefix in prefixes {
        for (at, _) in code.match_indices(prefix) {
            let line = 1 + code[..at].matches('\n').count();
            let rest = &code[at + prefix.len()..];
            if let Some(group) = rest.strip_prefix('{') {
                names.extend(group_heads(group).into_iter().map(|name| (line, name)));
            } else {
                names.push((line, rest.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect()));
            }
        }
    }
    names
}

/// The first names of a `use` group: `a` and `b` of `a::{c, d}, b}`.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = vec![String::new()];
    let mut depth = 0_usize;
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(String::new()),
            c if depth == 0 => heads.last_mut().expect("there is one").push(c),
            _ => {}
        }
    }
    heads.iter().map(|head| head.split("::").next().unwrap_or_default().trim().to_owned()).collect()
}

fn naming(files: &[File], words: &[&str], places: &[&str]) -> Vec<Finding> {
    let code = |file: &File| Source::new(&file.text).code;
    files.iter().filter(|file| is_outside(file, places)).flat_map(|file| names_in(file, &code(file), words)).collect()
}

fn naming_outside_tests(files: &[File], words: &[&str], places: &[&str]) -> Vec<Finding> {
    let tests = test_modules(files);
    let code = |file: &File| Source::new(&file.text).code_without_tests();
    let files = files.iter().filter(|file| is_outside(file, places) && !is_test(file, &tests));
    files.flat_map(|file| names_in(file, &code(file), words)).collect()
}

/// Where `code` names one of `words`, also as a member of a group: `a::{b, c}` names `a::c`.
fn names_in(file: &File, code: &str, words: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for word in words {
        let mut lines = lines_naming(code, word);
        if let Some((path, member)) = word.rsplit_once("::") {
            for (at, prefix) in code.match_indices(&format!("{path}::{{")) {
                if group_heads(&code[at + prefix.len()..]).iter().any(|head| head == member) {
                    lines.push(1 + code[..at].matches('\n').count());
                }
            }
        }
        findings.extend(lines.into_iter().map(|line| Finding::new(file, line, format!("names `{word}`"))));
    }
    findings
}

fn is_outside(file: &File, places: &[&str]) -> bool {
    module(file).is_some_and(|module| !is_within(module, places))
}

fn is_test(file: &File, tests: &[String]) -> bool {
    module(file).is_some_and(|module| tests.iter().any(|test| is_within(module, &[test.as_str()])))
}

/// The modules in files of their own that are declared `#[cfg(test)] mod name;`.
fn test_modules(files: &[File]) -> Vec<String> {
    let mut tests = Vec::new();
    for file in files {
        let Some(parent) = module(file) else { continue };
        for declared in Source::new(&file.text).code.split("#[cfg(test)]").skip(1) {
            let item = declared.split([';', '{']).next().unwrap_or_default();
            if let Some(name) = item.trim().strip_prefix("mod ").or_else(|| item.trim().strip_prefix("pub mod ")) {
                tests.push(format!("{parent}/{}", name.trim()));
            }
        }
    }
    tests
}

fn sql_elsewhere(files: &[File]) -> Vec<Finding> {
    let tests = test_modules(files);
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| is_outside(file, &MAY_HOLD_SQL) && !is_test(file, &tests)) {
        let source = Source::new(&file.text);
        let code: Vec<char> = source.code_without_tests().chars().collect();
        for literal in source.literals.iter().filter(|literal| code[literal.at] == '"' && is_sql(&literal.text)) {
            let start = literal.text.trim().lines().next().unwrap_or_default();
            findings.push(Finding::new(file, literal.line, format!("holds SQL: `{start}`")));
        }
    }
    findings
}

/// Whether a string starts as a statement does: the verb, and the word that must follow it somewhere.
fn is_sql(literal: &str) -> bool {
    let words: Vec<String> = literal.split_whitespace().map(str::to_lowercase).collect();
    let follows = |word: &str| words.iter().skip(1).any(|found| found == word);
    match words.first().map(String::as_str) {
        Some("select") => follows("from"),
        Some("insert") => words.get(1).is_some_and(|word| word == "into"),
        Some("delete") => words.get(1).is_some_and(|word| word == "from"),
        Some("update") => follows("set"),
        Some("create" | "alter" | "drop") => {
            words.get(1).is_some_and(|word| ["table", "index", "schema", "function", "type"].contains(&word.as_str()))
        }
        _ => false,
    }
}
