//! The analysis: a tree in, measurements and a score out.
//!
//! [`filter`] and [`signals`] look at paths; what is left is read and sent to parser processes ([`pool`], [`child`],
//! [`wire`]), where [`examine`] finds out each file's [`language`], counts its lines, and, with a [`grammar`], measures
//! its [`functions`] ([`signature`], [`lines`]) and samples its tokens for [`duplication`]. [`assemble`] puts the
//! [`facts`] together: shares, [`distributions`], the [`terms`] of the score and the [`words`] about it.
//!
//! What makes the result the same each time: every measurement is of one file alone, each file has deterministic caps
//! (bytes, brackets, parser steps) far below the watchdog's time, and sums do not depend on order.

mod assemble;
pub mod child;
mod distributions;
mod duplication;
mod examine;
mod facts;
mod filter;
mod functions;
mod grammar;
mod language;
mod lines;
mod pool;
mod signals;
mod signature;
mod terms;
mod wire;
mod words;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod metamorphic;

use std::path::Path;

use crate::config;
use crate::model::analysis::{FullAnalysis, LeftOutReason};
use crate::model::failure::Result;
use crate::model::progress::Report;
use crate::model::tree::Tree;

use facts::FileFacts;

/// Files up to so many times the size that is parsed are read and counted.
const READ_FACTOR: u64 = 8;

/// Analyses a tree. Blocks for as long as that takes. `child` is the binary to run as `__parse`.
///
/// # Errors
/// `Cancelled` when `report` says so, `TooLarge` after `max_seconds`, `Environment` where no parser process can be
/// started, and what reading the tree fails with. What is wrong with a file is a note, never an error.
pub fn analyse(
    tree: &dyn Tree,
    settings: &config::Analysis,
    child: &Path,
    report: &dyn Report,
) -> Result<FullAnalysis> {
    let read_limit = settings.max_file_kb * 1024 * READ_FACTOR;
    let entries = tree.entries();
    let (mut facts, mut files, mut parsable) = (Vec::with_capacity(entries.len()), Vec::new(), 0);
    for (index, entry) in entries.iter().enumerate() {
        let language = language::by_path(&entry.path);
        let left_out = filter::by_entry(entry, read_limit);
        if left_out.is_none() {
            files.push(index);
            parsable += if language.and_then(language::grammar).is_some() { entry.size } else { 0 };
        }
        let mut unread = FileFacts { left_out, ..FileFacts::default() };
        if left_out == Some(LeftOutReason::TooLarge) {
            unread.language = language.map(|language| language::name(language).to_owned());
            unread.notes.push(format!("{} KB, over {} KB: left out", entry.size / 1024, read_limit / 1024));
        }
        facts.push(unread);
    }
    let findings = pool::examine(tree, &files, settings, duplication::sample_shift(parsable), child, report)?;
    for (index, found) in files.into_iter().zip(findings.facts) {
        facts[index] = found;
    }
    Ok(assemble::assemble(entries, facts, findings.windows))
}

/// To so many decimals.
fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
