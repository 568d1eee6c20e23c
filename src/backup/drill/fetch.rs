//! Fetching a backup's files back from the store: size and checksum against the manifest, and what is in them.

use std::io::{self, Read};

use tokio::runtime::Handle;

use super::{Stop, pictures, words};
use crate::backup::archive::toc::Toc;
use crate::backup::archive::{Part, reader};
use crate::backup::pipe::{Identities, Layers, Summing, bridge, decode_as, failure_of};
use crate::backup::{Reporter, Yard};
use crate::model::backup::manifest::{FileRole, StoredFile};
use crate::model::backup::{BackupName, Compression, Fingerprint, Format, Manifest, Tally};
use crate::model::failure::{Failure, Kind, Result};

/// How much is read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// What the files of a backup hold, as far as it is needed for comparing.
#[derive(Default)]
pub(super) struct Contents {
    /// What the archive holds; none in plain format.
    pub toc: Option<Toc>,
    /// The keys of the pictures that rows name.
    pub listed: Fingerprint,
    /// The pictures that were copied.
    pub copied: pictures::Copied,
}

/// A file that was fetched.
pub(super) struct Fetched {
    /// Bytes that were read.
    pub bytes: u64,
    holds: Holds,
}

/// What is in a file.
enum Holds {
    Archive(Option<Toc>),
    ImageList(Fingerprint),
    Pictures(pictures::Copied),
    Other,
}

impl Contents {
    /// Takes in what a file holds.
    pub fn add(&mut self, fetched: Fetched) {
        match fetched.holds {
            Holds::Archive(toc) => self.toc = toc,
            Holds::ImageList(listed) => self.listed = listed,
            Holds::Pictures(copied) => self.copied = copied,
            Holds::Other => {}
        }
    }

    /// The encoding of the dump's text.
    pub fn encoding<'a>(&'a self, manifest: &'a Manifest) -> &'a str {
        self.toc.as_ref().map_or(manifest.source.text_encoding(), Toc::encoding)
    }

    /// Whether there are as many pictures as the manifest says.
    pub fn must_fit(&self, manifest: &Manifest) -> Result<(), Stop> {
        match manifest.images {
            Some(images) if images.count != self.listed.rows => Err(Stop::Failed(format!(
                "the manifest speaks of {} pictures, the list holds {}",
                images.count, self.listed.rows
            ))),
            _ => Ok(()),
        }
    }
}

/// The keys to decrypt a backup with; where they are not here, why.
pub(super) fn identities(yard: &Yard, manifest: &Manifest) -> Result<Identities, String> {
    let file = &yard.settings.identity_file;
    if manifest.recipients.is_empty() {
        return Ok(Identities::default());
    }
    if file.as_os_str().is_empty() {
        return Err("the key to decrypt is not here: set backup.identity_file".to_owned());
    }
    let identities = Identities::read(file).map_err(|failure| words(&failure))?;
    let ours = identities.recipients();
    if manifest.recipients.iter().any(|recipient| ours.contains(recipient)) {
        Ok(identities)
    } else {
        let to = manifest.recipients.join(", ");
        Err(format!("backup.identity_file {} holds no key for it: it is encrypted to {to}", file.display()))
    }
}

/// Reads a file from the store, compares its size and sum with the manifest, and looks into it where there are the keys.
/// The sum comes first: a file that was changed has failed, whether or not it can be decrypted.
pub(super) async fn file(
    yard: &Yard,
    name: &BackupName,
    manifest: &Manifest,
    stored: &StoredFile,
    identities: Option<&Identities>,
    report: &Reporter,
) -> Result<Fetched, Stop> {
    let what = format!("{} of {name}", stored.name);
    if stored.name.is_empty() || stored.name.starts_with('.') || stored.name.contains(['/', '\\', '\0']) {
        return Err(Stop::Failed(format!("the manifest names a file {:?}, which is none of a backup", stored.name)));
    }
    let layers = layers(&stored.name);
    if layers.is_encrypted == manifest.recipients.is_empty() {
        return Err(Stop::Failed(format!("whether {what} is encrypted, its name and the manifest tell otherwise")));
    }
    let stream = match yard.vault.read(name, &stored.name).await {
        Err(failure) if failure.kind() == Kind::NotFound => {
            return Err(Stop::Failed(format!("{what} is missing")));
        }
        read => read?,
    };
    let mut summing = Summing::new(bridge::download(stream, Handle::current(), Reporter::clone(report)));
    let (role, format) = (stored.role, manifest.format);
    let identities = identities.cloned();
    let reading = tokio::task::spawn_blocking(move || {
        let held = identities.map_or(Ok(Holds::Other), |keys| look(&mut summing, &layers, &keys, role, format));
        // The sum is of all of it, whatever was made of it.
        let drained =
            io::copy(&mut summing, &mut io::sink()).map_err(|error| failure_of(error, "cannot read the backup"));
        (held, drained, summing.finish())
    });
    let (held, drained, (bytes, sha256)) =
        reading.await.map_err(|error| Failure::new(Kind::Internal, "reading the backup broke").source(error))?;
    let lost = |failure: &Failure| failure.kind() == Kind::Cancelled || failure.kind().is_retryable();
    match held {
        Err(failure) if lost(&failure) => return Err(failure.context(what).into()),
        _ => drained?,
    };
    if bytes != stored.bytes {
        return Err(Stop::Failed(format!("{what} has {bytes} bytes, the manifest says {}", stored.bytes)));
    }
    if !sha256.eq_ignore_ascii_case(&stored.sha256) {
        return Err(Stop::Failed(format!(
            "{what} was changed: its SHA-256 is {sha256}, the manifest says {}",
            stored.sha256
        )));
    }
    let holds = held.map_err(|failure| match failure.kind() {
        Kind::Unauthorized => Stop::Unverifiable(format!("{what}: {}", words(&failure))),
        _ => Stop::Failed(format!("{what}: {}", words(&failure))),
    })?;
    Ok(Fetched { bytes, holds })
}

/// What a file's name says of its layers.
pub(super) fn layers(name: &str) -> Layers {
    let inner = name.strip_suffix(".age");
    let name = inner.unwrap_or(name);
    let packed = [Compression::Zstd, Compression::Gzip, Compression::Lz4];
    let compression = packed.into_iter().find(|compression| name.ends_with(compression.extension()));
    Layers { is_encrypted: inner.is_some(), compression: compression.unwrap_or(Compression::None) }
}

/// Decodes a file to its end; what is in it.
fn look(
    input: &mut (impl Read + Send),
    layers: &Layers,
    identities: &Identities,
    role: FileRole,
    format: Format,
) -> Result<Holds> {
    let mut decoded = decode_as(input, layers, identities)?;
    match role {
        FileRole::Archive => archive(decoded, format).map(Holds::Archive),
        FileRole::ImageList => {
            let mut tally = Tally::default();
            in_pieces(decoded, |piece| {
                tally.feed(piece);
                Ok(())
            })?;
            Ok(Holds::ImageList(tally.finish()))
        }
        FileRole::Pictures => pictures::copied(&mut decoded).map(Holds::Pictures),
        FileRole::Globals | FileRole::Piece { .. } => in_pieces(decoded, |_| Ok(())).map(|()| Holds::Other),
    }
}

/// Reads a dump to its end; its table of contents, where it has one.
fn archive(decoded: impl Read, format: Format) -> Result<Option<Toc>> {
    let mut reader = reader(format);
    let mut contents = None;
    let mut tell = |part: Part<'_>| {
        if let Part::Contents { toc, .. } = part {
            contents = Some(toc.clone());
        }
        Ok(())
    };
    in_pieces(decoded, |piece| reader.feed(piece, &mut tell))?;
    reader.finish(&mut tell)?;
    Ok(contents)
}

/// Reads all that there is.
pub(super) fn in_pieces(mut from: impl Read, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => take(&piece[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failure_of(error, "cannot read the backup")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_layers() {
        for (name, is_encrypted, compression) in [
            ("a.dump", false, Compression::None),
            ("a.dump.zst", false, Compression::Zstd),
            ("a.sql.gz.age", true, Compression::Gzip),
            ("a.0001.copy.lz4", false, Compression::Lz4),
            ("a.tar.age", true, Compression::None),
        ] {
            assert_eq!(layers(name), Layers { is_encrypted, compression }, "{name}");
        }
    }
}
