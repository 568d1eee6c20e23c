//! A custom archive, restored while it streams by.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use super::input::each_piece;
use super::job::Job;
use super::rows::Router;
use super::sections::{Others, Sections};
use super::selection::{self, Choice};
use crate::backup::archive::custom::CustomReader;
use crate::backup::archive::toc::{Entry, Toc};
use crate::backup::archive::{Inventory, Part, Reader};
use crate::db::loading::copy_into;
use crate::model::backup::Tally;
use crate::model::backup::manifest::Table;
use crate::model::failure::{Failure, Kind, Result};

/// Restores an archive but for what comes after the rows. Blocking: it runs on a thread of its own.
pub(super) struct Archive {
    job: Arc<Job>,
    router: Router,
    inventory: Inventory,
    choice: Option<Choice>,
    encoding: String,
    /// The statements that take the rows, by number; rows of others are not wanted.
    statements: HashMap<i32, String>,
    is_wanted: bool,
    /// Once the table of contents has come.
    sections: Option<Sections>,
    others: Option<Others>,
    /// Whether it cannot be read as it streams by, but only by `pg_restore` and from a file.
    pub needs_file: bool,
}

impl Archive {
    pub fn new(job: Arc<Job>, router: Router) -> Self {
        Self {
            job,
            router,
            inventory: Inventory::default(),
            choice: None,
            encoding: String::new(),
            statements: HashMap::new(),
            is_wanted: false,
            sections: None,
            others: None,
            needs_file: false,
        }
    }

    /// Reads and restores it.
    pub fn read(&mut self, input: &mut dyn Read) -> Result<()> {
        let job = Arc::clone(&self.job);
        let mut reader = CustomReader::default();
        each_piece(input, &job, &mut |piece| reader.feed(piece, &mut |part| self.take(&part)))?;
        reader.finish(&mut |part| self.take(&part))?;
        self.others.take().map_or(Ok(()), Others::finish)
    }

    /// Whether rows of this table are wanted.
    pub fn wants(&self, table: &Table) -> bool {
        let name = (table.schema.clone(), table.name.clone());
        self.choice.as_ref().is_none_or(|choice| choice.tables.contains(&name))
    }

    /// Reads a file with rows of one table, and restores them; what they amount to, where that is asked for.
    pub fn read_piece(&mut self, input: &mut dyn Read, table: &Table) -> Result<Tally> {
        let statement = copy_into(&table.schema, &table.name, &table.columns, &self.encoding)
            .map_err(|failure| failure.context(format!("the manifest: table {}.{}", table.schema, table.name)))?;
        self.router.begin(shown(&table.schema, &table.name), statement)?;
        let mut tally = Tally::default();
        let job = Arc::clone(&self.job);
        each_piece(input, &job, &mut |piece| {
            if job.options.verify {
                tally.feed(piece);
            }
            self.router.rows(piece)
        })?;
        self.router.end()?;
        Ok(tally)
    }

    /// Everything has been read: what is to be made after the rows, and what was in the archive.
    pub fn finish(self) -> Result<(Sections, Inventory)> {
        let sections =
            self.sections.ok_or_else(|| Failure::new(Kind::Internal, "an archive without contents was read"))?;
        Ok((sections, self.inventory))
    }

    fn take(&mut self, part: &Part<'_>) -> Result<()> {
        if self.job.options.verify {
            self.inventory.note(part);
        }
        match part {
            Part::Rows(rows) if self.is_wanted => self.router.rows(rows),
            Part::Rows(_) | Part::Sequence(_) => Ok(()),
            Part::Contents { toc, raw } => self.open(toc, raw),
            Part::Table { dump_id, schema, name, .. } => {
                let statement = self.statements.remove(dump_id);
                self.is_wanted = statement.is_some();
                statement.map_or(Ok(()), |statement| self.router.begin(shown(schema, name), statement))
            }
            Part::TableEnd => self.router.end(),
            Part::LargeObjects { .. } | Part::LargeObject(_) | Part::LargeObjectBytes(_) | Part::LargeObjectsEnd => {
                if let Some(others) = &mut self.others {
                    others.note(part);
                }
                Ok(())
            }
        }
    }

    /// Makes what must be there before the rows.
    fn open(&mut self, toc: &Toc, raw: &[u8]) -> Result<()> {
        let rows = || toc.entries.iter().filter(|entry| entry.description == "TABLE DATA" && entry.has_data);
        // Names in another encoding than ours cannot be told to the server.
        let is_foreign = |entry: &Entry| statement(entry, "").is_none() || entry.copy.contains('\u{fffd}');
        if toc.is_compressed || rows().any(is_foreign) {
            self.needs_file = true;
            return Err(Failure::new(Kind::Unusable, "the archive cannot be restored as it streams by"));
        }
        if !self.job.options.tables.is_empty() {
            self.choice = Some(selection::choose(toc, &self.job.options.tables)?);
        }
        toc.encoding().clone_into(&mut self.encoding);
        let is_chosen = |id: i32| self.choice.as_ref().is_none_or(|choice| choice.entries.contains(&id));
        self.statements = rows()
            .filter(|entry| is_chosen(entry.dump_id))
            .filter_map(|entry| Some((entry.dump_id, statement(entry, toc.encoding())?)))
            .collect();
        let sections = Sections::new(Arc::clone(&self.job), toc, raw, self.choice.as_ref())?;
        sections.before_rows()?;
        self.others = Some(sections.others()?);
        self.sections = Some(sections);
        Ok(())
    }
}

/// What the archive's own COPY does, with the encoding of its text.
fn statement(entry: &Entry, encoding: &str) -> Option<String> {
    let (schema, name, columns) = entry.copied()?;
    copy_into(&schema, &name, columns, encoding).ok()
}

/// A table, for people.
pub(super) fn shown(schema: &str, name: &str) -> String {
    format!("rows of {schema}.{name}")
}
