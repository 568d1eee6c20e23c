//! The server's log: bounded files, and the last lines for messages.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// A file that grew to this many bytes becomes `.1`, and the one before is dropped.
const FILE_BYTES: u64 = 8 << 20;

/// Longest line that is kept whole.
const LINE_BYTES: u64 = 64 << 10;

/// How many of the last lines a message may quote.
const LAST_LINES: usize = 12;

/// Writes what the server prints; the supervisor holds it.
///
/// A log that cannot be written must not stop the server, so lines that do not fit on the disk are dropped.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: Option<File>,
    written: u64,
    limit: u64,
    last: VecDeque<String>,
}

impl Journal {
    /// Appends to `path`.
    #[must_use]
    pub fn open(path: &Path) -> Self {
        Self::bounded(path, FILE_BYTES)
    }

    fn bounded(path: &Path, limit: u64) -> Self {
        let mut inner = Inner { path: path.to_owned(), file: None, written: 0, limit, last: VecDeque::new() };
        inner.reopen();
        Self(Arc::new(Mutex::new(inner)))
    }

    /// Adds one line of our own.
    pub fn note(&self, text: &str) {
        self.add(&format!("{} repo-to-cat: {text}", chrono::Utc::now().format("%Y-%m-%d %H:%M:%S%.3f UTC")));
    }

    /// Copies `source` line by line in a thread of its own, until it ends.
    #[must_use]
    pub fn follow(&self, source: impl Read + Send + 'static) -> JoinHandle<()> {
        let journal = self.clone();
        thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while source.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                journal.add(String::from_utf8_lossy(&line).trim_end());
                line.clear();
            }
        })
    }

    /// The last lines, for a message; forgets them.
    #[must_use]
    pub fn take_last_lines(&self) -> Vec<String> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut inner.last).into()
    }

    fn add(&self, line: &str) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.last.len() == LAST_LINES {
            inner.last.pop_front();
        }
        inner.last.push_back(line.to_owned());
        if inner.written >= inner.limit {
            let mut older = inner.path.clone().into_os_string();
            older.push(".1");
            let _ = fs::rename(&inner.path, older);
            inner.reopen();
        }
        if let Some(file) = &mut inner.file {
            let _ = file.write_all(format!("{line}\n").as_bytes());
        }
        inner.written += line.len() as u64 + 1;
    }
}

impl Inner {
    fn reopen(&mut self) {
        let open = || OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path);
        // One that root has left in our folder is in the way, but not beyond removing.
        self.file = open().or_else(|_| fs::remove_file(&self.path).and_then(|()| open())).ok();
        self.written = self.file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |found| found.len());
    }
}

/// The last line of a log file that says something, cut to a readable length.
#[must_use]
pub fn last_line(path: &Path) -> Option<String> {
    let text = String::from_utf8_lossy(&fs::read(path).ok()?).into_owned();
    text.lines().rev().find(|line| !line.trim().is_empty()).map(|line| line.chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_of_bounded_size_are_kept_with_the_latest_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        let journal = Journal::bounded(&path, 1000);
        let text = (0..500).fold(String::new(), |text, number| text + &format!("line {number}\n"));
        journal.follow(std::io::Cursor::new(text)).join().unwrap();
        let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["server.log", "server.log.1"]);
        for name in names {
            assert!(fs::metadata(folder.path().join(name)).unwrap().len() < 1100);
        }
        assert_eq!(last_line(&path).unwrap(), "line 499");
        let last = journal.take_last_lines();
        assert_eq!((last.len(), last[0].as_str()), (LAST_LINES, "line 488"));
        assert_eq!(journal.take_last_lines(), Vec::<String>::new());
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory_and_a_missing_folder_is_no_trouble() {
        let journal = Journal::open(Path::new("/nowhere/server.log"));
        journal.follow(std::io::repeat(b'x').take(10 * LINE_BYTES)).join().unwrap();
        assert!(journal.take_last_lines().iter().all(|line| line.len() as u64 <= LINE_BYTES));
    }
}
