//! What `pg_restore` makes of an archive's table of contents: definitions before the rows, the other data, definitions
//! after the rows. It needs no rows for that.

use std::ffi::OsString;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};
use std::sync::Arc;

use super::job::Job;
use super::selection::Choice;
use crate::backup::archive::toc::{Entry, Toc};
use crate::backup::archive::{Part, Reduced};
use crate::model::failure::{Failure, Kind, Result};
use crate::postgres::tool::{Command, Running};

/// An archive's table of contents in a file of its own, as `pg_restore` reads it.
#[derive(Debug)]
pub(super) struct Sections {
    job: Arc<Job>,
    dump_version: String,
    raw: Vec<u8>,
    contents: PathBuf,
    /// List of the entries that are wanted; none: all.
    list: Option<PathBuf>,
    /// List of the data that is not rows; none where there is none.
    others: Option<PathBuf>,
}

impl Sections {
    /// Writes the files.
    pub fn new(job: Arc<Job>, toc: &Toc, raw: &[u8], choice: Option<&Choice>) -> Result<Self> {
        let is_chosen = |entry: &&Entry| choice.is_none_or(|choice| choice.entries.contains(&entry.dump_id));
        let entries = || toc.entries.iter().filter(is_chosen);
        let others: Vec<&Entry> =
            entries().filter(|entry| entry.section == 3 && entry.description != "TABLE DATA").collect();
        let contents = job.file("contents.dump", raw)?;
        let chosen = choice.map(|_| job.file("chosen.list", &list(entries()))).transpose()?;
        let others =
            (!others.is_empty()).then(|| job.file("others.list", &list(others.iter().copied()))).transpose()?;
        Ok(Self { dump_version: toc.dump_version.clone(), raw: raw.to_vec(), contents, list: chosen, others, job })
    }

    /// Makes what must be there before the rows.
    pub fn before_rows(&self) -> Result<()> {
        let mut command = self.command("--section=pre-data")?;
        command.args(self.list.as_ref().map(|list| option("--use-list", list))).arg("--").arg(&self.contents);
        self.job.stop.run(command)
    }

    /// Makes what comes after the rows: indexes, constraints, triggers; several at once.
    pub fn after_rows(&self) -> Result<()> {
        let mut command = self.command("--section=post-data")?;
        command.arg(format!("--jobs={}", self.job.connections()));
        command.args(self.list.as_ref().map(|list| option("--use-list", list))).arg("--").arg(&self.contents);
        self.job.stop.run(command)
    }

    /// Begins to write data that is not rows: sequences and large objects.
    pub fn others(&self) -> Result<Others> {
        let Some(list) = &self.others else { return Ok(Others { running: None, archive: None }) };
        let mut command = self.command("--section=data")?;
        command.arg(option("--use-list", list)).stdin(Stdio::piped());
        let mut running = self.job.stop.start(command)?;
        let input =
            running.stdin().ok_or_else(|| Failure::new(Kind::Internal, "a program was started without input"))?;
        let mut others = Others { running: Some(running), archive: Some(Reduced::new(BufWriter::new(input))) };
        others.note(&Part::Contents { toc: &Toc::default(), raw: &self.raw });
        Ok(others)
    }

    fn command(&self, section: &str) -> Result<Command> {
        let mut command = restore_command(&self.job, &self.dump_version)?;
        command.arg(section);
        Ok(command)
    }
}

/// `pg_restore` into the target. The database is named in its environment: an argument might be taken for more than a name.
pub(super) fn restore_command(job: &Job, dump_version: &str) -> Result<Command> {
    let mut command = job.command("pg_restore", dump_version)?;
    command.args(["--exit-on-error", "--dbname="]);
    if !job.options.owners {
        command.args(["--no-owner", "--no-privileges"]);
    }
    Ok(command)
}

/// A list as `pg_restore` reads it: of each line it takes the number only.
pub(super) fn list<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<u8> {
    entries.map(|entry| format!("{};\n", entry.dump_id)).collect::<String>().into_bytes()
}

/// `--name=path`, whatever bytes are in the path.
pub(super) fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push("=");
    option.push(path);
    option
}

/// `pg_restore` while it is given the data that is not rows.
pub(super) struct Others {
    /// None where there is none.
    running: Option<Running>,
    /// None once it takes no more: why, its end tells.
    archive: Option<Reduced<BufWriter<ChildStdin>>>,
}

impl Others {
    /// Takes in a part of the archive.
    pub fn note(&mut self, part: &Part<'_>) {
        if self.archive.as_mut().is_some_and(|archive| archive.note(part).is_err()) {
            self.archive = None;
        }
    }

    /// Everything was there.
    pub fn finish(mut self) -> Result<()> {
        // Where that fails the program has ended, and says why.
        drop(self.archive.take().map(Reduced::finish));
        self.running.map_or(Ok(()), Running::wait)
    }
}
