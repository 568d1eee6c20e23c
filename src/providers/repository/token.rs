//! The access token of a host, from a file that only its owner may read.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::model::failure::{Failure, Kind, Result};

/// A secret. Printing it shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::providers) struct Token(String);

impl Token {
    /// The secret itself, for the header and nothing else.
    pub(in crate::providers) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Looks up the token of `authority` (`host` or `host:port`) in a file with one `host token` a line; an empty path has
/// none.
pub(in crate::providers) fn load(file: &Path, authority: &str) -> Result<Option<Token>> {
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    let shown = file.display();
    let unreadable =
        |e: std::io::Error| Failure::new(Kind::Environment, format!("cannot read the token file {shown}")).source(e);
    let mode = fs::metadata(file).map_err(unreadable)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Failure::new(Kind::Refused, format!("others may read the token file {shown} (mode {mode:03o})"))
            .hint(format!("chmod 600 {shown}")));
    }
    let text = fs::read_to_string(file).map_err(unreadable)?;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_ascii_whitespace();
        let (Some(host), Some(token), None) = (words.next(), words.next(), words.next()) else {
            return Err(malformed(file, number));
        };
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(malformed(file, number));
        }
        if host.eq_ignore_ascii_case(authority) {
            return Ok(Some(Token(token.to_owned())));
        }
    }
    Ok(None)
}

fn malformed(file: &Path, line: usize) -> Failure {
    Failure::new(Kind::Invalid, format!("line {line} of the token file {} is not `host token`", file.display()))
        .hint("one host and one token of printable ASCII per line; # starts a comment")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), text).expect("text");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).expect("a mode");
        file
    }

    #[test]
    fn each_host_has_its_own() {
        let file = file("# ours\n\ngithub.com s3cret\nlocalhost:8443\tother\n", 0o600);
        let token = load(file.path(), "GitHub.com").expect("a file").expect("a token");
        assert_eq!(token.reveal(), "s3cret");
        assert_eq!(format!("{token:?}"), "Token(…)");
        assert_eq!(load(file.path(), "localhost:8443").expect("a file").expect("a token").reveal(), "other");
        assert_eq!(load(file.path(), "localhost").expect("a file"), None);
        assert_eq!(load(Path::new(""), "github.com").expect("none"), None);
    }

    #[test]
    fn bad_files_are_refused_without_their_secrets() {
        for (text, mode, kind) in [
            ("github.com s3cret", 0o644, Kind::Refused),
            ("github.com s3cret extra", 0o600, Kind::Invalid),
            ("s3cret", 0o600, Kind::Invalid),
            ("github.com s3cr\u{e9}t", 0o600, Kind::Invalid),
        ] {
            let failure = load(file(text, mode).path(), "github.com").expect_err(text);
            assert_eq!(failure.kind(), kind, "{text}");
            assert!(!format!("{failure:?}").contains("s3c"), "{failure:?}");
        }
        assert_eq!(load(Path::new("/nowhere/tokens"), "x").expect_err("no file").kind(), Kind::Environment);
    }
}
