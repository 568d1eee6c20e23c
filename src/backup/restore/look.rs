//! What a dump tells about itself, and whether the server can take it.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::foreign::{Contents, Form, form};
use crate::backup::archive::toc::{Entry, Toc};
use crate::backup::pipe::{self, Identities, Layers, bridge};
use crate::backup::shelf::Shelved;
use crate::backup::{Yard, shelf};
use crate::model::backup::{BackupName, Format, Manifest, Verdict};
use crate::model::check::{Check, State};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::progress::Silent;
use crate::providers::room::Room;

/// How much of a dump is read at once to find out what it is.
const PIECE: usize = 64 << 10;
/// What a plain dump says before the version of its server.
const DUMPED_FROM: &[u8] = b"-- Dumped from database version ";
/// Extensions that every server has.
const EVERYWHERE: [&str; 1] = ["plpgsql"];
/// Entries of an archive that name roles in what they say.
const NAMING_ROLES: [&str; 3] = ["ACL", "DEFAULT ACL", "POLICY"];

/// What is told about a dump.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// The major version of the server that it was made on.
    pub major: Option<u32>,
    /// Extensions that it creates.
    pub extensions: Vec<String>,
    /// Roles without which it cannot be restored as it was.
    pub roles: Vec<String>,
    /// Roles of which that is not known.
    pub perhaps: Vec<String>,
    /// What it takes on disk, in bytes.
    pub bytes: u64,
}

impl Told {
    /// By its manifest, and by its table of contents, where it has one.
    fn by(manifest: &Manifest, toc: Option<&Toc>) -> Self {
        let source = &manifest.source;
        let (roles, perhaps) = match toc {
            Some(toc) => (source.roles.iter().filter(|role| needs(toc, role)).cloned().collect(), Vec::new()),
            None => (Vec::new(), source.roles.clone()),
        };
        Self {
            major: Some(source.server_version / 10_000),
            extensions: source.extensions.iter().map(|extension| extension.name.clone()).collect(),
            roles,
            perhaps,
            // With its indexes a table is larger than its text, and a part of a database smaller than all of it.
            bytes: if manifest.selection.is_everything() { source.bytes } else { manifest.raw_bytes() },
        }
    }

    /// By the table of contents of an archive alone.
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
            perhaps: Vec::new(),
            bytes,
        }
    }
}

/// Whether something belongs to a role, or is granted to it.
fn needs(toc: &Toc, role: &str) -> bool {
    let quoted = format!("\"{}\"", role.replace('"', "\"\""));
    let is_named = |entry: &Entry| {
        NAMING_ROLES.contains(&entry.description.as_str())
            && [role, &quoted].into_iter().any(|name| names(&entry.definition, name))
    };
    toc.entries.iter().any(|entry| entry.owner == role || is_named(entry))
}

/// Whether a name stands in a statement as a word of its own.
fn names(statement: &str, name: &str) -> bool {
    statement.match_indices(name).any(|(at, _)| {
        let (before, after) = (&statement[..at], &statement[at + name.len()..]);
        before.ends_with([' ', ',']) && (after.is_empty() || after.starts_with([' ', ';', ',', ')', '\n']))
    })
}

/// Looks at a backup in the store.
pub(super) async fn stored(yard: &Yard, name: &BackupName, manifest: &Manifest) -> Result<(Told, Vec<Check>)> {
    let begun = name.moment().format("%Y-%m-%d %H:%M:%S UTC");
    let (tables, rows) = (manifest.tables.len(), manifest.rows());
    let found = format!("{name}: {} of {begun}, {rows} rows of {tables} tables", manifest.source.database);
    let mut checks = vec![Check::ok("backup", found), proof(&shelf::one(&yard.vault, name).await?)];
    let mut missing = Vec::new();
    for file in &manifest.files {
        match yard.vault.read(name, &file.name).await {
            Ok(_) => {}
            Err(failure) if failure.kind() == Kind::NotFound => missing.push(file.name.as_str()),
            Err(failure) => return Err(failure),
        }
    }
    let key = key(&manifest.recipients, &yard.settings.identity_file);
    let has_key = key.as_ref().is_none_or(|key| key.state == State::Ok);
    let mut toc = Ok(None);
    if missing.is_empty() && has_key && manifest.format != Format::Plain {
        toc = stored_contents(yard, name, manifest).await.map(Some);
    }
    checks.push(match &toc {
        _ if !missing.is_empty() => {
            let todo = "restore another backup; repo-to-cat backup verify tells which are whole";
            Check::fail("files", format!("{} is not there", missing.join(", ")), todo)
        }
        Err(failure) => Check::failed("files", failure),
        Ok(_) => {
            let megabytes = manifest.bytes() / 1_000_000;
            Check::ok("files", format!("{} in {}, {megabytes} MB", manifest.files.len(), yard.vault.place()))
        }
    });
    checks.extend(key);
    Ok((Told::by(manifest, toc.ok().flatten().as_ref()), checks))
}

/// The table of contents of a backup's archive; no more of it is fetched than that takes.
async fn stored_contents(yard: &Yard, name: &BackupName, manifest: &Manifest) -> Result<Toc> {
    let archive = manifest.archive().ok_or_else(|| Failure::new(Kind::Unusable, "the backup has no archive"))?;
    let stream = yard.vault.read(name, &archive.name).await?;
    let (runtime, identity_file) = (Handle::current(), yard.settings.identity_file.clone());
    let layers = Layers { is_encrypted: !manifest.recipients.is_empty(), compression: manifest.compression };
    let read = spawn_blocking(move || {
        let input = bridge::download(stream, runtime, Arc::new(Silent));
        contents(&mut pipe::decode_as(input, &layers, &Identities::of(&identity_file)?)?)
    });
    read.await.map_err(|error| Failure::new(Kind::Internal, "looking at the backup broke").source(error))?
}

/// What the last drill found.
fn proof(shelved: &Shelved) -> Check {
    const NAME: &str = "proof";
    let todo = "repo-to-cat backup verify tries it without touching anything";
    if let Some(problem) = &shelved.problem {
        return Check::warn(NAME, problem, todo);
    }
    let Some(report) = &shelved.drill else {
        return Check::warn(NAME, "no drill has tried this backup", todo);
    };
    let when = report.finished_at.format("%Y-%m-%d %H:%M:%S UTC");
    let why = report.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    match shelved.verdict() {
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
    let (content, layers) = pipe::decode(opened, &Identities::of(identity_file)?)?;
    let packed = match (layers.is_encrypted, layers.compression.name()) {
        (true, "none") => ", encrypted".to_owned(),
        (true, compression) => format!(", {compression}, encrypted"),
        (false, "none") => String::new(),
        (false, compression) => format!(", {compression}"),
    };
    match form(content)? {
        (Form::Custom, mut content) => {
            let toc = contents(&mut content)?;
            let what = format!("a custom archive of {}, of PostgreSQL {}{packed}", toc.database, toc.server_version);
            Ok((Told::by_toc(&toc, bytes), what))
        }
        (Form::Plain, content) => {
            let mut head = Vec::new();
            content.take(PIECE as u64).read_to_end(&mut head).map_err(unreadable)?;
            let (major, text) = plain(&head)?;
            let of = major.map(|major| format!(" of PostgreSQL {major}")).unwrap_or_default();
            Ok((Told { major, bytes, ..Told::default() }, format!("{text}{of}{packed}")))
        }
    }
}

fn unreadable(error: std::io::Error) -> Failure {
    pipe::failure_of(error, "it cannot be read")
}

/// The table of contents of an archive.
fn contents(archive: &mut dyn Read) -> Result<Toc> {
    let mut contents = Contents::default();
    let mut piece = vec![0; PIECE];
    loop {
        let length = archive.read(&mut piece).map_err(unreadable)?;
        contents.look(&piece[..length])?;
        if let Some(toc) = contents.toc.take() {
            return Ok(toc);
        }
        if length == 0 {
            return Err(Failure::new(Kind::Unusable, "it ends within its table of contents")
                .hint("it was cut off: restore another backup"));
        }
    }
}

/// What plain text is, by its beginning, and the major version of the server that it is of.
fn plain(head: &[u8]) -> Result<(Option<u32>, &'static str)> {
    let has = |words: &[u8]| memchr::memmem::find(head, words).is_some();
    if has(b"\n-- PostgreSQL database cluster dump\n") {
        return Err(Failure::new(Kind::Unusable, "it is the dump of a whole cluster, by pg_dumpall")
            .hint("it makes databases by itself: psql -X -v ON_ERROR_STOP=1 -f FILE postgres"));
    }
    let version = memchr::memmem::find(head, DUMPED_FROM).map(|at| &head[at + DUMPED_FROM.len()..]);
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
    let Room { free, .. } = Room::on(Path::new(&folder?)).ok()?;
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

    #[test]
    fn plain_text_tells_what_it_is() {
        let dump =
            b"--\n-- PostgreSQL database dump\n--\n\n\\restrict x\n\n-- Dumped from database version 15.18 (Debian)\n";
        assert_eq!(plain(dump).unwrap(), (Some(15), "a plain dump"));
        assert_eq!(plain(b"CREATE TABLE a ();\n").unwrap(), (None, "a file of SQL"));
        assert!(plain(b"--\n-- PostgreSQL database cluster dump\n--\n").unwrap_err().what().contains("cluster"));
    }

    #[test]
    fn roles_are_needed_that_own_something_or_may_do_something() {
        let entry = |description: &str, owner: &str, definition: &str| Entry {
            description: description.into(),
            owner: owner.into(),
            definition: definition.into(),
            ..Entry::default()
        };
        let toc = Toc {
            entries: vec![
                entry("TABLE", "cat", "CREATE TABLE dog ();"),
                entry(
                    "ACL",
                    "",
                    "GRANT ALL ON TABLE public.cats TO \"a b\";\nGRANT SELECT ON TABLE public.cats TO owl;\n",
                ),
                entry("POLICY", "", "CREATE POLICY p ON public.cats TO bat, elk USING (true);"),
            ],
            ..Toc::default()
        };
        for (role, is_needed) in
            [("cat", true), ("a b", true), ("owl", true), ("bat", true), ("elk", true), ("dog", false), ("ow", false)]
        {
            assert_eq!(needs(&toc, role), is_needed, "{role}");
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
        let name = BackupName::parse("cats_20261122_030000Z").unwrap();
        let untried = Shelved { name, manifest: None, drill: None, problem: None };
        assert_eq!(proof(&untried).state, State::Warn);
        let problem = Some("drill.json is about another backup".to_owned());
        assert_eq!(proof(&Shelved { problem, ..untried }).state, State::Warn);
    }
}
