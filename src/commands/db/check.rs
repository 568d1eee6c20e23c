//! `db check`: from the network to the indexes, a line each, with what to type where something is wrong.

mod following;
mod room;
mod server;
mod upkeep;
mod work;

use chrono::Utc;

use crate::commands::Output;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::view::amount::counted;
use crate::commands::view::checks::list;
use crate::config::Loaded;
use crate::db::looking::backends::{self, Which};
use crate::db::looking::server::Speaks;
use crate::db::looking::{expected, privileges, replication, server as looks, tables};
use crate::db::{Db, hold, migrate};
use crate::model::check::{Check, State};
use crate::model::failure::{Failure, Kind, Result};

/// Connections that the checks take themselves: a server that is nearly full is looked at, too.
const PLACES: u32 = 2;

/// Runs every check and prints the list; fails if something does not work.
pub fn run(loaded: &Loaded, output: &Output) -> Result<()> {
    let all = block_on(async { Ok(walk(loaded).await) })?;
    let of = |state| all.iter().filter(|check| check.state == state).count();
    let (failed, warned) = (of(State::Fail), of(State::Warn));
    output.data(&all, |look| {
        let sum = match (failed, warned) {
            (0, 0) => look.good("All is well."),
            (0, _) => look.fair(&format!("{} could be better.", counted(warned as u64, "thing", "things"))),
            (1, _) => look.bad("1 thing does not work."),
            _ => look.bad(&format!("{failed} things do not work.")),
        };
        format!("{}\n{sum}\n", list(&all, look))
    })?;
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::new(Kind::Environment, format!("{failed} of {} checks failed", all.len()))
        .hint("do what stands behind the arrows, then run `repo-to-cat db check` again"))
}

/// Goes as far as it gets.
async fn walk(loaded: &Loaded) -> Vec<Check> {
    let settings = &loaded.config.database;
    // As for every verb: a private cluster is ours alone, and brought up to date.
    let is_private = settings.url.is_empty();
    let schema = if is_private { Schema::Current } else { Schema::Any };
    let mut modest = loaded.clone();
    modest.config.database.max_connections = PLACES;
    let opened = Session::open(&modest, schema).await;
    let settings = opened.as_ref().map_or(settings, |session| &session.config.database);
    let answers = match looks::answers(settings).await {
        Ok(answers) => answers,
        Err(failure) => return vec![Check::failed(server::NAME, &failure)],
    };
    let is_there = answers.iter().any(|answer| matches!(answer.found, Ok(Speaks::Postgres { .. })));
    match opened {
        Ok(session) => {
            let mut all = answers.iter().map(|answer| server::answers(answer, true)).collect::<Vec<_>>();
            let is_socket = answers.iter().any(|answer| answer.is_socket);
            all.extend(look(&session.db, is_socket, loaded.config.database.max_connections).await);
            all
        }
        Err(failure) if is_there => {
            let mut all: Vec<_> = answers.iter().map(|answer| server::answers(answer, false)).collect();
            all.push(Check::failed(server::LOGIN, &failure));
            all
        }
        Err(failure) => vec![Check::failed(server::NAME, &failure)],
    }
}

/// The checks of a server that let us in, of which a process wants up to `pool` connections. A check that cannot be made
/// does not keep the others from it.
async fn look(db: &Db, is_socket: bool, pool: u32) -> Vec<Check> {
    let mut all = Vec::new();
    let before = Utc::now();
    let facts = async { looks::facts(&mut db.pool().acquire().await?).await };
    let facts = match facts.await {
        Ok(facts) => facts,
        Err(failure) => {
            all.push(Check::failed(server::LOGIN, &failure));
            return all;
        }
    };
    let ours = before + (Utc::now() - before) / 2;
    all.extend(server::checks(&facts, ours));
    all.extend(schema(db).await);
    all.push(or_failed("extensions", looks::extensions(db).await, |found| server::extensions(&found)));
    all.push(room::disk(&facts, is_socket));
    all.push(room::connections(&facts, pool));
    all.push(or_failed("standbys", replication::followers(db).await, |found| following::followers(&found)));
    all.push(or_failed("replication slots", replication::slots(db).await, |found| following::slots(&found)));
    match async { Ok((backends::backends(db, &Which::OfDatabase).await?, backends::prepared(db).await?)) }.await {
        Ok((sessions, prepared)) => {
            all.push(work::transactions(&sessions, &prepared, facts.sees_others));
            all.push(work::locks(&sessions));
        }
        Err(failure) => all.push(Check::failed("transactions", &failure)),
    }
    all.extend(upkeep::of_server(&facts));
    match async { Ok((tables::tables(db).await?, tables::indexes(db).await?)) }.await {
        Ok((tables, indexes)) => {
            all.extend(upkeep::of_tables(&tables));
            all.extend(upkeep::of_indexes(&tables, &indexes, &expected::indexes()));
        }
        Err(failure) => all.push(Check::failed("tables", &failure)),
    }
    all
}

/// Whether the schema is this program's, the role may work with it, and the queue is free to run.
async fn schema(db: &Db) -> Vec<Check> {
    const NAME: &str = "schema";
    let state = async {
        let state = migrate::state(db).await?;
        state.require_current()?;
        Ok::<_, Failure>(state)
    };
    let state = match state.await {
        Ok(state) => state,
        Err(failure) => return vec![Check::failed(NAME, &failure)],
    };
    let newer = if state.is_newer() { ", by a newer program that goes on serving this one" } else { "" };
    vec![
        Check::ok(NAME, format!("at migration {}{newer}", state.current)),
        or_failed("privileges", privileges::lacks(db).await, |lacks| server::privileges(&lacks)),
        or_failed("queue", hold::current(db).await, |held| work::queue(held.as_ref())),
    ]
}

fn or_failed<T>(name: &'static str, found: Result<T>, judge: impl FnOnce(T) -> Check) -> Check {
    found.map_or_else(|failure| Check::failed(name, &failure), judge)
}
