//! Reading a stored file, or anybody's dump: decrypted and decompressed by what its first bytes say it is.
//!
//! A file that is cut off within a frame is refused. One that ends exactly between two frames looks whole, where it is not
//! encrypted: who has a manifest compares sizes and sums.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder;
use zstd::stream::read::Decoder;

use super::{Identities, failure_of, seal};
use crate::model::backup::Compression;
use crate::model::failure::{Failure, Kind, Result};

/// How much of a compressed file is read at once.
const PIECE_BYTES: usize = 256 << 10;

/// What a file's first bytes say it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layers {
    /// Whether age is the outermost.
    pub is_encrypted: bool,
    /// How it is compressed below.
    pub compression: Compression,
}

/// Decrypts and decompresses whatever `input` is, by its first bytes. Needs identities where it is encrypted. Errors of
/// `input` come through, damage is a failure of kind `Unusable`, a wrong key one of kind `Unauthorized`: all of them inside
/// the [`io::Error`], as [`failure_of`] takes them out.
///
/// For files whose origin is unknown: rows of an uncompressed file could be made to look like another layer. Those that a
/// manifest describes go through [`decode_as`].
pub fn decode<'a>(
    input: impl Read + Send + 'a,
    identities: &Identities,
) -> Result<(Box<dyn Read + Send + 'a>, Layers)> {
    let (head, input) = peek(Input(input), seal::MAGIC.len())?;
    let is_encrypted = head == seal::MAGIC;
    let (head, input) = peek(decrypted(input, is_encrypted, identities)?, 4)?;
    let compression = match head.as_slice() {
        [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstd,
        [0x04, 0x22, 0x4d, 0x18] => Compression::Lz4,
        [0x1f, 0x8b, ..] => Compression::Gzip,
        _ => Compression::None,
    };
    Ok((decompressed(input, compression)?, Layers { is_encrypted, compression }))
}

/// Decrypts and decompresses what is known to have these layers, and fails where it has not.
pub fn decode_as<'a>(
    input: impl Read + Send + 'a,
    layers: &Layers,
    identities: &Identities,
) -> Result<Box<dyn Read + Send + 'a>> {
    decompressed(decrypted(Input(input), layers.is_encrypted, identities)?, layers.compression)
}

fn decrypted<'a>(
    input: impl Read + Send + 'a,
    is_encrypted: bool,
    identities: &Identities,
) -> Result<Box<dyn Read + Send + 'a>> {
    Ok(if is_encrypted {
        Box::new(identities.open(BufReader::with_capacity(PIECE_BYTES, input))?)
    } else {
        Box::new(input)
    })
}

fn decompressed<'a>(input: impl Read + Send + 'a, compression: Compression) -> Result<Box<dyn Read + Send + 'a>> {
    if compression == Compression::None {
        return Ok(Box::new(Output(input)));
    }
    let input = BufReader::with_capacity(PIECE_BYTES, input);
    Ok(match compression {
        Compression::None | Compression::Gzip => Box::new(Output(MultiGzDecoder::new(input))),
        Compression::Lz4 => Box::new(Output(Lz4Frames::new(input))),
        Compression::Zstd => Box::new(Output(Decoder::with_buffer(input).map_err(damaged)?)),
    })
}

/// The first bytes, at most `most`, and all of it.
fn peek<R: Read + Send>(mut input: R, most: usize) -> Result<(Vec<u8>, impl Read + Send)> {
    let mut head = Vec::with_capacity(most);
    input.by_ref().take(most as u64).read_to_end(&mut head).map_err(damaged)?;
    Ok((head.clone(), Cursor::new(head).chain(input)))
}

/// What lies below all layers: its errors become failures, by which they are told from those of the layers.
struct Input<R>(R);

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => io::Error::other(failure_of(error, "cannot read the backup")),
        })
    }
}

/// What lies above all layers: errors that are not the input's mean that the file is damaged.
struct Output<R>(R);

impl<R: Read> Read for Output<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => io::Error::other(damaged(error)),
        })
    }
}

fn damaged(error: io::Error) -> Failure {
    error.downcast::<Failure>().unwrap_or_else(|error| {
        Failure::new(Kind::Unusable, "the backup's file is damaged or was cut off")
            .source(error)
            .hint("compare it with SHA256SUMS; take another backup")
    })
}

/// Frames of lz4, one after another. The decoder pauses after each of them, and takes one that is cut off for one that has
/// ended: whether it ran into the end of the input tells.
struct Lz4Frames<R: BufRead> {
    decoder: FrameDecoder<Watched<R>>,
}

/// A reader that remembers whether somebody wanted more of it than there was.
struct Watched<R> {
    input: R,
    ran_out: bool,
}

impl<R: BufRead> Lz4Frames<R> {
    fn new(input: R) -> Self {
        Self { decoder: FrameDecoder::new(Watched { input, ran_out: false }) }
    }
}

impl<R: BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !buf.is_empty() {
            let read = self.decoder.read(buf)?;
            if read > 0 {
                return Ok(read);
            }
            let watched = self.decoder.get_mut();
            if watched.ran_out {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if watched.input.fill_buf()?.is_empty() {
                break;
            }
        }
        Ok(0)
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buf)?;
        self.ran_out |= read == 0 && !buf.is_empty();
        Ok(read)
    }
}
