//! The encoder: cuts a dump into chunks, has each compressed by whichever thread is free, and writes them in order.
//!
//! A fixed number of chunks goes round: filled by the caller, packed by a thread, written by another, handed back. That
//! number is the bound of what is in memory, and what makes a caller wait who is quicker than the rest.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use age::Encryptor;

use super::codec::{Chunk, Codec};
use super::seal::Sealed;
use super::{Encoded, Recipe, Summing, failure_of};
use crate::model::backup::Compression;
use crate::model::failure::{Failure, Kind, Result};

/// How much of the dump one frame holds: more would hardly make files smaller, and takes more memory.
const CHUNK_BYTES: usize = 1 << 20;

/// Chunks beside those that are being packed: one is filled, one is written, and some wait for their turn.
const SPARE_CHUNKS: usize = 4;

/// More threads than this outrun whatever writes dumps.
const MOST_THREADS: usize = 16;

/// Takes a dump's bytes, and writes the file's to `out` on another thread. Dropped before [`Encoder::finish`], its threads
/// stop by themselves: what was written is no whole file, and `out` is dropped as soon as its last write has come back.
pub struct Encoder {
    raw_bytes: u64,
    /// What is being filled.
    filling: Option<Chunk>,
    free: Receiver<Chunk>,
    line: Option<Line>,
    writer: Option<JoinHandle<io::Result<(u64, String)>>>,
    stop: Arc<AtomicBool>,
}

/// Where filled chunks go: to whoever packs them, and the promise of it to the writer, who takes them in this order.
struct Line {
    jobs: Sender<Job>,
    orders: Sender<Order>,
    is_empty: bool,
}

type Packed = io::Result<Chunk>;

struct Job {
    chunk: Chunk,
    done: SyncSender<Packed>,
}

enum Order {
    Frame(Receiver<Packed>),
    /// Nothing more comes, and all is well.
    Finish,
}

impl Encoder {
    /// Starts the threads. Refuses a level that the compression has not.
    pub fn start(recipe: &Recipe, out: impl Write + Send + 'static) -> Result<Self> {
        let encryptor = recipe.recipients.encryptor()?;
        let level = if recipe.level == 0 { recipe.compression.usual_level() } else { recipe.level };
        let threads = threads(recipe.threads, recipe.compression, level);
        let stop = Arc::new(AtomicBool::new(false));
        let (jobs, waiting) = channel();
        let (orders, ordered) = channel();
        let (give_back, free) = channel();
        for _ in 0..threads + SPARE_CHUNKS {
            let _ = give_back.send(Chunk::default());
        }
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let (codec, waiting, stop) = (Codec::new(recipe.compression, level)?, waiting.clone(), stop.clone());
            spawn("backup-pack", move || pack(codec, &waiting, &stop))?;
        }
        let stopped = stop.clone();
        let writer = spawn("backup-write", move || write(&ordered, &give_back, encryptor, out, &stopped))?;
        let line = Some(Line { jobs, orders, is_empty: true });
        Ok(Self { raw_bytes: 0, filling: None, free, line, writer: Some(writer), stop })
    }

    /// Waits until everything is written and flushed.
    pub fn finish(mut self) -> Result<Encoded> {
        let (bytes, sha256) = self.end().map_err(|error| failure_of(error, "cannot write the backup"))?;
        Ok(Encoded { raw_bytes: self.raw_bytes, bytes, sha256 })
    }

    fn end(&mut self) -> io::Result<(u64, String)> {
        // Of nothing, too, there is a frame: tools take an empty file for a damaged one.
        let is_empty = self.line.as_ref().is_some_and(|line| line.is_empty);
        if is_empty {
            self.chunk()?;
        }
        self.send()?;
        if let Some(line) = self.line.take() {
            let _ = line.orders.send(Order::Finish);
        }
        self.join()
    }

    /// The chunk that is being filled.
    fn chunk(&mut self) -> io::Result<&mut Chunk> {
        if self.filling.is_none() {
            let Ok(mut chunk) = self.free.recv() else { return Err(self.fault()) };
            chunk.raw.clear();
            chunk.raw.reserve_exact(CHUNK_BYTES);
            self.filling = Some(chunk);
        }
        Ok(self.filling.as_mut().expect("it was just set"))
    }

    /// Sends off what is filled.
    fn send(&mut self) -> io::Result<()> {
        let Some(chunk) = self.filling.take() else { return Ok(()) };
        let sent = self.line.as_mut().is_some_and(|line| {
            line.is_empty = false;
            let (done, promise) = sync_channel(1);
            line.orders.send(Order::Frame(promise)).is_ok() && line.jobs.send(Job { chunk, done }).is_ok()
        });
        if sent { Ok(()) } else { Err(self.fault()) }
    }

    /// Why the writer ended before its time.
    fn fault(&mut self) -> io::Error {
        self.line = None;
        self.join().map_or_else(|error| error, |_| broken("the backup's writer ended too early"))
    }

    fn join(&mut self) -> io::Result<(u64, String)> {
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(written)) => written,
            Some(Err(_)) => Err(broken("the backup's writer panicked")),
            None => Err(broken("the backup's writer failed before")),
        }
    }
}

impl Write for Encoder {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let raw = &mut self.chunk()?.raw;
        let taken = buf.len().min(CHUNK_BYTES - raw.len());
        raw.extend_from_slice(&buf[..taken]);
        let is_full = raw.len() == CHUNK_BYTES;
        self.raw_bytes += taken as u64;
        if is_full {
            self.send()?;
        }
        Ok(taken)
    }

    /// Does nothing: frames are cut by size alone.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// As many as are asked for, or cores; but not so many that their memory is more than a worker may take.
fn threads(asked: usize, compression: Compression, level: u8) -> usize {
    let threads = if asked == 0 { thread::available_parallelism().map_or(1, usize::from) } else { asked };
    let most = match (compression, level) {
        // Hash tables grow with the level: from 1 MB to 10 MB a thread.
        (Compression::Zstd, 13..) => 2,
        (Compression::Zstd, 6..) => 6,
        _ => MOST_THREADS,
    };
    threads.min(most)
}

fn spawn<T: Send + 'static>(name: &str, body: impl FnOnce() -> T + Send + 'static) -> Result<JoinHandle<T>> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| Failure::new(Kind::Environment, "cannot start a thread for the backup").source(error))
}

/// What a packing thread does.
fn pack(mut codec: Codec, waiting: &Mutex<Receiver<Job>>, stop: &AtomicBool) {
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { mut chunk, done }) = job else { return };
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let packed = codec.pack(&mut chunk).map(|()| chunk);
        // Nobody waits for it where the writer has failed.
        let _ = done.send(packed);
    }
}

/// What the writing thread does. Returns how much it wrote, and the sum of it.
fn write(
    orders: &Receiver<Order>,
    give_back: &Sender<Chunk>,
    encryptor: Option<Encryptor>,
    out: impl Write,
    stop: &AtomicBool,
) -> io::Result<(u64, String)> {
    let abandoned = || broken("the backup was abandoned");
    let mut out = Sealed::begin(encryptor, Summing::new(out))?;
    loop {
        match orders.recv() {
            Ok(Order::Frame(promise)) => {
                let chunk = promise.recv().map_err(|_| abandoned())??;
                if stop.load(Ordering::Relaxed) {
                    return Err(abandoned());
                }
                out.write_all(&chunk.packed)?;
                let _ = give_back.send(chunk);
            }
            Ok(Order::Finish) => return out.finish().map(Summing::finish),
            Err(_) => return Err(abandoned()),
        }
    }
}

/// What only a fault of ours brings about.
fn broken(what: &str) -> io::Error {
    io::Error::other(Failure::new(Kind::Internal, what))
}
