//! What a dump tells about itself, and whether the server can take it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use tokio::task::spawn_blocking;

use crate::backup::Yard;
use crate::backup::archive::toc::Toc;
use crate::backup::archive::{self, Part};
use crate::backup::pipe::{self, Identities};
use crate::model::backup::{BackupName, DrillReport, Format, Manifest, Verdict};
use crate::model::check::Check;
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::vault;

/// How a custom archive begins.
const ARCHIVE: &[u8] = b"PGDMP";
/// How a tar archive is known, and where.
const TAR: (usize, &[u8]) = (257, b"ustar");
/// How much of a file is read at once to find out what it is.
const PIECE: usize = 64 << 10;
/// Extensions that every server has.
const EVERYWHERE: [&str; 1] = ["plpgsql"];

/// What is told about a dump.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// The major version of the server that it was made on.
    pub major: Option<u32>,
    /// Extensions that it creates.
    pub extensions: Vec<String>,
    /// Roles that its objects belong to.
    pub roles: Vec<String>,
    /// What it takes on disk, in bytes.
    pub bytes: u64,
}

impl Told {
    /// By its manifest.
    pub fn by(manifest: &Manifest) -> Self {
        let source = &manifest.source;
        Self {
            major: Some(source.server_version / 10_000),
            extensions: source.extensions.iter().map(|extension| extension.name.clone()).collect(),
            roles: source.roles.clone(),
            // With its indexes a table is larger than its text, and a part of a database smaller than all of it.
            bytes: if manifest.selection.is_everything() { source.bytes } else { manifest.raw_bytes() },
        }
    }

    /// By the table of contents of an archive.
    fn by_toc(toc: &Toc, bytes: u64) -> Self {
        let extensions = toc.entries.iter().filter(|entry| entry.description == "EXTENSION");
        let mut roles: Vec<String> =
            toc.entries.iter().map(|entry| entry.owner.clone()).filter(|owner| !owner.is_empty()).collect();
        roles.sort_unstable();
        roles.dedup();
        Self {
            major: major(&toc.server_version),
            extensions: extensions.map(|entry| entry.tag.clone()).collect(),
            roles,
            bytes,
        }
    }
}

/// Checks of a backup in the store.
pub(super) async fn stored(yard: &Yard, name: &BackupName, manifest: &Manifest) -> Result<Vec<Check>> {
    let begun = name.moment().format("%Y-%m-%d %H:%M:%S UTC");
    let (tables, rows) = (manifest.tables.len(), manifest.rows());
    let found = format!("{name}: {} of {begun}, {rows} rows of {tables} tables", manifest.source.database);
    let mut checks = vec![Check::ok("backup", found), proof(yard.vault.get(name, vault::DRILL).await?.as_deref())];
    let mut missing = Vec::new();
    for file in &manifest.files {
        match yard.vault.read(name, &file.name).await {
            Ok(_) => {}
            Err(failure) if failure.kind() == Kind::NotFound => missing.push(file.name.as_str()),
            Err(failure) => return Err(failure),
        }
    }
    checks.push(if missing.is_empty() {
        let megabytes = manifest.bytes() / 1_000_000;
        Check::ok("files", format!("{} in {}, {megabytes} MB", manifest.files.len(), yard.vault.place()))
    } else {
        let todo = "restore another backup; repo-to-cat backup verify tells which are whole";
        Check::fail("files", format!("{} is not there", missing.join(", ")), todo)
    });
    checks.extend(key(&manifest.recipients, &yard.settings.identity_file));
    Ok(checks)
}

/// What the last drill found.
fn proof(report: Option<&[u8]>) -> Check {
    const NAME: &str = "proof";
    let todo = "repo-to-cat backup verify tries it without touching anything";
    let Some(report) = report.and_then(|text| serde_json::from_slice::<DrillReport>(text).ok()) else {
        return Check::warn(NAME, "no drill has tried this backup", todo);
    };
    let when = report.finished_at.format("%Y-%m-%d %H:%M:%S UTC");
    let why = report.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    match report.verdict {
        Verdict::Verified => Check::ok(NAME, format!("verified {when}")),
        verdict => Check::warn(NAME, format!("{} {when}{why}", verdict.name()), todo),
    }
}

/// Whether there is a key for one of these recipients; nothing where there are none.
fn key(recipients: &[String], file: &Path) -> Option<Check> {
    const NAME: &str = "key";
    if recipients.is_empty() {
        return None;
    }
    let to = recipients.join(", ");
    if file.as_os_str().is_empty() {
        let todo = "name the file with the age identity in backup.identity_file";
        return Some(Check::fail(NAME, format!("it is encrypted to {to}, and there is no identity"), todo));
    }
    Some(match Identities::read(file) {
        Err(failure) => Check::failed(NAME, &failure),
        Ok(identities) if identities.recipients().iter().any(|ours| recipients.contains(ours)) => {
            Check::ok(NAME, format!("{} decrypts it", file.display()))
        }
        Ok(_) => {
            let found = format!("it is encrypted to {to}, and {} has the identity of none of them", file.display());
            Check::fail(NAME, found, "name another file in backup.identity_file")
        }
    })
}

/// What a file is.
pub(super) async fn file(path: &Path, identity_file: &Path) -> Result<(Told, Check)> {
    let (path, identity_file) = (path.to_owned(), identity_file.to_owned());
    let looked = spawn_blocking(move || {
        let told = look_into(&path, &identity_file);
        let shown = path.display();
        match told {
            Ok((told, what)) => (told, Check::ok("file", format!("{shown}: {what}"))),
            Err(failure) => (Told::default(), Check::failed("file", &failure.context(shown.to_string()))),
        }
    });
    looked.await.map_err(|error| Failure::new(Kind::Internal, "looking at the file broke").source(error))
}

fn look_into(path: &Path, identity_file: &Path) -> Result<(Told, String)> {
    let cannot = |error| Failure::new(Kind::Environment, "it cannot be read").source(error);
    let opened = File::open(path).map_err(cannot)?;
    let bytes = opened.metadata().map_err(cannot)?.len();
    let identities =
        if identity_file.as_os_str().is_empty() { Identities::default() } else { Identities::read(identity_file)? };
    let (mut content, layers) = pipe::decode(opened, &identities)?;
    let mut head = vec![0; PIECE];
    let mut filled = 0;
    while let more @ 1.. = content.read(&mut head[filled..]).map_err(|error| pipe::failure_of(error, "it cannot be read"))? {
        filled += more;
    }
    head.truncate(filled);
    let packed = match (layers.is_encrypted, layers.compression.name()) {
        (true, "none") => ", encrypted".to_owned(),
        (true, compression) => format!(", {compression}, encrypted"),
        (false, "none") => String::new(),
        (false, compression) => format!(", {compression}"),
    };
    if head.starts_with(ARCHIVE) {
        let toc = contents(&head, &mut content)?;
        let what = format!("a custom archive of {}, of PostgreSQL {}{packed}", toc.database, toc.server_version);
        return Ok((Told::by_toc(&toc, bytes), what));
    }
    let (major, text) = plain(&head)?;
    let of = major.map(|major| format!(" of PostgreSQL {major}")).unwrap_or_default();
    Ok((Told { major, bytes, ..Told::default() }, format!("{text}{of}{packed}")))
}

/// The table of contents of an archive that begins with `head`.
fn contents(head: &[u8], rest: &mut dyn Read) -> Result<Toc> {
    let mut reader = archive::reader(Format::Custom);
    let mut found = None;
    let mut piece = head.to_vec();
    loop {
        reader.feed(&piece, &mut |part| {
            if let Part::Contents { toc, .. } = part {
                found = Some(toc.clone());
            }
            Ok(())
        })?;
        if let Some(toc) = found.take() {
            return Ok(toc);
        }
        piece.resize(PIECE, 0);
        let length = rest.read(&mut piece).map_err(|error| pipe::failure_of(error, "it cannot be read"))?;
        if length == 0 {
            return Err(archive::damaged("it ends within its table of contents"));
        }
        piece.truncate(length);
    }
}

/// What plain text is, by its beginning, and the major version of the server that it is of.
fn plain(head: &[u8]) -> Result<(Option<u32>, &'static str)> {
    let refused = |what: &str, hint: &str| Err(Failure::new(Kind::Unusable, what).hint(hint));
    let has = |words: &[u8]| memchr::memmem::find(head, words).is_some();
    if head.is_empty() {
        return refused("it is empty", "take another: this dump was never written");
    }
    if head.get(TAR.0..).is_some_and(|rest| rest.starts_with(TAR.1)) {
        return refused("it is a tar archive", "restore it with pg_restore; or dump with -Fc or -Fp");
    }
    if has(b"\n-- PostgreSQL database cluster dump\n") {
        let hint = "it makes databases by itself: psql -X -v ON_ERROR_STOP=1 -f FILE postgres";
        return refused("it is the dump of a whole cluster, by pg_dumpall", hint);
    }
    if head.contains(&0) {
        return refused("it is neither SQL nor an archive of pg_dump", "is this the right file?");
    }
    const FROM: &[u8] = b"-- Dumped from database version ";
    let version = memchr::memmem::find(head, FROM).map(|at| &head[at + FROM.len()..]);
    let version = version.and_then(|rest| std::str::from_utf8(&rest[..rest.len().min(8)]).ok()).and_then(major);
    Ok((version, if has(b"-- PostgreSQL database dump") { "a plain dump" } else { "a file of SQL" }))
}

/// The major version of `15.18 (Debian 15.18-1)`.
fn major(version: &str) -> Option<u32> {
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    version[..digits].parse().ok()
}

/// Whether the server is not older than the dump's.
pub(super) fn version(server: u32, dumped: Option<u32>) -> Check {
    const NAME: &str = "version";
    let server = server / 10_000;
    match dumped {
        Some(dumped) if dumped > server => {
            let found = format!("the server is PostgreSQL {server}, older than the dump's {dumped}");
            Check::fail(NAME, found, "name a server of that version or a newer one in database.url (DATABASE_URL)")
        }
        Some(dumped) => Check::ok(NAME, format!("PostgreSQL {server}; the dump is of {dumped}")),
        None => Check::ok(NAME, format!("PostgreSQL {server}; of which the dump is, it does not say")),
    }
}

/// Whether the server has the extensions; nothing where it needs none.
pub(super) fn extensions(wanted: &[String], available: &[String]) -> Option<Check> {
    const NAME: &str = "extensions";
    let wanted: Vec<_> = wanted.iter().filter(|name| !EVERYWHERE.contains(&name.as_str())).collect();
    let missing: Vec<_> = wanted.iter().filter(|name| !available.contains(name)).map(|name| name.as_str()).collect();
    if wanted.is_empty() {
        return None;
    }
    Some(if missing.is_empty() {
        Check::ok(NAME, wanted.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "))
    } else {
        let todo = "install them on the server's machine (on Debian a package postgresql-VERSION-NAME)";
        Check::fail(NAME, format!("the server has no {}", missing.join(", ")), todo)
    })
}

/// Whether there is room, where the server's folder is here and may be known.
pub(super) fn room(folder: Option<String>, bytes: u64) -> Option<Check> {
    const NAME: &str = "room";
    let space = rustix::fs::statvfs(folder?).ok()?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let found = format!("{} MB free, about {} MB are needed", free / 1_000_000, bytes / 1_000_000);
    Some(if free < bytes {
        Check::fail(NAME, found, "make room on the server's disk")
    } else if free / 2 < bytes {
        Check::warn(NAME, found, "watch the server's disk: its log of changes grows, too")
    } else {
        Check::ok(NAME, found)
    })
}

/// What restores left that were killed; nothing where they left nothing.
pub(super) fn left_over(databases: &[String]) -> Option<Check> {
    (!databases.is_empty()).then(|| {
        let found = format!("{} is being restored, or was when that was killed", databases.join(", "));
        Check::warn("left over", found, "if nobody is at it, drop it: dropdb NAME")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::check::State;

    #[test]
    fn plain_text_tells_what_it_is() {
        let dump = b"--\n-- PostgreSQL database dump\n--\n\n\\restrict x\n\n-- Dumped from database version 15.18 (Debian)\n";
        assert_eq!(plain(dump).unwrap(), (Some(15), "a plain dump"));
        assert_eq!(plain(b"CREATE TABLE a ();\n").unwrap(), (None, "a file of SQL"));
        let tar = [vec![b'x'; 257], b"ustar".to_vec()].concat();
        for (head, word) in [
            (&b""[..], "empty"),
            (&tar, "tar"),
            (b"--\n-- PostgreSQL database cluster dump\n--\n", "cluster"),
            (b"\x7fELF\0", "neither"),
        ] {
            assert!(plain(head).unwrap_err().what().contains(word), "{word}");
        }
    }

    #[test]
    fn an_older_server_is_refused_and_a_newer_one_is_not() {
        assert_eq!(version(150_004, Some(16)).state, State::Fail);
        assert_eq!(version(150_004, Some(15)).state, State::Ok);
        assert_eq!(version(180_000, Some(13)).state, State::Ok);
        assert_eq!(version(150_004, None).state, State::Ok);
    }

    #[test]
    fn missing_extensions_are_named() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let check = extensions(&names(&["plpgsql", "citext", "postgis"]), &names(&["citext"])).unwrap();
        assert!(check.state == State::Fail && check.found.contains("postgis") && !check.found.contains("citext"));
        assert_eq!(extensions(&names(&["plpgsql"]), &[]), None);
    }

    #[test]
    fn an_encrypted_backup_needs_its_key() {
        let recipients = ["age1x".to_owned()];
        assert_eq!(key(&[], Path::new("")), None);
        assert_eq!(key(&recipients, Path::new("")).unwrap().state, State::Fail);
        assert_eq!(key(&recipients, Path::new("/nowhere/key")).unwrap().state, State::Fail);
    }

    #[test]
    fn only_a_verified_backup_is_proven() {
        assert_eq!(proof(None).state, State::Warn);
        assert_eq!(proof(Some(b"garbage")).state, State::Warn);
    }
}
