//! Making one frame: a piece of the dump, compressed on its own.

use std::io::{self, Write as _};

use flate2::write::GzEncoder;
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use zstd::bulk;
use zstd::zstd_safe::{self, CParameter};

use crate::model::backup::Compression;
use crate::model::failure::{Failure, Kind, Result};

/// A piece of the dump and the frame that is made of it. Both buffers are used again.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// As it came in.
    pub(super) raw: Vec<u8>,
    /// As it goes out.
    pub(super) packed: Vec<u8>,
}

/// Makes frames.
pub(super) enum Codec {
    None,
    Gzip(flate2::Compression),
    Lz4,
    Zstd(Box<bulk::Compressor<'static>>),
}

impl Codec {
    /// Makes ready; a failure where the level is none of the compression's.
    pub(super) fn new(compression: Compression, level: u8) -> Result<Self> {
        let levels = compression.levels();
        if !levels.contains(&level) {
            let name = compression.name();
            return Err(Failure::new(Kind::Invalid, format!("{name} has no level {level}")).hint(format!(
                "levels of {name}: {} to {}; 0 is the usual one",
                levels.start(),
                levels.end()
            )));
        }
        Ok(match compression {
            Compression::None => Self::None,
            Compression::Gzip => Self::Gzip(flate2::Compression::new(level.into())),
            Compression::Lz4 => Self::Lz4,
            Compression::Zstd => Self::Zstd(Box::new(
                zstd(level)
                    .map_err(|error| Failure::new(Kind::Environment, "cannot make a zstd compressor").source(error))?,
            )),
        })
    }

    /// Makes the frame of `chunk.raw` in `chunk.packed`. What `raw` holds afterwards means nothing.
    pub(super) fn pack(&mut self, chunk: &mut Chunk) -> io::Result<()> {
        let Chunk { raw, packed } = chunk;
        packed.clear();
        match self {
            Self::None => std::mem::swap(raw, packed),
            Self::Gzip(level) => {
                let mut member = GzEncoder::new(packed, *level);
                member.write_all(raw)?;
                member.finish()?;
            }
            Self::Lz4 => {
                let info = FrameInfo::new()
                    .block_size(BlockSize::Max256KB)
                    .block_mode(BlockMode::Independent)
                    .content_checksum(true)
                    .content_size(Some(raw.len() as u64));
                let mut frame = FrameEncoder::with_frame_info(info, packed);
                frame.write_all(raw)?;
                frame.finish()?;
            }
            Self::Zstd(compressor) => {
                packed.reserve(zstd_safe::compress_bound(raw.len()));
                compressor.compress_to_buffer(raw, packed)?;
            }
        }
        Ok(())
    }
}

fn zstd(level: u8) -> io::Result<bulk::Compressor<'static>> {
    let mut compressor = bulk::Compressor::new(level.into())?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    Ok(compressor)
}
