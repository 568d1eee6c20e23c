//! Files of generations: which format they are in, and how they are written so that a name stands for a whole file.

use std::fs::{File, Permissions};
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::csv::Csv;
use super::lines::JsonLines;
use crate::cli::FileFormat;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::generation::columns::Row;

/// Standard input or output.
const STANDARD: &str = "-";

/// The format of a file: what was asked for, else what its name says.
#[must_use]
pub fn format(wanted: Option<FileFormat>, file: &Path) -> FileFormat {
    let is_csv = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    wanted.unwrap_or(if is_csv { FileFormat::Csv } else { FileFormat::Ndjson })
}

/// Where an export goes.
pub enum Target {
    /// Standard output.
    Standard(BufWriter<io::Stdout>),
    /// A file, which bears another name until it is whole.
    File {
        /// The file as it grows.
        file: BufWriter<NamedTempFile>,
        /// The name that it gets.
        name: PathBuf,
    },
}

impl Target {
    /// Opens it.
    pub fn open(name: &Path) -> Result<Self> {
        if name.as_os_str() == STANDARD {
            return Ok(Self::Standard(BufWriter::new(io::stdout())));
        }
        if name.is_dir() {
            return Err(cannot_write(name, &ErrorKind::IsADirectory.into()));
        }
        let mut builder = tempfile::Builder::new();
        // What others may read is for the umask to say, as with any new file.
        builder.prefix(".generations-").permissions(Permissions::from_mode(0o666));
        let file = builder.tempfile_in(folder(name)).map_err(|error| cannot_write(name, &error))?;
        Ok(Self::File { file: BufWriter::with_capacity(1 << 16, file), name: name.to_owned() })
    }

    /// Writes text. Says whether anybody reads on: one that has gone, as `head` does, is no error.
    pub fn write(&mut self, text: &str) -> Result<bool> {
        let (written, name) = match self {
            Self::Standard(out) => (out.write_all(text.as_bytes()), Path::new(STANDARD)),
            Self::File { file, name } => (file.write_all(text.as_bytes()), name.as_path()),
        };
        went(written, name)
    }

    /// Sees that all of it is there for good, under its name.
    pub fn finish(self) -> Result<()> {
        match self {
            Self::Standard(mut out) => went(out.flush(), Path::new(STANDARD)).map(drop),
            Self::File { file, name } => {
                let keep = || {
                    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                    file.as_file().sync_all()?;
                    file.persist(&name).map_err(|error| error.error)?;
                    File::open(folder(&name))?.sync_all()
                };
                keep().map_err(|error| cannot_write(&name, &error))
            }
        }
    }
}

fn went(written: io::Result<()>, name: &Path) -> Result<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if name.as_os_str() == STANDARD && error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(cannot_write(name, &error)),
    }
}

fn folder(name: &Path) -> &Path {
    name.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file to import.
pub enum Rows {
    /// JSON lines.
    Lines(JsonLines<Box<dyn BufRead>>),
    /// CSV.
    Csv(Csv<Box<dyn BufRead>>),
}

impl Rows {
    /// Opens it.
    pub fn open(name: &Path, wanted: Option<FileFormat>) -> Result<Self> {
        let reader: Box<dyn BufRead> = if name.as_os_str() == STANDARD {
            Box::new(BufReader::new(io::stdin()))
        } else {
            let cannot = |error: io::Error| {
                let kind = if error.kind() == ErrorKind::NotFound { Kind::NotFound } else { Kind::Environment };
                Failure::new(kind, format!("{} cannot be read: {error}", name.display()))
                    .hint("name a file that `generations export` wrote, or - for standard input")
            };
            let file = File::open(name).map_err(cannot)?;
            if file.metadata().map_err(cannot)?.is_dir() {
                return Err(cannot(ErrorKind::IsADirectory.into()));
            }
            Box::new(BufReader::with_capacity(1 << 16, file))
        };
        Ok(match format(wanted, name) {
            FileFormat::Ndjson => Self::Lines(JsonLines::new(reader)),
            FileFormat::Csv => Self::Csv(Csv::new(reader)?),
        })
    }

    /// The next row and the line that it begins in; none at the end.
    pub fn next_row(&mut self) -> Result<Option<(u64, Row)>> {
        match self {
            Self::Lines(lines) => lines.next_row(),
            Self::Csv(csv) => csv.next_row(),
        }
    }
}

/// What is wrong with a file, and where.
pub fn wrong(line: u64, column: usize, what: &str) -> Failure {
    Failure::new(Kind::Invalid, format!("line {line}, column {column}: {what}"))
        .hint("nothing was imported; mend the file, or say its --format: ndjson or csv")
}

/// The file broke off.
pub fn cannot_read(error: io::Error, line: u64) -> Failure {
    Failure::new(Kind::Environment, format!("the file cannot be read behind line {line}")).source(error)
}

fn cannot_write(name: &Path, error: &io::Error) -> Failure {
    Failure::new(Kind::Environment, format!("{} cannot be written: {error}", name.display()))
        .hint("is there such a folder, may this user write in it, and is there space?")
}
