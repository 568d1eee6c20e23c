//! Looking for damage: whether each heap is sound and each B-tree holds what its table does.

use std::io::{BufRead, BufReader};

use super::{Stop, TOLD, tools};
use crate::backup::drill::scratch::{DATABASE, Scratch};
use crate::db::restored;
use crate::model::backup::verdict::Difference;
use crate::model::failure::{Failure, Kind};

/// The extension that looks.
pub(super) const EXTENSION: &str = "amcheck";
/// Where it is put, if the database has it not itself.
const SCHEMA: &str = "repo_to_cat_amcheck";
/// With how many connections.
const ARGUMENTS: [&str; 2] = ["--heapallindexed", "--jobs=2"];

/// Runs `pg_amcheck` on the restored database; what it found.
pub(super) async fn check(scratch: &Scratch, application: &str) -> Result<Vec<Difference>, Stop> {
    let mut session = scratch.server().connect(DATABASE, application).await?;
    let is_own = !restored::has_extension(&mut session, EXTENSION).await?;
    if is_own {
        restored::create_amcheck(&mut session, SCHEMA).await?;
    }
    let (found, ended) = tools::run(scratch, "pg_amcheck", &ARGUMENTS, application, |output| {
        findings(BufReader::new(output).split(b'\n').map_while(Result::ok))
    })
    .await?;
    match ended {
        // It ends so where it found something, too.
        Err(failure) if found.is_empty() => Err(failure.context("looking for damage").into()),
        Ok(()) if !found.is_empty() => {
            Err(Failure::new(Kind::Internal, format!("pg_amcheck says that all is well, and {:?}", found[0])).into())
        }
        _ => {
            if is_own {
                restored::drop_amcheck(&mut session, SCHEMA).await?;
            }
            // Nobody is kept waiting by a connection that does not close well.
            drop(session.close().await);
            Ok(found)
        }
    }
}

/// A finding is told on a line and the indented ones that follow it.
fn findings(lines: impl Iterator<Item = Vec<u8>>) -> Vec<Difference> {
    let mut found: Vec<String> = Vec::new();
    for line in lines {
        let line = String::from_utf8_lossy(&line);
        let count = found.len();
        match found.last_mut() {
            _ if line.trim().is_empty() => {}
            Some(last) if line.starts_with([' ', '\t']) => *last = format!("{last} {}", line.trim()),
            // The rest is read only, or it would wait for ever.
            _ if count == TOLD => {}
            _ => found.push(line.trim_end().to_owned()),
        }
    }
    found.into_iter().map(|words| Difference::Damage { words }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line() {
        let said = "heap table \"a\", block 0, offset 1:\n    is broken\n\nbtree index \"b\":\n    ERROR:  x\n";
        let found = findings(said.lines().map(|line| line.as_bytes().to_vec()));
        let damage = |words: &str| Difference::Damage { words: words.to_owned() };
        assert_eq!(
            found,
            [damage("heap table \"a\", block 0, offset 1: is broken"), damage("btree index \"b\": ERROR:  x")]
        );
    }
}
