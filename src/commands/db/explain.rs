//! `db explain`: how a statement would run, and what stands out in that.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::Explain;
use crate::commands::Output;
use crate::commands::view::amount::grouped;
use crate::commands::view::plan as view;
use crate::db::Db;
use crate::db::looking::explain::{self, Node, Plan};
use crate::model::failure::{Failure, Kind, Result};

/// A table of so many rows is large.
const LARGE: i64 = 100_000;
/// An estimate that is off by so much leads to plans that do not fit.
const OFF: f64 = 100.0;
/// Fewer rows than this make no plan bad, however wrong the estimate is.
const FEW: f64 = 1000.0;

/// Explains the statement.
pub async fn run(db: &Db, args: &Explain, output: &Output) -> Result<()> {
    let patience = Duration::from_secs(args.seconds.into());
    let plans = explain::explain(db, &args.statement, args.analyze, patience).await?;
    let read: Vec<Plan> = serde_json::from_value(plans.clone()).map_err(|error| {
        Failure::new(Kind::Internal, "the server's plan has a shape that is not known").source(error)
    })?;
    let mut hints = Vec::new();
    for plan in &read {
        hints.extend(full_reads(db, &plan.top).await?);
        hints.extend(plan.top.all().into_iter().filter_map(wrong_estimate));
    }
    hints.dedup();
    let data: Value = json!({ "plans": plans, "hints": hints });
    output.data(&data, |look| view::plans(&read, &hints, look))
}

/// Large tables that are read from end to end.
async fn full_reads(db: &Db, top: &Node) -> Result<Vec<String>> {
    let scans: Vec<(&Node, (String, String))> = top
        .all()
        .into_iter()
        .filter(|node| node.node_type == "Seq Scan")
        .filter_map(|node| Some((node, table(node)?)))
        .collect();
    let names: Vec<(String, String)> = scans.iter().map(|(_, name)| name.clone()).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let rows = explain::rows_of(db, &names).await?;
    let of = |name: &(String, String)| rows.iter().find(|(schema, table, _)| (schema, table) == (&name.0, &name.1));
    let large = scans.iter().filter_map(|(node, name)| {
        let (schema, table, rows) = of(name).filter(|(_, _, rows)| *rows >= LARGE)?;
        Some(full_read(node, &format!("{schema}.{table}"), rows.unsigned_abs()))
    });
    Ok(large.collect())
}

fn full_read(node: &Node, table: &str, rows: u64) -> String {
    let reads = format!("{table} is read from end to end (some {} rows)", grouped(rows));
    match &node.filter {
        Some(filter) => {
            format!("{reads} for {filter}: an index on what stands there would spare that, if it keeps few rows")
        }
        None => format!("{reads}: nothing in the statement says which rows are wanted"),
    }
}

fn table(node: &Node) -> Option<(String, String)> {
    Some((node.schema.clone()?, node.relation_name.clone()?))
}

/// A part that came out quite otherwise than estimated.
fn wrong_estimate(node: &Node) -> Option<String> {
    let actual = node.actual_rows?;
    if node.actual_loops == Some(0.0) || actual.max(node.plan_rows) < FEW {
        return None;
    }
    let (expected, actual) = (node.plan_rows.max(1.0), actual.max(1.0));
    if (actual / expected).max(expected / actual) < OFF {
        return None;
    }
    let place = node.relation_name.as_ref().map_or_else(String::new, |name| format!(" on {name}"));
    let todo = match &node.relation_name {
        Some(_) => {
            let name = table(node).map_or_else(String::new, |(schema, name)| format!("{schema}.{name}"));
            format!("type in psql: ANALYZE {name}")
        }
        None => "look at the lowest part below it that is wrong".to_owned(),
    };
    Some(format!(
        "{}{place}: {} rows were expected, {} came: {todo}",
        node.node_type,
        grouped(expected as u64),
        grouped(actual as u64)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(plan_rows: f64, actual_rows: f64) -> Node {
        Node {
            node_type: "Seq Scan".to_owned(),
            schema: Some("queue".to_owned()),
            relation_name: Some("jobs".to_owned()),
            plan_rows,
            actual_rows: Some(actual_rows),
            actual_loops: Some(1.0),
            ..Node::default()
        }
    }

    #[test]
    fn only_what_matters_is_called_wrong() {
        assert_eq!(wrong_estimate(&scan(1.0, 500.0)), None, "few rows");
        assert_eq!(wrong_estimate(&scan(1000.0, 50_000.0)), None, "not that wrong");
        let told = wrong_estimate(&scan(1.0, 20_000.0)).unwrap();
        assert_eq!(told, "Seq Scan on jobs: 1 rows were expected, 20,000 came: type in psql: ANALYZE queue.jobs");
        assert!(wrong_estimate(&scan(20_000.0, 0.0)).is_some());
        assert_eq!(wrong_estimate(&Node { actual_rows: None, ..scan(1.0, 1.0) }), None, "it did not run");
        assert_eq!(wrong_estimate(&Node { actual_loops: Some(0.0), ..scan(20_000.0, 0.0) }), None, "it was not needed");
    }
}
