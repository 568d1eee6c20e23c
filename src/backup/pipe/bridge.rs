//! From blocking code to the store, which is async, and back. Whatever waits here asks the report whether to stop.

use std::io::{self, Read, Write};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::backup::Reporter;
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::vault::{Bytes, Upload};

/// How often something that waits asks whether to stop.
const POLL: Duration = Duration::from_millis(100);

/// A writer for blocking code, such as [`Encoder`](super::Encoder), and what finishes the upload once that has ended well.
/// The writer must not be used on a thread that drives async tasks.
#[must_use]
pub fn upload(upload: Upload, runtime: Handle, report: Reporter) -> (UploadWriter, Landing) {
    let (done, landing) = oneshot::channel();
    (UploadWriter { upload: Some(upload), done: Some(done), wait: Wait { runtime, report } }, Landing(landing))
}

/// A reader for blocking code of what the store sends. It must not be used on a thread that drives async tasks.
#[must_use]
pub fn download(stream: BoxStream<'static, Result<Bytes>>, runtime: Handle, report: Reporter) -> StreamReader {
    StreamReader { stream, piece: Bytes::new(), wait: Wait { runtime, report } }
}

/// Writes to an upload. Dropped, it hands the upload over to its [`Landing`].
pub struct UploadWriter {
    /// None once it has failed.
    upload: Option<Upload>,
    done: Option<oneshot::Sender<Upload>>,
    wait: Wait,
}

/// Finishes an upload whose writer is gone. Dropped instead, the upload is not there.
pub struct Landing(oneshot::Receiver<Upload>);

impl Landing {
    /// Makes the file durable. To be called once the writer is dropped: [`Encoder::finish`](super::Encoder::finish) does so.
    pub async fn finish(self) -> Result<()> {
        let upload =
            self.0.await.map_err(|_| Failure::new(Kind::Internal, "an upload that failed was to be finished"))?;
        upload.finish().await
    }
}

impl Write for UploadWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let Some(mut upload) = self.upload.take() else {
            return Err(io::Error::other(Failure::new(Kind::Internal, "an upload that failed was written to")));
        };
        self.wait.until(upload.write(Bytes::copy_from_slice(buf)))?;
        self.upload = Some(upload);
        Ok(buf.len())
    }

    /// Does nothing: [`Landing::finish`] does.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for UploadWriter {
    fn drop(&mut self) {
        // An upload that nobody wants any more may need the runtime to clean up after itself.
        let _entered = self.wait.runtime.enter();
        if let (Some(upload), Some(done)) = (self.upload.take(), self.done.take()) {
            drop(done.send(upload));
        }
    }
}

/// Reads what the store sends.
pub struct StreamReader {
    stream: BoxStream<'static, Result<Bytes>>,
    /// What has come and was not read yet.
    piece: Bytes,
    wait: Wait,
}

impl Read for StreamReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.wait.until(async { self.stream.next().await.transpose() })? {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let read = buf.len().min(self.piece.len());
        buf[..read].copy_from_slice(&self.piece.split_to(read));
        Ok(read)
    }
}

/// How blocking code waits for async code.
struct Wait {
    runtime: Handle,
    report: Reporter,
}

impl Wait {
    fn until<T>(&self, work: impl Future<Output = Result<T>>) -> io::Result<T> {
        self.runtime.block_on(async {
            tokio::pin!(work);
            while !self.report.should_stop() {
                if let Ok(done) = timeout(POLL, &mut work).await {
                    return done.map_err(io::Error::other);
                }
            }
            Err(io::Error::other(Failure::new(Kind::Cancelled, "stopped while bytes went to or from the store")))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures_util::stream;

    use super::super::failure_of;
    use super::*;
    use crate::model::progress::{Report, Silent};

    #[derive(Default)]
    struct Stopper(AtomicBool);

    impl Report for Stopper {
        fn report(&self, _: u64, _: u64, _: &str) {}

        fn should_stop(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }

    async fn read(stream: BoxStream<'static, Result<Bytes>>, report: Reporter) -> Result<Vec<u8>> {
        let mut reader = download(stream, Handle::current(), report);
        let reading = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map(|_| bytes).map_err(|error| failure_of(error, "reading"))
        });
        reading.await.expect("it does not panic")
    }

    #[tokio::test]
    async fn a_stream_is_read_to_its_end_or_to_its_failure() {
        let pieces = ["ca", "", "ts"].map(|piece| Ok(Bytes::from(piece)));
        let whole = read(
            stream::iter(pieces.clone().map(|piece: Result<_, Kind>| Ok(piece.unwrap()))).boxed(),
            Arc::new(Silent),
        );
        assert_eq!(whole.await.unwrap(), b"cats");
        let cut = stream::iter([Ok(Bytes::from("ca")), Err(Failure::new(Kind::Unavailable, "gone"))]).boxed();
        let failure = read(cut, Arc::new(Silent)).await.unwrap_err();
        assert_eq!((failure.kind(), failure.what()), (Kind::Unavailable, "gone"));
    }

    #[tokio::test]
    async fn waiting_ends_when_it_should() {
        let stopper = Arc::new(Stopper::default());
        let reading = tokio::spawn(read(stream::pending().boxed(), stopper.clone()));
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!reading.is_finished());
        stopper.0.store(true, Ordering::Relaxed);
        assert_eq!(reading.await.unwrap().unwrap_err().kind(), Kind::Cancelled);
    }
}
