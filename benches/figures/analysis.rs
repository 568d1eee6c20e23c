//! `analyze` on a large tree, against lizard on the same files.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;

use crate::machine::said;
use crate::processes::{Run, timed};
use crate::table::{Row, Table, median};
use crate::{PROGRAM, Result};

/// Times that each program runs, in turn.
const RUNS: usize = 3;
/// The languages in which both look for functions.
const LANGUAGES: [&str; 6] = ["Rust", "Python", "JavaScript", "TypeScript", "Go", "Java"];
/// Larger files are counted, not parsed (`analysis.max_file_kb`).
const MAX_BYTES: u64 = 512 * 1024;

/// Compares time and memory.
pub fn measure(table: &mut Table, folder: &Path) -> Result<()> {
    let tree = folder.join("packages");
    let (report, list) = (folder.join("analysis.json"), folder.join("files.txt"));
    let tree_name = tree.to_str().ok_or("the folder's name is not UTF-8")?;
    let ours = || timed(Path::new(PROGRAM), &["analyze", tree_name, "--json"], &report);

    // The first run shows which files are parsed, and warms the page cache for all.
    ours()?;
    let analysis: Value = serde_json::from_reader(io::BufReader::new(fs::File::open(&report)?))?;
    let (files, sloc) = parsed(&analysis, &tree);
    fs::write(&list, files.iter().filter_map(|file| file.to_str()).collect::<Vec<_>>().join("\n"))?;
    let (lizard, found) = (folder.join("venv/bin/lizard"), folder.join("lizard.csv"));
    let list = list.to_str().ok_or("the folder's name is not UTF-8")?;
    let lizard_version = said(lizard.to_str().unwrap_or_default(), &["--version"])?;

    let (mut our_runs, mut one, mut two) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        our_runs.push(ours()?);
        one.push(timed(&lizard, &["--csv", "-f", list], &found)?);
        two.push(timed(&lizard, &["--csv", "-t", "2", "-f", list], &found)?);
    }
    let [ours, one, two] = [&our_runs, &one, &two].map(|runs| median(&seconds(runs)));
    let peak = our_runs
        .iter()
        .fold((0_f64, 0_f64), |most, run| (most.0.max(run.peak.proportional), most.1.max(run.peak.resident)));
    let commit = said("git", &["-C", tree_name, "rev-parse", "--short", "HEAD"])?;
    table.push(
        Row::new("analyze a large repository", format!("{ours:.1} s"))
            .goal("1 million lines", sloc >= 1_000_000)
            .details(format!(
                "{} parsed files with {sloc} code lines of {} entries (the packages of scripts/bench, commit {commit}); \
                 {:.0} lines/s; median of {RUNS}",
                files.len(),
                analysis["entries"],
                sloc as f64 / ours
            )),
    );
    let ratio = one / ours;
    table.push(
        Row::new("lizard on the same files", format!("{ratio:.1} times our time")).goal("10", ratio >= 10.0).details(
            format!(
                "lizard {lizard_version}: {one:.0} s; with -t 2 {two:.0} s, {:.1} times; median of {RUNS}, in turn",
                two / ours
            ),
        ),
    );
    let details =
        format!("all processes together, shared pages counted once; {:.0} MB as the sum of resident sizes", peak.1);
    table.push(
        Row::new("analyze, peak memory", format!("{:.0} MB", peak.0)).goal("300 MB", peak.0 < 300.0).details(details),
    );
    Ok(())
}

fn seconds(runs: &[Run]) -> Vec<f64> {
    runs.iter().map(|run| run.seconds).collect()
}

/// The files in which both look for functions, and their lines of code by our count.
fn parsed(analysis: &Value, tree: &Path) -> (Vec<PathBuf>, u64) {
    let mut sloc = 0;
    let mut paths = Vec::new();
    for file in analysis["files"].as_array().into_iter().flatten() {
        let shared = file["language"].as_str().is_some_and(|language| LANGUAGES.contains(&language));
        if shared && file["left_out"].is_null() && file["bytes"].as_u64().is_some_and(|bytes| bytes <= MAX_BYTES) {
            sloc += file["sloc"].as_u64().unwrap_or_default();
            paths.extend(file["path"].as_str().map(|path| tree.join(path)));
        }
    }
    (paths, sloc)
}
