//! docs/database-guide.md: every command and query of it, in order, against a real server.

use std::io::{Read, Write, copy};
use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, thread};

use repo_to_cat::postgres::DATABASE;
use sqlx::{Connection, PgConnection};

use crate::support::postgres::{PrivateCluster, program, temporary_folder};

const GUIDE: &str = include_str!("../../docs/database-guide.md");
/// The compose file's server, as the guide names it.
const PLACE: &str = "localhost:5434";

/// A fenced block of the guide.
#[derive(Debug)]
struct Block {
    /// The line of its first statement, from 1.
    line: usize,
    /// `sh`, `sql`, and what follows it: why it is not run here.
    info: Vec<String>,
    text: String,
}

fn blocks() -> Vec<Block> {
    let (mut blocks, mut open) = (Vec::new(), None::<Block>);
    for (line, text) in (1..).zip(GUIDE.lines()) {
        match (text.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                let info = info.split_whitespace().map(str::to_owned).collect();
                open = Some(Block { line: line + 1, info, text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text.extend([text, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "the last block has an end");
    blocks
}

/// A private server with the compose file's user and database, on a port.
struct Compose {
    server: PrivateCluster,
    port: u16,
}

impl Compose {
    async fn up() -> Self {
        let server = PrivateCluster::start();
        let status = server.cluster.status();
        let mut connection = PgConnection::connect(&server.cluster.url_of(DATABASE)).await.unwrap();
        // The image's user is a superuser, too.
        for statement in [
            "SET password_encryption = 'scram-sha-256'",
            "CREATE ROLE repo_user SUPERUSER LOGIN PASSWORD 'repo_password'",
        ] {
            sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
        }
        if DATABASE != "repo_to_cat" {
            sqlx::raw_sql("CREATE DATABASE repo_to_cat OWNER repo_user").execute(&mut connection).await.unwrap();
        }
        let rules = status.data.join("pg_hba.conf");
        let before = fs::read_to_string(&rules).unwrap();
        fs::write(&rules, format!("local all repo_user scram-sha-256\n{before}")).unwrap();
        sqlx::raw_sql("SELECT pg_reload_conf()").execute(&mut connection).await.unwrap();
        let socket = fs::read_dir(&status.socket).unwrap().flatten().map(|entry| entry.path());
        let socket = socket.into_iter().find(|path| path.extension().is_some_and(|end| end != "lock")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || relay(&listener, &socket));
        Self { server, port }
    }
}

/// The private server listens on a socket only; the guide's commands name a port.
fn relay(listener: &TcpListener, socket: &Path) {
    for client in listener.incoming().flatten() {
        let Ok(server) = UnixStream::connect(socket) else { continue };
        let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || {
            pass(from, &to);
            to.shutdown(Shutdown::Write)
        });
        thread::spawn(move || {
            pass(server, &client);
            client.shutdown(Shutdown::Write)
        });
    }
}

/// What one end says to the other, until it says no more.
fn pass(mut from: impl Read, mut to: impl Write) {
    _ = copy(&mut from, &mut to);
}

/// Where the guide's user sits.
struct Desk {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
}

impl Desk {
    /// Runs lines as a shell does, and stops at the first that fails.
    fn run(&self, block: &Block) {
        let here = self.here(&block.text);
        let mut command = match block.info[0].as_str() {
            "sh" => {
                let mut bash = Command::new("bash");
                bash.args(["-euo", "pipefail", "-c", &here]);
                bash
            }
            "sql" => {
                let mut psql = Command::new("psql");
                psql.args(["-X", "-v", "ON_ERROR_STOP=1", "-f", "-"]);
                psql.arg(self.here(&format!("postgresql://repo_user:repo_password@{PLACE}/repo_to_cat")));
                psql
            }
            other => panic!("line {}: a block of {other} is not known here", block.line),
        };
        let path = std::env::var("PATH").unwrap();
        let ours = program().parent().unwrap();
        let mut running = command
            .env_clear()
            .env("PATH", format!("{}:{}:{path}", ours.display(), self.programs.display()))
            .env("HOME", self.folder.path())
            .env("DATABASE_URL", self.here(&format!("postgresql://repo_user:repo_password@{PLACE}/repo_to_cat")))
            .env("REPO_TO_CAT_DATA__FOLDER", self.folder.path().join("data"))
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = running.stdin.take().unwrap();
        if block.info[0] == "sql" {
            input.write_all(here.as_bytes()).unwrap();
        }
        drop(input);
        let ran = running.wait_with_output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (said(&ran.stdout), said(&ran.stderr));
        assert!(ran.status.success(), "line {}:\n{}\n{out}\n{err}", block.line, block.text);
        // Output that only looks like success.
        assert!(!err.contains("ERROR:"), "line {}:\n{}\n{out}\n{err}", block.line, block.text);
    }

    fn here(&self, text: &str) -> String {
        text.replace(PLACE, &format!("localhost:{}", self.port))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_guide_runs() {
    let compose = Compose::up().await;
    let folder = temporary_folder();
    let programs = compose.server.cluster.programs().unwrap().folder().to_owned();
    let desk = Desk { folder, programs, port: compose.port };
    let blocks = blocks();
    assert!(blocks.len() > 20, "the guide was read");
    for block in &blocks {
        match block.info.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["sh" | "sql"] => desk.run(block),
            // The only things that a machine without Docker cannot do.
            ["sh", "docker"] => assert!(block.text.starts_with("docker compose "), "line {}", block.line),
            // In a source tree: a copy of what it looks at.
            ["sh", "source"] => {
                let root = Path::new(env!("CARGO_MANIFEST_DIR"));
                let mut copying = Command::new("cp");
                copying.arg("-r").args([root.join("migrations"), root.join("Cargo.toml")]).arg(desk.folder.path());
                assert!(copying.status().unwrap().success());
                desk.run(&Block { line: block.line, info: vec!["sh".into()], text: block.text.clone() });
            }
            _ => panic!("line {}: {:?} is not known here", block.line, block.info),
        }
    }
}

/// Whoever knows the founding guide finds each of its headings answered.
#[test]
fn the_guide_answers_the_founding_one() {
    for (theirs, ours) in [
        ("Connect to Database", "### Connect"),
        ("Database Schema", "## The schema"),
        ("Common psql Commands", "## psql"),
        ("Query Examples", "### Queries"),
        ("Check Migration Status", "### Status"),
        ("Apply Migrations", "### Apply and take back"),
        ("Create New Migration", "### Write one"),
        ("CRUD Examples", "## Rows from outside"),
        ("Backup Database", "## Backup and restore"),
        ("Restore Database", "### Restore"),
        ("Can't Connect to Database", "### It does not connect"),
        ("Alembic Can't Find Migrations", "### It cannot find a migration"),
        ("Migration Fails Halfway", "### A migration failed half-way"),
        ("JSONB Query Not Working", "### JSONB queries"),
        ("Database Locked", "### The database is being accessed by other users"),
        ("Performance Tips", "## Performance"),
        ("GUI Tools", "## Tools, and what to read next"),
    ] {
        assert!(GUIDE.lines().any(|line| line == ours), "{theirs}: {ours}");
    }
}
