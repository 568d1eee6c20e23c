//! A durable private cluster with two databases, and programs that run against it.

use std::fs::{self, read_to_string};
use std::io::{BufWriter, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use repo_to_cat::postgres::{Cluster, Settings};
use serde_json::Value;
use tempfile::TempDir;

use crate::rows::{Rows, TABLE};
use crate::{PROGRAM, Result};

/// The database with pgbench's tables.
pub const PGBENCH: &str = "pgbench";
/// The database with rows like generations.
pub const GENERATIONS: &str = "generations";
/// The database that is restored into.
pub const RESTORED: &str = "restored";

/// How often memory is looked at. The kernel keeps the peak; only what comes in the last moments is missed.
const SAMPLE: Duration = Duration::from_millis(20);

/// Where everything is measured.
pub struct Bed {
    cluster: Cluster,
    programs: PathBuf,
    folder: TempDir,
}

/// What one run took, and said.
pub struct Run {
    /// By the clock, from start to end of the process.
    pub seconds: f64,
    /// The most memory that the process had, without its children, in MB of 1,000,000 bytes.
    pub peak: f64,
    /// Its standard output.
    pub said: String,
}

impl Bed {
    /// Starts the cluster.
    pub fn open() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("repo-to-cat-bench-").tempdir()?;
        // The servers' own user must be able to enter it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        for name in ["out", "store", "data"] {
            fs::create_dir(folder.path().join(name))?;
            fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o755))?;
        }
        let settings = Settings { ephemeral: true, ..Settings::new(folder.path(), "", PROGRAM) };
        let cluster = Cluster::open(settings)?;
        let programs = cluster.programs()?.folder().to_owned();
        Ok(Self { cluster, programs, folder })
    }

    /// Makes the databases.
    pub fn fill(&self, scale: u32, megabytes: u64) -> Result<()> {
        self.cluster.create_database(PGBENCH, None)?;
        self.cluster.create_database(GENERATIONS, None)?;
        eprintln!("pgbench -i -s {scale}, and {megabytes} MB of rows like generations");
        self.shell(PGBENCH, &format!(r#"pgbench --initialize --quiet --scale={scale} "$URL" 2>/dev/null"#))?;
        self.shell(GENERATIONS, &format!(r#"psql -Xq -v ON_ERROR_STOP=1 "$URL" -c '{TABLE}'"#))?;
        let copy = r#"psql -Xq -v ON_ERROR_STOP=1 "$URL" -c 'COPY generations FROM STDIN'"#;
        let mut psql = self.bash(GENERATIONS, copy).stdin(Stdio::piped()).spawn()?;
        let mut input = BufWriter::new(psql.stdin.take().ok_or("psql takes no rows")?);
        for row in Rows::of(megabytes * 1_000_000) {
            input.write_all(row.as_bytes())?;
        }
        drop(input);
        ended(psql.wait()?, "COPY generations")?;
        for database in [PGBENCH, GENERATIONS] {
            self.shell(database, r#"psql -Xq "$URL" -c 'VACUUM ANALYZE' -c CHECKPOINT"#)?;
        }
        Ok(())
    }

    /// Runs a line of bash with `PostgreSQL`'s programs; `$URL` is the database, `$RESTORED` that which is restored into,
    /// `$OUT` a folder.
    pub fn shell(&self, database: &str, line: &str) -> Result<Run> {
        finished(self.bash(database, line).stdout(Stdio::piped()).spawn()?, line)
    }

    /// Runs our program as its users do.
    pub fn ours(&self, database: &str, args: &[&str]) -> Result<Run> {
        let mut command = self.command(Path::new(PROGRAM), database);
        command.args(args).arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped());
        finished(command.spawn()?, &args.join(" "))
    }

    /// A report that our program wrote beside a backup.
    pub fn report(&self, backup: &str, file: &str) -> Result<Value> {
        Ok(serde_json::from_str(&read_to_string(self.store().join(backup).join(file))?)?)
    }

    /// Where a line of bash writes to, and where our backups are.
    pub fn written(&self) -> [PathBuf; 2] {
        [self.out(), self.store()]
    }

    /// Where a line of bash writes to.
    pub fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn bash(&self, database: &str, line: &str) -> Command {
        let mut command = self.command(Path::new("bash"), database);
        command.args(["-euo", "pipefail", "-c", line]);
        command
    }

    fn command(&self, program: &Path, database: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let url = self.cluster.url_of(database);
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", self.programs.display()))
            .env("OUT", self.out())
            .env("RESTORED", self.cluster.url_of(RESTORED))
            .env("URL", &url)
            .env("DATABASE_URL", &url)
            .env("REPO_TO_CAT_DATA__FOLDER", self.folder.path().join("data"))
            .env("REPO_TO_CAT_BACKUP__STORE", self.store());
        command
    }
}

/// Waits for the end, with an eye on the memory.
fn finished(mut child: Child, what: &str) -> Result<Run> {
    let start = Instant::now();
    let (mut out, mut words) = (child.stdout.take(), child.stderr.take());
    let saying = thread::spawn(move || {
        let mut said = String::new();
        out.as_mut().map(|out| out.read_to_string(&mut said)).transpose().map(|_| said)
    });
    let complaining = thread::spawn(move || {
        let mut said = String::new();
        words.as_mut().map(|words| words.read_to_string(&mut said)).transpose().map(|_| said)
    });
    let mut peak: f64 = 0.0;
    let status = loop {
        // It reads as nothing once the process is gone.
        peak = peak.max(high_water(child.id()));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(SAMPLE);
    };
    let seconds = start.elapsed().as_secs_f64();
    let said = saying.join().map_err(|_| "nobody listened")??;
    let complaint = complaining.join().map_err(|_| "nobody listened")??;
    ended(status, &format!("{what}: {complaint}"))?;
    Ok(Run { seconds, peak, said })
}

fn ended(status: ExitStatus, what: &str) -> Result<()> {
    if status.success() { Ok(()) } else { Err(format!("{what} ended with {status}").into()) }
}

/// The most memory that a process has had so far, in MB.
fn high_water(process: u32) -> f64 {
    let text = read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or_default() * 1024.0 / 1e6
}
