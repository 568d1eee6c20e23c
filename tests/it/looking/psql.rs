//! `db psql`: the terminal, the signals and the exit code are psql's; the password is nowhere to be seen.

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::support::cli::Shell;
use crate::support::postgres::{fresh_database, program, temporary_folder, wait_until};
use crate::surviving::server::Server;

#[test]
fn it_runs_on_our_database_and_hands_its_exit_code_on() {
    let url = fresh_database("psql");
    let shell = Shell::on(&url);
    let name = shell.succeeds(&["db", "psql", "--", "-XtAc", "SELECT current_database()"]);
    assert!(url.contains(&format!("/{}?", name.trim())), "{name}");
    let ran = shell.run(&["db", "psql", "--", "-X", "-c", "SELECT 1 FROM no_such_table"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let ran =
        shell.run_with_input(&["db", "psql", "--", "-X", "-v", "ON_ERROR_STOP=1"], b"SELECT 40 + 2;\nSELECT 1 / 0;\n");
    assert_eq!((ran.code, ran.out.contains("42")), (Some(3), true), "{}", ran.err);
    // What would lead elsewhere does not count.
    let mut astray = shell.command(&["db", "psql", "--", "-XtAc", "SELECT 1"]);
    astray.env("PGHOSTADDR", "127.0.0.1").env("PGSERVICE", "none").env("PGPASSFILE", "/none");
    let ran = crate::support::cli::Ran::of(&mut astray);
    assert_eq!((ran.code, ran.out.trim()), (Some(0), "1"), "{}{}", ran.out, ran.err);
}

#[test]
fn it_works_on_the_private_cluster() {
    let shell = Shell::private();
    assert_eq!(shell.succeeds(&["db", "psql", "--", "-XtAc", "SELECT 1"]).trim(), "1");
    assert!(shell.succeeds(&["db", "size"]).contains("Database repo_to_cat: "));
    shell.wait_for_silence();
}

#[test]
fn on_a_terminal_it_talks() {
    let shell = Shell::on(&fresh_database("talk"));
    let wanted = shell.command(&[]);
    let mut command = Command::new("script");
    command.env_clear().envs(wanted.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "dumb");
    command.args(["-qec", &format!("{} db psql -- -X -P pager=off", program().display()), "/dev/null"]);
    command.current_dir(shell.folder()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"SELECT 'meow ' || 40 + 2;\nSELECT 'me' || 'ow';\n\\q\n").unwrap();
    let ran = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains(" meow") && said.contains("=# "), "{said}");
}

#[test]
fn the_password_is_not_to_be_seen_and_ctrl_c_is_psqls() {
    const CANARY: &str = "c4n4ry_in_a_shell";
    let folder = temporary_folder();
    let rules = folder.path().join("hba");
    fs::write(&rules, "local all cat trust\nlocal all all scram-sha-256\n").unwrap();
    let server = Server::start(&[&format!("hba_file = '{}'", rules.display())]);
    server.sql(&format!("CREATE ROLE bird LOGIN PASSWORD '{CANARY}: \\ @/%+'"));
    let password = format!("{CANARY}%3A%20%5C%20%40%2F%25%2B");
    let url = format!("postgres:///postgres?host={}&user=bird&password={password}", server.folder().display());
    let shell = Shell::on(&url);
    fs::create_dir(shell.path("tmp")).unwrap();
    let mut command = shell.command(&["db", "psql", "--", "-X", "-c", "SELECT pg_sleep(300)"]);
    command.env("TMPDIR", shell.path("tmp")).process_group(0).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'bird' AND query = 'SELECT pg_sleep(300)'";
    wait_until("psql to run its statement", || server.sql(sleeping) == "1");

    let processes: Vec<_> = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path()).collect();
    let holds = |file: &std::path::Path, text: &str| {
        fs::read(file).unwrap_or_default().windows(text.len()).any(|window| window == text.as_bytes())
    };
    assert!(processes.iter().all(|process| !holds(&process.join("cmdline"), CANARY)), "it is in an argument");
    let is_psql = |process: &&std::path::PathBuf| {
        let command = fs::read(process.join("cmdline")).unwrap_or_default();
        holds(&process.join("environ"), &server.folder().display().to_string())
            && command.split(|byte| *byte == 0).next().is_some_and(|first| first.ends_with(b"/psql"))
    };
    let psql: Vec<_> = processes.iter().filter(is_psql).collect();
    assert_eq!(psql.len(), 1, "psql is to be seen");
    assert!(!holds(&psql[0].join("environ"), CANARY), "it is in a variable");
    assert_eq!(fs::read_dir(shell.path("tmp")).unwrap().count(), 0, "it is in a named file");

    let group = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process_group(group, Signal::INT).unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("canceling statement due to user request"), "{said}");
}
