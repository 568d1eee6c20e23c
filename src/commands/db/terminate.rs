//! `db terminate`: end sessions, once somebody has said so.

use std::io::{self, IsTerminal, Write as _};

use serde::Serialize;

use crate::cli::Terminate;
use crate::commands::Output;
use crate::commands::report::Failures;
use crate::commands::steering::agrees;
use crate::commands::view::amount::counted;
use crate::commands::view::backends as view;
use crate::commands::view::look::Look;
use crate::db::Db;
use crate::db::looking::backends::{self, Backend, Ending, Which};
use crate::model::failure::{Failure, Kind, Result};

/// What became of a session.
#[derive(Debug, Serialize)]
struct Told<'a> {
    pid: i32,
    user: Option<&'a str>,
    application: &'a str,
    ending: Ending,
}

/// Ends the sessions that `args` name. One that cannot be ended does not keep the others from it; the last decides the
/// exit code.
pub async fn run(db: &Db, args: &Terminate, output: &Output) -> Result<()> {
    let which = if args.all { Which::OfDatabase } else { Which::Of(args.pids.clone()) };
    let mut found = backends::backends(db, &which).await?;
    let mut failed = Failures::default();
    let mut spared = 0;
    if args.all {
        let before = found.len();
        found.retain(|backend| args.workers || !backend.is_ours);
        spared = before - found.len();
        // The server's own work, such as a vacuum, is named one by one.
        found.retain(|backend| backend.kind.as_deref().is_none_or(|kind| kind == "client backend"));
    } else {
        for pid in args.pids.iter().filter(|pid| found.iter().all(|backend| backend.pid != **pid)) {
            failed.add(absent(*pid), output);
        }
    }
    if found.is_empty() {
        let none: [Told<'_>; 0] = [];
        output.data(&none, |_| format!("No session was ended.\n{}", left_alone(spared)))?;
        return failed.last();
    }
    let asks = !args.yes && !output.json && io::stdin().is_terminal();
    if asks {
        let list = view::backends(&found, false, &Look::plain()) + &left_alone(spared);
        // Beside the question, where it is seen even if the output goes elsewhere.
        drop(io::stderr().write_all(list.as_bytes()));
        let question = format!("{} would be ended, their transactions rolled back. Go on?", sessions(found.len()));
        if !agrees(&question)? {
            return output.text("No session was ended.\n");
        }
    } else if !args.yes {
        return Err(Failure::new(
            Kind::Invalid,
            format!("{} would be ended, and there is nobody to be asked", sessions(found.len())),
        )
        .hint("look at them with `repo-to-cat db sessions`; then say --yes"));
    }
    let endings = backends::terminate(db, &found).await?;
    for (backend, ending) in found.iter().zip(&endings) {
        if let Some(failure) = refusal(backend, *ending) {
            failed.add(failure, output);
        }
    }
    let told: Vec<Told<'_>> = found.iter().zip(endings).map(|(backend, ending)| told(backend, ending)).collect();
    output.data(&told, |_| {
        let ended = told.iter().filter(|told| told.ending == Ending::Ended);
        let mut text: String = ended.map(|told| format!("{}  ended ({})\n", told.pid, whose(told))).collect();
        if text.is_empty() {
            "No session was ended.\n".clone_into(&mut text);
        }
        text + &left_alone(spared)
    })?;
    failed.last()
}

fn told(backend: &Backend, ending: Ending) -> Told<'_> {
    Told { pid: backend.pid, user: backend.user.as_deref(), application: &backend.application, ending }
}

fn whose(told: &Told<'_>) -> String {
    let user = told.user.unwrap_or("unknown user");
    if told.application.is_empty() { user.to_owned() } else { format!("{user}, {}", told.application) }
}

fn absent(pid: i32) -> Failure {
    Failure::new(Kind::NotFound, format!("no session has the process {pid}"))
        .hint("see which there are with: repo-to-cat db sessions")
}

fn refusal(backend: &Backend, ending: Ending) -> Option<Failure> {
    let pid = backend.pid;
    match ending {
        Ending::Ended => None,
        Ending::Gone => Some(Failure::new(Kind::NotFound, format!("session {pid} was gone already"))),
        Ending::Forbidden => Some(
            Failure::new(Kind::Database, format!("session {pid} is not ours to end: {}", owner(backend)))
                .hint("connect as its user, as a member of pg_signal_backend, or as a superuser"),
        ),
        Ending::Stays => Some(
            Failure::new(Kind::Database, format!("session {pid} was told to end and has not yet"))
                .hint("it ends once it comes to a place where it can; look again in a moment"),
        ),
    }
}

fn owner(backend: &Backend) -> String {
    backend.user.as_ref().map_or_else(|| "it is the server's own".to_owned(), |user| format!("it is {user}'s"))
}

fn sessions(count: usize) -> String {
    counted(count as u64, "session", "sessions")
}

fn left_alone(spared: usize) -> String {
    if spared == 0 {
        return String::new();
    }
    format!("{} of this program left alone; --workers ends them, too.\n", sessions(spared))
}
