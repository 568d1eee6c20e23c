//! A bare `PostgreSQL` server, which nobody starts again: for outages that last, standbys and small disks.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use repo_to_cat::postgres::programs::Programs;
use rustix::process::{Signal, geteuid};
use tempfile::TempDir;

use crate::support::postgres::{kill, temporary_folder, wait_until};

/// The port of every server here; their sockets lie in folders of their own.
const PORT: u16 = 5432;

/// A server in a folder of its own, which goes with it.
pub struct Server {
    folder: TempDir,
    process: Option<Child>,
    /// Where it has a small disk.
    small_disk: bool,
}

impl Server {
    /// Makes and starts one.
    pub fn start(options: &[&str]) -> Self {
        let mut server = Self::make(false);
        server.configure(options);
        server.run();
        server
    }

    /// Makes and starts one that has an empty disk of these megabytes at [`Server::disk`]; only root can.
    pub fn start_with_disk(megabytes: u32) -> Self {
        let mut server = Self::make(true);
        fs::write(server.folder.path().join("size"), format!("{megabytes}m")).unwrap();
        server.configure(&[]);
        server.run();
        server
    }

    fn make(small_disk: bool) -> Self {
        let folder = own_folder();
        let data = folder.path().join("data");
        let mut initdb = as_server("initdb");
        initdb.args(["--username=cat", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"]).arg(data);
        done(&mut initdb);
        Self { folder, process: None, small_disk }
    }

    fn configure(&self, options: &[&str]) {
        let ours = ["listen_addresses = ''", "shared_buffers = '16MB'", "fsync = off", "logging_collector = off"];
        let lines: String = ours.iter().chain(options).map(|line| format!("{line}\n")).collect();
        fs::write(self.data().join("postgresql.auto.conf"), lines).unwrap();
    }

    /// A standby of this server, which follows it: no commit counts before it has it.
    pub fn standby(&self) -> Self {
        let folder = own_folder();
        let mut copy = as_server("pg_basebackup");
        copy.args(["-U", "cat", "-R", "--checkpoint=fast", "--no-sync", "-h"]).arg(self.folder.path());
        done(copy.arg("-D").arg(folder.path().join("data")));
        let mut standby = Self { folder, process: None, small_disk: false };
        standby.run();
        self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.sql("SELECT pg_reload_conf()");
        wait_until("the standby to follow", || {
            self.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1"
        });
        // It copied what makes commits wait, too; it has no standby of its own.
        standby
    }

    /// Makes a standby the one that takes writes.
    pub fn promote(&self) {
        done(as_server("pg_ctl").args(["promote", "--silent", "-D"]).arg(self.data()));
        self.sql("ALTER SYSTEM RESET synchronous_standby_names");
        self.sql("SELECT pg_reload_conf()");
    }

    /// Starts it, at its place; returns when it lets clients in.
    pub fn run(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut command = if self.small_disk {
            // In a world of its own: the disk goes with the server, however that goes.
            let script = format!(
                "mount -t tmpfs -o mode=700,uid=$(id -u postgres),gid=$(id -g postgres),size=$(cat {0}/size) small {0}/disk && exec {1} \"$@\"",
                self.folder.path().display(),
                PREFIX.join(" ")
            );
            fs::create_dir_all(self.disk()).unwrap();
            let mut unshare = Command::new("unshare");
            unshare.args(["--mount", "sh", "-c", &script, "sh"]).arg(program("postgres"));
            unshare
        } else {
            as_server("postgres")
        };
        command.arg("-D").arg(self.data()).arg("-k").arg(self.folder.path()).args(["-p", &PORT.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.process = Some(command.spawn().unwrap());
        wait_until("the server to let clients in", || self.try_sql("SELECT 1").is_some());
    }

    /// Ends it: `KILL` as a crash would, `INT` fast, `QUIT` at once.
    pub fn end(&mut self, signal: Signal) {
        let mut process = self.process.take().expect("it runs");
        kill(process.id(), signal);
        process.wait().unwrap();
        // Its children end by themselves; a new server would not start before they have.
        wait_until("the sessions to end", || crate::support::postgres::processes_in(&self.data()).is_empty());
    }

    /// The URL of its database `postgres`.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The URL of one of its databases.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&port={PORT}&user=cat", self.folder.path().display())
    }

    /// The URL of two servers.
    pub fn url_of_both(&self, other: &Self) -> String {
        let folders = [self.folder.path().display(), other.folder.path().display()];
        format!("postgres:///postgres?host={},{}&port={PORT}&user=cat", folders[0], folders[1])
    }

    /// The folder of its socket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its small disk.
    pub fn disk(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What a statement returns, as text.
    pub fn sql(&self, statement: &str) -> String {
        self.try_sql(statement).unwrap_or_else(|| panic!("{statement}: {}", self.log()))
    }

    fn try_sql(&self, statement: &str) -> Option<String> {
        let url = self.url();
        let mut psql = Command::new(program("psql"));
        psql.args(["--no-psqlrc", "--tuples-only", "--no-align", "--command", statement]).arg(url);
        let ran = psql.env_clear().stderr(Stdio::null()).output().unwrap();
        ran.status.success().then(|| String::from_utf8(ran.stdout).unwrap().trim().to_owned())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.end(Signal::QUIT);
        }
    }
}

/// What makes root run something as the server's user, so that it ends with the test.
pub const PREFIX: [&str; 5] = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=KILL"];

/// A command for one of `PostgreSQL`'s programs, run by the server's user.
pub fn as_server(name: &str) -> Command {
    as_server_user(&program(name))
}

/// A command that the server's user runs, which ends with the thread that starts it.
pub fn as_server_user(program: &Path) -> Command {
    let mut command = Command::new(PREFIX[0]);
    command.args(if geteuid().is_root() { &PREFIX[1..] } else { &PREFIX[4..] }).arg(program);
    command.current_dir("/").process_group(0);
    command
}

/// A folder that belongs to the server's user.
pub fn own_folder() -> TempDir {
    let folder = temporary_folder();
    if geteuid().is_root() {
        done(Command::new("chown").arg("postgres:postgres").arg(folder.path()));
    }
    folder
}

fn program(name: &str) -> PathBuf {
    Programs::find(Path::new(""), None).unwrap().path(name)
}

fn done(command: &mut Command) {
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
}
