//! Before a backup: everything that it will need is looked at, and each thing gets one line.

mod host;
mod source;

use crate::backup::Yard;
use crate::backup::pipe::{Identities, Recipients};
use crate::model::backup::{BackupName, BackupRequest, Manifest};
use crate::model::check::{Check, State};
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::vault::{MANIFEST, Vault};
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
        let last = last(&yard.vault, database).await.ok().flatten();
        checks.push(host::space(yard.vault.free_bytes(), source.bytes, last.as_ref(), request));
        if is_tried {
            checks.extend(host::drill(yard, &source));
        }
    }
    Ok(checks)
}

/// The first check that failed, as a failure: its kind tells whether a job that it stops is tried again.
pub fn require(checks: &[Check]) -> Result<()> {
    let Some(failed) = checks.iter().find(|check| check.state == State::Fail) else { return Ok(()) };
    let kind = match failed.name {
        source::CONNECTION => Kind::Database,
        // People have to see to these: the next try finds the same.
        source::POOLER | source::PRIVILEGES | source::ROW_SECURITY | source::GLOBALS | ENCRYPTION => Kind::Refused,
        _ => Kind::Environment,
    };
    let failure = Failure::new(kind, format!("{}: {}", failed.name, failed.found));
    Err(failed.todo.iter().fold(failure, Failure::hint))
}

const STORE: &str = "store";
const ENCRYPTION: &str = "encryption";

async fn store(vault: &Vault) -> Check {
    match vault.check().await {
        Ok(()) => Check::ok(STORE, format!("{} can be written", vault.place())),
        Err(failure) => Check::failed(STORE, &failure),
    }
}

/// The manifest of the last backup.
async fn last(vault: &Vault, database: &str) -> Result<Option<Manifest>> {
    let Some(name): Option<BackupName> = vault.latest(database).await? else { return Ok(None) };
    let text = vault.get(&name, MANIFEST).await?;
    Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
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
