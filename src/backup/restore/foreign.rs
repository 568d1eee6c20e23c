//! Dumps that cannot be restored as they stream by: SQL, which psql reads, and archives that only `pg_restore` does.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::Ordering;

use super::compare;
use super::input::each_piece;
use super::job::{Job, cannot_write};
use super::sections::{list, option, restore_command};
use super::selection;
use crate::backup::archive::custom::CustomReader;
use crate::backup::archive::plain::PlainReader;
use crate::backup::archive::toc::Toc;
use crate::backup::archive::{Inventory, Part, Reader};
use crate::model::backup::Manifest;
use crate::model::failure::{Failure, Kind, Result};

/// Has psql carry out a plain dump; what was in it.
pub(super) fn plain(job: &Job, input: &mut dyn Read) -> Result<Inventory> {
    if !job.options.tables.is_empty() {
        return Err(Failure::new(Kind::Invalid, "tables cannot be chosen from a plain dump")
            .hint("restore all of it into a database of its own, and take the tables from there"));
    }
    let mut command = job.command("psql", "")?;
    command.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"]).stdin(Stdio::piped());
    let mut running = job.stop.start(command)?;
    let mut psql = running.stdin();
    let mut inventory = Inventory::default();
    let mut reader = PlainReader::default();
    let mut note = |part: Part<'_>| {
        inventory.note(&part);
        Ok(())
    };
    let read = each_piece(input, job, &mut |piece| {
        // Looked at before psql sees it: what the reader refuses is not carried out.
        reader.feed(piece, &mut note)?;
        if psql.as_mut().is_some_and(|psql| psql.write_all(piece).is_err()) {
            // It has ended, and says why.
            psql = None;
            return Err(ended());
        }
        Ok(())
    });
    let read = read.and_then(|()| reader.finish(&mut note));
    if psql.is_some() && read.is_err() {
        return read.map(|()| inventory);
    }
    drop(psql);
    let carried_out = running.wait();
    job.stop.check()?;
    carried_out?;
    read?;
    Ok(inventory)
}

fn ended() -> Failure {
    Failure::new(Kind::Internal, "psql ended before the dump did")
}

/// Has `pg_restore` restore an archive that is a file, or is made one.
pub(super) fn from_file(job: &Job, input: &mut dyn Read) -> Result<()> {
    let path = job.folder.path().join("archive.dump");
    let mut file = File::create(&path).map_err(|error| cannot_write(&path, &error))?;
    let mut contents = Contents::default();
    each_piece(input, job, &mut |piece| {
        contents.look(piece)?;
        file.write_all(piece).map_err(|error| cannot_write(&path, &error))
    })?;
    drop(file);
    restore(job, &path, contents.toc.as_ref())
}

fn restore(job: &Job, path: &Path, toc: Option<&Toc>) -> Result<()> {
    let toc = toc.ok_or_else(|| Failure::new(Kind::Unusable, "the dump ends within its table of contents"))?;
    let mut command = restore_command(job, &toc.dump_version)?;
    command.arg(format!("--jobs={}", job.connections()));
    if !job.options.tables.is_empty() {
        let choice = selection::choose(toc, &job.options.tables)?;
        let entries = toc.entries.iter().filter(|entry| choice.entries.contains(&entry.dump_id));
        command.arg(option("--use-list", &job.file("chosen.list", &list(entries))?));
    }
    command.arg("--").arg(path);
    job.stop.run(command)
}

/// Looks for the table of contents; what follows it is not looked at.
#[derive(Default)]
pub(super) struct Contents {
    reader: CustomReader,
    /// What was found.
    pub toc: Option<Toc>,
}

impl Contents {
    pub fn look(&mut self, piece: &[u8]) -> Result<()> {
        if self.toc.is_some() {
            return Ok(());
        }
        let toc = &mut self.toc;
        let read = self.reader.feed(piece, &mut |part| match part {
            Part::Contents { toc: found, .. } => {
                *toc = Some(found.clone());
                Ok(())
            }
            _ => Ok(()),
        });
        // Blocks that it cannot read are for pg_restore.
        if toc.is_some() { Ok(()) } else { read }
    }
}

/// What a dump is by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Custom,
    Plain,
}

/// Looks at the first bytes; also gives all of the input.
pub(super) fn form(mut input: impl Read + Send + 'static) -> Result<(Form, Box<dyn Read + Send>)> {
    let mut head = Vec::new();
    input
        .by_ref()
        .take(512)
        .read_to_end(&mut head)
        .map_err(|error| crate::backup::pipe::failure_of(error, "the dump cannot be read"))?;
    let refused = |what: &str, hint: &str| Err(Failure::new(Kind::Unusable, what).hint(hint));
    let form = if head.starts_with(b"PGDMP") {
        Form::Custom
    } else if head.get(257..262) == Some(b"ustar") {
        return refused("the dump is a tar archive", "restore it with: pg_restore -Ft; or make one with pg_dump -Fc");
    } else if head.is_empty() {
        return refused("the dump is empty", "it was cut off, or never written: restore another backup");
    } else if head.contains(&0) {
        return refused("this is no dump of pg_dump", "it is neither SQL nor an archive: is it the right file?");
    } else {
        Form::Plain
    };
    Ok((form, Box::new(io::Cursor::new(head).chain(input))))
}

/// psql is done: counts the rows, and compares what was there with the manifest where there is one and that is asked for.
pub(super) fn settle(job: &Job, inventory: Inventory, manifest: Option<&Manifest>) -> Result<()> {
    job.meter.rows.fetch_add(inventory.rows(), Ordering::Relaxed);
    match manifest {
        Some(manifest) if job.options.verify => compare::plain(inventory, manifest),
        _ => Ok(()),
    }
}
