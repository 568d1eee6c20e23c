//! Large tables in pieces: ranges of pages that several connections read at once under one snapshot.

use std::ops::Range;

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
    Range { start: 0, end: count }.map(move |piece| {
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
