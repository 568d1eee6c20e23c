//! Encryption to age recipients, and their keys.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, IntoInnerError, Read, Write};
use std::os::unix::fs::MetadataExt as _;
use std::panic;
use std::path::Path;
use std::sync::Arc;

use age::stream::StreamWriter;
use age::x25519::{Identity, Recipient};
use age::{DecryptError, Decryptor, Encryptor};

use super::failure_of;
use crate::model::failure::{Failure, Kind, Result};

/// More than the header of an age file takes: 200 bytes and some for each recipient.
const HEADER_BYTES: usize = 64 << 10;

/// How every age file begins.
pub(super) const MAGIC: &[u8] = b"age-encryption.org/v1";

/// The age recipients that files are encrypted to.
#[derive(Debug, Clone, Default)]
pub struct Recipients {
    keys: Vec<String>,
    parsed: Vec<Recipient>,
}

impl Recipients {
    /// Reads `age1...` keys; refuses the whole list if one is no key.
    pub fn parse(keys: &[String]) -> Result<Self> {
        let parsed = keys.iter().map(|key| recipient(key)).collect::<Result<_>>()?;
        Ok(Self { keys: keys.to_vec(), parsed })
    }

    /// Their keys.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// What encrypts to them; none where there are none.
    pub(super) fn encryptor(&self) -> Result<Option<Encryptor>> {
        if self.is_empty() {
            return Ok(None);
        }
        let recipients = self.parsed.iter().map(|recipient| recipient as &dyn age::Recipient);
        Encryptor::with_recipients(recipients)
            .map(Some)
            .map_err(|error| Failure::new(Kind::Invalid, "cannot encrypt to these age recipients").source(error))
    }
}

fn recipient(key: &str) -> Result<Recipient> {
    let refused = |why: &str| {
        // A secret key put here by mistake is not shown.
        let shown: String = if key.starts_with("age1") { format!("`{key}`") } else { "a recipient".to_owned() };
        Failure::new(Kind::Invalid, format!("{shown} is no age recipient: {why}"))
            .hint("backup.recipients takes public keys, age1..., as age-keygen prints them; nothing is stored unencrypted instead")
    };
    let recipient: Recipient = key.parse().map_err(refused)?;
    // The crate panics over keys that everybody can decrypt for (points of small order), such as one of zeros only.
    let sealed = panic::catch_unwind(|| Encryptor::with_recipients(std::iter::once(&recipient as _)).map(drop));
    match sealed {
        Ok(Ok(())) => Ok(recipient),
        Ok(Err(_)) | Err(_) => Err(refused("nothing can be encrypted to it")),
    }
}

/// The age identities that files are decrypted with. Never shown.
#[derive(Clone, Default)]
pub struct Identities(Arc<Vec<Identity>>);

impl Identities {
    /// Those in the file of the settings, or none where that names no file.
    pub fn of(file: &Path) -> Result<Self> {
        if file.as_os_str().is_empty() { Ok(Self::default()) } else { Self::read(file) }
    }

    /// Reads an identity file, as age-keygen writes it; refuses one that others may read.
    pub fn read(file: &Path) -> Result<Self> {
        let shown = file.display();
        let unreadable = |error: io::Error| {
            let kind = if error.kind() == io::ErrorKind::NotFound { Kind::NotFound } else { Kind::Environment };
            Failure::new(kind, format!("cannot read the identity file {shown}")).source(error)
        };
        let mut opened = File::open(file).map_err(unreadable)?;
        let mode = opened.metadata().map_err(unreadable)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(Failure::new(
                Kind::Refused,
                format!("others may read the identity file {shown} (mode {mode:03o})"),
            )
            .hint(format!("chmod 600 {shown}")));
        }
        let mut text = String::new();
        opened.read_to_string(&mut text).map_err(unreadable)?;
        let lines =
            (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let identities = lines
            .map(|(number, line)| {
                line.parse::<Identity>().map_err(|why| {
                    Failure::new(Kind::Invalid, format!("line {number} of the identity file {shown} is no age identity: {why}"))
                        .hint("it takes what age-keygen writes: AGE-SECRET-KEY-1...; keys of plugins and of SSH are not known")
                })
            })
            .collect::<Result<Vec<_>>>()?;
        if identities.is_empty() {
            return Err(Failure::new(Kind::Invalid, format!("no age identity is in the identity file {shown}"))
                .hint("make one with: age-keygen -o FILE"));
        }
        Ok(Self(Arc::new(identities)))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The public keys that belong to them: what is encrypted to one of these can be decrypted.
    #[must_use]
    pub fn recipients(&self) -> Vec<String> {
        self.0.iter().map(|identity| identity.to_public().to_string()).collect()
    }

    /// Decrypts `input`, which begins as age files do.
    pub(super) fn open<R: Read>(&self, input: R) -> Result<impl Read + use<R>> {
        let decryptor = Decryptor::new(input).map_err(|error| self.refused(error))?;
        decryptor.decrypt(self.0.iter().map(|identity| identity as _)).map_err(|error| self.refused(error))
    }

    fn refused(&self, error: DecryptError) -> Failure {
        match error {
            DecryptError::Io(error) if matches!(error.get_ref(), Some(inner) if inner.is::<Failure>()) => {
                failure_of(error, "cannot read the backup")
            }
            DecryptError::NoMatchingKeys | DecryptError::KeyDecryptionFailed if self.is_empty() => {
                Failure::new(Kind::Unauthorized, "the backup is encrypted, and there is no key to decrypt it")
                    .hint("name the file with the age identity: backup.identity_file")
            }
            DecryptError::NoMatchingKeys | DecryptError::KeyDecryptionFailed => Failure::new(
                Kind::Unauthorized,
                "the backup is encrypted to other keys than those in the identity file",
            )
            .hint("the manifest names the recipients; use the identity of one of them: backup.identity_file"),
            error => Failure::new(Kind::Unusable, "the backup's encryption is damaged")
                .source(error)
                .hint("the file was changed or cut off: take another backup"),
        }
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identities({} …)", self.0.len())
    }
}

/// A writer that encrypts, or one that does not.
pub(super) enum Sealed<W: Write> {
    Open(W),
    /// The buffer is for the header: written directly, the crate would make another error of the writer's own.
    Age(StreamWriter<BufWriter<W>>),
}

impl<W: Write> Sealed<W> {
    /// Writes the header, where there is one.
    pub(super) fn begin(encryptor: Option<Encryptor>, out: W) -> io::Result<Self> {
        Ok(match encryptor {
            None => Self::Open(out),
            Some(encryptor) => Self::Age(encryptor.wrap_output(BufWriter::with_capacity(HEADER_BYTES, out))?),
        })
    }

    /// Writes what ends the file: without it, no reader takes it for whole.
    pub(super) fn finish(self) -> io::Result<W> {
        let mut out = match self {
            Self::Open(out) => out,
            Self::Age(sealed) => sealed.finish()?.into_inner().map_err(IntoInnerError::into_error)?,
        };
        out.flush()?;
        Ok(out)
    }

    /// Writes it all.
    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Open(out) => out.write_all(bytes),
            Self::Age(sealed) => sealed.write_all(bytes),
        }
    }
}
