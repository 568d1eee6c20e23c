//! `analyze`: the analysis of a repository, without a database.

use super::Output;
use super::studio::examine;
use super::view::analysis::render;
use crate::cli::Analyze;
use crate::config::Loaded;
use crate::model::failure::Result;

/// Prints the analysis; as JSON with every file.
pub fn run(wish: &Analyze, loaded: &Loaded, output: &Output) -> Result<()> {
    let examined = examine(&wish.repository, wish.reference.as_deref(), loaded, output)?;
    output.data(&examined.analysis, |look| render(&examined.analysis.analysis, &examined.title(), look))
}
