//! Processes under measurement.

use std::collections::BTreeMap;
use std::fs::{File, read_to_string};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

/// How often memory is looked at.
const SAMPLE: Duration = Duration::from_millis(100);

/// Memory in MB of 1,000,000 bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Resident, pages that processes share counted for each.
    pub resident: f64,
    /// Resident, pages that processes share divided among them.
    pub proportional: f64,
}

/// What one run took.
pub struct Run {
    /// By the clock.
    pub seconds: f64,
    /// The most memory that the process and its descendants had together.
    pub peak: Memory,
}

/// Runs a program to its end.
pub fn timed(program: &Path, args: &[&str], output: &Path) -> Result<Run> {
    let start = Instant::now();
    let mut process = Command::new(program).args(args).stdout(File::create(output)?).stderr(Stdio::null()).spawn()?;
    let (root, over) = (process.id(), AtomicBool::new(false));
    let (status, seconds, peak) = thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut peak = Memory::default();
            while !over.load(Ordering::Relaxed) {
                let now = family(root).into_iter().map(memory).fold(Memory::default(), |sum, one| Memory {
                    resident: sum.resident + one.resident,
                    proportional: sum.proportional + one.proportional,
                });
                peak.resident = peak.resident.max(now.resident);
                peak.proportional = peak.proportional.max(now.proportional);
                thread::sleep(SAMPLE);
            }
            peak
        });
        let status = process.wait();
        let seconds = start.elapsed().as_secs_f64();
        over.store(true, Ordering::Relaxed);
        (status, seconds, watcher.join().unwrap_or_default())
    });
    let status = status?;
    if status.success() {
        Ok(Run { seconds, peak })
    } else {
        Err(format!("{} ended with {status}", program.display()).into())
    }
}

/// Memory of one process; nothing where it is gone.
pub fn memory(process: u32) -> Memory {
    let text = read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let read = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().trim_end_matches(" kB").parse::<f64>().ok()
    };
    let megabytes = |key: &str| read(key).unwrap_or_default() * 1024.0 / 1e6;
    Memory { resident: megabytes("Rss:"), proportional: megabytes("Pss:") }
}

/// A process and its descendants.
fn family(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let stat = read_to_string(process.path().join("stat")).unwrap_or_default();
        // The name, in parentheses, may hold anything; the state and the parent follow it.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_ascii_whitespace().nth(1)?.parse().ok());
        children.entry(parent.unwrap_or_default()).or_default().push(id);
    }
    let mut found = vec![root];
    let mut at = 0;
    while let Some(parent) = found.get(at) {
        found.extend(children.remove(parent).unwrap_or_default());
        at += 1;
    }
    found
}
