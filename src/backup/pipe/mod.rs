//! From a dump's bytes to a stored file's and back: compressed on all cores, encrypted, checksummed, with a bounded amount
//! in memory. Blocking code: it runs on threads of its own.

use std::io::{Read, Write};
use std::path::Path;

use crate::model::backup::Compression;
use crate::model::failure::Result;

/// How a file is made of a dump's bytes.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// How it is compressed.
    pub compression: Compression,
    /// How hard.
    pub level: u8,
    /// Threads that compress; 0: one per core.
    pub threads: usize,
    /// To whom it is encrypted; empty: it is not.
    pub recipients: Recipients,
}

/// The age recipients that files are encrypted to.
#[derive(Debug, Clone, Default)]
pub struct Recipients(Vec<String>);

impl Recipients {
    /// Reads `age1...` keys; refuses the whole list if one is no key.
    pub fn parse(_keys: &[String]) -> Result<Self> {
        unimplemented!()
    }

    /// Their keys.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.0
    }
}

/// The age identities that files are decrypted with. Never shown.
#[derive(Clone, Default)]
pub struct Identities {}

impl Identities {
    /// Reads an identity file, as age-keygen writes it; refuses one that others may read.
    pub fn read(_file: &Path) -> Result<Self> {
        unimplemented!()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        unimplemented!()
    }
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Bytes that came in.
    pub raw_bytes: u64,
    /// Bytes that went out.
    pub bytes: u64,
    /// SHA-256 of those, in hexadecimal digits.
    pub sha256: String,
}

/// Takes a dump's bytes, and writes the file's to `out` on another thread.
pub struct Encoder {}

impl Encoder {
    /// Starts the threads.
    pub fn start(_recipe: &Recipe, _out: impl Write + Send + 'static) -> Result<Self> {
        unimplemented!()
    }

    /// Waits until everything is written and flushed.
    pub fn finish(self) -> Result<Encoded> {
        unimplemented!()
    }
}

impl Write for Encoder {
    fn write(&mut self, _buf: &[u8]) -> std::io::Result<usize> {
        unimplemented!()
    }

    fn flush(&mut self) -> std::io::Result<()> {
        unimplemented!()
    }
}

/// What a file's first bytes say it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layers {
    /// Whether age is the outermost.
    pub is_encrypted: bool,
    /// How it is compressed below.
    pub compression: Compression,
}

/// Decrypts and decompresses whatever `input` is, by its first bytes. Needs identities where it is encrypted.
pub fn decode<'a>(_input: impl Read + Send + 'a, _identities: &Identities) -> Result<(Box<dyn Read + Send + 'a>, Layers)> {
    unimplemented!()
}
