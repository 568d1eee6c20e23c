//! Rows on their way to the server: cut into batches at row ends, and written by several connections at once.
//!
//! Each batch is a COPY of its own, so that even one large table is spread over all connections, and what a table refuses
//! is found out soon. A batch is passed on in pieces as it comes: however long a row is, little of it is in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::stop::stopped;
use crate::db::loading::Loader;
use crate::db::server::Server;
use crate::model::failure::Result;

/// How large pieces are that a connection is given at once.
const PIECE_BYTES: usize = 256 * 1024;
/// From which size on a batch ends with the next row.
const BATCH_BYTES: usize = 4 << 20;
/// Pieces that wait for a connection: a whole batch, so that the next one is filled meanwhile.
const WAITING: usize = 2 * BATCH_BYTES / PIECE_BYTES;

/// What a connection is given.
#[derive(Debug)]
struct Piece {
    table: Arc<Table>,
    rows: Vec<u8>,
    /// Whether it ends the batch.
    is_last: bool,
}

/// Where rows go.
#[derive(Debug)]
struct Table {
    /// Its name, for people.
    shown: String,
    /// The COPY.
    statement: String,
}

/// Takes rows, on a thread that may wait, and gives them to the connections.
#[derive(Debug)]
pub(super) struct Router {
    lanes: Vec<Sender<Piece>>,
    table: Option<Arc<Table>>,
    /// What was not passed on yet.
    rows: Vec<u8>,
    /// The connection that the batch which has begun goes to, and how much of it that has.
    batch: Option<(usize, usize)>,
}

/// The other end of a lane: a connection that writes.
#[derive(Debug)]
pub(super) struct Lane(Receiver<Piece>);

/// Lanes for so many connections.
pub(super) fn lanes(count: usize) -> (Router, Vec<Lane>) {
    let (lanes, ends) = (0..count).map(|_| channel(WAITING)).map(|(lane, end)| (lane, Lane(end))).unzip();
    (Router { lanes, table: None, rows: Vec::new(), batch: None }, ends)
}

impl Router {
    /// The rows that follow belong to this table. Those of the one before are passed on.
    pub fn begin(&mut self, shown: String, statement: String) -> Result<()> {
        self.end()?;
        self.table = Some(Arc::new(Table { shown, statement }));
        Ok(())
    }

    /// Takes rows, cut anywhere.
    pub fn rows(&mut self, rows: &[u8]) -> Result<()> {
        let sent = self.batch.map_or(0, |(_, bytes)| bytes);
        if sent + self.rows.len() + rows.len() >= BATCH_BYTES
            && let Some(end) = memchr::memrchr(b'\n', rows)
        {
            self.rows.extend_from_slice(&rows[..=end]);
            self.pass(true)?;
            self.rows.extend_from_slice(&rows[end + 1..]);
        } else {
            self.rows.extend_from_slice(rows);
        }
        if self.rows.len() >= PIECE_BYTES { self.pass(false) } else { Ok(()) }
    }

    /// The rows of the table have ended.
    pub fn end(&mut self) -> Result<()> {
        if self.rows.is_empty() && self.batch.is_none() { Ok(()) } else { self.pass(true) }
    }

    fn pass(&mut self, is_last: bool) -> Result<()> {
        let Some(table) = self.table.clone() else { return Ok(()) };
        // A batch goes to whom has the least to do.
        let emptiest = || (0..self.lanes.len()).max_by_key(|lane| self.lanes[*lane].capacity()).unwrap_or(0);
        let (lane, sent) = self.batch.unwrap_or_else(|| (emptiest(), 0));
        let rows = std::mem::replace(&mut self.rows, Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4));
        self.batch = (!is_last).then_some((lane, sent + rows.len()));
        // Where it has ended, it says why.
        self.lanes[lane].blocking_send(Piece { table, rows, is_last }).map_err(|_| stopped())
    }
}

impl Lane {
    /// Writes what comes, until nothing more does.
    pub async fn write(
        mut self,
        server: Server,
        database: String,
        application: String,
        rows: Arc<AtomicU64>,
    ) -> Result<()> {
        let Some(first) = self.0.recv().await else { return Ok(()) };
        let mut loader = Loader::connect(&server, &database, &application).await?;
        let mut next = Some(first);
        while let Some(piece) = next {
            let table = Arc::clone(&piece.table);
            let written = self.batch(&mut loader, piece).await;
            rows.fetch_add(written.map_err(|failure| failure.context(&table.shown))?, Ordering::Relaxed);
            next = self.0.recv().await;
        }
        loader.close().await
    }

    /// Writes one batch; how many rows it was.
    async fn batch(&mut self, loader: &mut Loader, first: Piece) -> Result<u64> {
        let mut copying = loader.copy(&first.table.statement).await?;
        let mut piece = first;
        loop {
            copying.send(&piece.rows).await?;
            if piece.is_last {
                return copying.finish().await;
            }
            // Where the rest does not come, reading has failed: the rows that came must not stay.
            piece = self.0.recv().await.ok_or_else(stopped)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All batches, in their order, of what a router passes on.
    fn batches(pieces: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let (mut router, mut lanes) = lanes(1);
        let reader = std::thread::spawn(move || {
            let (mut batches, mut batch) = (Vec::new(), Vec::new());
            while let Some(piece) = lanes[0].0.blocking_recv() {
                batch.extend_from_slice(&piece.rows);
                if piece.is_last {
                    batches.push(std::mem::take(&mut batch));
                }
            }
            assert!(batch.is_empty());
            batches
        });
        router.begin("t".into(), "COPY t".into()).unwrap();
        for piece in pieces {
            router.rows(piece).unwrap();
        }
        router.end().unwrap();
        drop(router);
        reader.join().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn batches_end_with_a_row_and_hold_everything(
            lines in proptest::collection::vec(0..6_000_000_usize, 0..6), size in 1..3_000_000_usize
        ) {
            let text: Vec<u8> = lines.iter().flat_map(|length| [vec![b'x'; *length], vec![b'\n']].concat()).collect();
            let pieces: Vec<Vec<u8>> = text.chunks(size).map(<[u8]>::to_vec).collect();
            let batches = batches(&pieces);
            prop_assert!(batches.iter().all(|batch| batch.ends_with(b"\n")));
            prop_assert_eq!(batches.concat(), text);
        }
    }
}
