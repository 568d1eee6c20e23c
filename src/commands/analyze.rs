//! `analyze`: the analysis of a repository, without a database.

use super::studio::{Examined, examine};
use super::view::analysis::render;
use super::{Output, studio};
use crate::cli::Analyze;
use crate::config::Loaded;
use crate::model::failure::Result;

/// Prints the analysis; as JSON with every file.
pub fn run(wish: &Analyze, loaded: &Loaded, output: &Output) -> Result<()> {
    let Examined { subject, analysis } = examine(&wish.repository, wish.reference.as_deref(), loaded)?;
    output.data(&analysis, |look| render(&analysis.analysis, &studio::title(&subject), look))
}
