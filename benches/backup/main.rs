//! Measures backups and restores beside `pg_dump` and `pg_restore`, and writes the figures to `docs/performance.md`:
//! `make bench-backup`. With the word `small` it measures small databases once, and only prints: to try the bench itself.

mod bed;
mod contest;
mod hashing;
#[path = "../figures/machine.rs"]
mod machine;
mod report;
mod rows;
#[path = "../figures/table.rs"]
mod table;

use std::error::Error;
use std::path::Path;

use bed::Bed;
use table::Table;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The program that is measured: built as `cargo build --release` does.
const PROGRAM: &str = env!("CARGO_BIN_EXE_repo-to-cat");

/// Between these lines the document is ours.
const MARKS: [&str; 2] = ["<!-- backups: written by make bench-backup -->\n", "<!-- end of backups -->\n"];

/// How much is measured.
#[derive(Clone, Copy)]
struct Extent {
    /// Of pgbench's tables: 100,000 accounts each.
    scale: u32,
    /// Of rows like generations.
    megabytes: u64,
    /// Rounds, in each of which everybody takes a turn.
    rounds: usize,
}

const FULL: Extent = Extent { scale: 100, megabytes: 500, rounds: 3 };
const SMALL: Extent = Extent { scale: 3, megabytes: 20, rounds: 1 };

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let extent = match words[..] {
        [] => FULL,
        ["small"] => SMALL,
        _ => return Err("usage: cargo bench --bench backup [-- small]".into()),
    };
    let bed = Bed::open()?;
    bed.fill(extent.scale, extent.megabytes)?;
    let mut table = Table::default();
    report::dumps(&mut table, &bed, extent.rounds)?;
    report::restores(&mut table, &bed, extent.rounds)?;
    let machine = machine::describe()?;
    println!("{machine}\n{}", table.as_text());
    if words.is_empty() {
        table.write(Path::new("docs/performance.md"), MARKS, &machine)?;
    }
    Ok(())
}
