//! From what somebody asked for to a job.

use crate::config::Config;
use crate::db::places::LONGEST_NAME;
use crate::db::server::Server;
use crate::model::backup::{BackupName, BackupRequest, DrillRequest};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{JobKind, NewJob};
use crate::model::unique::{Scope, Unique};

/// Most connections of one backup.
const MOST_JOBS: u8 = 64;

/// The job that makes a backup. Of one database there is one at a time: who asks meanwhile gets that one.
pub fn backup_job(request: BackupRequest, config: &Config) -> Result<NewJob> {
    check(&request, config)?;
    let database = database(request.database, config)?;
    let unique = format!("backup/{}", BackupName::stem(&database));
    job(JobKind::Backup, &BackupRequest { database: Some(database), ..request }, unique, config)
}

/// The job that tries a backup: a certain one, or the latest of a database.
pub fn drill_job(request: DrillRequest, config: &Config) -> Result<NewJob> {
    let (unique, request) = if let Some(backup) = request.backup {
        (format!("drill/{backup}"), DrillRequest { backup: Some(backup), database: None })
    } else {
        let database = database(request.database, config)?;
        (format!("drill/{}", BackupName::stem(&database)), DrillRequest { backup: None, database: Some(database) })
    };
    job(JobKind::Drill, &request, unique, config)
}

/// The database that is meant: ours where none is named.
pub fn database(named: Option<String>, config: &Config) -> Result<String> {
    let name = match named {
        Some(name) => name,
        None => Server::of(&config.database)?.database().to_owned(),
    };
    if name.is_empty() || name.len() > LONGEST_NAME || name.contains('\0') {
        return Err(Failure::new(Kind::Invalid, format!("{name:?} is no name of a database"))
            .hint(format!("it has 1 to {LONGEST_NAME} bytes; leave it out for the database of database.url")));
    }
    Ok(name)
}

fn job(kind: JobKind, request: &impl serde::Serialize, unique: String, config: &Config) -> Result<NewJob> {
    let payload = serde_json::to_value(request)
        .map_err(|error| Failure::new(Kind::Internal, "the request cannot be written").source(error))?;
    Ok(NewJob {
        unique: Some(Unique { scope: Scope::Open, ..Unique::key(unique) }),
        max_attempts: config.worker.max_attempts,
        timeout_seconds: Some(i32::try_from(config.backup.max_seconds).unwrap_or(i32::MAX)),
        ..NewJob::new(kind, payload)
    })
}

/// Refuses what no backup can be, before it costs an attempt.
fn check(request: &BackupRequest, config: &Config) -> Result<()> {
    let refused = |what: String, hint: String| Err(Failure::new(Kind::Invalid, what).hint(hint));
    let compression = request.compression.unwrap_or(config.backup.compression);
    let levels = compression.levels();
    // 0 is what is usual for the compression, as in the configuration.
    if let Some(level) = request.level.filter(|level| *level != 0 && !levels.contains(level)) {
        let hint = match levels.end() {
            0 => format!("{} has no levels: leave it out", compression.name()),
            most => format!("for {} it goes from {} to {most}", compression.name(), levels.start()),
        };
        return refused(format!("level {level} is out of range"), hint);
    }
    if let Some(jobs) = request.jobs.filter(|jobs| !(1..=MOST_JOBS).contains(jobs)) {
        return refused(format!("jobs {jobs} is out of range"), format!("it goes from 1 to {MOST_JOBS}"));
    }
    let selection = &request.selection;
    let lists = [&selection.tables, &selection.exclude_tables, &selection.schemas, &selection.exclude_schemas];
    if let Some(pattern) = lists.into_iter().flatten().find(|pattern| pattern.is_empty() || pattern.contains('\0')) {
        let hint = "patterns are pg_dump's, such as public.gen* or \"Weird name\"".to_owned();
        return refused(format!("{pattern:?} is no pattern of tables or schemas"), hint);
    }
    Ok(())
}
