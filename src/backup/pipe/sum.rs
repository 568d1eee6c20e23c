//! SHA-256 of what passes by.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

/// Counts and sums the bytes that are read or written through it.
pub struct Summing<S> {
    inner: S,
    bytes: u64,
    hash: Sha256,
}

impl<S> Summing<S> {
    /// Around a reader or a writer.
    pub fn new(inner: S) -> Self {
        Self { inner, bytes: 0, hash: Sha256::new() }
    }

    /// How many bytes passed by, and their SHA-256 in hexadecimal digits.
    #[must_use]
    pub fn finish(self) -> (u64, String) {
        (self.bytes, self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn note(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hash.update(bytes);
    }
}

impl<R: Read> Read for Summing<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.note(&buf[..read]);
        Ok(read)
    }
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buf)?;
        self.note(&buf[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
