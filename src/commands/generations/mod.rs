//! `generations`: look at the cats that were made.

mod csv;
mod export;
mod files;
mod import;
mod lines;

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::cli::{GenerationFilter, GenerationListing, Generations};
use crate::commands::Output;
use crate::commands::report::Failures;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::view::card::{self, Extras};
use crate::commands::view::lists;
use crate::config::Loaded;
use crate::db::generations;
use crate::generation::removal;
use crate::generation::submit::owner_and_name;
use crate::model::containment;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::generation::Generation;
use crate::model::when::When;
use crate::providers::pictures::KEYS;

/// Runs `generations ...`.
pub fn run(command: &Generations, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let session = Session::open(loaded, Schema::Current).await?;
        match command {
            Generations::List(listing) => list(&session, listing, output).await,
            Generations::Show { id } => show(&session, *id, output).await,
            Generations::Open { id, original, output: file } => {
                open(&session, *id, *original, file.as_ref(), output).await
            }
            Generations::Delete { ids } => delete(&session, ids, output).await,
            Generations::Export(args) => export::run(&session, args, loaded, output).await,
            Generations::Import(args) => import::run(&session, args, loaded, output).await,
        }
    })
}

async fn list(session: &Session, listing: &GenerationListing, output: &Output) -> Result<()> {
    let (page, wanted) = (&listing.page, wanted(&listing.filter, session)?);
    let is_part = !wanted.is_empty() || page.after.is_some();
    let wanted = generations::GenerationFilter { before: page.after, limit: i64::from(page.limit), ..wanted };
    let cats = generations::list(&session.db, &wanted).await?;
    output.data(&cats, |look| match cats.as_slice() {
        [] if is_part => "No such cats.\n".to_owned(),
        cats => lists::generations(cats, Utc::now(), look),
    })
}

/// What the command line means. Times without a date lie before now.
fn wanted(filter: &GenerationFilter, session: &Session) -> Result<generations::GenerationFilter> {
    let repository =
        filter.repository.as_deref().map(|text| owner_and_name(text, &session.config.fetch)).transpose()?;
    let (owner, name) = repository.unzip();
    let now = Utc::now();
    let before = |when: When| -> DateTime<Utc> {
        match when {
            When::At(time) => time,
            When::In(age) => now - age,
        }
    };
    Ok(generations::GenerationFilter {
        owner: owner.or_else(|| filter.owner.clone()),
        name: name.or_else(|| filter.name.clone()),
        url: filter.url.clone(),
        language: filter.language.clone(),
        min_score: filter.min_score,
        max_score: filter.max_score,
        attributes: containment::all(&filter.attributes)?,
        analysis: containment::all(&filter.analysis)?,
        since: filter.since.map(before),
        until: filter.until.map(before),
        ..Default::default()
    })
}

/// One cat, with the files of its pictures.
pub(super) fn extras(cat: &Generation, session: &Session, next: Vec<(String, String)>) -> Result<Extras> {
    let pictures = session.pictures()?;
    // What the founding application left there is a path of its own.
    let file =
        |key: &Option<String>| key.as_ref().filter(|key| key.starts_with(KEYS)).map(|key| pictures.local_path(key));
    Ok(Extras { picture: file(&cat.image_path), original: file(&cat.original_image_path), next })
}

async fn get(session: &Session, id: Uuid) -> Result<Generation> {
    generations::get(&session.db, id).await?.ok_or_else(|| generations::unknown(id))
}

async fn show(session: &Session, id: Uuid, output: &Output) -> Result<()> {
    let cat = get(session, id).await?;
    let extras = extras(&cat, session, Vec::new())?;
    output.data(&cat, |look| card::render(&cat, &extras, look))
}

async fn open(session: &Session, id: Uuid, original: bool, file: Option<&PathBuf>, output: &Output) -> Result<()> {
    let cat = get(session, id).await?;
    let key = if original { cat.original_image_path } else { cat.image_path };
    let missing = || {
        Failure::new(Kind::NotFound, format!("the picture of generation {id} is not in the store"))
            .hint("is images.store the folder that the worker uses?")
    };
    let key = key.filter(|key| key.starts_with(KEYS)).ok_or_else(missing)?;
    let pictures = session.pictures()?;
    let png = pictures.get(&key).await?.ok_or_else(missing)?;
    let path = match file {
        None => pictures.local_path(&key),
        Some(file) => {
            fs::write(file, png).map_err(|error| {
                Failure::new(Kind::Environment, format!("{} cannot be written", file.display())).source(error)
            })?;
            file.clone()
        }
    };
    output.data(&json!({"id": id, "file": path}), |_| format!("{}\n", path.display()))
}

/// Deletes rows, then the pictures that nothing else names and that no worker may be about to name. An unknown id does
/// not keep the others.
async fn delete(session: &Session, ids: &[Uuid], output: &Output) -> Result<()> {
    let (mut deleted, mut keys, mut failed) = (Vec::new(), Vec::new(), Failures::default());
    for id in ids {
        match generations::delete(&session.db, *id).await {
            Ok(pictures) => {
                deleted.push(*id);
                keys.extend(pictures);
            }
            Err(failure) => failed.add(failure, output),
        }
    }
    removal::sweep(&session.db, &session.pictures()?, &session.config.worker, &keys).await?;
    output.data(&deleted, |_| deleted.iter().map(|id| format!("{id}  deleted\n")).collect())?;
    failed.last()
}
