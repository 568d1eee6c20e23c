//! How PostgreSQL runs each statement that touches jobs where much is kept: by indexes, sorting no backlog, within a bound.
//!
//! The statements are read from `.sqlx`, as the program sends them. `TEST_LARGE=1` does it with 10 million finished jobs
//! and a million that wait.

mod plan;
mod statements;
mod stock;

use std::fs;
use std::path::Path;

use serde_json::Value;
use sqlx::{Connection, PgConnection};

use super::yard::Yard;
use crate::support::postgres::PrivateCluster;
use plan::Plan;
use statements::{COLD, ENDED, HOT, Hot};
use stock::{LARGE, SMALL, Stock};

/// A statement of the program that touches jobs.
struct Statement {
    text: String,
    /// The types of its parameters, as `PREPARE` names them.
    types: Vec<String>,
}

impl Statement {
    fn has(&self, words: &[&str]) -> bool {
        words.iter().all(|word| self.text.contains(word))
    }

    /// Its first line, for messages.
    fn title(&self) -> String {
        self.text.split_whitespace().take(20).collect::<Vec<_>>().join(" ")
    }
}

fn all() -> Vec<Statement> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let described: Vec<Value> = files.map(|file| serde_json::from_slice(&fs::read(file).unwrap()).unwrap()).collect();
    let mut statements: Vec<_> = described
        .iter()
        .map(|file| Statement {
            text: file["query"].as_str().unwrap().to_owned(),
            types: file["describe"]["parameters"]["Left"].as_array().unwrap().iter().map(sql_type).collect(),
        })
        .filter(|statement| {
            ["queue.jobs", "queue.history", "queue.all_jobs"].iter().any(|table| statement.text.contains(table))
        })
        .collect();
    statements.sort_by(|one, other| one.text.cmp(&other.text));
    statements
}

/// The type of a parameter: sqlx writes its own names, arrays as `...Array`.
fn sql_type(name: &Value) -> String {
    let name = name.as_str().expect("a type by name");
    match name.strip_suffix("Array") {
        Some(element) => format!("{element}[]"),
        None => name.to_owned(),
    }
}

#[test]
fn every_statement_that_touches_jobs_is_hot_or_cold() {
    let statements = all();
    assert!(statements.len() > 20);
    let lists = || HOT.iter().map(|hot| hot.has).chain(COLD.iter().map(|cold| cold.has));
    let is_listed_once = |statement: &&Statement| lists().filter(|has| statement.has(has)).count() == 1;
    let others: Vec<_> =
        statements.iter().filter(|statement| !is_listed_once(statement)).map(Statement::title).collect();
    assert!(
        others.is_empty(),
        "not in one entry of HOT or COLD (tests/it/keeping/plans/statements.rs):\n{}",
        others.join("\n")
    );
    for has in lists() {
        let found = statements.iter().filter(|statement| statement.has(has)).count();
        assert_eq!(found, 1, "{found} statements in .sqlx have all of {has:?}");
    }
    assert!(COLD.iter().all(|cold| !cold.why.is_empty()));
}

#[tokio::test]
async fn hot_statements_stay_cheap_where_much_is_kept() {
    // Many rows are not for the server that all tests share.
    let large = std::env::var_os("TEST_LARGE").map(|_| PrivateCluster::start());
    let yard = match &large {
        Some(private) => Yard::at(private.cluster.url()).await,
        None => Yard::make().await,
    };
    stock::fill(&yard, if large.is_some() { LARGE } else { SMALL }).await;
    let mut connection = PgConnection::connect(&yard.url).await.unwrap();
    let stock = Stock::of(&mut connection).await;
    if large.is_none() {
        // Of so little, reading all may be the best plan: here only that there is an index which would do.
        sqlx::raw_sql("SET enable_seqscan = off").execute(&mut connection).await.unwrap();
    }
    let statements = all();
    let mut wrong = Vec::new();
    for hot in HOT {
        let statement = statements.iter().find(|statement| statement.has(hot.has)).expect(hot.name);
        for mode in ["force_generic_plan", "force_custom_plan"] {
            let plans = [
                explain(&mut connection, statement, hot, &stock, mode).await,
                explain(&mut connection, statement, hot, &stock, mode).await,
            ];
            let (jobs, lanes) = (stock.counts.0.unsigned_abs(), stock.counts.1.unsigned_abs());
            let [once, each_job, each_lane] = hot.buffers;
            // The first may read descriptions of tables besides, which other tests' changes of theirs have this server forget.
            let buffers = plans.iter().map(Plan::buffers).min().unwrap();
            let bound = once + each_job * jobs + each_lane * lanes;
            println!("{:<36} {mode:<20} {buffers:>7} of {bound} buffers", hot.name);
            let mut faults: Vec<String> = plans.iter().flat_map(Plan::faults).collect();
            if buffers > bound {
                faults.push(format!("looks at {buffers} buffers, more than {bound}"));
            }
            wrong.extend(faults.into_iter().map(|fault| format!("{} ({mode}): {fault}", hot.name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // As lists are read.
    let reading = "SET enable_sort = off; SET enable_seqscan = off; SET jit = off";
    sqlx::raw_sql(reading).execute(&mut connection).await.unwrap();
    let list = statements.iter().find(|statement| statement.has(ENDED.has)).unwrap();
    let plan = explain(&mut connection, list, &ENDED, &stock, "force_custom_plan").await;
    println!("{:<36} {:>28} of {} buffers", ENDED.name, plan.buffers(), ENDED.buffers[0]);
    assert!(plan.buffers() <= ENDED.buffers[0], "{} buffers", plan.buffers());
    assert_eq!(plan.faults(), Vec::<String>::new());
    let week: String =
        sqlx::query_scalar("SELECT to_char(now() AT TIME ZONE 'UTC', '\"history_discarded_\"IYYY\"_w\"IW')")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    let tables = plan.tables();
    let is_due = |table: &String| *table >= week || !table.starts_with("history_discarded_2");
    assert!(tables.contains(&week) && tables.iter().all(is_due), "{week}: {tables:?}");
    assert!(
        !tables.contains("jobs") && !tables.iter().any(|table| table.starts_with("history_completed")),
        "{tables:?}"
    );
}

/// Runs a statement as it would be run for the first or the hundredth time, and takes back what it did.
async fn explain(connection: &mut PgConnection, statement: &Statement, hot: &Hot, stock: &Stock, mode: &str) -> Plan {
    let (mut types, mut arguments) = (statement.types.join(", "), (hot.arguments)(stock).join(", "));
    if !types.is_empty() {
        (types, arguments) = (format!("({types})"), format!("({arguments})"));
    }
    let script = format!(
        "BEGIN; SET LOCAL plan_cache_mode = {mode}; PREPARE one {types} AS {};
         EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE one {arguments}; ROLLBACK; DEALLOCATE one",
        statement.text
    );
    let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(script)).fetch_all(connection).await;
    let rows = rows.unwrap_or_else(|error| panic!("{}: {error}", hot.name));
    // In the text protocol JSON comes as text.
    let text: String = sqlx::Row::try_get_unchecked(&rows[0], 0).unwrap();
    Plan::of(&serde_json::from_str(&text).unwrap())
}
