//! What the figures were measured on.

use std::fs::read_to_string;
use std::process::Command;

use crate::Result;

/// Date, commit, machine, load and versions, in two lines.
pub fn describe() -> Result<String> {
    let cpu = value("/proc/cpuinfo", "model name")?;
    let memory: f64 = value("/proc/meminfo", "MemTotal")?.trim_end_matches(" kB").parse()?;
    let load = read_to_string("/proc/loadavg")?;
    let cores = std::thread::available_parallelism()?;
    let changed = if said("git", &["status", "--porcelain", "--", "src", "Cargo.lock"])?.is_empty() { "" } else { "+" };
    let commit = said("git", &["rev-parse", "--short", "HEAD"])?;
    let postgres = said(&format!("{}/postgres", said("scripts/setup", &["postgres-folder"])?), &["--version"])?;
    Ok(format!(
        "{}, commit {commit}{changed}, on {cores} cores of {cpu}, {:.0} GB memory, load {} at the end.\n\
         Linux {}, PostgreSQL {}, {}, release build.",
        said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])?,
        memory / 1e6,
        load.split(' ').next().unwrap_or_default(),
        read_to_string("/proc/sys/kernel/osrelease")?.trim(),
        postgres.split(' ').nth(2).unwrap_or_default(),
        said("rustc", &["--version"])?.split(" (").next().unwrap_or_default(),
    ))
}

fn value(file: &str, key: &str) -> Result<String> {
    let text = read_to_string(file)?;
    let line = text.lines().find(|line| line.starts_with(key)).ok_or_else(|| format!("{file} has no {key}"))?;
    Ok(line.split_once(':').map_or("", |(_, value)| value.trim()).to_owned())
}

/// What a program prints.
pub fn said(program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program).args(args).output().map_err(|error| format!("{program}: {error}"))?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
