//! Fetching, analysing and painting for the verbs that need no database.

use super::Output;
use super::session::{program, work_folder};
use super::view::look::Look;
use super::view::progress::Spinner;
use crate::config::Loaded;
use crate::generation::{painter, score, steps};
use crate::model::analysis::FullAnalysis;
use crate::model::attributes::CatAttributes;
use crate::model::failure::Result;
use crate::model::picture::Canvas;
use crate::model::repository::Source;
use crate::model::seed::Seed;
use crate::providers::repository::{Origin, open_or_fetch};

/// A repository at one commit, and its analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Examined {
    /// Where it came from.
    pub origin: Origin,
    /// The analysis.
    pub analysis: FullAnalysis,
}

impl Examined {
    /// `owner/name at 1a2b3c4d5e6f`.
    #[must_use]
    pub fn title(&self) -> String {
        let Origin { owner, name, commit_oid, .. } = &self.origin;
        format!("{owner}/{name} at {}", commit_oid.get(..12).unwrap_or(commit_oid))
    }
}

/// Fetches (or opens) and analyses. A local path counts as an allowed root: a person typed it.
pub fn examine(repository: &str, reference: Option<&str>, loaded: &Loaded, output: &Output) -> Result<Examined> {
    let config = &loaded.config;
    let mut fetch = config.fetch.clone();
    let source = Source::parse(repository, &fetch.allowed_hosts, &fetch.private_hosts)?;
    if let Source::Local(path) = &source {
        fetch.local_roots.push(path.clone());
    }
    let (program, spinner) = (program()?, Spinner::start(&Look::of_stderr(&loaded.environment), output.json));
    spinner.say("Fetching the repository");
    let snapshot = open_or_fetch(&source, reference, &fetch, &work_folder(config), &program, &spinner)?;
    spinner.say("Analysing the code");
    let analysis = score::analyse(&snapshot, &config.analysis, &program, &spinner)?;
    Ok(Examined { origin: snapshot.origin().clone(), analysis })
}

/// The cat of a repository: the same that a generation job would make.
#[must_use]
pub fn cat_of(examined: &Examined) -> (CatAttributes, Seed) {
    let seed = Seed::of_commit(&examined.origin.commit_oid);
    (steps::attributes::describe(&examined.analysis.analysis, &seed), seed)
}

/// A picture, with a caption where there is a line for it.
pub fn paint(cat: &CatAttributes, seed: &Seed, canvas: Canvas, lines: [Option<&str>; 2]) -> Result<Vec<u8>> {
    let png = painter::paint(cat, seed, canvas)?;
    match lines {
        [None, None] => Ok(png),
        [top, bottom] => painter::caption(&png, top.unwrap_or_default(), bottom.unwrap_or_default()),
    }
}
