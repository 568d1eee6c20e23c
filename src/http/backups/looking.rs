//! Looking at backups: their history in the database, and what stands in the store.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store::find;
use crate::backup::preflight;
use crate::backup::restore::command::{self, RestoreCommand};
use crate::backup::shelf::{self, Entry, Shelved};
use crate::db::backups::{self, BackupRow, DrillRow};
use crate::http::auth::{Admin, Reader};
use crate::http::error::Problem;
use crate::http::input::{Name, Params};
use crate::http::refusals::OfFinding;
use crate::http::{Site, page};
use crate::model::backup::{BackupName, Diff, DrillReport, Manifest, Standing};
use crate::model::check::Check;
use crate::model::failure::Kind;

/// Drills that are told of a backup.
const DRILLS: i64 = 20;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(stored))
        .routes(routes!(diff))
        .routes(routes!(check))
        .routes(routes!(show))
        .routes(routes!(restore_command))
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Only those of this database.
    database: Option<String>,
    /// Also those that were removed from the store.
    #[serde(default)]
    removed: bool,
    /// Those that were begun before this backup.
    after: Option<BackupName>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u16>,
}

/// A part of the history of backups, the last begun first.
#[derive(Debug, Serialize, ToSchema)]
struct BackupPage {
    backups: Vec<BackupRow>,
    /// After which to go on; null at the end of the list.
    next: Option<BackupName>,
    /// How the backups of each database stand.
    databases: Vec<Standing>,
    /// How old the last verified backup of a database may be; 0: nobody asks.
    fresh_hours: u64,
}

/// The history of backups as the database tells it, with sizes, times, verdicts, and alarms about what is unlike before.
#[utoipa::path(get, path = "/v1/backups", tag = "backups", operation_id = "backups_list", params(Wanted), security(("token" = ["read"])),
    responses((status = OK, body = BackupPage, headers(("link" = String, description = "The next page, with rel=\"next\".")))))]
async fn list(
    State(site): State<Site>,
    _: Reader,
    OriginalUri(uri): OriginalUri,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let limit = page::limit(wanted.limit)?;
    let after = wanted.after.as_ref();
    let rows = backups::list(&site.db, wanted.database.as_deref(), wanted.removed, after, limit).await?;
    let last = page::next(&rows, limit, |last| BackupName::parse(&last.name));
    let next = last.transpose()?;
    let databases = backups::standings(&site.db).await?;
    let fresh_hours = site.config.backup.fresh_hours;
    Ok(page::answer(&uri, next.as_ref(), BackupPage { backups: rows, next: next.clone(), databases, fresh_hours }))
}

/// Of which database.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfDatabase {
    /// Only those of this database.
    database: Option<String>,
}

/// What stands in the store, the newest first, as `backup list` tells it: whatever the database knows.
#[utoipa::path(get, path = "/v1/backups/stored", tag = "backups", operation_id = "backups_stored", params(OfDatabase), security(("token" = ["read"])),
    responses((status = OK, body = Vec<Entry>)))]
async fn stored(
    State(site): State<Site>,
    _: Reader,
    Params(of): Params<OfDatabase>,
) -> Result<Json<Vec<Entry>>, Problem> {
    let shelf = site.in_store(async |vault| shelf::all(&vault, of.database.as_deref()).await).await?;
    Ok(Json(shelf.iter().map(Entry::of).collect()))
}

/// A backup, by all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
struct BackupShown {
    name: BackupName,
    /// Where it is, or would be.
    store: String,
    /// What the database knows of it; null where it was made without one.
    record: Option<BackupRow>,
    /// What it holds; null where that cannot be read, or is gone.
    manifest: Option<Manifest>,
    /// What the last drill found, as it stands beside the backup.
    drill: Option<DrillReport>,
    /// Why something of it cannot be read.
    problem: Option<String>,
    /// Its last drills, the newest first.
    drills: Vec<DrillRow>,
}

/// A backup: its manifest, its drills. It is called by its name or what only one begins with, `latest`, or
/// `latest:DATABASE`.
#[utoipa::path(get, path = "/v1/backups/{backup}", tag = "backups", operation_id = "backups_show", params(("backup" = String, Path)), security(("token" = ["read"])),
    responses((status = OK, body = BackupShown), OfFinding))]
async fn show(State(site): State<Site>, _: Reader, Name(called): Name) -> Result<Json<BackupShown>, Problem> {
    let found = site.in_store(async |vault| {
        let name = find(&site, &vault, &called).await?;
        Ok((shelf::one(&vault, &name).await?, vault.place()))
    });
    let (shelved, place) = match found.await {
        Ok((shelved, place)) => (shelved, Some(place)),
        // One that was removed is history.
        Err(failure) if failure.kind() == Kind::NotFound => match BackupName::parse(&called) {
            Ok(name) if backups::find(&site.db, &name).await?.is_some() => (gone(name), None),
            _ => return Err(failure.into()),
        },
        Err(failure) => return Err(failure.into()),
    };
    let Shelved { name, manifest, drill, problem } = shelved;
    let record = backups::find(&site.db, &name).await?;
    let store = place.or_else(|| record.as_ref().map(|record| record.store.clone())).unwrap_or_default();
    let drills = backups::drills_of(&site.db, &name, DRILLS).await?;
    Ok(Json(BackupShown { name, store, record, manifest, drill, problem, drills }))
}

/// A backup that is in the store no more.
fn gone(name: BackupName) -> Shelved {
    Shelved { name, manifest: None, drill: None, problem: Some("it is not in the store".to_owned()) }
}

/// A backup to be made.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Planned {
    /// Of this database; ours where it is left out.
    database: Option<String>,
}

/// Which backups to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FromTo {
    /// The one: a name or its beginning, `latest`, or `latest:DATABASE`.
    from: String,
    /// The other.
    to: String,
}

/// What changed from one backup to another, as far as their manifests tell.
#[utoipa::path(get, path = "/v1/backups/diff", tag = "backups", operation_id = "backups_diff", params(FromTo), security(("token" = ["read"])),
    responses((status = OK, body = Diff), OfFinding))]
async fn diff(State(site): State<Site>, _: Reader, Params(which): Params<FromTo>) -> Result<Json<Diff>, Problem> {
    let manifests = site.in_store(async |vault| {
        let (from, to) = (find(&site, &vault, &which.from).await?, find(&site, &vault, &which.to).await?);
        Ok((shelf::manifest(&vault, &from).await?, shelf::manifest(&vault, &to).await?))
    });
    let (from, to) = manifests.await?;
    Ok(Json(Diff::between(&from, &to)))
}

/// Looks at everything that a backup of a database needs, ours where none is named, as `backup check` does; that takes a
/// second or two. Nothing is changed but a small file in the store, which comes and goes.
#[utoipa::path(get, path = "/v1/backups/preflight", tag = "backups", operation_id = "backups_preflight", params(Planned), security(("token" = ["admin"])),
    responses((status = OK, body = Vec<Check>)))]
async fn check(
    State(site): State<Site>,
    _: Admin,
    Params(planned): Params<Planned>,
) -> Result<Json<Vec<Check>>, Problem> {
    Ok(Json(preflight::of_settings(&site.premises, planned.database).await?))
}

/// The command lines that restore a backup, to copy: restoring is for people who sit at the server.
#[utoipa::path(get, path = "/v1/backups/{backup}/restore-command", tag = "backups", operation_id = "backups_restore_command", params(("backup" = String, Path)),
    security(("token" = ["read"])), responses((status = OK, body = RestoreCommand), OfFinding))]
async fn restore_command(
    State(site): State<Site>,
    _: Reader,
    Name(called): Name,
) -> Result<Json<RestoreCommand>, Problem> {
    let name = site.in_store(async |vault| find(&site, &vault, &called).await).await?;
    Ok(Json(command::of(&name)))
}
