//! Large tables in pieces: ranges of pages that several connections read at once under one snapshot.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::try_join_all;

use super::files::{Files, unwritten};
use super::meter::Meter;
use crate::db::server::Server;
use crate::db::source::catalog::Table;
use crate::db::source::rows::{copy_range, import};
use crate::model::backup::manifest::{self, FileRole, StoredFile};
use crate::model::backup::{Fingerprint, Tally};
use crate::model::failure::Result;

/// Pieces that each connection reads on average: enough that all end at about the same time.
const PIECES_PER_JOB: u64 = 4;
/// Fewer pages than this (8 MB) are not worth a file and a statement of their own.
const FEWEST_PAGES: u64 = 1024;

/// Rows of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Which table: place in the list that was cut.
    pub table: usize,
    /// Its pages. The last piece of a table has no end: pages that were added since are read, too, since a row of the
    /// snapshot may stand in them, if the size was looked up before the snapshot was taken.
    pub pages: (u32, Option<u32>),
}

/// Where pieces are read.
pub(super) struct Reading<'a> {
    pub server: &'a Server,
    pub database: &'a str,
    pub application: &'a str,
    pub snapshot: &'a str,
    pub jobs: usize,
    pub meter: &'a Arc<Meter>,
}

/// What is left to do, and how many pieces of each table.
struct Queue {
    pieces: VecDeque<(usize, Piece)>,
    unread: Vec<usize>,
}

impl Reading<'_> {
    /// Reads tables that are locked, each piece into a file of its own; the files' tables are places in what is returned.
    pub async fn read(&self, files: &Files<'_>, tables: &[Table]) -> Result<(Vec<StoredFile>, Vec<manifest::Table>)> {
        let pieces = cut(&tables.iter().map(|table| table.pages).collect::<Vec<_>>(), self.jobs);
        let unread =
            (0..tables.len()).map(|table| pieces.iter().filter(|piece| piece.table == table).count()).collect();
        let readers = self.jobs.min(pieces.len());
        let queue = Mutex::new(Queue { pieces: pieces.into_iter().enumerate().collect(), unread });
        let made = try_join_all((0..readers).map(|_| self.read_on(files, tables, &queue))).await?;
        let mut made: Vec<(StoredFile, Piece, Fingerprint)> = made.into_iter().flatten().collect();
        made.sort_by(|(one, ..), (other, ..)| one.name.cmp(&other.name));
        let mut fingerprints = vec![Fingerprint::default(); tables.len()];
        for (_, piece, fingerprint) in &made {
            fingerprints[piece.table].merge(fingerprint);
        }
        let told = tables.iter().zip(fingerprints).map(|(table, fingerprint)| manifest::Table {
            schema: table.schema.clone(),
            name: table.name.clone(),
            columns: table.column_list.clone(),
            fingerprint,
        });
        Ok((made.into_iter().map(|(file, ..)| file).collect(), told.collect()))
    }

    /// One connection: it reads piece after piece.
    async fn read_on(
        &self,
        files: &Files<'_>,
        tables: &[Table],
        queue: &Mutex<Queue>,
    ) -> Result<Vec<(StoredFile, Piece, Fingerprint)>> {
        let mut session = import(self.server, self.database, self.application, self.snapshot).await?;
        let mut made = Vec::new();
        while let Some((number, piece)) = next(queue) {
            let (waiter, meter, table, pages) =
                (files.waiter(), self.meter.clone(), tables[piece.table].clone(), piece.pages);
            let what = format!("{:04}.copy", number + 1);
            let writing = files.write(&what, FileRole::Piece { table: piece.table }, files.small(), move |encoder| {
                let mut tally = Tally::default();
                let rows = waiter.wait(copy_range(&mut session, &table, pages))?;
                waiter.each(rows, |text| {
                    meter.add_bytes(text.len());
                    encoder.write_all(text).map_err(unwritten)?;
                    tally.feed(text);
                    Ok(())
                })?;
                Ok((session, tally.finish()))
            });
            let (file, (idle, fingerprint)) = writing.await?;
            session = idle;
            let unread = &mut locked(queue).unread[piece.table];
            *unread -= 1;
            if *unread == 0 {
                self.meter.add_table();
            }
            made.push((file, piece, fingerprint));
        }
        // All was read; how the session ends does not matter.
        drop(session.close().await);
        Ok(made)
    }
}

/// The lock goes before the piece is read.
fn next(queue: &Mutex<Queue>) -> Option<(usize, Piece)> {
    locked(queue).pieces.pop_front()
}

fn locked(queue: &Mutex<Queue>) -> std::sync::MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Cuts tables of so many pages. Every page, there or to come, is in exactly one piece of its table.
pub(super) fn cut(tables: &[u32], jobs: usize) -> Vec<Piece> {
    let total: u64 = tables.iter().map(|pages| u64::from(*pages)).sum();
    let size = total.div_ceil(jobs as u64 * PIECES_PER_JOB).max(FEWEST_PAGES);
    tables.iter().enumerate().flat_map(|(table, pages)| pieces_of(table, *pages, size)).collect()
}

fn pieces_of(table: usize, pages: u32, size: u64) -> impl Iterator<Item = Piece> {
    let count = u64::from(pages).div_ceil(size).max(1);
    // Below `pages`, so it fits.
    let begin = move |piece: u64| (u64::from(pages) * piece / count) as u32;
    (0..count).map(move |piece| {
        let end = (piece + 1 < count).then(|| begin(piece + 1));
        Piece { table, pages: (begin(piece), end) }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_page_is_in_one_piece(tables in proptest::collection::vec(0_u32..3_000_000, 0..5), jobs in 1_usize..9) {
            let pieces = cut(&tables, jobs);
            for (table, pages) in tables.iter().enumerate() {
                let of_table: Vec<_> = pieces.iter().filter(|piece| piece.table == table).map(|piece| piece.pages).collect();
                prop_assert_eq!(of_table.first().unwrap().0, 0);
                prop_assert_eq!(of_table.last().unwrap().1, None, "what is added is read, too");
                prop_assert!(of_table.windows(2).all(|two| two[0].1 == Some(two[1].0) && two[0].0 < two[1].0));
                prop_assert!(of_table.last().unwrap().0 <= *pages);
            }
            prop_assert!(pieces.len() <= tables.len() + jobs * PIECES_PER_JOB as usize);
        }
    }

    #[test]
    fn a_dominant_table_gives_each_connection_several_pieces_of_about_equal_size() {
        let pieces = cut(&[10, 160_000], 2);
        assert_eq!(pieces[0], Piece { table: 0, pages: (0, None) });
        assert_eq!(pieces.len(), 1 + 8);
        let sizes: Vec<u32> = pieces[1..8].iter().map(|piece| piece.pages.1.unwrap() - piece.pages.0).collect();
        assert!(sizes.iter().all(|size| *size == 20_000), "{sizes:?}");
        assert_eq!(cut(&[0], 4), [Piece { table: 0, pages: (0, None) }]);
    }
}
