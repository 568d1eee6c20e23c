//! How PostgreSQL ran a statement: what `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)` says, and what is wrong with it.

use std::collections::BTreeSet;

use serde_json::Value;

/// More rows than any statement takes at once: who sorts more sorts the backlog.
const MOST_SORTED: f64 = 6000.0;

/// A plan as it was run.
pub struct Plan(Value);

impl Plan {
    /// The plan that `EXPLAIN` gave.
    pub fn of(explained: &Value) -> Self {
        Self(explained[0]["Plan"].clone())
    }

    fn nodes(&self) -> Vec<&Value> {
        let mut nodes = vec![&self.0];
        let mut next = 0;
        while let Some(node) = nodes.get(next) {
            nodes.extend(node["Plans"].as_array().into_iter().flatten());
            next += 1;
        }
        nodes
    }

    /// Pages of tables and indexes that were looked at, each time counted.
    pub fn buffers(&self) -> u64 {
        let nodes = self.nodes();
        // A node's figure has those below it, but for a writing WITH that nobody reads: it runs after the rest.
        let read: BTreeSet<&str> = nodes.iter().filter_map(|node| node["CTE Name"].as_str()).collect();
        let is_apart = |node: &Value| {
            let name = node["Subplan Name"].as_str().and_then(|name| name.strip_prefix("CTE "));
            name.is_some_and(|name| !read.contains(name))
        };
        let apart = nodes.iter().copied().filter(|node| is_apart(node));
        [&self.0]
            .into_iter()
            .chain(apart)
            .map(|node| count(node, "Shared Hit Blocks") + count(node, "Shared Read Blocks"))
            .sum()
    }

    /// The tables that are read, by their names.
    pub fn tables(&self) -> BTreeSet<String> {
        self.nodes().into_iter().filter_map(|node| Some(node["Relation Name"].as_str()?.to_owned())).collect()
    }

    /// What a statement must not do where much is kept.
    pub fn faults(&self) -> Vec<String> {
        self.nodes().into_iter().filter_map(fault).collect()
    }
}

fn count(node: &Value, key: &str) -> u64 {
    node[key].as_u64().unwrap_or_default()
}

fn rows(node: &Value, key: &str) -> f64 {
    node[key].as_f64().unwrap_or_default() * node["Actual Loops"].as_f64().unwrap_or_default()
}

fn fault(node: &Value) -> Option<String> {
    let table = node["Relation Name"].as_str().unwrap_or_default();
    match node["Node Type"].as_str().unwrap_or_default() {
        "Seq Scan" if table == "jobs" || table.starts_with("history") => {
            // Of a partition that is empty, nothing is cheaper.
            let read = rows(node, "Actual Rows") + rows(node, "Rows Removed by Filter");
            (read > 0.0).then(|| format!("reads {read} rows of {table} one after the other"))
        }
        "Sort" | "Incremental Sort" => {
            let sorted: f64 =
                node["Plans"].as_array().into_iter().flatten().map(|input| rows(input, "Actual Rows")).sum();
            (sorted > MOST_SORTED).then(|| format!("sorts {sorted} rows"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Plan;

    #[test]
    fn faults_are_found_and_buffers_counted() {
        let plan = Plan::of(&json!([{"Plan": {
        "Node Type": "Limit", "Shared Hit Blocks": 3, "Shared Read Blocks": 2, "Plans": [
            {"Node Type": "Seq Scan", "Relation Name": "jobs", "Actual Rows": 0, "Rows Removed by Filter": 7, "Actual Loops": 1},
            {"Node Type": "Seq Scan", "Relation Name": "history_completed_default", "Actual Rows": 0, "Actual Loops": 1},
            {"Node Type": "Sort", "Plans": [{"Node Type": "CTE Scan", "CTE Name": "read", "Actual Rows": 100, "Actual Loops": 100}]},
            {"Node Type": "ModifyTable", "Subplan Name": "CTE read", "Shared Hit Blocks": 4},
            {"Node Type": "ModifyTable", "Subplan Name": "CTE apart", "Shared Hit Blocks": 5},
        ]}}]));
        assert_eq!(plan.buffers(), 10);
        assert_eq!(plan.faults(), ["reads 7 rows of jobs one after the other", "sorts 10000 rows"]);
    }
}
