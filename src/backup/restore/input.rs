//! Where a dump's bytes come from: the store, or a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use futures_util::stream::BoxStream;
use tokio::runtime::Handle;

use super::job::{Job, Meter};
use crate::backup::Reporter;
use crate::backup::pipe::{self, Identities, Layers, Summing, bridge};
use crate::model::backup::Manifest;
use crate::model::backup::manifest::StoredFile;
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::vault::Bytes;

/// How much is read at once.
pub(super) const PIECE_BYTES: usize = 256 * 1024;

/// What is read, decrypted and decompressed.
pub(super) type Input = Box<dyn Read + Send>;

/// A file of a backup as the store sends it.
pub(super) struct Stored {
    stream: BoxStream<'static, Result<Bytes>>,
    file: StoredFile,
    layers: Layers,
    runtime: Handle,
}

impl Stored {
    /// Opens it. To be called where there is a runtime.
    pub fn new(stream: BoxStream<'static, Result<Bytes>>, file: &StoredFile, manifest: &Manifest) -> Self {
        let layers = Layers { is_encrypted: !manifest.recipients.is_empty(), compression: manifest.compression };
        Self { stream, file: file.clone(), layers, runtime: Handle::current() }
    }

    /// What is in it.
    pub fn open(self, job: &Job, identities: &Identities) -> Result<Input> {
        let meter = Arc::clone(&job.meter);
        self.decoded(job.stop.reporter(), |input| Counted(input, meter), job.options.verify, identities)
    }

    /// The same without a job: `through` sees what comes, and the sum is checked in the end where `verifies`.
    pub fn decoded<R: Read + Send + 'static>(
        self,
        report: Reporter,
        through: impl FnOnce(bridge::StreamReader) -> R,
        verifies: bool,
        identities: &Identities,
    ) -> Result<Input> {
        let input = through(bridge::download(self.stream, self.runtime, report));
        if verifies {
            let checked = Checked { input: Some(Summing::new(input)), file: self.file };
            return pipe::decode_as(checked, &self.layers, identities);
        }
        pipe::decode_as(input, &self.layers, identities)
    }
}

/// What is in a file, whatever made it.
pub(super) fn open(path: &Path, job: &Job, identities: &Identities) -> Result<Input> {
    if path.is_dir() {
        return Err(Failure::new(Kind::Unusable, format!("{} is a folder", path.display())).hint(
            "a dump in pg_dump's directory format is restored with: pg_restore -Fd; a backup of ours by its name",
        ));
    }
    let file = File::open(path).map_err(|error| {
        let kind = if error.kind() == io::ErrorKind::NotFound { Kind::NotFound } else { Kind::Environment };
        Failure::new(kind, format!("{} cannot be read: {error}", path.display()))
    })?;
    pipe::decode(Counted(file, Arc::clone(&job.meter)), identities).map(|(input, _)| input)
}

/// Reads to the end and shows every piece; stops when it is told to.
pub(super) fn each_piece(input: &mut dyn Read, job: &Job, look: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        job.stop.check()?;
        match input.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => look(&buffer[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(pipe::failure_of(error, "the dump cannot be read")),
        }
    }
}

/// Counts what comes.
struct Counted<R>(R, Arc<Meter>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buf)?;
        self.1.fetched(read);
        Ok(read)
    }
}

/// Refuses a file in the end that is not what the manifest says.
struct Checked<R> {
    /// None once it has ended.
    input: Option<Summing<R>>,
    file: StoredFile,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(input) = &mut self.input else { return Ok(0) };
        let read = input.read(buf)?;
        if read == 0
            && !buf.is_empty()
            && let Some(input) = self.input.take()
            && input.finish() != (self.file.bytes, self.file.sha256.clone())
        {
            let what = format!("{} is not what the manifest says: its SHA-256 differs", self.file.name);
            return Err(io::Error::other(
                Failure::new(Kind::Unusable, what).hint("the file is damaged or was changed: restore another backup"),
            ));
        }
        Ok(read)
    }
}
