//! Runs that are compared with each other: they take turns, so that a busy minute is everybody's.

use std::fs;
use std::path::Path;

use crate::Result;
use crate::bed::{Bed, Run};
use crate::table::median;

/// Somebody who takes part.
pub struct Entrant {
    /// What it is called in the table.
    pub name: &'static str,
    /// A line of bash that is run before, and not timed.
    pub before: &'static str,
    /// What is timed.
    pub how: How,
}

/// What is run.
pub enum How {
    /// A line of bash.
    Shell(&'static str),
    /// Our program.
    Ours(Vec<String>),
}

/// What an entrant took.
pub struct Taken {
    /// What it is called.
    pub name: &'static str,
    /// In each round.
    pub seconds: Vec<f64>,
    /// What it wrote, in bytes.
    pub bytes: u64,
    /// The most memory of its first process in any round, in MB.
    pub peak: f64,
    /// What it said last.
    pub said: String,
}

impl Entrant {
    /// A line of bash.
    pub fn shell(name: &'static str, line: &'static str) -> Self {
        Self { name, before: ":", how: How::Shell(line) }
    }

    /// Our program.
    pub fn ours(name: &'static str, args: &[&str]) -> Self {
        Self { name, before: ":", how: How::Ours(args.iter().map(|word| (*word).to_owned()).collect()) }
    }

    /// After a line of bash that is not timed.
    pub fn after(self, before: &'static str) -> Self {
        Self { before, ..self }
    }

    fn run(&self, bed: &Bed, database: &str) -> Result<Run> {
        match &self.how {
            How::Shell(line) => bed.shell(database, line),
            How::Ours(args) => bed.ours(database, &args.iter().map(String::as_str).collect::<Vec<_>>()),
        }
    }
}

impl Taken {
    /// The median of its seconds.
    pub fn middle(&self) -> f64 {
        median(&self.seconds)
    }

    /// `4.7 s (4.5 to 5.1)`.
    pub fn shown(&self) -> String {
        let least = self.seconds.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.seconds.iter().copied().fold(0.0, f64::max);
        format!("{:.1} s ({least:.1} to {most:.1})", self.middle())
    }
}

/// Has everybody take a turn in each round. What a turn wrote is measured, and removed unless `keeps` is set: then the
/// caller removes it.
pub fn contest(bed: &Bed, database: &str, rounds: usize, entrants: &[Entrant], keeps: bool) -> Result<Vec<Taken>> {
    let mut taken: Vec<Taken> = entrants
        .iter()
        .map(|entrant| Taken { name: entrant.name, seconds: Vec::new(), bytes: 0, peak: 0.0, said: String::new() })
        .collect();
    for round in 1..=rounds {
        for (entrant, taken) in entrants.iter().zip(&mut taken) {
            bed.shell(database, entrant.before)?;
            bed.shell(database, r#"psql -Xq "$URL" -c CHECKPOINT"#)?;
            let run = entrant.run(bed, database)?;
            eprintln!("{database}, round {round} of {rounds}: {:.2} s {}", run.seconds, entrant.name);
            taken.seconds.push(run.seconds);
            taken.peak = taken.peak.max(run.peak);
            taken.said = run.said;
            if !keeps {
                taken.bytes = bed.written().iter().map(|folder| size(folder)).sum::<Result<_>>()?;
                clear(bed)?;
            }
        }
    }
    Ok(taken)
}

/// Removes whatever was written.
pub fn clear(bed: &Bed) -> Result<()> {
    for folder in bed.written() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() && !path.is_symlink() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
    }
    Ok(())
}

/// Size of all files in a folder.
fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let about = fs::symlink_metadata(&path)?;
        bytes += if about.is_dir() { size(&path)? } else { about.len() };
    }
    Ok(bytes)
}
