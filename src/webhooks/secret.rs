//! The secrets that webhooks are signed with, and the signatures: those of Standard Webhooks.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::Config;
use crate::model::failure::{Failure, Kind, Result};

/// How a secret begins.
const PREFIX: &str = "whsec_";
/// Bytes of a secret that we make.
const BYTES: usize = 32;
/// Fewest and most bytes of one, as the standard has it.
const ALLOWED: std::ops::RangeInclusive<usize> = 24..=64;

/// The file with the secrets.
#[must_use]
pub fn file(config: &Config) -> PathBuf {
    let file = &config.webhooks.secret_file;
    if file.as_os_str().is_empty() { config.data.folder.join("webhook-secret") } else { file.clone() }
}

/// The secrets that are in force. Printing them shows nothing of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets(Vec<Vec<u8>>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// Reads them; where there is no file, one is made with a new secret.
    pub fn load(path: &Path) -> Result<Self> {
        let shown = path.display();
        let unreadable = |error: io::Error| {
            Failure::new(Kind::Environment, format!("cannot read the secrets of webhooks in {shown}"))
                .hint("webhooks.secret_file names a file with whsec_... in it, one a line")
                .source(error)
        };
        match make(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Failure::new(Kind::Environment, format!("cannot make the secret of webhooks in {shown}"))
                    .hint("let this user write there, or name another file in webhooks.secret_file")
                    .source(error));
            }
            _ => {}
        }
        let mode = fs::metadata(path).map_err(unreadable)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(Failure::new(
                Kind::Environment,
                format!("others may read the secrets of webhooks in {shown} (mode {mode:03o})"),
            )
            .hint(format!("chmod 600 {shown}")));
        }
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let lines = (1..).zip(text.lines().map(str::trim));
        let secrets = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(number, line)| {
            let key = line.strip_prefix(PREFIX).and_then(|key| STANDARD.decode(key).ok());
            key.filter(|key| ALLOWED.contains(&key.len())).ok_or_else(|| {
                Failure::new(Kind::Environment, format!("line {number} of {shown} is no secret of webhooks"))
                    .hint("it reads whsec_ and 24 to 64 bytes in base64, as `openssl rand -base64 32` writes them")
            })
        });
        let secrets = secrets.collect::<Result<Vec<_>>>()?;
        if secrets.is_empty() {
            return Err(Failure::new(Kind::Environment, format!("there is no secret of webhooks in {shown}"))
                .hint("remove the empty file, and one is made"));
        }
        Ok(Self(secrets))
    }

    /// The header `webhook-signature`: one signature by each secret.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let sign = |secret: &Vec<u8>| {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
            mac.update(format!("{id}.{timestamp}.").as_bytes());
            mac.update(body);
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        };
        self.0.iter().map(sign).collect::<Vec<_>>().join(" ")
    }
}

/// Makes a file with a new secret, all of it at once, unless there is one.
fn make(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random bytes"))?;
    let draft = folder.join(format!(".webhook-secret.{}", uuid::Uuid::new_v4()));
    let written = write(&draft, &format!("{PREFIX}{}\n", STANDARD.encode(bytes)))
        // Of several processes that make one at once, one wins.
        .and_then(|()| fs::hard_link(&draft, path))
        .and_then(|()| File::open(folder)?.sync_all());
    _ = fs::remove_file(&draft);
    written
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_signature_is_that_of_the_standard() {
        // The example of the standard's libraries.
        let secrets = Secrets(vec![STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()]);
        let signature = secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn one_is_made_where_there_is_none_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/secret");
        let secrets = Secrets::load(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(Secrets::load(&path).unwrap(), secrets);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
        assert_eq!(format!("{secrets:?}"), "Secrets(1)");
    }

    #[test]
    fn several_lines_are_several_signatures_and_bad_ones_are_told_without_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let secret = format!("whsec_{}", STANDARD.encode([7; 32]));
        let load = |text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            Secrets::load(&path)
        };
        let two = load(&format!("# the new one\n{secret}\n\nwhsec_{}\n", STANDARD.encode([8; 24])), 0o600).unwrap();
        assert_eq!(two.sign("id", 1, b"").split(' ').count(), 2);
        for (text, mode) in [(secret.as_str(), 0o644), ("", 0o600), ("whsec_c2hvcnQ=", 0o600), ("whsec_!", 0o600)] {
            let failure = load(text, mode).unwrap_err();
            assert_eq!(failure.kind(), Kind::Environment, "{text}");
            assert!(!failure.to_string().contains("BwcH") && failure.hint_text().is_some(), "{failure}");
        }
    }
}
