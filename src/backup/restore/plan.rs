//! Looking before leaping: what is to be restored, whether it can be, and under which names.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use super::job::APPLICATION;
use super::look::{self, Told};
use super::verify::is_wanted;
use crate::backup::{Yard, shelf};
use crate::db::places::{self, LONGEST_NAME};
use crate::db::{Session, restored};
use crate::model::backup::manifest::Source;
use crate::model::backup::{BackupName, Manifest, Verdict};
use crate::model::check::{Check, State};
use crate::model::failure::{Failure, Kind, Result};

/// What the description of a database begins with that is being restored.
pub(super) const UNDER_WAY: &str = "repo-to-cat restores here";
/// Databases that belong to the server.
const OF_THE_SERVER: [&str; 3] = ["postgres", "template0", "template1"];

/// What is restored.
#[derive(Debug, Clone)]
pub enum What {
    /// A backup of the store.
    Stored(BackupName, Box<Manifest>),
    /// A file, whatever made it.
    File(PathBuf),
}

/// What somebody wants.
#[derive(Debug, Clone, Default)]
#[allow(clippy::struct_excessive_bools)]
pub struct Wish {
    /// The database's name; none: a new one.
    pub into: Option<String>,
    /// Whether a database of that name may be replaced.
    pub replaces: bool,
    /// Whether the one that was replaced is dropped at the end.
    pub discards_old: bool,
    /// Whether the sessions of the one that is replaced are ended.
    pub terminates: bool,
    /// Only these tables; empty: all.
    pub tables: Vec<String>,
    /// Connections that write at once; 0: as the settings say.
    pub jobs: u8,
    /// Whether objects get the owners and grants that they had.
    pub owners: bool,
    /// Whether roles that are missing are made.
    pub makes_roles: bool,
    /// Whether what was restored is compared with the manifest.
    pub verifies: bool,
    /// Whether a database that could not be restored to the end is kept, for people to look at.
    pub keeps_partial: bool,
}

/// How it will be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is restored.
    pub what: What,
    /// What somebody wants.
    pub wish: Wish,
    /// The name that the restored database will have.
    pub database: String,
    /// The name that it has until it is whole.
    pub beside: String,
    /// The name that the one gets which it replaces; none where it replaces none.
    pub aside: Option<String>,
    /// The encoding and the order of texts that it gets; none: the server's.
    pub look: Option<Source>,
    /// Roles that are named and that the server has not.
    pub missing_roles: Vec<String>,
    /// What was looked at.
    pub checks: Vec<Check>,
}

impl What {
    /// Its name, for people.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Stored(name, _) => name.to_string(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// The same in a few words, without the folders of this machine.
    pub(super) fn short(&self) -> String {
        match self {
            Self::Stored(name, _) => name.to_string(),
            Self::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        }
    }

    /// The manifest, which only backups of the store have.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        match self {
            Self::Stored(_, manifest) => Some(manifest),
            Self::File(_) => None,
        }
    }
}

/// Finds what `text` means: a backup of the store, as [`shelf::find`] has it, or a file. With `at` it is the last backup of
/// the database that was begun then or before.
pub async fn find(yard: &Yard, text: &str, at: Option<DateTime<Utc>>) -> Result<What> {
    let path = Path::new(text);
    let is_latest = text == "latest" || text.starts_with("latest:");
    if at.is_none() && !is_latest && path.is_file() {
        return Ok(What::File(path.to_owned()));
    }
    let found = shelf::find(&yard.vault, text, yard.server.database(), at).await;
    let name = found.map_err(|failure| match failure.kind() {
        Kind::NotFound if !is_latest && BackupName::parse(text).is_err() => {
            Failure::new(Kind::NotFound, format!("`{text}` is neither a backup nor a file"))
                .hint("see the backups with: repo-to-cat backup list; a file is named by its path")
        }
        _ => failure,
    })?;
    if is_latest {
        must_not_have_failed(yard, &name).await?;
    }
    let manifest = shelf::manifest(&yard.vault, &name).await?;
    Ok(What::Stored(name, Box::new(manifest)))
}

/// Whoever says `latest` does not mean one that is known not to restore; whoever names it may try.
async fn must_not_have_failed(yard: &Yard, name: &BackupName) -> Result<()> {
    if shelf::one(&yard.vault, name).await?.verdict() != Verdict::Failed {
        return Ok(());
    }
    let all = shelf::all(&yard.vault, Some(name.database())).await?;
    let verified = all.iter().find(|shelved| shelved.verdict() == Verdict::Verified && !shelved.is_part());
    let hint = match verified {
        Some(verified) => format!("the newest that is verified: repo-to-cat backup restore {}", verified.name),
        None => "none is verified; name one to try it all the same".to_owned(),
    };
    Err(Failure::new(Kind::Unusable, format!("the latest backup, {name}, has failed its drill")).hint(hint))
}

/// Looks at everything, and touches nothing. What is in the way is a failed check.
pub async fn draw(yard: &Yard, what: What, wish: Wish, now: DateTime<Utc>) -> Result<Plan> {
    let (told, mut checks) = match &what {
        What::Stored(name, manifest) => look::stored(yard, name, manifest).await?,
        What::File(path) => {
            let (told, check) = look::file(path, &yard.settings.identity_file).await?;
            (told, vec![check])
        }
    };
    checks.extend(table_check(&what, &wish.tables));
    let source_name = what.manifest().map_or(yard.server.database(), |manifest| &manifest.source.database);
    let base = wish.into.as_deref().unwrap_or(source_name).to_owned();
    let mut plan = Plan {
        database: wish.into.clone().unwrap_or_else(|| named(source_name, "restored", now)),
        beside: named(&base, "new", now),
        aside: None,
        look: what.manifest().map(|manifest| manifest.source.clone()),
        missing_roles: Vec::new(),
        what,
        wish,
        checks: Vec::new(),
    };
    match connect(yard).await {
        Ok(mut session) => {
            plan.choose_names(&mut session, &base, now).await?;
            let looked = plan.look_at_server(&mut session, &told).await?;
            checks.extend(looked);
            drop(session.close().await);
        }
        Err(failure) => checks.push(Check::failed("server", &failure)),
    }
    plan.checks = checks;
    Ok(plan)
}

/// A connection to a database of the server that is not the one in question.
pub(super) async fn connect(yard: &Yard) -> Result<Session<'static>> {
    match yard.server.connect("postgres", APPLICATION).await {
        Ok(session) => Ok(session),
        // Some servers have none of that name.
        Err(failure) => yard.server.connect("template1", APPLICATION).await.map_err(|_| failure),
    }
}

impl Plan {
    /// Whether nothing is in the way.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        self.checks.iter().all(|check| check.state != State::Fail)
    }

    /// What keeps it from being done.
    pub fn must_be_possible(&self) -> Result<()> {
        let failed: Vec<_> = self.checks.iter().filter(|check| check.state == State::Fail).collect();
        let Some(first) = failed.first() else { return Ok(()) };
        let what = failed.iter().map(|check| check.found.as_str()).collect::<Vec<_>>().join("; ");
        let kind = match first.name {
            "target" => Kind::Conflict,
            "key" => Kind::Unauthorized,
            "files" | "file" => Kind::Unusable,
            "server" => Kind::Database,
            _ => Kind::Environment,
        };
        Err(Failure::new(kind, format!("{} cannot be restored: {what}", self.what.title()))
            .hint(first.todo.clone().unwrap_or_default()))
    }

    /// Chooses names that nobody has: another restore may have begun in the same second.
    async fn choose_names(&mut self, session: &mut Session<'_>, base: &str, now: DateTime<Utc>) -> Result<()> {
        let replaces = self.wish.replaces && places::exists(session, &self.database).await?;
        let mut moment = now;
        loop {
            if self.wish.into.is_none() {
                self.database = named(base, "restored", moment);
            }
            self.beside = named(base, "new", moment);
            self.aside = replaces.then(|| named(base, "old", moment));
            let mut is_free = !places::exists(session, &self.beside).await?;
            for name in self.aside.iter().chain(self.wish.into.is_none().then_some(&self.database)) {
                is_free &= !places::exists(session, name).await?;
            }
            if is_free {
                return Ok(());
            }
            moment += TimeDelta::seconds(1);
        }
    }

    async fn look_at_server(&mut self, session: &mut Session<'_>, told: &Told) -> Result<Vec<Check>> {
        let mut checks = vec![look::version(places::server_version(session).await?, told.major)];
        let available = restored::available_extensions(session).await?;
        checks.extend(look::extensions(&told.extensions, &available));
        let missing = places::missing_roles(session, &told.roles).await?;
        let perhaps = places::missing_roles(session, &told.perhaps).await?;
        checks.extend(self.role_check(&missing, &perhaps));
        self.missing_roles = [missing, perhaps].concat();
        checks.extend(look::room(places::local_folder(session).await, told.bytes));
        let is_there = places::exists(session, &self.database).await?;
        if self.aside.is_some() && self.look.is_none() {
            self.look = Some(places::look_of(session, &self.database).await?);
        }
        let guests = if is_there { places::guests(session, &self.database).await? } else { Vec::new() };
        let guests: Vec<_> = guests.iter().map(ToString::to_string).collect();
        checks.push(self.target_check(is_there, &guests));
        checks.extend(look::left_over(&places::described_as(session, UNDER_WAY).await?));
        Ok(checks)
    }

    fn role_check(&self, missing: &[String], perhaps: &[String]) -> Option<Check> {
        const NAME: &str = "roles";
        const TODO: &str = "make them: --create-roles; or let everything be yours: --no-owners";
        let all = [missing, perhaps].concat().join(", ");
        if all.is_empty() {
            return None;
        }
        Some(if self.wish.makes_roles {
            Check::ok(NAME, format!("{all}: will be made"))
        } else if !missing.is_empty() && self.wish.owners {
            Check::fail(NAME, format!("the server has no {}", missing.join(", ")), TODO)
        } else if !missing.is_empty() {
            Check::ok(NAME, format!("{all} are not here; nothing will be theirs"))
        } else {
            Check::warn(NAME, format!("the server has no {all}; if anything is theirs, it stops there"), TODO)
        })
    }

    fn target_check(&self, is_there: bool, guests: &[String]) -> Check {
        const NAME: &str = "target";
        let database = &self.database;
        if database.is_empty() || database.len() > LONGEST_NAME || database.contains('\0') {
            let todo = format!("it has 1 to {LONGEST_NAME} bytes");
            return Check::fail(NAME, format!("{database:?} is no name of a database"), todo);
        }
        if OF_THE_SERVER.contains(&database.as_str()) {
            return Check::fail(NAME, format!("{database} belongs to the server"), "name another with --into");
        }
        match (is_there, &self.aside) {
            (false, _) => Check::ok(NAME, format!("database {database}, which is new")),
            (true, None) => Check::fail(
                NAME,
                format!("there is a database {database}"),
                "name another with --into, or say --drop-existing to replace it once the new one is whole",
            ),
            (true, Some(aside)) => {
                let fate = if self.wish.discards_old { "is dropped then" } else { "is kept" };
                let found = format!(
                    "database {database} is replaced once the new one is whole; the old one {fate}, as {aside}"
                );
                if guests.is_empty() || self.wish.terminates {
                    Check::ok(NAME, found)
                } else {
                    let todo = "end their sessions when it comes to that: --terminate-sessions; or stop them before";
                    Check::warn(NAME, format!("{found}. Connected now: {}", guests.join(", ")), todo)
                }
            }
        }
    }
}

/// Whether a backup has rows of the tables that are wanted; of a file nobody knows before it is read.
fn table_check(what: &What, wanted: &[String]) -> Option<Check> {
    const NAME: &str = "tables";
    let manifest = what.manifest().filter(|_| !wanted.is_empty())?;
    let has = |name: &&String| manifest.tables.iter().any(|table| is_wanted(table, std::slice::from_ref(name)));
    let missing: Vec<_> = wanted.iter().filter(|name| !has(name)).map(String::as_str).collect();
    Some(if missing.is_empty() {
        Check::ok(NAME, wanted.join(", "))
    } else {
        let todo = "a partitioned table has its rows in its parts; else write schema.table, or table, as it is called";
        Check::warn(NAME, format!("the backup has no rows of {}", missing.join(", ")), todo)
    })
}

/// A name made of another; of one that is too long, the beginning.
fn named(base: &str, word: &str, moment: DateTime<Utc>) -> String {
    let stamp = moment.format("%Y%m%d_%H%M%SZ").to_string();
    let room = LONGEST_NAME.saturating_sub(word.len() + stamp.len() + 2);
    format!("{}_{word}_{stamp}", &base[..base.floor_char_boundary(room)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit() {
        let moment = "2026-11-22T03:00:00Z".parse().unwrap();
        assert_eq!(named("cats", "new", moment), "cats_new_20261122_030000Z");
        let long = named(&"ä".repeat(40), "restored", moment);
        assert!(long.len() <= LONGEST_NAME && long.ends_with("_restored_20261122_030000Z"), "{long}");
    }
}
