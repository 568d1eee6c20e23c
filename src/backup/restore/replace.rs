//! Giving the restored database its name, which another one may have.

use std::time::Duration;

use tokio::time::sleep;

use super::plan::{self, Plan};
use crate::backup::Yard;
use crate::db::places;
use crate::model::failure::{Failure, Kind, Result};

/// How often sessions are ended while names change: those that come back wait for us, and there are few.
const AGAIN: Duration = Duration::from_millis(100);

/// Gives the database its name. The one that had it gets another, or is dropped at the end; returns what it is called now.
/// Where somebody is connected to that one, and may not be cut off, nothing changes: both are there, and how to go on is told.
pub(super) async fn name(yard: &Yard, plan: &Plan) -> Result<Option<String>> {
    let mut session = plan::connect(yard).await.map_err(|failure| kept(plan, failure))?;
    let Plan { database, beside, .. } = plan;
    // It is whole. That stays true of it under any name, whoever gives it that, and whatever becomes of us.
    let words = format!("restored from {}", plan.what.short());
    places::describe(&mut session, beside, &words).await.map_err(|failure| kept(plan, failure))?;
    // Nobody but we can know it.
    places::terminate(&mut session, beside).await.map_err(|failure| kept(plan, failure))?;
    let names: Vec<_> = plan.aside.iter().map(|aside| (database.as_str(), aside.as_str())).collect();
    if !names.is_empty() && !plan.wish.terminates {
        let guests = places::guests(&mut session, database).await.map_err(|failure| kept(plan, failure))?;
        if !guests.is_empty() {
            return Err(in_use(plan, &guests)?);
        }
    }
    let names = [&names[..], &[(beside.as_str(), database.as_str())]].concat();
    let renamed = if plan.aside.is_some() && plan.wish.terminates {
        tokio::select! {
            renamed = places::rename(&mut session, &names) => renamed,
            failure = cut_off(yard, database) => Err(failure),
        }
    } else {
        places::rename(&mut session, &names).await
    };
    if !renamed.map_err(|failure| kept(plan, failure))? {
        let guests = places::guests(&mut session, database).await.map_err(|failure| kept(plan, failure))?;
        return Err(in_use(plan, &guests)?);
    }
    let Some(aside) = &plan.aside else { return Ok(None) };
    if !plan.wish.discards_old {
        return Ok(Some(aside.clone()));
    }
    places::drop(&mut session, aside, plan.wish.terminates).await.map_err(|failure| {
        failure.context(format!("{database} was restored, but {aside}, the old one, is still there"))
    })?;
    drop(session.close().await);
    Ok(None)
}

/// Ends the sessions of a database, and those that come after them, until it is dropped itself.
async fn cut_off(yard: &Yard, database: &str) -> Failure {
    let work = async {
        let mut session = plan::connect(yard).await?;
        loop {
            places::terminate(&mut session, database).await?;
            sleep(AGAIN).await;
        }
    };
    let ended: Result<()> = work.await;
    ended.expect_err("it goes on until it fails")
}

/// Who is in the way, and how to go on without restoring again.
fn in_use(plan: &Plan, guests: &[places::Guest]) -> Result<Failure> {
    let Plan { database, beside, .. } = plan;
    let who: Vec<_> = guests.iter().map(ToString::to_string).collect();
    let who = if who.is_empty() { "somebody".to_owned() } else { who.join(", ") };
    let what =
        format!("{database} is in use by {who}: it is as it was; the restored database is whole, and is {beside}");
    let mut statements = vec![places::renaming(beside, database)?];
    if let Some(aside) = &plan.aside {
        statements.insert(0, places::renaming(database, aside)?);
    }
    let hint = format!("stop them, then type in psql, in another database: {};", statements.join("; "));
    Ok(Failure::new(Kind::Conflict, what).hint(hint))
}

/// A failure at a moment at which the restored database is whole.
fn kept(plan: &Plan, failure: Failure) -> Failure {
    failure.context(format!(
        "the restored database is whole and is {}, but could not be named {}",
        plan.beside, plan.database
    ))
}
