//! Measures the figures of `docs/performance.md` and writes them there. `scripts/bench` prepares what they are
//! measured on and runs this.

mod analysis;
mod job;
mod machine;
mod picture;
mod processes;
mod table;

use std::error::Error;
use std::path::{Path, PathBuf};

use table::{Row, Table};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The program that is measured: built as `cargo build --release` does.
const PROGRAM: &str = env!("CARGO_BIN_EXE_repo-to-cat");
/// Between these lines the document is ours.
const MARKS: [&str; 2] = ["<!-- figures: written by scripts/bench -->\n", "<!-- end of figures -->\n"];
const FIGURES: [&str; 5] = ["job", "picture", "analysis", "idle", "size"];

fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let Some(unknown) = wanted.iter().find(|word| !FIGURES.contains(&word.as_str())) {
        return Err(format!("no figure is called {unknown}: {}", FIGURES.join(", ")).into());
    }
    let folder = PathBuf::from(std::env::var_os("BENCH_FOLDER").ok_or("run scripts/bench, which sets BENCH_FOLDER")?);
    let wants = |figure: &str| wanted.is_empty() || wanted.iter().any(|word| word == figure);

    let mut table = Table::default();
    if wants("picture") {
        picture::measure(&mut table)?;
    }
    if wants("job") || wants("idle") {
        job::measure(&mut table, &folder, wants("job"), wants("idle"))?;
    }
    if wants("analysis") {
        analysis::measure(&mut table, &folder)?;
    }
    if wants("size") {
        size(&mut table, &folder)?;
    }
    println!("{}\n{}", machine::describe()?, table.as_text());
    if wanted.is_empty() {
        table.write(Path::new("docs/performance.md"), MARKS, &machine::describe()?)?;
    }
    Ok(())
}

fn size(table: &mut Table, folder: &Path) -> Result<()> {
    let bytes = std::fs::metadata(PROGRAM)?.len();
    table.push(Row::new("release binary", format!("{:.1} MB", bytes as f64 / 1e6)));
    let build = match std::fs::read_to_string(folder.join("clean-build")) {
        Ok(measured) => measured.trim().to_owned(),
        Err(_) => "not measured: make bench CLEAN_BUILD=1".to_owned(),
    };
    table.push(Row::new("release build from nothing", build));
    Ok(())
}
