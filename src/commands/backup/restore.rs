//! `backup restore`: a backup, or anybody's dump, becomes a database.

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use serde_json::json;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::backup::restore::place::{self, Restored};
use crate::backup::restore::plan::{self, Plan, Wish};
use crate::backup::{Reporter, Yard};
use crate::cli::Restore;
use crate::commands::Output;
use crate::commands::session::{Host, block_on, stop_signal};
use crate::commands::view::checks;
use crate::commands::view::look::Look;
use crate::commands::view::progress::ProgressView;
use crate::commands::view::steps::{StepState, StepView};
use crate::commands::view::text::safe;
use crate::config::Loaded;
use crate::db::places::{Held, dropping};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::figures::{counted, grouped};
use crate::model::progress::{Report, Step};

/// How often the screen follows.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Runs `backup restore`.
pub fn run(args: &Restore, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let stop = stop_signal()?;
        let prepared = stop.run_until_cancelled(Box::pin(prepare(args, loaded))).await;
        // The private server must outlive the work.
        let (_host, yard, plan) =
            prepared.ok_or_else(|| Failure::new(Kind::Cancelled, "stopped before anything was done"))??;
        if !output.json {
            output.text(&checks::render(&plan.checks, &output.look))?;
        }
        if args.dry_run || !plan.is_possible() {
            if output.json {
                output.data(&told(&plan, None), |_| String::new())?;
            }
            return plan.must_be_possible();
        }
        if plan.aside.is_some() && !args.yes {
            must_be_meant(&plan)?;
        }
        let look = Look::of_stderr(&loaded.environment);
        let restored = watch(&yard, &plan, &look, output.json, &stop).await?;
        let is_ours = restored.database == yard.server.database();
        output.data(&told(&plan, Some(&restored)), |look| render(&restored, is_ours, look))
    })
}

async fn prepare(args: &Restore, loaded: &Loaded) -> Result<(Host, Yard, Plan)> {
    let host = Host::open(loaded).await?;
    let yard = host.premises()?.open()?;
    let what = plan::find(&yard, &args.what, args.at).await?;
    let wish = Wish {
        into: args.into.clone(),
        replaces: args.drop_existing,
        discards_old: args.discard_old,
        terminates: args.terminate_sessions,
        tables: args.tables.clone(),
        jobs: args.jobs.unwrap_or(0),
        owners: !args.no_owners,
        makes_roles: args.create_roles,
        verifies: !args.no_verify,
        keeps_partial: args.keep_partial,
    };
    let plan = plan::draw(&yard, what, wish, Utc::now()).await?;
    Ok((host, yard, plan))
}

/// Asks for the name of the database that is to be replaced.
fn must_be_meant(plan: &Plan) -> Result<()> {
    let database = &plan.database;
    if !io::stdin().is_terminal() {
        return Err(Failure::new(
            Kind::Invalid,
            format!("database {database} would be replaced, and nobody can be asked"),
        )
        .hint("add --yes"));
    }
    let mut answer = String::new();
    let asked = write!(io::stderr(), "Type the name of the database that is to be replaced: ")
        .and_then(|()| io::stdin().lock().read_line(&mut answer));
    asked.map_err(|error| Failure::new(Kind::Environment, "nobody can be asked").hint("or say --yes").source(error))?;
    if answer.trim() == database {
        return Ok(());
    }
    Err(Failure::new(Kind::Cancelled, format!("that is not {database}; nothing was touched")))
}

/// Restores while somebody watches.
async fn watch(yard: &Yard, plan: &Plan, look: &Look, json: bool, stop: &CancellationToken) -> Result<Restored> {
    let meter = Arc::new(Meter { stop: stop.clone(), seen: Mutex::default(), begun: Instant::now() });
    let mut view = ProgressView::start(&format!("Restoring {} as {}", plan.what.title(), plan.database), look, json);
    let report: Reporter = Arc::<Meter>::clone(&meter);
    let work = place::restore(yard, plan, &report);
    tokio::pin!(work);
    let ended = loop {
        tokio::select! {
            ended = &mut work => break ended,
            () = sleep(LOOK_EVERY) => view.update(&[meter.view()]),
        }
    };
    let state = if ended.is_ok() { StepState::Done } else { StepState::Failed };
    view.update(&[StepView { state, ..meter.view() }]);
    view.finish();
    ended
}

/// How far it is, for who watches.
struct Meter {
    stop: CancellationToken,
    seen: Mutex<(u64, u64, String)>,
    begun: Instant,
}

impl Meter {
    fn view(&self) -> StepView {
        let (done, total, detail) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let fraction = (total > 0).then(|| done as f64 / total as f64);
        let state = StepState::Running { fraction, detail: Some(detail).filter(|detail| !detail.is_empty()) };
        StepView { step: Step::Restore, state, elapsed: Some(self.begun.elapsed()) }
    }
}

impl Report for Meter {
    fn report(&self, done: u64, total: u64, detail: &str) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = (done, total, detail.to_owned());
    }

    fn should_stop(&self) -> bool {
        self.stop.is_cancelled()
    }
}

fn told(plan: &Plan, restored: Option<&Restored>) -> serde_json::Value {
    json!({
        "from": plan.what.title(),
        "database": plan.database,
        "replaces": plan.aside.is_some(),
        "checks": plan.checks,
        "restored": restored,
    })
}

/// `is_ours` tells whether it took the place of the database that the settings name.
fn render(restored: &Restored, is_ours: bool, look: &Look) -> String {
    let Restored { from, database, old, rows, seconds, compared, queue } = restored;
    let mut text = look.good(&safe(&format!("{from} is restored: database {database}"))) + "\n";
    let compared = compared.map_or("not compared with a manifest".to_owned(), |compared| {
        format!("{} compared with the manifest: equal", counted(compared.tables, "table", "tables"))
    });
    _ = writeln!(text, "  {} rows in {seconds:.1} s; {compared}", grouped(*rows));
    if let Some(old) = old {
        let kept = safe(&format!("the old database is kept: {old}. When it is no longer needed: {}", dropping(old)));
        _ = writeln!(text, "  {kept};");
    }
    match queue {
        Held::NoQueue => {}
        Held::Jobs(jobs) => {
            let jobs = counted(jobs.unsigned_abs(), "unfinished job is parked", "unfinished jobs are parked");
            let held = format!("  its queue is held: {jobs}, schedules do not fire. Look at it, then say go:");
            let which = if is_ours { String::new() } else { format!(" {}", safe(database)) };
            _ = writeln!(text, "{}\n    repo-to-cat backup release{which}", look.fair(&held));
        }
        Held::TooOld => {
            let old = "  its queue is of before holds: bring it up to date and hold it before a service starts on it:";
            let todo = "repo-to-cat migrate up; psql -c \"SELECT queue.hold('restored')\"";
            _ = writeln!(text, "{}\n    {todo}", look.fair(old));
        }
    }
    text
}
