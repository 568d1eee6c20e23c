//! What all parts of a restore work with.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use super::load::Options;
use super::stop::Stop;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::figures::{grouped, left};
use crate::model::progress::Report;
use crate::postgres::programs::Programs;
use crate::postgres::tool::{self, Access, Command};
use crate::providers::work_folder::WorkFolder;

/// What the sessions of a restore are called.
pub(super) const APPLICATION: &str = "repo-to-cat/restore";

/// A restore that is under way.
#[derive(Debug)]
pub(super) struct Job {
    /// Folder with `PostgreSQL`'s programs; empty: those that fit.
    pub bin_folder: PathBuf,
    /// The target's server.
    pub server_version: u32,
    /// How its programs reach it.
    pub access: Access,
    /// For small files; removed in the end.
    pub folder: WorkFolder,
    pub options: Options,
    pub stop: Stop,
    pub meter: Arc<Meter>,
}

impl Job {
    /// Connections that write at once.
    pub fn connections(&self) -> usize {
        match self.options.jobs {
            0 => 2,
            jobs => jobs.into(),
        }
    }

    /// A program that knows the target's server and the dump's version; it writes nothing but errors.
    pub fn command(&self, name: &str, dump_version: &str) -> Result<Command> {
        let dump: u32 =
            dump_version.split(|c: char| !c.is_ascii_digit()).next().and_then(|major| major.parse().ok()).unwrap_or(0);
        let version = self.server_version.max(dump.saturating_mul(10_000));
        let programs = Programs::for_server(&self.bin_folder, version, &[name])?;
        let mut command = tool::command(&programs, name, &self.access, APPLICATION);
        command.arg("--no-password").stdout(Stdio::null());
        Ok(command)
    }

    /// The path of a small file, written.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).map_err(|error| cannot_write(&path, &error))?;
        Ok(path)
    }
}

/// A file of ours that there is no room for, or that we may not write.
pub(super) fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Kind::Environment, format!("{} cannot be written: {error}", path.display()))
        .hint("is there room, and may we write there? See backup.scratch_folder")
}

/// How far a restore is.
#[derive(Debug)]
pub(super) struct Meter {
    begun: Instant,
    fetched: AtomicU64,
    total: AtomicU64,
    /// Rows that are written.
    pub rows: Arc<AtomicU64>,
    /// Whether indexes are being made.
    at_indexes: AtomicBool,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            fetched: AtomicU64::default(),
            total: AtomicU64::default(),
            rows: Arc::default(),
            at_indexes: AtomicBool::default(),
        }
    }
}

impl Meter {
    /// How many bytes will be fetched.
    pub fn expect(&self, bytes: u64) {
        self.total.store(bytes, Ordering::Relaxed);
    }

    pub fn fetched(&self, bytes: usize) {
        self.fetched.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// All rows are written.
    pub fn begin_indexes(&self) {
        self.at_indexes.store(true, Ordering::Relaxed);
    }

    /// Bytes that were fetched.
    pub fn bytes(&self) -> u64 {
        self.fetched.load(Ordering::Relaxed)
    }

    /// Rows that were written.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    pub fn tell(&self, report: &dyn Report) {
        let rows = grouped(self.rows());
        let at_indexes = self.at_indexes.load(Ordering::Relaxed);
        let (bytes, total) = (self.bytes(), self.total.load(Ordering::Relaxed));
        let words = match left(bytes, total, self.begun.elapsed()) {
            _ if at_indexes => format!("{rows} rows; indexes and constraints"),
            Some(left) => format!("{rows} rows, about {left} left for them"),
            None => format!("{rows} rows"),
        };
        report.report(bytes, total, &words);
    }
}
