//! The job that a schedule makes for a slot.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::backup::submit::{backup_job, drill_job};
use crate::config::Config;
use crate::generation::submit::{Wishes, generation_job};
use crate::model::backup::{BackupRequest, DrillRequest};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{GenerationRequest, JobKind, NewJob};
use crate::model::schedule::Spec;
use crate::model::unique::Unique;
use crate::probe::ProbeRequest;

/// The job of a slot, or of a run that somebody asked for beside them. Its payload is checked as if it were enqueued by
/// hand; a new kind is one arm here.
pub fn job(spec: &Spec, slot: Option<DateTime<Utc>>, config: &Config) -> Result<NewJob> {
    let job = match spec.job_kind()? {
        JobKind::Generation => {
            let request: GenerationRequest =
                serde_json::from_value(Value::Object(spec.payload.clone())).map_err(|cause| {
                    Failure::new(Kind::Invalid, format!("the payload is none of a generation: {cause}"))
                        .hint("it reads as in { github_url = \"https://github.com/owner/name\", ref = \"main\" }")
                })?;
            let wishes = Wishes {
                reference: request.reference,
                webhook_url: request.webhook_url,
                priority: spec.priority,
                ..Wishes::default()
            };
            generation_job(&request.github_url, wishes, config)?
        }
        JobKind::Backup => {
            let request = BackupRequest::deserialize(&spec.payload).map_err(|cause| {
                Failure::new(Kind::Invalid, format!("the payload is none of a backup: {cause}"))
                    .hint("it reads as in { format = \"plain\", selection = { exclude_schemas = [\"scratch\"] } }, or is left out")
            })?;
            NewJob { priority: spec.priority, ..backup_job(request, config)? }
        }
        JobKind::Drill => {
            let request = DrillRequest::deserialize(&spec.payload).map_err(|cause| {
                Failure::new(Kind::Invalid, format!("the payload is none of a drill: {cause}"))
                    .hint("it reads as in { database = \"cats\" }, or is left out")
            })?;
            NewJob { priority: spec.priority, ..drill_job(request, config)? }
        }
        JobKind::Webhook => {
            return Err(Failure::new(Kind::Invalid, "webhooks tell how generations end, not what time it is")
                .hint("add webhook_url to the payload of a generation"));
        }
        JobKind::Probe => {
            let request = ProbeRequest::deserialize(&spec.payload).map_err(|cause| {
                Failure::new(Kind::Invalid, format!("the payload is none of a probe: {cause}"))
                    .hint("it reads as in { sleep_ms = 1000 }")
            })?;
            let payload = serde_json::to_value(request).unwrap_or_default();
            NewJob { priority: spec.priority, ..NewJob::new(JobKind::Probe, payload) }
        }
    };
    if spec.key_prefix.is_some() && job.unique.is_some() {
        return Err(Failure::new(Kind::Invalid, format!("a {} has a unique key of its own", spec.kind))
            .hint("leave key_prefix out: of one database there is one at a time"));
    }
    let key = |prefix: &String| slot.map(|slot| prefix.clone() + &slot.to_rfc3339_opts(SecondsFormat::Secs, true));
    Ok(NewJob {
        unique: job.unique.clone().or(spec.key_prefix.as_ref().and_then(key).map(Unique::key)),
        max_attempts: spec.max_attempts.unwrap_or(job.max_attempts),
        ..job
    })
}
