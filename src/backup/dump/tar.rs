//! The tar format (POSIX ustar), as far as pictures need it: regular files, one after the other.

use std::io::{self, Error, ErrorKind, Write};

use chrono::{DateTime, Utc};

const BLOCK: usize = 512;
/// Mode, owner and group of every file, in octal digits.
const MODE: &[u8; 8] = b"0000600\0";
const NOBODY: &[u8; 8] = b"0000000\0";

/// Writes an archive.
pub(super) struct Tar<W> {
    out: W,
    /// When the files were changed, all of them: as seconds since 1970.
    changed: u64,
}

impl<W: Write> Tar<W> {
    /// An archive without files yet, of that moment.
    pub fn new(out: W, moment: DateTime<Utc>) -> Self {
        Self { out, changed: moment.timestamp().try_into().unwrap_or(0) }
    }

    /// Adds a file. Its name may have 100 bytes, its content 8 GB.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let header = header(name, bytes.len() as u64, self.changed)
            .ok_or_else(|| Error::new(ErrorKind::InvalidInput, format!("{name:?} cannot be put into a tar archive")))?;
        self.out.write_all(&header)?;
        self.out.write_all(bytes)?;
        self.out.write_all(&[0; BLOCK][..bytes.len().next_multiple_of(BLOCK) - bytes.len()])
    }

    /// Ends the archive.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.write_all(&[0; 2 * BLOCK])
    }
}

fn header(name: &str, bytes: u64, changed: u64) -> Option<[u8; BLOCK]> {
    const CHECKSUM: usize = 148;
    let mut header = [0; BLOCK];
    let mut put = |at: usize, field: &[u8]| header[at..at + field.len()].copy_from_slice(field);
    if name.len() > 100 || bytes >= 1 << 33 || changed >= 1 << 33 {
        return None;
    }
    put(0, name.as_bytes());
    put(100, MODE);
    put(108, NOBODY);
    put(116, NOBODY);
    put(124, format!("{bytes:011o}\0").as_bytes());
    put(136, format!("{changed:011o}\0").as_bytes());
    // The checksum is made as if it were blanks itself.
    put(CHECKSUM, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[CHECKSUM..CHECKSUM + 8].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_whole_and_the_checksum_is_right() {
        let mut out = Vec::new();
        let mut tar = Tar::new(&mut out, DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        tar.add("images/v1/a.png", &[7; 513]).unwrap();
        tar.add("images/v1/b.png", b"").unwrap();
        assert!(tar.add(&"x".repeat(101), b"").is_err());
        tar.finish().unwrap();
        assert_eq!(out.len(), (1 + 2 + 1 + 2) * BLOCK);
        assert_eq!(&out[..16], b"images/v1/a.png\0");
        assert_eq!(&out[124..136], b"00000001001\0");
        assert_eq!(out[BLOCK..][..514], [[7; 513].as_slice(), &[0]].concat());
        let told = u32::from_str_radix(std::str::from_utf8(&out[148..154]).unwrap(), 8).unwrap();
        let summed: u32 = out[..BLOCK]
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) })
            .sum();
        assert_eq!(told, summed);
    }
}
