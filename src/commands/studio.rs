//! Fetching, analysing and painting for the verbs that need no database.
//!
//! TO CONNECT AT MERGE: every function that calls `not_connected` gets its call of the part that it is named after.

use crate::config::Loaded;
use crate::model::analysis::FullAnalysis;
use crate::model::attributes::CatAttributes;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::picture::Canvas;
use crate::model::seed::Seed;

/// What was examined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Canonical URL.
    pub url: String,
    /// Owner; `local` for a local repository.
    pub owner: String,
    /// Name.
    pub name: String,
    /// The commit, hexadecimal.
    pub commit_oid: String,
}

/// A repository and its analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Examined {
    /// Which one, at which commit.
    pub subject: Subject,
    /// The analysis.
    pub analysis: FullAnalysis,
}

/// `owner/name at 1a2b3c4d5e6f`.
#[must_use]
pub fn title(subject: &Subject) -> String {
    let commit = subject.commit_oid.get(..12).unwrap_or(&subject.commit_oid);
    format!("{}/{} at {commit}", subject.owner, subject.name)
}

/// Fetches (or opens) and analyses. The folder of a local path counts as an allowed root: a person typed it.
pub fn examine(repository: &str, reference: Option<&str>, _: &Loaded) -> Result<Examined> {
    not_connected(&format!("analyse {repository} at {reference:?}"))
}

/// The cat of a repository.
pub fn cat_of(repository: &str, reference: Option<&str>, loaded: &Loaded) -> Result<(CatAttributes, Seed)> {
    let examined = examine(repository, reference, loaded)?;
    let seed = Seed::of(&examined.subject.url, &examined.subject.commit_oid);
    not_connected(&format!("describe the cat of {} by {seed:?}", examined.subject.url))
}

/// Attributes as a person wrote them; what is left out gets a default.
pub fn attributes(json: &str) -> Result<CatAttributes> {
    not_connected(&format!("read {json}"))
}

/// A picture, with a caption where there is a line for it.
pub fn paint(
    cat: &CatAttributes,
    seed: &Seed,
    canvas: Canvas,
    top: Option<&str>,
    bottom: Option<&str>,
) -> Result<Vec<u8>> {
    not_connected(&format!("paint {cat:?} {seed:?} {canvas:?} {top:?} {bottom:?}"))
}

/// Every variant on one sheet.
pub fn contact_sheet() -> Result<Vec<u8>> {
    not_connected("paint the contact sheet")
}

fn not_connected<T>(what: &str) -> Result<T> {
    Err(Failure::new(Kind::Internal, format!("not connected yet: {what}")))
}
