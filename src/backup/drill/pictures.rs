//! The pictures that a backup's rows name: whether they are in the store, or in the backup as they were.

use std::io::{self, Read};

use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::fetch::{Contents, in_pieces, layers};
use super::{Found, Stop};
use crate::backup::pipe::{bridge, decode_as, failure_of};
use crate::backup::{Reporter, Yard};
use crate::model::backup::manifest::FileRole;
use crate::model::backup::verdict::Difference;
use crate::model::backup::{BackupName, Fingerprint, Manifest};
use crate::model::failure::{Failure, Kind, Result};

/// A block of a tar archive.
const BLOCK: usize = 512;
/// Longest key, in bytes.
const KEY_BYTES: u64 = 4096;
/// How many pictures are looked for at once.
const AT_ONCE: usize = 16;

/// Pictures that were copied into the backup.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Copied {
    /// Their keys.
    pub keys: Fingerprint,
    /// Those that are not what their key says.
    pub wrong: Vec<String>,
}

/// Reads the pictures of a tar archive. A picture's key ends with the SHA-256 of its bytes.
pub(super) fn copied(archive: &mut impl Read) -> Result<Copied> {
    let mut copied = Copied::default();
    let mut header = [0; BLOCK];
    loop {
        // Two empty blocks end it; some writers leave them out.
        if !read_block(archive, &mut header)? || header.iter().all(|byte| *byte == 0) {
            break;
        }
        let damaged = || Failure::new(Kind::Unusable, "the archive of pictures is damaged");
        let text =
            |field: &[u8]| String::from_utf8_lossy(field.split(|byte| *byte == 0).next().unwrap_or(field)).into_owned();
        let (prefix, key) = (text(&header[345..500]), text(&header[..100]));
        let key = if prefix.is_empty() { key } else { format!("{prefix}/{key}") };
        let bytes = u64::from_str_radix(text(&header[124..136]).trim(), 8).map_err(|_| damaged())?;
        let is_file = matches!(header[156], 0 | b'0');
        let mut hash = Sha256::new();
        let mut read = 0;
        in_pieces(archive.by_ref().take(bytes), |piece| {
            hash.update(piece);
            read += piece.len() as u64;
            Ok(())
        })?;
        let padding = bytes.next_multiple_of(BLOCK as u64) - bytes;
        let padded = io::copy(&mut archive.by_ref().take(padding), &mut io::sink());
        if read < bytes || padded.map_err(|error| failure_of(error, "cannot read the backup"))? < padding {
            return Err(damaged());
        }
        if is_file {
            let sum: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            copied.keys.add(key.as_bytes());
            if !key.contains(&sum) {
                copied.wrong.push(key);
            }
        }
    }
    // What may follow is padding.
    in_pieces(archive, |_| Ok(()))?;
    Ok(copied)
}

/// Reads a whole block; false at the end.
fn read_block(archive: &mut impl Read, block: &mut [u8; BLOCK]) -> Result<bool> {
    let mut filled = 0;
    in_pieces(archive.by_ref().take(BLOCK as u64), |piece| {
        block[filled..filled + piece.len()].copy_from_slice(piece);
        filled += piece.len();
        Ok(())
    })?;
    match filled {
        0 => Ok(false),
        BLOCK => Ok(true),
        _ => Err(Failure::new(Kind::Unusable, "the archive of pictures is cut off")),
    }
}

/// Notes the pictures that would be missing after a restore; how many were looked for. Where they were copied into the
/// backup they must be there, else in the store.
pub(super) async fn check(
    yard: &Yard,
    name: &BackupName,
    manifest: &Manifest,
    contents: &Contents,
    report: &Reporter,
    found: &mut Found,
) -> Result<u64, Stop> {
    if manifest.images.is_some_and(|images| images.copied) {
        for key in &contents.copied.wrong {
            found.add(Difference::Picture { key: key.clone() });
        }
        if contents.copied.keys != contents.listed {
            let (copied, listed) = (contents.copied.keys.rows, contents.listed.rows);
            return Err(Stop::Failed(format!(
                "{copied} pictures were copied, and they are not the {listed} that rows name"
            )));
        }
        return Ok(contents.copied.keys.rows);
    }
    let Some(list) = manifest.files.iter().find(|file| file.role == FileRole::ImageList) else {
        return Ok(0);
    };
    let identities = super::fetch::identities(yard, manifest).map_err(Stop::Unverifiable)?;
    let input = bridge::download(yard.vault.read(name, &list.name).await?, Handle::current(), Reporter::clone(report));
    let (tell, told) = mpsc::channel(AT_ONCE);
    let layers = layers(&list.name);
    let reading = tokio::task::spawn_blocking(move || {
        let lines = decode_as(input, &layers, &identities)?;
        read_keys(io::BufReader::new(lines), |key| tell.blocking_send(key).is_ok())
    });
    let keys = stream::unfold(told, async |mut told| told.recv().await.map(|key| (key, told)));
    let looked = keys.map(async |key: String| yard.pictures.has(&key).await.map(|there| (key, there)));
    let mut looked = std::pin::pin!(looked.buffered(AT_ONCE));
    let mut count = 0;
    while let Some((key, there)) = looked.try_next().await? {
        count += 1;
        if !there {
            found.add(Difference::Picture { key });
        }
    }
    reading
        .await
        .map_err(|error| Failure::new(Kind::Internal, "reading the list of pictures broke").source(error))??;
    Ok(count)
}

/// Hands out lines until nobody wants them any more.
fn read_keys(mut lines: impl io::BufRead, mut give: impl FnMut(String) -> bool) -> Result<()> {
    loop {
        let mut line = Vec::new();
        let read = io::BufRead::read_until(&mut (&mut lines).take(KEY_BYTES), b'\n', &mut line);
        if read.map_err(|error| failure_of(error, "cannot read the list of pictures"))? == 0 {
            return Ok(());
        }
        if !give(String::from_utf8_lossy(line.trim_ascii_end()).into_owned()) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of a tar archive.
    fn member(key: &str, bytes: &[u8]) -> Vec<u8> {
        let mut member = vec![0; BLOCK];
        member[..key.len()].copy_from_slice(key.as_bytes());
        member[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        member[156] = b'0';
        member.extend_from_slice(bytes);
        member.resize(member.len().next_multiple_of(BLOCK), 0);
        member
    }

    fn key(bytes: &[u8]) -> String {
        let sum: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("images/v1/{}/{}/{sum}.png", &sum[..2], &sum[2..4])
    }

    #[test]
    fn a_picture_that_was_changed_is_told() {
        let keys = [key(b"meow"), key(b"purr")];
        let mut archive = [member(&keys[0], b"meow"), member(&keys[1], b"puff")].concat();
        archive.resize(archive.len() + 2 * BLOCK, 0);
        let found = copied(&mut archive.as_slice()).unwrap();
        assert_eq!((found.keys.rows, found.wrong), (2, vec![keys[1].clone()]));
        let cut = &archive[..BLOCK + 2];
        assert_eq!(copied(&mut &cut[..]).unwrap_err().kind(), Kind::Unusable);
        assert_eq!(copied(&mut &archive[..BLOCK / 2]).unwrap_err().kind(), Kind::Unusable);
    }
}
