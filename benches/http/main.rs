//! Measures the HTTP interface beside a bare axum with one INSERT or SELECT behind it, driven by wrk, and writes the figures
//! to `docs/performance.md`: `make bench-http`. With the word `small` it measures for moments, and only prints.

mod floor;
mod load;
#[path = "../figures/machine.rs"]
mod machine;
#[path = "../figures/server.rs"]
mod server;
mod sides;
#[path = "../figures/table.rs"]
mod table;

use std::error::Error;
use std::path::Path;

use load::{Load, Run};
use sides::Sides;
use table::{Row, Table, median};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The program that is measured: built as `cargo build --release` does.
const PROGRAM: &str = env!("CARGO_BIN_EXE_repo-to-cat");
/// Between these lines the document is ours.
const MARKS: [&str; 2] = ["<!-- http: written by make bench-http -->\n", "<!-- end of http -->\n"];
/// Our figure over the floor's.
const GOAL: f64 = 0.8;

/// How much is measured.
#[derive(Clone, Copy)]
struct Extent {
    /// Rounds, in each of which everybody takes a turn.
    rounds: usize,
    /// Of one turn.
    seconds: u32,
    /// Jobs that are there when statuses are asked for.
    jobs: usize,
}

const FULL: Extent = Extent { rounds: 5, seconds: 8, jobs: 10_000 };
const SMALL: Extent = Extent { rounds: 1, seconds: 1, jobs: 100 };

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let extent = match words[..] {
        [] => FULL,
        ["small"] => SMALL,
        ["floor", url] => return floor::serve(url),
        _ => return Err("usage: cargo bench --bench http [-- small]".into()),
    };
    let sides = Sides::open()?;
    let mut table = Table::default();
    for connections in [1, 16, 64] {
        let load = |side| Load::enqueue(side, connections, extent.seconds);
        contest(&mut table, &format!("enqueue, {connections} connections"), &sides, extent.rounds, &load)?;
        sides.clear()?;
    }
    sides.fill(extent.jobs)?;
    for connections in [1, 16, 64] {
        let load = |side| Load::status(side, connections, extent.seconds);
        contest(
            &mut table,
            &format!("status of a waiting job, {connections} connections"),
            &sides,
            extent.rounds,
            &load,
        )?;
    }
    let machine = machine::describe()?;
    println!("{machine}\n{}", table.as_text());
    if words.is_empty() {
        table.write(Path::new("docs/performance.md"), MARKS, &machine)?;
    }
    Ok(())
}

/// Lets both sides take turns, and compares medians.
fn contest<'a>(
    table: &mut Table,
    what: &str,
    sides: &'a Sides,
    rounds: usize,
    load: &dyn Fn(&'a sides::Side) -> Load<'a>,
) -> Result<()> {
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        floor.push(load(&sides.floor).run()?);
        ours.push(load(&sides.ours).run()?);
    }
    let [rate, floor_rate] = [&ours, &floor].map(|runs| median(&of(runs, |run| run.per_second)));
    let [slow, floor_slow] = [&ours, &floor].map(|runs| median(&of(runs, |run| run.p99)));
    let ratio = rate / floor_rate;
    table.push(
        Row::new(what, format!("{ratio:.2} times the floor's requests"))
            .goal(&format!("at least {GOAL}"), ratio >= GOAL)
            .details(format!("{rate:.0} of {floor_rate:.0} a second; p99 {slow:.1} of {floor_slow:.1} ms")),
    );
    Ok(())
}

fn of(runs: &[Run], figure: impl Fn(&Run) -> f64) -> Vec<f64> {
    runs.iter().map(figure).collect()
}
