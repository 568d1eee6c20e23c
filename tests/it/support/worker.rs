//! The program as a worker process, which a test may stop, freeze and kill.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::Signal;

use super::postgres::{kill, program, wait_until};

/// A running `repo-to-cat run --only worker`; killed when dropped.
pub struct Worker {
    child: Child,
    log: PathBuf,
}

/// How a worker is set up.
pub struct Setup<'a> {
    /// The database.
    pub url: &'a str,
    /// Where it runs; its data folder is `data` in there, its pictures are under `pictures`.
    pub folder: &'a Path,
    /// Where its repositories are.
    pub repositories: &'a Path,
    /// Further settings: variables without the prefix.
    pub settings: &'a [(&'a str, &'a str)],
}

impl Worker {
    /// Starts one. The lease is so long that only a test that shortens it by hand makes it lapse.
    pub fn start(setup: &Setup) -> Self {
        let settings = [("LEASE_SECONDS", "60"), ("HEARTBEAT_SECONDS", "1"), ("POLL_SECONDS", "1")]
            .into_iter()
            .chain([("BACKOFF_SECONDS", "1"), ("BACKOFF_MAX_SECONDS", "1"), ("MAX_DEATHS", "1000")]);
        let number = fs::read_dir(setup.folder).unwrap().count();
        let log = setup.folder.join(format!("worker-{number}.log"));
        let mut command = Command::new(program());
        command
            .env_clear()
            .env("HOME", setup.folder)
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("DATABASE_URL", setup.url)
            .env("REPO_TO_CAT_IMAGES__STORE", setup.folder.join("pictures"))
            .env("REPO_TO_CAT_FETCH__LOCAL_ROOTS", setup.repositories)
            .env("REPO_TO_CAT_ANALYSIS__PROCESSES", "1")
            .envs(settings.map(|(name, value)| (format!("REPO_TO_CAT_WORKER__{name}"), value)))
            .envs(setup.settings.iter().map(|(name, value)| (format!("REPO_TO_CAT_{name}"), *value)))
            .args(["--data-folder", "data", "run", "--only", "worker"])
            .current_dir(setup.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap());
        Self { child: command.spawn().unwrap(), log }
    }

    /// Its process id, with which the name that it registers under ends.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.child.id(), signal);
    }

    /// Kills it and waits for its end.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until(&format!("worker {} to end", self.pid()), || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// The end of what it logged.
    pub fn log(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}
