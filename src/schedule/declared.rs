//! Schedules that the configuration declares.
//!
//! A declaration is applied when a scheduler starts: if there is no such schedule it is added, and if the declaration is
//! another than the one that was last applied it replaces what the schedule does. So what people edit while it runs
//! holds until its declaration changes. A schedule that was declared and is so no more is withdrawn: it stays, with its
//! slots, and does not fire. Whether a schedule is paused is never declared.

use crate::config::Config;
use crate::db::Db;
use crate::db::schedules::{hold, insert, now, withdraw_others};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::schedule::due::Turn;
use crate::model::schedule::{Spec, State};
use crate::schedule::edit::replace;
use crate::schedule::job::job;

/// Applies the declarations. Fails where one could make no job; nothing is applied then. Hosts that run schedulers on one
/// database need the same declarations.
pub async fn apply(db: &Db, config: &Config) -> Result<()> {
    let declared = &config.schedules;
    for (name, spec) in declared {
        match job(spec, None, config) {
            // A folder that is gone may come back: its slots say so until then.
            Err(failure) if failure.kind() != Kind::NotFound => {
                return Err(failure.context(format!("schedules.{name}")));
            }
            _ => {}
        }
    }
    for (name, spec) in declared {
        apply_one(db, name, spec).await.map_err(|failure| failure.context(format!("schedules.{name}")))?;
    }
    let names: Vec<String> = declared.keys().cloned().collect();
    for name in withdraw_others(db, &names).await? {
        tracing::warn!(schedule = name, "withdrawn: the configuration declares it no more");
    }
    Ok(())
}

async fn apply_one(db: &Db, name: &str, spec: &Spec) -> Result<()> {
    let declaration = serde_json::to_value(spec)
        .map_err(|error| Failure::new(Kind::Internal, "the declaration cannot be written").source(error))?;
    let next = Turn::after(now(db).await?, name, spec, &spec.check()?);
    if insert(db, name, spec, State::Active, next, Some(&declaration)).await? {
        tracing::info!(schedule = name, "added, as declared");
        return Ok(());
    }
    let held = hold(db, name).await?;
    if held.row.declared.as_ref() == Some(&declaration) {
        return Ok(());
    }
    let state = if held.row.state == State::Withdrawn { State::Active } else { held.row.state };
    replace(held, spec, state, Some(&declaration)).await?;
    tracing::info!(schedule = name, "changed, as declared");
    Ok(())
}
