//! Finds the commit that a name stands for in an opened repository.

use gix::bstr::ByteSlice;
use gix::{ObjectId, Repository};

use crate::model::failure::{Failure, Kind, Result};
use crate::model::repository::is_commit_id;

/// Most branch names that a message lists.
const SHOWN: usize = 8;

/// The commit of `wanted` (a branch before a tag before a commit id; none: `HEAD`) and the full name that led to it.
pub(super) fn resolve(repository: &Repository, wanted: Option<&str>) -> Result<(ObjectId, Option<String>)> {
    let Some(wanted) = wanted else { return head(repository) };
    for name in full_names(wanted) {
        let found = repository
            .try_find_reference(name.as_str())
            .map_err(|e| Failure::new(Kind::Unusable, format!("the reference {name} is damaged")).source(e))?;
        if let Some(mut found) = found {
            let id = found
                .peel_to_id()
                .map_err(|e| Failure::new(Kind::Unusable, format!("the reference {name} is damaged")).source(e))?
                .detach();
            return Ok((commit(repository, id, wanted)?, Some(name)));
        }
    }
    if is_commit_id(wanted)
        && let Ok(id) = ObjectId::from_hex(wanted.to_ascii_lowercase().as_bytes())
        && repository.has_object(id)
    {
        return Ok((commit(repository, id, wanted)?, None));
    }
    Err(unknown(wanted, &branches(repository)))
}

fn head(repository: &Repository) -> Result<(ObjectId, Option<String>)> {
    let damaged = || Failure::new(Kind::Unusable, "its HEAD is damaged");
    let head = repository.head().map_err(|e| damaged().source(e))?;
    let name = head.referent_name().map(|name| name.as_bstr().to_string());
    if head.is_unborn() {
        return Err(unborn(name.as_deref(), &branches(repository)));
    }
    let id = head.into_peeled_id().map_err(|e| damaged().source(e))?.detach();
    Ok((commit(repository, id, "HEAD")?, name))
}

/// The full names that a short one may stand for, in the order in which they are tried.
pub(super) fn full_names(wanted: &str) -> Vec<String> {
    if wanted.starts_with("refs/heads/") || wanted.starts_with("refs/tags/") {
        return vec![wanted.to_owned()];
    }
    vec![format!("refs/heads/{wanted}"), format!("refs/tags/{wanted}")]
}

/// Checks that `id` is a commit, following tags.
pub(super) fn commit(repository: &Repository, id: ObjectId, wanted: &str) -> Result<ObjectId> {
    let found = repository.find_object(id).and_then(|object| object.peel_to_kind(gix::objs::Kind::Commit));
    found.map(|commit| commit.id).map_err(|e| {
        Failure::new(Kind::Unusable, format!("{wanted} does not lead to a commit that can be read")).source(e)
    })
}

/// Short names of the branches, sorted.
fn branches(repository: &Repository) -> Vec<String> {
    let Ok(references) = repository.references() else { return Vec::new() };
    let Ok(branches) = references.local_branches() else { return Vec::new() };
    let mut names: Vec<String> =
        branches.take(1000).flatten().map(|branch| branch.name().shorten().to_str_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

/// The default branch has no commit.
pub(super) fn unborn(head: Option<&str>, branches: &[String]) -> Failure {
    if branches.is_empty() {
        return Failure::new(Kind::Unusable, "the repository is empty: it has no commit").hint("push a commit first");
    }
    let head = head.map_or_else(String::new, |head| format!(" (HEAD names {head}, which has no commit)"));
    Failure::new(Kind::Unusable, format!("the repository has no default branch{head}"))
        .hint(format!("name a branch; there are: {}", shown(branches)))
}

/// No branch, tag or commit of that name.
pub(super) fn unknown(wanted: &str, branches: &[String]) -> Failure {
    if branches.is_empty() {
        return unborn(None, branches);
    }
    Failure::new(Kind::NotFound, format!("the repository has no branch, tag or commit named {wanted}"))
        .hint(format!("branches: {}; folders cannot be named, only whole repositories are looked at", shown(branches)))
}

fn shown(branches: &[String]) -> String {
    let printable = |name: &String| name.chars().take(80).filter(|c| !c.is_control()).collect::<String>();
    let first: Vec<String> = branches.iter().take(SHOWN).map(printable).collect();
    let more = branches.len().saturating_sub(SHOWN);
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}
