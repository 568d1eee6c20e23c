//! Measures each page of the dashboard and each list of the API over ten million jobs and a million generations, and writes
//! the figures to `docs/performance.md`: `make bench-pages`. With the word `small` there are 20,000 jobs, and nothing is
//! written.

mod bed;
#[path = "../figures/machine.rs"]
mod machine;
mod places;
#[path = "../figures/server.rs"]
mod server;
#[path = "../figures/table.rs"]
#[allow(dead_code)]
mod table;

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Instant;

use bed::Bed;
use table::{Row, Table, quantiles};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The program that is measured: built as `cargo build --release` does.
const PROGRAM: &str = env!("CARGO_BIN_EXE_repo-to-cat");
/// Between these lines the document is ours.
const MARKS: [&str; 2] = ["<!-- pages: written by make bench-pages -->\n", "<!-- end of pages -->\n"];
/// Milliseconds that a page may take.
const GOAL: f64 = 100.0;

/// How much is measured.
#[derive(Clone, Copy)]
struct Extent {
    jobs: u32,
    /// Of each page.
    requests: usize,
}

const FULL: Extent = Extent { jobs: 10_000_000, requests: 20 };
const SMALL: Extent = Extent { jobs: 20_000, requests: 3 };

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let extent = match words[..] {
        [] => FULL,
        ["small"] => SMALL,
        _ => return Err("usage: cargo bench --bench pages [-- small]".into()),
    };
    let bed = Bed::make(extent.jobs)?;
    let mut table = Table::default();
    for place in places::all(&bed)? {
        let mut times = Vec::with_capacity(extent.requests);
        let mut bytes = 0;
        for _ in 0..extent.requests {
            let began = Instant::now();
            bytes = get(&bed.address, &place.path)?;
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        let (median, slow) = quantiles(&times);
        table.push(
            Row::new(place.what, format!("{median:.1} ms"))
                .goal(&format!("below {GOAL} ms"), median < GOAL)
                .details(format!("19 of 20 within {slow:.1} ms; {} KB", bytes.div_ceil(1000))),
        );
    }
    let machine = machine::describe()?;
    println!("{machine}\n{}", table.as_text());
    if words.is_empty() {
        table.write(Path::new("docs/performance.md"), MARKS, &machine)?;
    }
    Ok(())
}

/// Asks for something, and tells how many bytes came. Fails on whatever is no page.
fn get(address: &str, path: &str) -> Result<usize> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        return Err(format!("{path}: {}", String::from_utf8_lossy(&answer)).into());
    }
    Ok(answer.len())
}
