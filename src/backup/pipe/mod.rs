//! From a dump's bytes to a stored file's and back: compressed on all cores, encrypted, checksummed, with a bounded amount
//! in memory. Blocking code: it runs on threads of its own; [`bridge`] joins it to the store, which is async.
//!
//! A file is a row of independent frames ([`codec`]), which any core may make and which `zstd -dc`, `gunzip` and `lz4 -dc`
//! read as one; around all of them lies age ([`seal`]), where there are recipients; SHA-256 ([`sum`]) is of what is stored.

pub mod bridge;
mod codec;
mod decode;
mod frames;
mod seal;
mod sum;

use std::io;

use crate::model::backup::Compression;
use crate::model::failure::{Failure, Kind};

pub use decode::{Layers, decode, decode_as};
pub use frames::Encoder;
pub use seal::{Identities, Recipients};
pub use sum::Summing;

/// How a file is made of a dump's bytes.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// How it is compressed.
    pub compression: Compression,
    /// How hard; 0: as usual for the compression.
    pub level: u8,
    /// Threads that compress; 0: one per core. Fewer are started where their memory would be too much.
    pub threads: usize,
    /// To whom it is encrypted; empty: it is not.
    pub recipients: Recipients,
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

/// The failure that an error of `Read` or `Write` stands for: the one inside, where somebody put one there with
/// [`io::Error::other`], as everything in this module does; else one of this machine's, told as `doing`, such as "cannot
/// write the backup".
#[must_use]
pub fn failure_of(error: io::Error, doing: &str) -> Failure {
    match error.downcast::<Failure>() {
        Ok(failure) => failure,
        Err(error) => {
            let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
            let failure = Failure::new(Kind::Environment, doing).source(error);
            if is_full { failure.hint("free some space, or keep fewer backups") } else { failure }
        }
    }
}

#[cfg(test)]
mod tests;
