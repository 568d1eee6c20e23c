//! How a bucket is reached, and as whom.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::config;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::secret::MASK;

/// How a bucket is reached.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct S3 {
    /// `https://minio.example:9000`; empty: Amazon's.
    pub endpoint: String,
    /// Its region; empty: `us-east-1`, which servers without regions take.
    pub region: String,
    /// Who we are; empty: the role of the machine, at Amazon's.
    pub access_key_id: String,
    /// The proof of it. Never shown.
    pub secret_access_key: String,
    /// Whether `http://` is allowed beyond this machine.
    pub allow_http: bool,
}

impl S3 {
    /// What the settings say; reads the file with the secret, which nobody else may read.
    pub fn of(settings: &config::Backup) -> Result<Self> {
        let secret_access_key = match settings.s3_secret_access_key_file.as_path() {
            file if file.as_os_str().is_empty() => settings.s3_secret_access_key.clone(),
            file => read_secret(file)?,
        };
        Ok(Self {
            endpoint: settings.s3_endpoint.clone(),
            region: settings.s3_region.clone(),
            access_key_id: settings.s3_access_key_id.clone(),
            secret_access_key,
            allow_http: settings.s3_allow_http,
        })
    }
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = if self.secret_access_key.is_empty() { "" } else { MASK };
        f.debug_struct("S3")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &secret)
            .field("allow_http", &self.allow_http)
            .finish()
    }
}

fn read_secret(file: &Path) -> Result<String> {
    let shown = file.display();
    let unreadable = |error: std::io::Error| {
        Failure::new(Kind::Environment, format!("cannot read the file with the bucket's secret key, {shown}"))
            .hint("backup.s3_secret_access_key_file names a file that holds the secret access key alone")
            .source(error)
    };
    let mode = fs::metadata(file).map_err(unreadable)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        let what = format!("others may read the file with the bucket's secret key, {shown} (mode {mode:03o})");
        return Err(Failure::new(Kind::Refused, what).hint(format!("chmod 600 {shown}")));
    }
    let text = fs::read_to_string(file).map_err(unreadable)?;
    let secret = text.trim();
    if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::new(Kind::Invalid, format!("{shown} holds no secret access key"))
            .hint("write the key alone into it, on one line"));
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn a_secret_is_read_from_a_file_of_our_own_only() {
        assert_eq!(read_secret(file("s3cret\n", 0o600).path()).unwrap(), "s3cret");
        for (text, mode, kind) in
            [("s3cret", 0o644, Kind::Refused), ("", 0o600, Kind::Invalid), ("s3cret s3cret", 0o600, Kind::Invalid)]
        {
            let failure = read_secret(file(text, mode).path()).unwrap_err();
            assert_eq!(failure.kind(), kind);
            assert!(!format!("{failure:?}").contains("s3cret"), "{failure:?}");
        }
        assert_eq!(read_secret(Path::new("/nowhere/secret")).unwrap_err().kind(), Kind::Environment);
    }

    #[test]
    fn an_address_allows_nothing() {
        let environment = config::Environment::of(&[("HOME", "/home/cat"), ("AWS_ENDPOINT_URL", "http://minio:9000")]);
        let layers = config::Layers { environment, ..config::Layers::default() };
        let mut settings = config::Config::load(&layers).unwrap().config.backup;
        assert!(!S3::of(&settings).unwrap().allow_http);
        settings.s3_allow_http = true;
        assert!(S3::of(&settings).unwrap().allow_http);
    }

    #[test]
    fn the_secret_is_not_shown() {
        let s3 = S3 { secret_access_key: "s3cret".into(), ..S3::default() };
        assert!(!format!("{s3:?}").contains("s3cret"));
    }
}
