//! Before a backup: everything that it will need is looked at, and each thing gets one line.

mod host;
mod source;

use chrono::{DateTime, Utc};
use tokio::task::spawn_blocking;

use crate::backup::Yard;
use crate::backup::pipe::{Identities, Recipients};
use crate::backup::shelf::{self, Shelved};
use crate::backup::submit;
use crate::backup::yard::Premises;
use crate::model::backup::BackupRequest;
use crate::model::backup::manifest::Source;
use crate::model::check::{Check, State};
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::vault::Vault;
pub use source::{Seen, look};

/// Looks at everything that a backup of `database` needs. Nothing is changed but a small file in the store, which comes and
/// goes.
pub async fn preflight(yard: &Yard, database: &str, request: &BackupRequest) -> Result<Vec<Check>> {
    let is_tried = request.drill.unwrap_or(yard.settings.drill);
    let globals = request.globals.unwrap_or(yard.settings.globals);
    let mut checks = vec![store(&yard.vault).await];
    checks.extend(keys(yard, is_tried));
    let Seen { checks: of_source, source } = look(&yard.server, database, request, globals).await;
    checks.extend(of_source);
    if let Some(source) = source {
        checks.push(host::programs(&yard.bin_folder, source.server_version, globals));
        // A store that does not answer has its own line; what was there before is not known then.
        let last = shelf::last(&yard.vault, database, &request.selection).await.ok().flatten();
        checks.push(host::space(yard.vault.free_bytes(), source.bytes, last.as_ref()));
        checks.extend(origin(&yard.vault, database, &source, yard.settings.adopt_store).await);
        if is_tried {
            checks.extend(host::drill(yard, &source));
        }
    }
    Ok(checks)
}

/// The same for a backup as the settings have it, of the database that is named, or ours.
pub async fn of_settings(premises: &Premises, database: Option<String>) -> Result<Vec<Check>> {
    let request = BackupRequest { database: database.clone(), ..BackupRequest::default() };
    let database = submit::database(database, &premises.config)?;
    let premises = premises.clone();
    let opened = spawn_blocking(move || premises.open()).await;
    let yard = opened.map_err(|error| Failure::new(Kind::Internal, "opening the store broke").source(error))??;
    preflight(&yard, &database, &request).await
}

/// The first check that failed, as a failure: its kind tells whether a job that it stops is tried again.
pub fn require(checks: &[Check]) -> Result<()> {
    let Some(failed) = checks.iter().find(|check| check.state == State::Fail) else { return Ok(()) };
    let kind = match failed.name {
        source::CONNECTION => Kind::Database,
        // People have to see to these: the next try finds the same.
        source::POOLER | source::PRIVILEGES | source::ROW_SECURITY | source::GLOBALS | ENCRYPTION | ORIGIN => {
            Kind::Refused
        }
        _ => Kind::Environment,
    };
    let failure = Failure::new(kind, format!("{}: {}", failed.name, failed.found));
    Err(failed.todo.iter().fold(failure, Failure::hint))
}

const STORE: &str = "store";
const ENCRYPTION: &str = "encryption";
const ORIGIN: &str = "same server";

async fn store(vault: &Vault) -> Check {
    match vault.check().await {
        Ok(()) => Check::ok(STORE, format!("{} can be written", vault.place())),
        Err(failure) => Check::failed(STORE, &failure),
    }
}

/// Whether the newest backup of a database of that name is of the same server, where that is known. `adopts`: whether it
/// may be of another. Two servers that take turns in one store would have each other's backups removed and restored.
async fn origin(vault: &Vault, database: &str, source: &Source, adopts: bool) -> Option<Check> {
    let is_known = |shelved: &Shelved| identifier(shelved).is_some();
    let newest = shelf::newest(vault, database, DateTime::<Utc>::MAX_UTC, is_known).await.ok()??;
    let (theirs, ours) = (identifier(&newest)?, source.system_identifier.as_deref()?);
    let place = vault.place();
    if theirs == ours {
        return Some(Check::ok(ORIGIN, format!("the backups of {database} in {place} are of this server")));
    }
    let found = format!(
        "the newest backup of {database} in {place}, {}, is of another server (system identifier {theirs}, this one is \
         {ours})",
        newest.name
    );
    Some(if adopts {
        Check::warn(ORIGIN, found, "it goes on, as backup.adopt_store says; set that back to false once it has")
    } else {
        let todo = "if both servers live, give each a store or prefix of its own in backup.store. If this one took the \
                    other's place (restored, or upgraded with pg_upgrade), say so for one backup: backup.adopt_store = true";
        Check::fail(ORIGIN, found, todo)
    })
}

/// Which server a backup is of, where that is known.
fn identifier(shelved: &Shelved) -> Option<&str> {
    shelved.manifest.as_ref()?.source.system_identifier.as_deref()
}

/// Whether what is encrypted can be, and whether a drill can decrypt it.
fn keys(yard: &Yard, is_tried: bool) -> Vec<Check> {
    let settings = &yard.settings;
    let recipients = match Recipients::parse(&settings.recipients) {
        Ok(recipients) => recipients,
        Err(failure) => return vec![Check::failed(ENCRYPTION, &failure)],
    };
    if recipients.is_empty() {
        return vec![Check::ok(ENCRYPTION, "none: backup.recipients is empty")];
    }
    let found = format!("to {} age recipient(s)", recipients.keys().len());
    if !is_tried {
        return vec![Check::ok(ENCRYPTION, found)];
    }
    let todo = "name a file with an identity of one of the recipients in backup.identity_file";
    let unverifiable =
        |why: &str| vec![Check::warn(ENCRYPTION, format!("{found}; {why}: no drill can decrypt it"), todo)];
    if settings.identity_file.as_os_str().is_empty() {
        return unverifiable("backup.identity_file is empty");
    }
    match Identities::read(&settings.identity_file) {
        Err(failure) => vec![Check::failed(ENCRYPTION, &failure)],
        Ok(identities) if !identities.recipients().iter().any(|key| recipients.keys().contains(key)) => {
            unverifiable("the identity file has no key of theirs")
        }
        Ok(_) => vec![Check::ok(ENCRYPTION, format!("{found}, of which the identity file has a key"))],
    }
}
