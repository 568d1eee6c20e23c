//! The plan of a statement, as a tree.

use std::fmt::Write as _;
use std::time::Duration;

use super::amount::{duration, grouped};
use super::look::Look;
use super::text::{safe, wrap};
use crate::db::looking::explain::{Node, Plan};

/// Plans, and what stands out in them.
#[must_use]
pub fn plans(plans: &[Plan], hints: &[String], look: &Look) -> String {
    let mut text = String::new();
    for plan in plans {
        node(&plan.top, 0, look, &mut text);
        for (name, value) in &plan.settings {
            _ = writeln!(text, "{}", look.dim(&format!("set: {name} = {}", value.as_str().unwrap_or_default())));
        }
        let times = [("planned", plan.planning_time), ("run", plan.execution_time)];
        let times: Vec<String> =
            times.iter().filter_map(|(what, time)| Some(format!("{what} in {}", time_of((*time)?)))).collect();
        if !times.is_empty() {
            _ = writeln!(text, "{}", look.dim(&times.join(", ")));
        }
    }
    for hint in hints {
        for (at, line) in wrap(hint, look.text_width() - 2).iter().enumerate() {
            let mark = if at == 0 { look.fair("!") } else { " ".to_owned() };
            _ = writeln!(text, "{mark} {line}");
        }
    }
    text
}

fn node(part: &Node, depth: usize, look: &Look, text: &mut String) {
    let indent = "   ".repeat(depth);
    let arrow = if depth > 0 { "└─ " } else { "" };
    let indent_of_arrow = indent.get(3..).unwrap_or_default();
    _ = writeln!(text, "{indent_of_arrow}{arrow}{}  {}", look.heading(&safe(&title(part))), look.dim(&figures(part)));
    for (name, what) in details(part) {
        _ = writeln!(text, "{indent}   {}", safe(&format!("{name}: {what}")));
    }
    for below in &part.plans {
        node(below, depth + 1, look, text);
    }
}

fn title(node: &Node) -> String {
    let mut title = match (&node.operation, &node.join_type) {
        (Some(operation), _) => operation.clone(),
        (None, Some(join)) => format!("{} ({join})", node.node_type),
        (None, None) => node.node_type.clone(),
    };
    if let Some(index) = &node.index_name {
        _ = write!(title, " by {index}");
    }
    if let Some(table) = &node.relation_name {
        _ = write!(title, " on {}", node.schema.as_ref().map_or(table.clone(), |schema| format!("{schema}.{table}")));
        if let Some(alias) = node.alias.as_ref().filter(|alias| *alias != table) {
            _ = write!(title, " {alias}");
        }
    }
    match &node.subplan_name {
        Some(name) => format!("{name}: {title}"),
        None => title,
    }
}

/// What was expected, and what came where it was run: of all loops together.
fn figures(node: &Node) -> String {
    let mut parts = vec![format!("{} rows expected", grouped(node.plan_rows as u64))];
    let loops = node.actual_loops.unwrap_or_default();
    match (node.actual_rows, node.actual_total_time) {
        (Some(_), _) if loops == 0.0 => parts.push("never needed".to_owned()),
        (Some(rows), Some(time)) => {
            parts.push(format!("{} came", grouped((rows * loops) as u64)));
            parts.push(time_of(time * loops));
            if loops > 1.0 {
                parts.push(format!("{} loops", grouped(loops as u64)));
            }
        }
        _ => parts.push(format!("cost {}", grouped(node.total_cost as u64))),
    }
    if let (Some(_), Some(hit), Some(read)) = (node.actual_rows, node.shared_hit_blocks, node.shared_read_blocks) {
        parts.push(format!("{} pages", grouped(hit + read)));
    }
    parts.join(", ")
}

fn details(node: &Node) -> Vec<(&'static str, String)> {
    let conditions = [
        ("finds", &node.index_cond),
        ("checks again", &node.recheck_cond),
        ("joins by", &node.hash_cond),
        ("joins by", &node.merge_cond),
        ("joins where", &node.join_filter),
        ("keeps", &node.filter),
    ];
    let mut details: Vec<(&str, String)> =
        conditions.into_iter().filter_map(|(name, what)| Some((name, what.clone()?))).collect();
    if let Some(removed) = node.rows_removed_by_filter.filter(|rows| *rows > 0.0) {
        let loops = node.actual_loops.unwrap_or(1.0);
        details.push(("left out", format!("{} rows", grouped((removed * loops) as u64))));
    }
    let keys = [("sorts by", &node.sort_key), ("groups by", &node.group_key)];
    details.extend(keys.into_iter().filter(|(_, keys)| !keys.is_empty()).map(|(name, keys)| (name, keys.join(", "))));
    details
}

fn time_of(millis: f64) -> String {
    if millis < 10.0 {
        return format!("{millis:.2} ms");
    }
    duration(Duration::try_from_secs_f64(millis / 1000.0).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_reads_like_this() {
        let read: Vec<Plan> = serde_json::from_value(json!([{
            "Plan": {
                "Node Type": "Sort", "Total Cost": 120.5, "Plan Rows": 10, "Actual Rows": 12, "Actual Loops": 1,
                "Actual Total Time": 4.5, "Sort Key": ["created_at DESC"], "Shared Hit Blocks": 4,
                "Shared Read Blocks": 1, "Parallel Aware": false,
                "Plans": [
                    {"Node Type": "Hash Join", "Join Type": "Inner", "Hash Cond": "(g.id = j.id)", "Plan Rows": 10,
                     "Actual Rows": 12, "Actual Loops": 1, "Actual Total Time": 4.0, "Plans": [
                        {"Node Type": "Seq Scan", "Schema": "public", "Relation Name": "generations", "Alias": "g",
                         "Filter": "(repo_owner = 'user'::text)", "Rows Removed by Filter": 200_000, "Plan Rows": 1,
                         "Actual Rows": 500, "Actual Loops": 2, "Actual Total Time": 1500.0},
                        {"Node Type": "Index Scan", "Index Name": "jobs_pkey", "Schema": "queue",
                         "Relation Name": "jobs", "Alias": "jobs", "Index Cond": "(id = g.id)", "Plan Rows": 1,
                         "Actual Rows": 0, "Actual Loops": 0, "Actual Total Time": 0.0}]}]
            },
            "Settings": {"work_mem": "64MB"}, "Planning Time": 0.4, "Execution Time": 4.8
        }]))
        .unwrap();
        insta::assert_snapshot!(plans(&read, &["something stands out".to_owned()], &Look::plain()));
    }
}
