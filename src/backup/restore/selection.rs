//! Some tables of an archive: with all that is theirs, and all that they cannot be without.

use std::collections::HashSet;

use crate::backup::archive::toc::{Entry, Toc};
use crate::model::failure::{Failure, Kind, Result};

/// What is part of a table, and comes with it.
const PARTS: [&str; 16] = [
    "TABLE DATA",
    "DEFAULT",
    "SEQUENCE",
    "SEQUENCE OWNED BY",
    "SEQUENCE SET",
    "INDEX",
    "CONSTRAINT",
    "CHECK CONSTRAINT",
    "TRIGGER",
    "RULE",
    "POLICY",
    "ROW SECURITY",
    "STATISTICS",
    "COMMENT",
    "ACL",
    "SECURITY LABEL",
];

/// What ties two things together, and comes where both do.
const TIES: [&str; 3] = ["FK CONSTRAINT", "TABLE ATTACH", "INDEX ATTACH"];

/// How many tables are named to somebody who asked for one that is not there.
const SHOWN: usize = 5;

/// What of an archive is wanted.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// The numbers of the entries.
    pub entries: HashSet<i32>,
    /// Schema and name of the tables whose rows come.
    pub tables: HashSet<(String, String)>,
}

/// What belongs to these tables, each `schema.table` or `table`. With a table come its partitions.
pub(super) fn choose(toc: &Toc, tables: &[String]) -> Result<Choice> {
    let is_table = |entry: &&Entry| entry.description == "TABLE" || entry.description == "FOREIGN TABLE";
    let mut wanted = HashSet::new();
    for table in tables {
        let is_it = |entry: &&Entry| *table == entry.tag || *table == format!("{}.{}", entry.schema, entry.tag);
        let before = wanted.len();
        wanted.extend(toc.entries.iter().filter(is_table).filter(is_it).map(|entry| entry.dump_id));
        if wanted.len() == before && !toc.entries.iter().filter(is_table).any(|entry| is_it(&entry)) {
            let shown: Vec<String> = toc.entries.iter().filter(is_table).take(SHOWN).map(shown).collect();
            return Err(Failure::new(Kind::NotFound, format!("the dump has no table `{table}`"))
                .hint(format!("it has {}, ...", shown.join(", "))));
        }
    }
    add_partitions(toc, &mut wanted);
    let tables = toc.entries.iter().filter(|entry| wanted.contains(&entry.dump_id));
    let tables = tables.map(|entry| (entry.schema.clone(), entry.tag.clone())).collect();
    let mut chosen = wanted.clone();
    // Tables that are there only because others need them: their rows and indexes do not come.
    let mut parts = wanted;
    loop {
        let before = chosen.len();
        for entry in &toc.entries {
            let description = &*entry.description;
            let is_part = PARTS.contains(&description) && entry.dependencies.iter().any(|id| parts.contains(id));
            let is_tie = TIES.contains(&description) && entry.dependencies.iter().all(|id| chosen.contains(id));
            if (is_part || is_tie) && chosen.insert(entry.dump_id) {
                parts.insert(entry.dump_id);
            }
            if chosen.contains(&entry.dump_id) {
                chosen.extend(&entry.dependencies);
                if entry.description == "SEQUENCE OWNED BY" {
                    parts.extend(&entry.dependencies);
                }
            }
        }
        if chosen.len() == before {
            return Ok(Choice { entries: chosen, tables });
        }
    }
}

fn add_partitions(toc: &Toc, wanted: &mut HashSet<i32>) {
    let names: std::collections::HashMap<(&str, &str), i32> = toc
        .entries
        .iter()
        .filter(|entry| entry.description == "TABLE")
        .map(|entry| ((&*entry.schema, &*entry.tag), entry.dump_id))
        .collect();
    loop {
        let before = wanted.len();
        for entry in toc.entries.iter().filter(|entry| entry.description == "TABLE ATTACH") {
            let child = names.get(&(&*entry.schema, &*entry.tag));
            if let Some(child) = child
                && entry.dependencies.iter().any(|id| id != child && wanted.contains(id))
            {
                wanted.insert(*child);
            }
        }
        if wanted.len() == before {
            return;
        }
    }
}

fn shown(entry: &Entry) -> String {
    format!("{}.{}", entry.schema, entry.tag)
}
