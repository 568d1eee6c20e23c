//! Whether what was read is what the manifest says.

use std::collections::HashMap;

use super::archive::Archive;
use super::job::Job;
use super::sections::Sections;
use crate::backup::archive::Inventory;
use crate::model::backup::manifest::Table;
use crate::model::backup::{Fingerprint, Manifest, Tally};
use crate::model::failure::{Failure, Kind, Result};

/// How many tables that differ are named.
const SHOWN: usize = 5;

/// What the files with rows of single tables amount to, by schema and name.
#[derive(Debug, Default)]
pub(super) struct Pieces(HashMap<(String, String), Fingerprint>);

impl Pieces {
    /// Adds a file.
    pub fn add(&mut self, table: &Table, rows: Tally) {
        self.0.entry((table.schema.clone(), table.name.clone())).or_default().merge(&rows.finish());
    }
}

/// Compares everything that was read, if that is asked for; what is to be made after the rows.
pub(super) fn all(job: &Job, archive: Archive, manifest: &Manifest, pieces: Pieces) -> Result<Sections> {
    let wanted: Vec<Table> = manifest.tables.iter().filter(|table| archive.wants(table)).cloned().collect();
    let (sections, inventory) = archive.finish()?;
    if job.options.verify {
        inventory_of(inventory, pieces, &wanted, manifest)?;
    }
    Ok(sections)
}

/// Compares what was in a plain dump.
pub(super) fn plain(inventory: Inventory, manifest: &Manifest) -> Result<()> {
    inventory_of(inventory, Pieces::default(), &manifest.tables, manifest)
}

fn inventory_of(inventory: Inventory, pieces: Pieces, wanted: &[Table], manifest: &Manifest) -> Result<()> {
    let (tables, mut sequences, large_objects) = inventory.finish();
    let Pieces(mut read) = pieces;
    for table in tables {
        read.entry((table.schema, table.name)).or_default().merge(&table.fingerprint);
    }
    let differs = |table: &&Table| {
        let name = (table.schema.clone(), table.name.clone());
        read.get(&name).copied().unwrap_or_default() != table.fingerprint
    };
    let mut differing: Vec<String> =
        wanted.iter().filter(differs).map(|table| format!("{}.{}", table.schema, table.name)).collect();
    let mut expected = manifest.sequences.clone();
    for sequences in [&mut sequences, &mut expected] {
        sequences.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
    }
    if sequences != expected {
        differing.push("where sequences stand".into());
    }
    if large_objects != manifest.large_objects {
        differing.push("large objects".into());
    }
    if differing.is_empty() {
        return Ok(());
    }
    let more = differing.len().saturating_sub(SHOWN);
    differing.truncate(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let what = format!("the backup does not hold what its manifest says: {}{more}", differing.join(", "));
    Err(Failure::new(Kind::Unusable, what).hint("the backup or its manifest was changed: restore another backup"))
}
