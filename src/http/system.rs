//! `/v1/system`: what runs here, with which settings, and whether it has all that it needs.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Site;
use super::auth::Admin;
use super::error::Problem;
use crate::config::Setting;
use crate::db::migrate::{self, SchemaState};
use crate::doctor::Doctor;
use crate::model::check::Check;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(checks))
}

/// What runs here.
#[derive(Debug, Serialize, ToSchema)]
struct System {
    /// The program's version.
    version: &'static str,
    schema: SystemSchema,
    /// The settings in force, secrets masked, and where each comes from.
    settings: Vec<Setting>,
}

/// The database's schema.
#[derive(Debug, Serialize, ToSchema)]
struct SystemSchema {
    /// The latest applied migration; 0 where there is none.
    current: i64,
    /// The latest that this program has.
    head: i64,
    /// Those that are to be applied, by name.
    pending: Vec<String>,
    /// Those that are applied, in order.
    applied: Vec<MigrationApplied>,
}

/// A migration that was applied.
#[derive(Debug, Serialize, ToSchema)]
struct MigrationApplied {
    version: i64,
    name: String,
    at: DateTime<Utc>,
    /// How long it took; null where it was stamped.
    seconds: Option<f64>,
    /// False while it is applied, or where that was broken off.
    is_whole: bool,
}

impl From<SchemaState> for SystemSchema {
    fn from(state: SchemaState) -> Self {
        let applied = state.recorded.into_iter().map(|(version, recorded)| MigrationApplied {
            version,
            name: recorded.name,
            at: recorded.at,
            seconds: recorded.took.map(|took| took.as_secs_f64()),
            is_whole: recorded.is_whole,
        });
        Self {
            current: state.current,
            head: state.head,
            applied: applied.collect(),
            pending: state.pending.into_iter().map(|(version, name)| format!("{version:04}_{name}")).collect(),
        }
    }
}

/// Version, migrations, and settings as `config show` tells them.
#[utoipa::path(get, path = "/v1/system", tag = "system", operation_id = "system_show", security(("token" = ["admin"])),
    responses((status = OK, body = System)))]
async fn show(State(site): State<Site>, _: Admin) -> Result<Json<System>, Problem> {
    let schema = migrate::state(&site.db).await?.into();
    Ok(Json(System { version: env!("CARGO_PKG_VERSION"), schema, settings: site.loaded.settings() }))
}

/// Looks at everything that this program needs, as `doctor` does; that takes a second or two.
#[utoipa::path(get, path = "/v1/system/checks", tag = "system", operation_id = "system_checks", security(("token" = ["admin"])),
    responses((status = OK, body = Vec<Check>)))]
async fn checks(State(site): State<Site>, _: Admin) -> Result<Json<Vec<Check>>, Problem> {
    let doctor = Doctor { loaded: &site.loaded, program: &site.premises.program, db: Ok(&site.db), is_listening: true };
    Ok(Json(doctor.checks().await))
}
